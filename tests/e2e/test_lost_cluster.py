"""A cluster is lost with its etcd, and what was in it comes back in a new one from the bucket alone."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.ark import Answer, eventually
from tests.e2e.bucket import Bucket
from tests.e2e.comparison import NOT_RESTORED, differences, missing_and_surplus
from tests.e2e.second import Second, second_cluster
from tests.e2e.shop import Objects, Shop, text
from tests.e2e.stateful import Stateful, listing, several_files
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("second")]

BACKUP = "before-the-fire"
MARKS = ("ark.heptio.com/restore-name", "ark.heptio.com/backup-name")
WRITE_AGAIN = '"kubectl ark location set default --access-mode ReadWrite"'
COME_AND_GO = {"events", "events.events.k8s.io", "leases.coordination.k8s.io"}
"""Kinds that nobody installs."""


@dataclasses.dataclass(frozen=True)
class Rescue:
    """What there was, what the commands said, in their order, and what there is then.

    identities: uids of kube-system in the lost cluster and in the new one. bare: all that was in the new one at first.
    """

    before: Objects
    identities: tuple[str, str]
    bare: set[str]
    install: Answer
    reconcile: Answer
    backups: Answer
    restore: Answer
    after: Objects
    files: tuple[str, str]
    """Of a volume, in the lost cluster and in the new one."""


@pytest.fixture(scope="module")
def second(cluster: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Second]:
    """The cluster that is going to be lost."""
    with second_cluster(cluster, tmp_path_factory.mktemp("second")) as second:
        yield second


@pytest.fixture(scope="module")
def shelf(second: Second) -> Iterator[Stateful]:
    """A workload with data in a volume; its disk is lost too."""
    root = Path("/var/tmp") / f"ark-shelf-{secrets.token_hex(4)}"
    yield Stateful(second.cluster, "shelf", root)
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def rescue(second: Second, shelf: Stateful) -> Rescue:
    """The shop, backed up, lost with its cluster, and brought back as the README says."""
    shop, ark, cluster = Shop(second.cluster), second.ark, second.cluster
    ark(*ark.install_arguments())
    shop.open()
    before = shop.objects()
    cluster.run("create", "namespace", shelf.namespace)
    several_files(shelf.pod("db", annotations={"backup.ark.heptio.com/backup-volumes": "data"}))
    files = listing(shelf.root / "db-data")
    ark("backup", BACKUP, "--include-namespaces", f"shop,{shelf.namespace}", "--wait")
    lost = identity(cluster)
    second.lose()
    shutil.rmtree(shelf.root)
    identities, bare = (lost, identity(cluster)), everything(cluster)
    shelf.volume("db-data", "db-data")
    install, reconcile = ark(*ark.install_arguments()), ark("reconcile", "--wait")
    backups, restore = ark("get", "backups"), ark("restore", "rescue", "--from-backup", BACKUP, "--wait")
    shop.await_ready()
    return Rescue(before, identities, bare, install, reconcile, backups, restore, shop.objects(),
                  (files, listing(shelf.root / "db-data")))


def identity(cluster: Environment) -> str:
    """What tells clusters apart."""
    return str(cluster.get("namespace", "kube-system")["metadata"]["uid"])


def everything(cluster: Environment) -> set[str]:
    """Every object of a cluster, by kind, namespace and name."""
    listed = set(cluster.run("api-resources", "--verbs=list", "-o", "name").stdout.split()) - COME_AND_GO
    items = cluster.get(",".join(sorted(listed)), "--all-namespaces")["items"]
    return {f"{each['kind']} {each['metadata'].get('namespace', '')}/{each['metadata']['name']}" for each in items}


def test_it_is_another_cluster_and_an_empty_one(rescue: Rescue) -> None:
    assert len(set(rescue.identities)) == 2
    assert not [each for each in rescue.bare if "ark.heptio.com" in each or " shop/" in each or "/shop" in each]


def test_install_says_that_the_location_starts_read_only_and_how_to_change_that(rescue: Rescue) -> None:
    assert 'storage location "default" is Available' in rescue.install.out
    last = rescue.install.err.splitlines()[-1]
    assert "it starts ReadOnly, as it holds backups that this cluster did not make" in last
    assert BACKUP in last and WRITE_AGAIN in last


def test_one_pass_makes_the_backup_known_again(rescue: Rescue) -> None:
    assert f"sync: found in default: backup/{BACKUP}\n" in rescue.reconcile.out
    line = rescue.backups.out.splitlines()[1]
    assert line.split()[:2] == [BACKUP, "Completed"]


def test_the_restore_completes_and_every_pod_is_ready(rescue: Rescue) -> None:
    assert "restore.ark.heptio.com/rescue Completed: " in rescue.restore.out
    pods = [item for (kind, _), item in rescue.after.items() if kind == "Pod"]
    assert len(pods) == 4
    for pod in pods:
        ready = [each["status"] for each in pod["status"]["conditions"] if each["type"] == "Ready"]
        assert ready == ["True"], text(pod["status"])


def test_the_data_of_volumes_comes_back_by_the_bucket_and_the_password_alone(rescue: Rescue) -> None:
    assert rescue.files[0] == rescue.files[1] and "random" in rescue.files[0]
    assert "The password of the volumes' data" not in rescue.install.err, "none was made"


def test_the_same_objects_are_there_and_equal(rescue: Rescue) -> None:
    assert missing_and_surplus(rescue.before, rescue.after) == (set(NOT_RESTORED), set())
    found = differences(rescue.before, rescue.after, marks=MARKS)
    assert not found, "\n".join(found)


def test_the_restore_says_that_it_has_stored_nothing_and_where_its_log_is(second: Second, rescue: Rescue) -> None:
    told = second.ark.details("restore", "rescue")
    assert 'Details:  restore "rescue" read from a ReadOnly location: it has stored no files; ' in told
    assert 'see "kubectl ark logs restore rescue", as long as its pod is there' in told
    log = second.ark("logs", "restore", "rescue").out
    assert f"/backups/{BACKUP}/" in log and "is ReadOnly: neither this log nor the results are stored" in log


def test_backups_go_on_once_the_location_may_be_written_to(second: Second, rescue: Rescue) -> None:
    arguments = ("backup", "after-the-fire", "--include-namespaces", "shop", "--wait")
    answer = second.ark(*arguments, code=1)
    assert 'storage location "default" is ReadOnly' in answer.err and WRITE_AGAIN in answer.err, answer.all
    second.ark("delete", "backup", "after-the-fire", "--yes")
    second.ark("location", "set", "default", "--access-mode", "ReadWrite")
    assert "after-the-fire Completed" in second.ark(*arguments).out


def test_uninstall_leaves_the_cluster_as_if_nothing_had_been_there(
        second: Second, rescue: Rescue, shelf: Stateful) -> None:
    bucket = Bucket(second.cluster, second.ark.prefix)
    stored = bucket.keys()
    Shop(second.cluster).remove()
    shelf.lose()
    second.ark("uninstall", "--yes", timeout=320)
    eventually(lambda: surplus(second, rescue) == set(), "nothing is left", timeout=30, pause=1)
    assert bucket.keys() == stored and f"backups/{BACKUP}/velero-backup.json" in stored


def surplus(second: Second, rescue: Rescue) -> set[str]:
    """What is in the cluster and was not at first; the controllers' own accounts come when they are needed."""
    return {each for each in everything(second.cluster) - rescue.bare
            if not each.startswith("ServiceAccount kube-system/")}
