"""The upkeep of a restic repository as a Job on the node, and what the plugin shows of it."""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ark import Ark, eventually
from tests.e2e.bucket import Bucket
from tests.environment import BUCKET

pytestmark = [pytest.mark.node, pytest.mark.restic]

PASSWORD = "correct horse battery staple"


def restic(ark: Ark, namespace: str, scratch: Path, *arguments: str) -> None:
    """restic as anybody may run it, with the bucket's own keys."""
    subprocess.run([ark.cluster.restic, *arguments], check=True, capture_output=True, cwd=scratch, env={
        "PATH": os.environ["PATH"], "RESTIC_PASSWORD": PASSWORD, "RESTIC_CACHE_DIR": str(scratch / "cache"),
        "RESTIC_REPOSITORY": f"s3:{ark.cluster.s3_url}/{BUCKET}/{ark.prefix}/restic/{namespace}",
        "AWS_ACCESS_KEY_ID": ark.cluster.s3_access_key, "AWS_SECRET_ACCESS_KEY": ark.cluster.s3_secret_key})


def test_a_pass_has_a_repository_tidied_by_a_job_that_the_policy_lets_in(
        ark: Ark, bucket: Bucket, name: str, tmp_path: Path) -> None:
    restic(ark, name, tmp_path, "init")
    (tmp_path / "file").write_bytes(os.urandom(100_000))
    restic(ark, name, tmp_path, "backup", "file")
    (snapshot,) = bucket.keys(f"restic/{name}/snapshots/")
    metadata = {"namespace": ark.namespace}
    ark.cluster.apply(
        {"apiVersion": "v1", "kind": "Secret", "metadata": {**metadata, "name": name},
         "data": {"password": base64.b64encode(PASSWORD.encode()).decode()}},
        {"apiVersion": "ark.heptio.com/v1", "kind": "ResticRepository", "metadata": {**metadata, "name": name},
         "spec": {"volumeNamespace": name, "backupStorageLocation": "default", "maintenanceFrequency": "1s",
                  "passwordSecret": {"name": name, "key": "password"}}})

    def status() -> dict[str, Any]:
        found = ark.cluster.get("resticrepositories.ark.heptio.com", name, "-n", ark.namespace)
        return dict(found.get("status") or {})

    eventually(lambda: "started Job ark-repository-" in ark("reconcile", "--wait").all, "it is due")
    eventually(lambda: status().get("recentMaintenance"), "the Job has told", timeout=90)
    shown = ark("get", "resticrepositories", name).out
    assert shown.splitlines()[0].split() == ["NAME", "STATUS", "VOLUME-NAMESPACE", "STORAGE-LOCATION",
                                             "LAST-MAINTENANCE", "AGE"]
    assert shown.splitlines()[1].split()[:4] == [name, "Ready", name, "default"]
    described = ark("describe", "resticrepository", name).out
    assert "0 B removed" in described and "no errors, 1% of the data was read" in described
    assert bucket.keys(f"restic/{name}/snapshots/") == [snapshot] and bucket.keys(f"restic/{name}/locks/") == []
    refused = ark("delete", "resticrepository", name, input="", code=2)
    assert "--yes" in refused.err
    deleted = ark("delete", "resticrepository", name, "--yes")
    assert "the repository and its data stay in the bucket" in deleted.all
    assert bucket.keys(f"restic/{name}/snapshots/") == [snapshot]
