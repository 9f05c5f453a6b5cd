"""restic itself at the endpoint that stands before the bucket: what each right allows, and what goes wrong."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.broker import Broker
from kubectl_ark.engine.volumes.restic import Repository
from kubectl_ark.engine.volumes.tenants import Rights, Tenant
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse
from tests.harness import Ark, eventually
from tests.runner.conftest import Spare

pytestmark = [pytest.mark.api, pytest.mark.restic]

SHOP = "restic/shop/"


@dataclasses.dataclass
class Scene:
    """A broker before a fresh prefix, and who works with it."""

    broker: Broker
    directory: Path

    def admit(self, name: str, rights: Rights, repository: str = SHOP) -> Repository:
        """Let one in; how it gets to its repository."""
        self.broker.admit(Tenant(name, f"token-of-{name}", repository, rights))
        password = self.directory / "password"
        password.write_text("a password")
        return Repository(f"http://127.0.0.1:{self.broker.port}/{repository}", name, f"token-of-{name}", password)

    def run(self, who: Repository, *arguments: str, code: int = 0,
            directory: Path | None = None) -> list[restic.Message]:
        """Run restic; what it told."""
        told: list[restic.Message] = []
        ended = restic.run(who, arguments, scratch=self.directory, directory=directory, heed=told.append)
        assert ended.code == code, f"{arguments}: {ended}"
        return told

    def backup(self, who: Repository, data: Path, *arguments: str, code: int = 0) -> str:
        """Save a directory; the id of the snapshot."""
        told = self.run(who, "backup", ".", "--host", "ark", *arguments, directory=data, code=code)
        return str(next(each["snapshot_id"] for each in told if each.get("message_type") == "summary"))


def bucket_of(ark: Ark) -> Bucket:
    """The default location of an Ark namespace."""
    return Bucket(parse("default", ark.got(ark.cr("BackupStorageLocation", "default"))["spec"],
                        secret=ark.store.credentials_file))


@pytest.fixture
def scene(ark: Ark, name: str, tmp_path: Path) -> Iterator[Scene]:
    """A broker before the shared S3 server, with a repository that is there."""
    ark.prefix = f"{ark.prefix.partition('/')[0]}/{name}"
    ark.location()
    with Broker(bucket_of(ark), host="127.0.0.1") as broker:
        scene = Scene(broker, tmp_path)
        scene.run(scene.admit("maker", Rights.FULL), "init")
        yield scene


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Files of several kinds."""
    root = tmp_path / "data"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "random").write_bytes(os.urandom(3 << 20))
    (root / "a" / "b" / "text").write_text("words\n" * 1000)
    (root / "empty").touch()
    (root / "ünï cödé").write_text("x")
    os.link(root / "a" / "random", root / "a" / "twin")
    return root


def same(one: Path, other: Path) -> bool:
    """Whether two directories hold the same."""
    return subprocess.run(["diff", "-r", str(one), str(other)], check=False).returncode == 0


def test_what_was_saved_with_the_right_to_append_comes_back_with_the_right_to_read(
        scene: Scene, data: Path, tmp_path: Path) -> None:
    saver, reader = scene.admit("saver", Rights.APPEND), scene.admit("reader", Rights.READ)
    first = scene.backup(saver, data)
    (data / "more").write_text("more")
    second = scene.backup(saver, data)
    for snapshot, has_more in ((first, False), (second, True)):
        target = tmp_path / snapshot
        target.mkdir()
        scene.run(reader, "restore", snapshot, "--target", ".", "--no-lock", directory=target)
        assert (target / "more").exists() is has_more
    assert same(data, tmp_path / second)
    assert (tmp_path / second / "a/random").stat().st_nlink == 2


def test_in_the_bucket_lies_what_restic_itself_would_lay_there(scene: Scene, data: Path, ark: Ark) -> None:
    scene.backup(scene.admit("saver", Rights.APPEND), data)
    straight = subprocess.run(
        ["restic", "check", "--read-data"], capture_output=True, text=True, check=False, env={
            **os.environ, "RESTIC_REPOSITORY": f"s3:{ark.store.url}/{ark.store.bucket}/{ark.prefix}/restic/shop",
            "RESTIC_PASSWORD": "a password", "AWS_ACCESS_KEY_ID": ark.store.access_key,
            "AWS_SECRET_ACCESS_KEY": ark.store.secret_key, "HOME": str(data.parent)})
    assert straight.returncode == 0 and "no errors were found" in straight.stdout, straight


def test_who_may_append_can_delete_nothing_and_make_no_key_nor_repository(scene: Scene, data: Path, ark: Ark) -> None:
    saver = scene.admit("saver", Rights.APPEND)
    snapshot = scene.backup(saver, data)
    before = ark.keys("restic/")
    scene.run(saver, "forget", snapshot)  # before 0.19 restic ends with 0 although it could not
    scene.run(saver, "prune")  # which has nothing to do as long as nothing is forgotten
    new = data.parent / "new"
    new.write_text("another password")
    scene.run(saver, "key", "add", "--new-password-file", str(new), code=1)
    scene.run(scene.admit("other", Rights.APPEND, "restic/other/"), "init", code=1)
    left = [key for key in ark.keys("restic/") if "/locks/" not in key]
    assert left == [key for key in before if "/locks/" not in key]


def test_who_may_read_adds_nothing(scene: Scene, data: Path, ark: Ark) -> None:
    before = ark.keys("restic/")
    scene.run(scene.admit("reader", Rights.READ), "backup", ".", directory=data, code=1)
    assert ark.keys("restic/") == before


def test_nobody_gets_at_what_is_not_his(scene: Scene, data: Path, ark: Ark) -> None:
    saver, wrong = scene.admit("saver", Rights.APPEND), scene.admit("stranger", Rights.FULL, "restic/other/")
    scene.backup(saver, data)
    ark.write("backups/b/velero-backup.json", b"{}")
    asked = {
        "/restic/shop/config": 403, "/restic/shop/snapshots/": 403, "/": 403, "/backups/b/velero-backup.json": 403,
        "/restic/other/../shop/config": 403, "/restic/other/config": 404, "/restic/other/%2e%2e/shop/config": 403}
    for path, status in asked.items():
        assert _status(scene, "GET", path, wrong) == status, path
    scene.broker.dismiss("saver")
    assert _status(scene, "GET", "/restic/shop/config", saver) == 401
    assert _status(scene, "GET", "/restic/shop/config", dataclasses.replace(wrong, token="guessed")) == 401


def test_what_is_there_is_not_overwritten_and_what_is_not_what_its_name_says_is_not_stored(
        scene: Scene, ark: Ark) -> None:
    saver = scene.admit("saver", Rights.APPEND)
    name = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"  # of "foo"
    assert _status(scene, "POST", f"/restic/shop/data/{name}", saver, b"bar") == 503
    assert ark.keys("restic/shop/data/") == []
    for _ in range(2):
        assert _status(scene, "POST", f"/restic/shop/data/{name}", saver, b"foo") == 200
    assert ark.read(f"restic/shop/data/2c/{name}") == b"foo"
    assert _status(scene, "DELETE", f"/restic/shop/data/{name}", saver) == 403
    assert _status(scene, "POST", "/restic/shop/config", saver, b"{}") == 403


def test_locks_that_a_killed_restic_left_go_with_its_dismissal(scene: Scene, data: Path, ark: Ark) -> None:
    saver = scene.admit("saver", Rights.APPEND)
    (data / "large").write_bytes(os.urandom(64 << 20))
    child = subprocess.Popen(["restic", "backup", ".", "--limit-upload", "256"], cwd=data,
                             env={**os.environ, **saver.environment(scene.directory)}, stdout=subprocess.DEVNULL)
    eventually(lambda: ark.keys("restic/shop/locks/"), "restic holds its lock")
    child.kill()
    child.wait()
    assert ark.keys("restic/shop/locks/")
    scene.broker.dismiss("saver")
    assert ark.keys("restic/shop/locks/") == []


def test_two_at_once_get_along(scene: Scene, data: Path) -> None:
    found: list[str] = []
    threads = [threading.Thread(target=lambda number=number: found.append(
        scene.backup(scene.admit(f"saver-{number}", Rights.APPEND), data))) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 3
    scene.run(scene.admit("maker", Rights.FULL), "check", "--read-data")


def test_who_may_do_everything_forgets_and_tidies(scene: Scene, data: Path) -> None:
    saver, full = scene.admit("saver", Rights.APPEND), scene.admit("maker", Rights.FULL)
    first = scene.backup(saver, data)
    (data / "a" / "random").write_bytes(os.urandom(3 << 20))
    second = scene.backup(saver, data)
    scene.run(full, "forget", first)
    scene.run(full, "prune", "--max-unused", "0")
    scene.run(full, "check", "--read-data")
    [left] = json.loads(subprocess.run(
        ["restic", "snapshots", "--json"], check=True, capture_output=True, text=True,
        env={**os.environ, **full.environment(scene.directory)}).stdout)
    assert left["id"] == second


def test_a_wrong_password_and_a_missing_repository_are_told_apart(scene: Scene, tmp_path: Path) -> None:
    saver = scene.admit("saver", Rights.APPEND)
    saver.password_file.write_text("wrong")
    ended = restic.run(saver, ["cat", "config"], scratch=tmp_path)
    assert "another password" in restic.failure(ended, "saving x").sentence
    nobody = scene.admit("none", Rights.READ, "restic/none/")
    ended = restic.run(nobody, ["cat", "config", "--no-lock"], scratch=tmp_path)
    assert "there is no restic repository" in restic.failure(ended, "saving x").sentence


def test_a_store_that_is_away_for_some_seconds_costs_time_and_no_backup(
        spare: Spare, spare_ark: Ark, data: Path, tmp_path: Path) -> None:
    with Broker(bucket_of(spare_ark), host="127.0.0.1") as broker:
        scene = Scene(broker, tmp_path)
        scene.run(scene.admit("maker", Rights.FULL), "init")
        saver = scene.admit("saver", Rights.APPEND)
        (data / "large").write_bytes(os.urandom(24 << 20))
        found: list[str] = []
        thread = threading.Thread(target=lambda: found.append(scene.backup(saver, data, "--limit-upload", "4096")))
        thread.start()
        eventually(lambda: spare_ark.keys("restic/shop/data/"), "the upload has begun")
        spare.s3.stop()
        try:
            thread.join(3)
            assert thread.is_alive()
        finally:
            spare.s3.start()
        thread.join(60)
        assert found
        scene.run(scene.admit("maker", Rights.FULL), "check", "--read-data")


def test_a_report_reaches_whom_it_is_for_and_the_answer_comes_back(scene: Scene) -> None:
    told: list[object] = []

    def take(report: dict[str, object]) -> bool:
        told.append(report)
        return report.get("n") != 2

    scene.broker.admit(Tenant("job", "t", SHOP, Rights.APPEND, report=take))
    who = Repository(f"http://127.0.0.1:{scene.broker.port}/{SHOP}", "job", "t", Path("none"))
    assert _status(scene, "POST", "/report", who, b'{"n": 1}') == 204
    assert _status(scene, "POST", "/report", who, b'{"n": 2}') == 410
    for bad in (b"[]", b"not json", b'"x' + b"x" * 70000 + b'"'):
        assert _status(scene, "POST", "/report", who, bad) == 400
    assert told == [{"n": 1}, {"n": 2}]


def _status(scene: Scene, method: str, path: str, who: Repository, body: bytes | None = None) -> int:
    """The status of one plain request."""
    import base64

    header = "Basic " + base64.b64encode(f"{who.user}:{who.token}".encode()).decode()
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", scene.broker.port, timeout=20)) as connection:
        connection.request(method, path, body=body, headers={"Authorization": header})
        return connection.getresponse().status
