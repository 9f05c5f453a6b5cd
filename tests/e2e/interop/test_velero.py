"""Both ways with a running Velero: it restores, shows and deletes our backups, and we restore what it saves."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator

import pytest

from tests.cluster.binaries import VELERO, Binaries
from tests.cluster.layout import cache_directory
from tests.cluster.locking import locked
from tests.cluster.progress import Progress
from tests.e2e.ark import Ark
from tests.e2e.bucket import Bucket
from tests.e2e.comparison import NOT_RESTORED, differences, missing_and_surplus
from tests.e2e.shop import NAMESPACE, VOLUME, Objects, Shop
from tests.environment import Environment
from tests.e2e.interop.velero import LOCATION, Velero

pytestmark = [pytest.mark.node, pytest.mark.heavy, pytest.mark.xdist_group("shop")]

OURS, THEIRS = "of-ark", "of-velero"
"""The two backups of one and the same shop."""

SCHEDULE = "nightly"
"""Velero's Schedule that its backup is made from."""

ARKS_LABELS = ("ark.heptio.com/restore-name", "ark.heptio.com/backup-name")
VELEROS_LABELS = ("velero.io/restore-name", "velero.io/backup-name")


@pytest.fixture(scope="module")
def binaries() -> Binaries:
    """Velero and its plugin, built if they are not in the cache."""
    found = Binaries(cache_directory(os.environ))
    with locked(found.cache):
        if not found.is_built(VELERO):
            with Progress(total=1).step(f"velero {VELERO.version}: building (about {VELERO.first_time})"):
                found.build(VELERO, log=found.cache / "logs" / "build-velero.log")
    return found


@pytest.fixture(scope="module")
def shop(cluster: Environment) -> Iterator[Shop]:
    """The shop, open, without its LimitRange: Velero restores that before the pods, which then get its defaults."""
    shop = Shop(cluster)
    shop.remove()
    shop.open()
    cluster.run("delete", "limitrange", "--all", "-n", NAMESPACE)
    yield shop
    shop.remove()


@pytest.fixture(scope="module")
def velero(ark: Ark, shop: Shop, binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Velero]:
    """Velero on Ark's own prefix. It looks only now and then which kinds there are, so the shop is there first."""
    with Velero(ark.cluster, binaries=binaries, prefix=ark.prefix,
                directory=tmp_path_factory.mktemp("velero")) as velero:
        yield velero


@dataclasses.dataclass(frozen=True)
class Saved:
    """A shop as it was when both saved it."""

    shop: Shop
    objects: Objects
    mark: str

    def assert_is_back(self, *, marks: tuple[str, str], by: str) -> None:
        """It is there again, object by object, with its data; what was restored carries these labels."""
        self.shop.await_ready()
        after = self.shop.objects()
        assert missing_and_surplus(self.objects, after) == (set(NOT_RESTORED), set())
        # The volume is there all the time, with what the other's restore has labelled it.
        found = differences(self.objects, after, marks=(*ARKS_LABELS, *VELEROS_LABELS))
        assert not found, "\n".join(found)
        assert after["Deployment.apps", "web"]["metadata"]["labels"][marks[0]] == by
        assert after["PersistentVolume", VOLUME]["status"]["phase"] == "Bound"
        assert self.mark in self.shop.read()


@pytest.fixture(scope="module")
def saved(ark: Ark, shop: Shop, velero: Velero) -> Saved:
    """A shop, saved by both; it is still there."""
    shop.write("written before both")
    ark("backup", OURS, "--include-namespaces", NAMESPACE, "--wait")
    velero.create("Schedule", SCHEDULE, schedule="0 3 1 1 *", template={
        "includedNamespaces": [NAMESPACE], "storageLocation": LOCATION, "snapshotVolumes": False})
    velero.await_phase("schedule", SCHEDULE, "Enabled")
    velero("backup", "create", THEIRS, "--from-schedule", SCHEDULE)
    velero.await_phase("backup", THEIRS, "Completed")
    return Saved(shop, shop.objects(), "written before both")


def test_velero_syncs_our_backup_and_restores_the_shop_from_it(velero: Velero, saved: Saved) -> None:
    synced = velero.await_phase("backup", OURS, "Completed")
    assert synced["formatVersion"] == "1.1.0" and synced["progress"]["totalItems"] > 20
    saved.shop.remove()  # the volume too: Velero leaves one that was released as it is, and its claim waits for ever
    velero.create("Restore", "back", backupName=OURS)
    status = velero.await_phase("restore", "back", "Completed", "PartiallyFailed", "Failed", "FailedValidation")
    assert status["phase"] == "Completed" and not status.get("errors"), velero("restore", "describe", "back")
    saved.assert_is_back(marks=VELEROS_LABELS, by="back")


def test_velero_shows_our_backup_with_its_log_and_its_list_of_objects(velero: Velero, saved: Saved) -> None:
    velero.await_phase("backup", OURS, "Completed")
    described = velero("backup", "describe", OURS, "--details")
    for words in ("Phase:  Completed", "apps/v1/Deployment:\n    - shop/web"):
        assert words in described
    assert "backup begins" in velero("backup", "logs", OURS)


def test_a_pass_shows_what_this_velero_saved_and_we_restore_the_shop_by_veleros_schedule(
        ark: Ark, saved: Saved) -> None:
    saved.shop.lose()
    assert THEIRS in ark("reconcile", "--wait").out
    synced = ark.get("backup", THEIRS)
    assert synced["status"]["phase"] == "Completed"
    assert synced["metadata"]["labels"]["ark.heptio.com/schedule-name"] == SCHEDULE
    # Velero does not say which cluster its backups are of.
    refused = ark("restore", "not-ours", "--from-schedule", SCHEDULE, "--wait", code=1)
    assert "--any-cluster" in refused.err, refused.all
    ark("restore", "from-them", "--from-schedule", SCHEDULE, "--any-cluster", "--wait")
    assert ark.get("restore", "from-them")["spec"].get("backupName") in (None, THEIRS)
    assert ark.status("restore", "from-them").get("errors", 0) == 0, ark.details("restore", "from-them")
    saved.assert_is_back(marks=ARKS_LABELS, by="from-them")


def test_velero_deletes_our_backup_with_all_that_we_put_beside_it(ark: Ark, velero: Velero, saved: Saved) -> None:
    velero.await_phase("backup", OURS, "Completed")
    bucket = Bucket(ark.cluster, ark.prefix)
    assert f"backups/{OURS}/velero-backup.json" in bucket.keys(f"backups/{OURS}/")
    velero("backup", "delete", OURS, "--confirm")
    velero.await_gone("backup", OURS)
    assert bucket.keys(f"backups/{OURS}/") == []
    assert bucket.keys(f"backups/{THEIRS}/") != []
    ark("reconcile", "--wait")
    assert not ark.exists("backups.ark.heptio.com", OURS), "its data is gone"
    assert ark.exists("backups.ark.heptio.com", THEIRS)
