"""Files out of the bucket by way of the API server: to a file, to stdout, and by plain DownloadRequests."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import stat
import subprocess
import tarfile
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.ark import TINY, Ark, eventually, finish
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node


@pytest.fixture(scope="module")
def done(ark: Ark) -> str:
    """The name of a backup that is Completed."""
    ark("backup", "downloads", *TINY, "--wait")
    return "downloads"


def requests(ark: Ark) -> list[str]:
    """Names of the DownloadRequests that there are."""
    listed = ark.cluster.get("downloadrequests.ark.heptio.com", "-n", ark.namespace)["items"]
    return [each["metadata"]["name"] for each in listed]


def test_a_backup_is_saved_whole_and_checked_and_for_its_owner_only(
        ark: Ark, bucket: Bucket, done: str, tmp_path: Path) -> None:
    target = tmp_path / "b.tar.gz"
    answer = ark("download", "backup", done, "-o", str(target))
    content = target.read_bytes()
    assert content == bucket.read(f"backups/{done}/{done}.tar.gz")
    assert hashlib.sha256(content).hexdigest() in answer.out and str(target) in answer.out
    assert "its sha256 is that of the backup's manifest" in answer.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["b.tar.gz"]
    assert "exists already" in ark("download", "backup", done, "-o", str(target), code=1).err
    assert requests(ark) == []


def test_a_backup_goes_to_stdout(ark: Ark, done: str) -> None:
    process = subprocess.run(["kubectl", "ark", "download", "backup", done, "-o", "-"], env=ark.variables,
                             capture_output=True, check=True)
    archive = process.stdout
    assert b"checked: its sha256 is that of the backup's manifest" in process.stderr
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        assert "resources/configmaps/namespaces/kube-public/kube-root-ca.crt.json" in tar.getnames()


def test_ctrl_c_leaves_no_file_and_no_request(ark: Ark, done: str, tmp_path: Path) -> None:
    process = ark.start("download", "backup", done, "-o", str(tmp_path / "b"))
    eventually(lambda: requests(ark), "the request is there")
    os.killpg(process.pid, signal.SIGINT)
    assert finish(process).code == 130
    assert os.listdir(tmp_path) == [] and requests(ark) == []


def test_a_backup_that_is_not_there_or_has_nothing_is_refused_with_the_reason(
        ark: Ark, name: str, tmp_path: Path) -> None:
    target = str(tmp_path / "b")
    assert "not found" in ark("download", "backup", name, "-o", target, code=1).err
    ark("backup", name, "--storage-location", "nowhere", "--wait", code=1)
    assert "it has saved nothing" in ark("download", "backup", name, "-o", target, code=1).err
    assert os.listdir(tmp_path) == [] and requests(ark) == []


def test_an_address_is_printed_that_gives_the_backup_to_whoever_has_it(ark: Ark, bucket: Bucket, done: str) -> None:
    answer = ark("download", "backup", done, "--url")
    with urllib.request.urlopen(answer.out.strip()) as content:
        assert content.read() == bucket.read(f"backups/{done}/{done}.tar.gz")
    assert "good until 20" in answer.err
    [request] = requests(ark)
    ark("delete", "downloadrequest", request)


def test_a_request_by_plain_kubectl_is_met_by_a_pod_that_its_status_names(
        ark: Ark, bucket: Bucket, done: str, name: str) -> None:
    targets = {f"{name}-log": ("BackupLogs", done, f"backups/{done}/{done}-logs.gz"),
               f"{name}-all": ("BackupContents", done, f"backups/{done}/{done}.tar.gz"),
               f"{name}-none": ("BackupLog", "no-such", "")}
    ark.cluster.apply(*({"apiVersion": "ark.heptio.com/v1", "kind": "DownloadRequest",
                         "metadata": {"name": request, "namespace": ark.namespace},
                         "spec": {"target": {"kind": kind, "name": target}}}
                        for request, (kind, target, _) in targets.items()))
    ark("reconcile", "--wait")
    for request, (_, _, key) in targets.items():
        status = ark.cluster.get("downloadrequests.ark.heptio.com", request, "-n", ark.namespace)["status"]
        if not key:
            assert status["phase"] == "Failed" and 'backup "no-such" does not exist' in status["message"]
            continue
        assert status["phase"] == "Processed" and status["podName"].startswith("ark-fetch-"), status
        command = status["message"].partition("read it with: ")[2].partition(" >")[0].split()
        read = subprocess.run(command, env=ark.variables, capture_output=True, check=False)
        assert read.stdout == bucket.read(key), read.stderr
    ark("delete", "downloadrequests", *targets, "--yes")
    assert not [pod for pod in ark.cluster.get("jobs", "-n", ark.namespace)["items"]
                if pod["metadata"]["name"].startswith(f"ark-fetch-{name}")]
