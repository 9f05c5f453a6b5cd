"""Backups to delete, and requests for that."""

from __future__ import annotations

from typing import Any

from tests.harness import Ark, Object
from tests.runner.stored import cluster_id, page, store


def saved(ark: Ark, name: str, *, cluster: str = "", **fields: Any) -> Object:
    """A stored backup and its CR, as sync makes it."""
    store(ark, name, cluster=cluster or cluster_id(ark), **fields)
    page(ark, "sync")
    ark.adopt(ark.cr("Backup", name))
    return ark.got(ark.cr("Backup", name))


def request(ark: Ark, name: str, backup: str = "", **metadata: Any) -> Object:
    """A DeleteBackupRequest."""
    item = ark.cr("DeleteBackupRequest", name, backupName=backup or name)
    item["metadata"].update(metadata)
    return ark.make(item)


def outcome(ark: Ark, name: str) -> list[str]:
    """The errors of a request that is processed."""
    status = ark.status("DeleteBackupRequest", name)
    assert status["phase"] == "Processed" and status["completionTimestamp"]
    return list(status.get("errors") or [])


def restored(ark: Ark, name: str, backup: str, phase: str = "Completed") -> None:
    """A Restore that has ended, and what it left in the bucket."""
    item = ark.restore(name, backup)
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/restores/{name}"
    ark.api.patch_merge(path + "/status", {"status": {"phase": phase, "storageLocation": "default"}})
    ark.write(f"restores/{name}/restore-{name}-logs.gz", b"log")
    assert item
