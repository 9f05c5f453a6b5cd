"""The tar: what Velero's reader expects of it, and that it is exactly what went in."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.backup.archive import Archive
from kubectl_ark.engine.backup.pipeline import Upload
from kubectl_ark.engine.backup.tar import END, Folder, padding
from kubectl_ark.model.resources import Resource
from kubectl_ark.store.parts import Readable

PODS = Resource("", "v1", "pods", "Pod", True)
ROLES = Resource("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", False)
LONG = "n" * 253


class Store:
    """Keeps what is uploaded, read in pieces of a size that cuts everything in two."""

    def __init__(self, *, fail_after: int | None = None) -> None:
        self.stored = b""
        self._fail_after = fail_after

    def upload(self, key: str, stream: Readable) -> None:
        while piece := stream.read(1000):
            self.stored += piece
            if self._fail_after is not None and len(self.stored) > self._fail_after:
                raise errors.StoreError("the store went away")


def go_on() -> None:
    """A checkpoint of a run that is not to stop."""


def written(directory: Path) -> tuple[Store, Archive, Upload]:
    """A store with a backup of three items."""
    store = Store()
    with Upload(store, "key", checkpoint=go_on) as upload:  # type: ignore[arg-type]
        archive = Archive(upload, directory=directory, mtime=1_700_000_000)
        archive.begin(PODS)
        archive.add("shop", "web", b'{"a":1}')
        archive.add("shop", LONG, b"x" * 5000)
        archive.begin(ROLES)
        archive.add(None, "system:reader", b"{}")
        archive.finish()
    return store, archive, upload


def test_every_item_stands_under_both_paths_with_the_same_bytes(tmp_path: Path) -> None:
    store, _, _ = written(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(store.stored))) as tar:
        contents = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert contents == {
        "metadata/version": b"1.1.0\n",
        "resources/pods/namespaces/shop/web.json": b'{"a":1}',
        "resources/pods/v1-preferredversion/namespaces/shop/web.json": b'{"a":1}',
        f"resources/pods/namespaces/shop/{LONG}.json": b"x" * 5000,
        f"resources/pods/v1-preferredversion/namespaces/shop/{LONG}.json": b"x" * 5000,
        "resources/clusterroles.rbac.authorization.k8s.io/cluster/system:reader.json": b"{}",
        "resources/clusterroles.rbac.authorization.k8s.io/v1-preferredversion/cluster/system:reader.json": b"{}",
    }


def test_each_kind_is_a_gzip_member_that_can_be_read_from_its_offset(tmp_path: Path) -> None:
    store, _, upload = written(tmp_path)
    assert [member["name"] for member in upload.result.members] == ["metadata", "pods", ROLES.group_resource]
    last = gzip.decompress(store.stored[upload.result.members[-1]["offset"]:])
    assert [member.name for member in tarfile.open(fileobj=io.BytesIO(last))][0].endswith("system:reader.json")
    assert upload.result.sha256 == hashlib.sha256(store.stored).hexdigest()
    assert upload.result.size == len(store.stored)


def test_the_manifest_names_every_item_and_key(tmp_path: Path) -> None:
    _, archive, _ = written(tmp_path)
    archive.manifest.key("backups/b/b.tar.gz", "abc", 7)
    header, *items = map(json.loads, gzip.decompress(archive.manifest.document({"backup": "b"})).splitlines())
    assert header == {"format": 1, "backup": "b", "keys": {"backups/b/b.tar.gz": {"sha256": "abc", "size": 7}}}
    assert [(item["path"], item["size"]) for item in items] == [
        ("resources/pods/namespaces/shop/web.json", 7),
        (f"resources/pods/namespaces/shop/{LONG}.json", 5000),
        ("resources/clusterroles.rbac.authorization.k8s.io/cluster/system:reader.json", 2)]
    assert items[1]["sha256"] == hashlib.sha256(b"x" * 5000).hexdigest()


def test_the_resource_list_is_sorted_by_kind_and_name(tmp_path: Path) -> None:
    _, archive, _ = written(tmp_path)
    assert json.loads(gzip.decompress(archive.resource_list.document())) == {
        "rbac.authorization.k8s.io/v1/ClusterRole": ["system:reader"], "v1/Pod": [f"shop/{LONG}", "shop/web"]}


def test_a_store_that_fails_stops_the_writer_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(errors.StoreError, match="the store went away"):
        with Upload(Store(fail_after=10), "key", checkpoint=go_on) as upload:  # type: ignore[arg-type]
            archive = Archive(upload, directory=tmp_path, mtime=0)
            archive.begin(PODS)
            for index in range(100_000):
                archive.add("shop", f"pod-{index}", b"x" * 1000)


def test_a_writer_that_fails_aborts_the_upload_with_its_own_reason(tmp_path: Path) -> None:
    store = Store()
    reads: list[BaseException] = []

    def upload_failing(key: str, stream: Readable) -> None:
        try:
            while stream.read(1000):
                pass
        except errors.Cancelled as reason:
            reads.append(reason)
            raise

    store.upload = upload_failing  # type: ignore[method-assign]
    with pytest.raises(errors.Cancelled):
        with Upload(store, "key", checkpoint=go_on):  # type: ignore[arg-type]
            raise errors.Cancelled("cancelled by a user")
    assert len(reads) == 1, "the S3 client saw the reason and could abort"


@pytest.mark.parametrize("name", ["a.json", "n" * 94, "n" * 95, "n" * 258, "ü" * 60])
@pytest.mark.parametrize("folder", ["", "resources/pods/namespaces/shop/", "r/" * 120])
def test_tarfile_reads_every_header_back(folder: str, name: str) -> None:
    data = Folder(folder, mtime=1).header(name.encode(), 3) + b"abc" + padding(3) + END
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        member = tar.next()
        assert member is not None
        assert (member.name, member.size, member.mode, member.mtime) == (folder + name, 3, 0o755, 1)
        assert tar.next() is None
