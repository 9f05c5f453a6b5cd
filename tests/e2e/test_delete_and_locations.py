"""``delete`` and ``location`` as typed, carried out by Jobs on the node with their own accounts."""

from __future__ import annotations

import gzip
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ark import Ark, finish
from tests.e2e.bucket import Bucket
from tests.environment import BUCKET, Environment

pytestmark = pytest.mark.node

CHOSEN = "ark.heptio.com/access-mode-chosen"


def _location(cluster: Environment, ark: Ark, name: str) -> dict[str, Any]:
    return dict(cluster.get("backupstoragelocations.ark.heptio.com", name, "-n", ark.namespace))


@pytest.fixture
def backups(ark: Ark, name: str) -> Iterator[list[str]]:
    """Two small backups with a label, made at once."""
    made = [f"{name}-{number}" for number in range(2)]
    waiting = [ark.start("backup", each, "--include-namespaces", "kube-public", "--labels", f"of={name}", "--wait")
               for each in made]
    for each in waiting:
        assert finish(each).code == 0
    yield made
    ark("delete", "backups", "-l", f"of={name}", "--yes", code=None)


def test_backups_go_with_their_restores_and_are_seen_deleting(
        ark: Ark, bucket: Bucket, cluster: Environment, backups: list[str], name: str) -> None:
    first, second = backups
    ark("restore", f"{name}-r", "--from-backup", first, "--wait")
    assert bucket.keys(f"restores/{name}-r/")
    refused = ark("delete", "backup", first, code=2, input="")
    assert "--yes" in refused.err and ark.exists("backups.ark.heptio.com", first)
    watching = subprocess.Popen(
        ["kubectl", "get", "backups.ark.heptio.com", first, "-n", ark.namespace, "-w", "-o",
         "jsonpath={.status.phase}{\"\\n\"}"], env=dict(cluster.variables), text=True, stdout=subprocess.PIPE)
    done = ark("delete", "backup", first, "--yes")
    assert done.out == f"backup.ark.heptio.com/{first} deleted\n"
    watching.terminate()
    assert "Deleting" in watching.communicate()[0].split()
    assert not bucket.keys(f"backups/{first}/") and not bucket.keys(f"restores/{name}-r/")
    assert not ark.exists("restores.ark.heptio.com", f"{name}-r")
    [record] = [each for each in json.loads(ark("get", "deletebackuprequests", "-o", "json").out)["items"]
                if each["spec"]["backupName"] == first]
    assert record["status"]["phase"] == "Processed"
    assert record["metadata"]["annotations"]["ark.heptio.com/requested-by"]
    # What cannot be deleted is said, with exit code 1; one that works all the same is deleted.
    cluster.run("patch", "backups.ark.heptio.com", second, "-n", ark.namespace, "--subresource=status", "--type=merge",
                "-p", json.dumps({"status": {"phase": "InProgress"}}))
    refused = ark("delete", "backups", "-l", f"of={name}", "--yes", code=1)
    assert f"backup/{second} is not deleted:" in refused.err and "cancel it first" in refused.err
    cluster.run("patch", "backups.ark.heptio.com", second, "-n", ark.namespace, "--subresource=status", "--type=merge",
                "-p", json.dumps({"status": {"phase": "Completed"}}))


def test_a_restore_goes_with_its_log(ark: Ark, bucket: Bucket, backups: list[str], name: str) -> None:
    ark("restore", f"{name}-r", "--from-backup", backups[0], "--wait")
    assert ark("delete", "restore", f"{name}-r", "--yes").out == f"restore.ark.heptio.com/{name}-r deleted\n"
    assert not bucket.keys(f"restores/{name}-r/") and not ark.exists("restores.ark.heptio.com", f"{name}-r")


def test_a_log_that_another_cluster_has_under_the_name_is_neither_shown_nor_deleted(
        ark: Ark, bucket: Bucket, backups: list[str], name: str, tmp_path: Path) -> None:
    directory = f"restores/{name}-r"
    (tmp_path / directory).mkdir(parents=True)
    (tmp_path / directory / "ark-claim.json").write_text(
        json.dumps({"uid": "theirs", "clusterID": "theirs", "namespace": ark.namespace}))
    (tmp_path / directory / f"restore-{name}-r-logs.gz").write_bytes(gzip.compress(b"theirs"))
    bucket.put_tree(tmp_path)
    done = ark("restore", f"{name}-r", "--from-backup", backups[0], "--wait")
    assert "there are warnings" in done.err
    # While its pod is there, that has the log.
    assert f"{directory}/ belongs to another Restore of that name" in ark("logs", "restore", f"{name}-r").out
    [job] = ark.of_run("jobs", "restore", f"{name}-r")
    ark.cluster.run("delete", "job", job["metadata"]["name"], "-n", ark.namespace, "--wait")
    failed = ark("logs", "restore", f"{name}-r", code=1)
    assert f"restore/{name}-r has no log: the file could not be fetched: " in failed.err and failed.out == ""
    assert f"{directory}/ belongs to another Restore of that name (namespace {ark.namespace} of cluster" in failed.err
    ark("delete", "restore", f"{name}-r", "--yes")
    assert len(bucket.keys(f"{directory}/")) == 2


def test_a_location_is_made_only_if_it_works_and_a_change_that_does_not_is_taken_back(
        ark: Ark, cluster: Environment, name: str) -> None:
    config = f"s3Url={cluster.s3_url},region=us-east-1"
    flags = ("--bucket", BUCKET, "--prefix", f"{ark.prefix}/plugins/{name}", "--credential", "cloud-credentials=cloud")
    failed = ark("location", "create", name, "--bucket", "nosuch-bucket", "--config", config, code=1)
    assert "the bucket does not exist" in failed.err and not ark.exists("backupstoragelocations.ark.heptio.com", name)
    assert f"{name} created" in ark("location", "create", name, *flags, "--config", config).out
    try:
        former = _location(cluster, ark, name)
        assert former["metadata"]["annotations"][CHOSEN].startswith("ReadWrite ")
        failed = ark("location", "set", name, "--config", "s3Url=http://127.0.0.1:9", "--labels", "a=c,x=y",
                     "--access-mode", "ReadOnly", code=1)
        assert "nothing was changed" in failed.err
        spec = _location(cluster, ark, name)["spec"]
        assert spec["config"]["s3Url"] == cluster.s3_url and spec["accessMode"] == "ReadWrite"
        for field in ("labels", "annotations"):
            assert _location(cluster, ark, name)["metadata"].get(field) == former["metadata"].get(field)
        ark("location", "set", name, "--access-mode", "ReadOnly", "--labels", "a=b")
        assert CHOSEN not in (_location(cluster, ark, name)["metadata"].get("annotations") or {}), "it is given now"
        assert name in ark("location", "get").out
        failed = ark("backup", f"{name}-b", "--storage-location", name, "--wait", code=1)
        assert "ReadOnly" in failed.err
    finally:
        ark("delete", "location", name, "--yes")
        ark("delete", "backup", f"{name}-b", "--yes", code=None)


def test_a_deletion_is_waited_for_also_where_the_log_of_its_pass_ends_early(
        ark: Ark, backups: list[str], name: str, tmp_path: Path) -> None:
    """As it does where a node has much to do; here the pod is said to run, and to have nothing more to say, at once."""
    ark("restore", f"{name}-early", "--from-backup", backups[0], "--wait")
    impatient = tmp_path / "kubectl"
    running = json.dumps({"items": [{"metadata": {"name": "p"}, "status": {"phase": "Running"}}]})
    impatient.write_text(f"""#!/bin/sh
case "$*" in
  logs*) exit 0;;
  *"/pods?labelSelector=batch"*) echo '{running}'; exit 0;;
esac
exec {ark.cluster.kubectl} "$@"
""")
    impatient.chmod(0o755)
    assert ark("delete", "restore", f"{name}-early", "--yes", KUBECTL_ARK_KUBECTL=str(impatient)).out == (
        f"restore.ark.heptio.com/{name}-early deleted\n")
