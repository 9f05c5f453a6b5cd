"""Two clusters on one prefix, and a cluster that is lost with its etcd."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import harness
from tests.cluster.binaries import Binaries
from tests.cluster.controlplane import ControlPlane
from tests.harness import Ark, config_map, is_clear, namespace
from tests.runner.stored import ago, page

pytestmark = pytest.mark.api

SCHEDULED = {"ark.heptio.com/schedule-name": "nightly"}


@pytest.fixture(scope="module")
def plane(binaries: Binaries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Another cluster."""
    with ControlPlane(tmp_path_factory.mktemp("plane"), binaries=binaries) as plane:
        yield plane


def another(plane: ControlPlane, ark: Ark, directory: Path) -> Ark:
    """Ark on the other cluster, with the very same bucket and prefix."""
    other = Ark(kubeconfig=plane.kubeconfig, namespace=ark.namespace, store=ark.store, directory=directory,
                prefix=ark.prefix)
    other.set_up()
    other.settings()
    return other


def saved(ark: Ark, name: str, *, of: str) -> None:
    """A backup of a namespace with one ConfigMap, run to its end, as a schedule's."""
    item = ark.cr("Backup", name, includedNamespaces=[of], ttl="1s")
    item["metadata"]["labels"] = SCHEDULED
    ark.make(item)
    runner = ark.start("backup", name)
    assert runner.wait() == 0, runner.text


def filled(ark: Ark, name: str) -> None:
    """A namespace with one ConfigMap."""
    ark.make(namespace(name))
    ark.make(config_map(name, "c", a=name))


def test_each_cluster_sees_both_ones_backups_but_expires_deletes_and_restores_only_its_own(
        ark: Ark, plane: ControlPlane, name: str, tmp_path: Path) -> None:
    filled(ark, name)
    page(ark, "locations")
    saved(ark, "from-a", of=name)
    other = another(plane, ark, tmp_path)
    page(other, "locations", "sync")
    assert other.got(other.cr("BackupStorageLocation", "default"))["spec"]["accessMode"] == "ReadOnly"
    assert other.status("Backup", "from-a")["phase"] == "Completed"
    other.location(accessMode="ReadWrite")
    for each in (ark, other):
        each.settings()
        page(each, "sync")
        each.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{each.namespace}/backupstoragelocations/default"
                             "/status", {"status": {"firstSyncedTime": ago(hours=30)}})
    filled(other, name)
    saved(other, "from-b", of=name)
    page(ark, "sync")
    assert ark.status("Backup", "from-b")["phase"] == "Completed"
    # Each one's last of the schedule is its own; nobody lets the other's expire.
    for each in (ark, other):
        assert "is to be deleted" not in page(each, "expiry", "deletions")
    # What one deletes goes from the other too.
    saved(other, "from-b-2", of=name)
    assert "backup/from-b is to be deleted" in page(other, "expiry", "deletions")
    page(ark, "sync")
    assert ark.get(ark.cr("Backup", "from-b")) is None and ark.status("Backup", "from-a")["phase"] == "Completed"
    # --from-schedule takes this cluster's own, whichever is newer.
    ark.remove(config_map(name, "c"))
    ark.make(ark.cr("Restore", name, scheduleName="nightly"))
    runner = ark.start("restore", name)
    assert runner.wait() == 0, runner.text
    restored = ark.got(config_map(name, "c"))
    assert restored["metadata"]["labels"]["ark.heptio.com/backup-name"] == "from-a"


def test_restores_of_one_name_on_two_clusters_leave_each_others_log_and_results_alone(
        ark: Ark, plane: ControlPlane, name: str, tmp_path: Path) -> None:
    filled(ark, name)
    saved(ark, f"{name}-b", of=name)
    other = another(plane, ark, tmp_path)
    other.location(accessMode="ReadWrite")
    clusters = (ark, other)
    for each in clusters:
        each.settings()
        each.make(each.cr("Restore", name, backupName=f"{name}-b"))
        runner = each.start("restore", name)
        assert runner.wait() == 0, runner.text
        each.make(each.cr("DownloadRequest", name, target={"kind": "RestoreLog", "name": name}, presign=True))
        page(each, "downloads")
    log = ark.read(f"restores/{name}/restore-{name}-logs.gz")
    assert b"belongs to" not in gzip.decompress(log)
    warning = "log and results of this restore are not kept: "
    assert warning in runner.text and f"restores/{name}/ belongs to another Restore of that name" in runner.text
    assert other.status("Restore", name)["warnings"] == ark.status("Restore", name).get("warnings", 0) + 1
    assert ark.status("DownloadRequest", name)["phase"] == "Processed"
    answer = other.status("DownloadRequest", name)
    assert answer["phase"] == "Failed" and is_clear(answer["message"], "belongs to another Restore", "kept nothing")
    kept = ark.keys(f"restores/{name}/")
    for each in (other, ark):
        each.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{each.namespace}/restores/{name}", {
            "metadata": {"annotations": {"ark.heptio.com/delete-requested": "now me"}}})
        assert ark.keys(f"restores/{name}/") == kept
        assert f"restore/{name} is deleted" in page(each, "deletions")
        assert each.get(each.cr("Restore", name)) is None
    assert ark.keys(f"restores/{name}/") == []


def test_a_restore_takes_over_what_a_former_one_of_its_name_has_left(ark: Ark, name: str) -> None:
    filled(ark, name)
    saved(ark, f"{name}-b", of=name)
    uids = []
    for _ in range(2):
        ark.make(ark.cr("Restore", name, backupName=f"{name}-b"))
        runner = ark.start("restore", name)
        assert runner.wait() == 0 and "not kept" not in runner.text, runner.text
        uids.append(json.loads(ark.read(f"restores/{name}/ark-claim.json"))["uid"])
        assert uids[-1] == ark.got(ark.cr("Restore", name))["metadata"]["uid"]
        ark.remove(ark.cr("Restore", name))
    assert uids[0] != uids[1]


def test_after_etcd_is_lost_a_pass_on_the_new_cluster_is_enough_to_restore(
        ark: Ark, plane: ControlPlane, name: str, tmp_path: Path) -> None:
    former = Ark(kubeconfig=plane.kubeconfig, namespace=f"wiped-{name}", store=ark.store, directory=tmp_path)
    former.set_up()
    filled(former, name)
    page(former, "locations")
    saved(former, "kept", of=name)
    plane.stop()
    shutil.rmtree(plane.directory / "etcd")
    plane.start()
    harness._INSTALLED.discard(str(plane.kubeconfig))
    lost = former.get(namespace(name))
    assert lost is None, "nothing of the former cluster is left"
    new = Ark(kubeconfig=plane.kubeconfig, namespace=former.namespace, store=ark.store, directory=tmp_path,
              prefix=former.prefix)
    new.set_up()
    assert "found in default: backup/kept" in page(new, "locations", "sync", "starts")
    assert new.status("BackupStorageLocation", "default")["message"].startswith("it starts ReadOnly")
    new.restore("back", "kept")
    runner = new.start("restore", "back")
    assert runner.wait() == 0, runner.text
    assert new.got(config_map(name, "c"))["data"] == {"a": name}
    for key in new.keys():
        new.store.client.remove_object(new.store.bucket, f"{new.prefix}/{key}")
