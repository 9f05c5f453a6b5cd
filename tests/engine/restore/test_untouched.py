"""What nothing has happened to since its backup is seen to be the same by its bytes alone."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
import pytest

from kubectl_ark.engine.listing import one_ahead
from kubectl_ark.engine.restore.archive import Archive, Group
from kubectl_ark.engine.restore.changes import Changes
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.prepare import Preparation
from tests.engine.restore.stored import Object, backup_of, item_path
from tests.engine.restore.test_restore import Restores, namespace, restore

__all__ = ["namespace", "restore"]


@pytest.mark.api
def test_an_untouched_object_is_not_even_decoded_and_a_changed_one_is_told(
        restore: Restores, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    cluster = restore.cluster
    cluster.run("create", "namespace", namespace)
    cluster.apply(*({"apiVersion": "v1", "kind": "ConfigMap", "data": {"k": "v"}, "metadata": {
        "name": each, "namespace": namespace}} for each in ("a", "b", "changed")))
    listed = restore.api.get(f"/api/v1/namespaces/{namespace}/configmaps")["items"]
    files = {"metadata/version": b"1.1.0\n", **{
        item_path("configmaps", each): orjson.dumps({"apiVersion": "v1", "kind": "ConfigMap", **each})
        for each in listed if each["metadata"]["name"] != "kube-root-ca.crt"}}
    cluster.run("-n", namespace, "patch", "cm", "changed", "-p", '{"data": {"k": "w"}}')
    decoded: list[str] = []

    def load(archive: Archive, group: Group, position: int) -> Object:
        decoded.append(group.names[position])
        return dict(orjson.loads(archive.content(group, position)))

    monkeypatch.setattr(Archive, "load", load)
    done = restore(backup_of(files))
    assert done.listed["v1/ConfigMap"] == [
        f"{namespace}/a(skipped: it exists and is the same)", f"{namespace}/b(skipped: it exists and is the same)",
        f"{namespace}/changed(skipped: it exists and differs in data.k)"]
    assert [each for each in decoded if each != namespace] == ["changed"]
    updated = restore(backup_of(files), name="u", spec={"existingResourcePolicy": "update"})
    assert updated.counts["updated"] == 3, "with update all get the restore's labels"


def test_only_what_changes_items_stands_in_the_way_of_comparing_bytes() -> None:
    assert Preparation(NamespaceMapping({"a": "a"}), changes=Changes([], {}, [])).is_plain
    for other in (Preparation(NamespaceMapping({"a": "b"})), Preparation(changes=Changes(classes={"a": "b"})),
                  Preparation(changes=Changes(images=[("a", "b")]))):
        assert not other.is_plain


def test_the_next_page_is_asked_for_before_this_one_is_done_with_and_errors_come_through() -> None:
    asked: list[int] = []

    def pages() -> Iterator[Object]:
        for number in range(3):
            asked.append(number)
            yield {"number": number}
        raise ValueError("the list broke")

    taken = one_ahead(pages())
    assert next(taken) == {"number": 0}
    assert [each["number"] for each in (next(taken), next(taken))] == [1, 2] and asked == [0, 1, 2]
    with pytest.raises(ValueError, match="the list broke"):
        next(taken)
