"""The restic repository of a namespace: made once, opened with the right password, freed from the locks of the dead."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.volumes import initialising, restic
from kubectl_ark.runner import repositories
from tests.harness import Ark, Object, is_clear
from tests.runner.volumes import PASSWORD, around, host, lock_of, pod, repository, restored, save, secret

pytestmark = [pytest.mark.api, pytest.mark.restic, pytest.mark.usefixtures("restic_first")]


@pytest.fixture(autouse=True)
def installed(ark: Ark) -> Iterator[None]:
    """What install leaves."""
    ark.settings()
    ark.location(accessMode="ReadWrite")
    secret(ark)
    yield


def record(ark: Ark, namespace: str) -> Object:
    """The ResticRepository."""
    found = repositories.find(ark.api, ark.namespace, namespace, "default")
    assert found is not None
    ark.adopt(ark.cr("ResticRepository", found["metadata"]["name"]))
    return found


def test_the_first_run_makes_repository_and_record_and_the_next_finds_them(
        ark: Ark, name: str, tmp_path: Path) -> None:
    first = repositories.ready(around(ark, tmp_path), name)
    assert first.password == PASSWORD and PASSWORD not in repr(first)
    assert first.identifier == f"s3:{ark.store.url}/{ark.store.bucket}/{ark.prefix}/restic/{name}"
    found = record(ark, name)
    assert found["spec"]["resticIdentifier"] == first.identifier
    assert (found["spec"]["volumeNamespace"], found["spec"]["backupStorageLocation"]) == (name, "default")
    assert found["status"]["phase"] == "Ready" and "message" not in found["status"]
    assert found["metadata"]["labels"]["ark.heptio.com/volume-namespace"] == name
    assert found["metadata"]["labels"]["ark.heptio.com/storage-location"] == "default"
    assert ark.keys("plugins/") == []
    snapshot = save(ark, name, tmp_path, a=b"1")
    assert repositories.ready(around(ark, tmp_path), name) == first
    assert record(ark, name)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]
    assert restored(ark, name, snapshot, tmp_path) == {"a": b"1"}


def test_a_repository_that_did_not_change_is_not_opened_again(
        ark: Ark, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repositories.ready(around(ark, tmp_path), name)
    monkeypatch.setattr(restic, "BINARY", "/bin/false")
    repositories.ready(around(ark, tmp_path), name)
    secret(ark, PASSWORD + "\n")
    with pytest.raises(errors.StoreError):
        repositories.ready(around(ark, tmp_path), name)
    monkeypatch.undo()
    assert repositories.ready(around(ark, tmp_path), name).password == PASSWORD
    record(ark, name)


def test_many_that_need_it_at_once_get_one_sound_repository(ark: Ark, name: str, tmp_path: Path) -> None:
    places = [tmp_path / str(number) for number in range(4)]
    for place in places:
        place.mkdir()
    with ThreadPoolExecutor(len(places)) as pool:
        found = list(pool.map(lambda place: repositories.ready(around(ark, place), name), places))
    assert len(set(found)) == 1
    assert len(ark.keys(f"restic/{name}/keys/")) == 1 and ark.keys("plugins/") == []
    snapshot = save(ark, name, tmp_path, a=b"1")
    assert restored(ark, name, snapshot, tmp_path) == {"a": b"1"}
    with repository(ark, name, tmp_path) as opened:
        assert opened.run(["check"]).code == restic.DONE
    assert record(ark, name)["status"]["phase"] == "Ready"


def test_what_a_dead_initialisation_left_is_taken_over(ark: Ark, name: str, tmp_path: Path) -> None:
    """As it is with a key there and no config, and the claim of the dead."""
    ark.write(f"plugins/ark/restic/{name}/000001.json", b"{}")
    ark.write(f"restic/{name}/keys/{'ab' * 32}", b"{}")
    with repository(ark, name, tmp_path) as opened:
        began = time.monotonic()
        assert initialising.ensure(opened, checkpoint=lambda: None, stale_seconds=1.5)
        assert time.monotonic() - began > 1.5
        assert opened.opens_with(PASSWORD)
    assert len(ark.keys(f"restic/{name}/keys/")) == 1 and ark.keys("plugins/") == []


def test_a_repository_that_lost_its_config_is_not_made_anew(ark: Ark, name: str, tmp_path: Path) -> None:
    repositories.ready(around(ark, tmp_path), name)
    save(ark, name, tmp_path, a=b"1")
    kept = ark.keys(f"restic/{name}/")
    ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/restic/{name}/config")
    with pytest.raises(errors.StoreUnusable) as raised:
        repositories.ready(around(ark, tmp_path), name)
    assert is_clear(raised.value.sentence, "lost its config", f"restic/{name}/config", "copy of the bucket")
    assert ark.keys(f"restic/{name}/") == [key for key in kept if not key.endswith("config")]
    assert ark.keys("plugins/") == []
    assert record(ark, name)["status"]["message"] == raised.value.sentence


def test_a_wrong_password_makes_it_not_ready_and_says_what_to_do(ark: Ark, name: str, tmp_path: Path) -> None:
    repositories.ready(around(ark, tmp_path), name)
    secret(ark, "another")
    with pytest.raises(errors.StoreUnusable) as raised:
        repositories.ready(around(ark, tmp_path), name)
    assert is_clear(raised.value.sentence, f"Secret {ark.namespace}/ark-repo-credentials", "spec.passwordSecret",
                    f"namespace {name}")
    status = record(ark, name)["status"]
    assert (status["phase"], status["message"]) == ("NotReady", raised.value.sentence)
    secret(ark)
    repositories.ready(around(ark, tmp_path), name)
    status = record(ark, name)["status"]
    assert status["phase"] == "Ready" and "message" not in status


def test_a_missing_password_is_told_with_the_command_that_gives_it(ark: Ark, name: str, tmp_path: Path) -> None:
    ark.remove({"apiVersion": "v1", "kind": "Secret",
                "metadata": {"name": "ark-repo-credentials", "namespace": ark.namespace}})
    for attempt in (repositories.ready, repositories.readable):
        if attempt is repositories.readable:
            with repository(ark, name, tmp_path) as opened:
                initialising.ensure(opened, checkpoint=lambda: None)
        with pytest.raises(errors.StoreUnusable) as raised:
            attempt(around(ark, tmp_path), name)
        assert is_clear(raised.value.sentence, f"Secret {ark.namespace}/ark-repo-credentials does not exist",
                        "kubectl ark install --repo-password-file")
    assert record(ark, name)["status"]["phase"] == "NotReady"


def test_a_record_may_name_another_secret(ark: Ark, name: str, tmp_path: Path) -> None:
    secret(ark, "of its own", name=f"{name}-s", key="k")
    made = ark.make(ark.cr("ResticRepository", f"{name}-mine", volumeNamespace=name, backupStorageLocation="default",
                           passwordSecret={"name": f"{name}-s", "key": "k"}))
    assert repositories.ready(around(ark, tmp_path), name).password == "of its own"
    assert record(ark, name)["metadata"]["uid"] == made["metadata"]["uid"]
    with repository(ark, name, tmp_path, "of its own") as opened:
        assert opened.opens_with("of its own") and not opened.opens_with(PASSWORD)


def test_velero_s_own_password_brings_back_but_saves_nothing(ark: Ark, name: str, tmp_path: Path) -> None:
    with repository(ark, name, tmp_path, "static-passw0rd") as opened:
        initialising.ensure(opened, checkpoint=lambda: None)
    found = repositories.readable(around(ark, tmp_path), name)
    assert found.password == "static-passw0rd" and "everybody knows" in found.note
    assert repositories.find(ark.api, ark.namespace, name, "default") is None, "reading writes nothing"
    with pytest.raises(errors.StoreUnusable) as raised:
        repositories.ready(around(ark, tmp_path), name)
    assert is_clear(raised.value.sentence, "Velero", "everybody knows", "spec.passwordSecret")
    assert "static-passw0rd" not in raised.value.sentence
    assert record(ark, name)["status"]["phase"] == "NotReady"


def test_nothing_is_brought_back_from_a_repository_that_is_not_there_and_none_is_made(
        ark: Ark, name: str, tmp_path: Path) -> None:
    with pytest.raises(errors.StoreUnusable) as raised:
        repositories.readable(around(ark, tmp_path), name)
    assert is_clear(raised.value.sentence, name, "does not exist") and ark.keys(f"restic/{name}/") == []


def test_a_lock_of_a_dead_pod_goes_and_those_of_others_stay(ark: Ark, name: str, tmp_path: Path) -> None:
    repositories.ready(around(ark, tmp_path), name)
    hosts = {each: host(ark) for each in ("gone", "failed", "done", "runs", "waits")}
    hosts |= {"abroad": "ark-00000000-123456789012", "unknown": "somebody-s-laptop"}
    keys = {}
    for each, its in hosts.items():
        if each in ("failed", "done", "runs", "waits"):
            pod(ark, f"{name}-{each}", its, {"failed": "Failed", "done": "Succeeded", "runs": "Running",
                                             "waits": "Pending"}[each])
        with lock_of(ark, name, tmp_path, its) as keys[each]:
            pass
    repositories.ready(around(ark, tmp_path), name)
    left = set(ark.keys(f"restic/{name}/locks/"))
    assert left == {keys[each] for each in ("runs", "waits", "abroad", "unknown")}
    record(ark, name)
