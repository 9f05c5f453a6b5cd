"""A runner that is killed halfway: the Job's next pod finishes what it began, and nothing is there twice or half."""

from __future__ import annotations

import pytest

from tests.e2e.ark import Ark, finish
from tests.e2e.bucket import Bucket
from tests.e2e.many import COUNT, NAMESPACE
from tests.e2e.node import Stepped
from tests.environment import Environment

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("killed"), pytest.mark.usefixtures("out_of_memory")]
# Those runs' Jobs wait half a minute between their tries; they may as well do so during these tests.

BACKUP, RESTORE = "killed-backup", "killed-restore"


def _texts(cluster: Environment) -> dict[str, str]:
    """Names and contents of the ConfigMaps that are there."""
    found = cluster.get("configmaps", "-n", NAMESPACE)["items"]
    return {each["metadata"]["name"]: each["data"]["text"] for each in found if "text" in each["data"]}


def test_a_backup_killed_during_its_upload_is_completed_by_the_next_pod(
    ark: Ark, bucket: Bucket, many: dict[str, str],
) -> None:
    waiting = ark.start("backup", BACKUP, "--include-namespaces", NAMESPACE, "--wait")
    with Stepped(ark, "backup", BACKUP) as runner:
        runner.until(bucket.uploads, "a part of the tar is in the bucket")
        assert ark.status("backup", BACKUP)["phase"] == "InProgress"
        runner.kill()
    answer = finish(waiting)
    assert answer.code == 0, answer.all
    status = ark.status("backup", BACKUP)
    assert (status["phase"], status["claim"]["attempt"]) == ("Completed", 2)
    assert bucket.uploads() == 0, "an unfinished upload is left in the bucket"
    assert bucket.json(f"backups/{BACKUP}/velero-backup.json")["status"]["phase"] == "Completed"


def test_a_restore_killed_halfway_is_completed_by_the_next_pod(
    ark: Ark, cluster: Environment, many: dict[str, str],
) -> None:
    cluster.run("delete", "namespace", NAMESPACE)
    waiting = ark.start("restore", RESTORE, "--from-backup", BACKUP, "--wait")
    with Stepped(ark, "restore", RESTORE) as runner:
        # One object tells as much as all, and is looked for many times.
        runner.until(lambda: any("text" in each["data"] for each in ark.api.get(
            f"/api/v1/namespaces/{NAMESPACE}/configmaps?limit=2").get("items") or []), "some objects are restored")
        assert len(_texts(cluster)) < COUNT, "it was not halfway"
        runner.kill()
    answer = finish(waiting)
    assert answer.code == 0, answer.all
    status = ark.status("restore", RESTORE)
    assert (status["phase"], status["claim"]["attempt"]) == ("Completed", 2)
    assert status.get("warnings", 0) == 0, "what the killed pod had restored must count as restored"
    assert _texts(cluster) == many
    # And the namespace; and the account "default", where the restore was quicker than Kubernetes.
    assert f"{COUNT + 1} created" in answer.out or f"{COUNT + 2} created" in answer.out, answer.out


def test_nothing_of_the_two_runs_is_left_running(ark: Ark) -> None:
    for kind, name in (("backup", BACKUP), ("restore", RESTORE)):
        pods = ark.of_run("pods", kind, name)
        assert [pod["status"]["phase"] for pod in pods] == ["Failed", "Succeeded"]
        job = ark.of_run("jobs", kind, name)[0]["metadata"]["name"]
        ark.cluster.run("wait", "--for=condition=Complete", f"job/{job}", "-n", ark.namespace, "--timeout=30s")
