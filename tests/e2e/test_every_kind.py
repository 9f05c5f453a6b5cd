"""One object of every kind: listed by the category, described and deleted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kubectl_ark.model import kinds
from tests.e2e.ark import Ark

pytestmark = pytest.mark.node

VOLUME = {"pod": {"namespace": "n", "name": "p"}, "volume": "v", "backupStorageLocation": "l", "repoIdentifier": "r"}
SPECS: dict[str, dict[str, Any]] = {
    "Backup": {"storageLocation": "nowhere"}, "Restore": {"backupName": "nothing"},
    "Schedule": {"schedule": "@yearly", "template": {}, "paused": True},
    "BackupStorageLocation": {"provider": "aws", "objectStorage": {"bucket": "b"}},
    "VolumeSnapshotLocation": {"provider": "aws"}, "DeleteBackupRequest": {"backupName": "nothing"},
    "DownloadRequest": {"target": {"kind": "BackupLog", "name": "nothing"}}, "PodVolumeBackup": VOLUME,
    "PodVolumeRestore": {**VOLUME, "snapshotID": "s"},
    "ResticRepository": {"volumeNamespace": "n", "backupStorageLocation": "l"}}


def test_every_kind_is_listed_described_and_deleted(ark: Ark, name: str) -> None:
    ark.cluster.apply(*({"apiVersion": kinds.API_VERSION, "kind": kind, "spec": spec,
                         "metadata": {"name": name, "namespace": ark.namespace}} for kind, spec in SPECS.items()))
    for run in (kinds.BACKUP, kinds.RESTORE):  # one that has not ended is not deleted
        ark.cluster.run("patch", run.full_name, name, "-n", ark.namespace, "--subresource=status", "--type=merge", "-p",
                        json.dumps({"status": {"phase": "FailedValidation", "validationErrors": ["it is a test"]}}))
    listed = ark.cluster.run("get", "ark", "-n", ark.namespace, "-o", "name").stdout.split()
    assert {f"{kind.singular}.ark.heptio.com/{name}" for kind in kinds.ALL} <= set(listed)
    for kind in kinds.ALL:
        said = ark("describe", kind.singular, name).out
        assert name in said and kind.kind in said or kind in (kinds.BACKUP, kinds.RESTORE), said
        deleted = ark("delete", kind.singular, name, "--yes")
        assert deleted.out == f"{kind.singular}.ark.heptio.com/{name} deleted\n", deleted.all
    listed = ark.cluster.run("get", "ark", "-n", ark.namespace, "-o", "name").stdout.split()
    assert not [each for each in listed if each.endswith(f"/{name}")]
