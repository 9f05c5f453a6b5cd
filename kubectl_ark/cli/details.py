"""What a finished run has stored beside its archive, fetched and laid out: items, volumes, hooks, errors, warnings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kubectl_ark import errors
from kubectl_ark.cli import description
from kubectl_ark.launch import logs
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import downloads, kinds, phases

RESULTS, ITEMS = "Results", "ResourceList"
VOLUMES = {kinds.BACKUP: "VolumeInfos", kinds.RESTORE: "VolumeInfo"}
"""Names of targets, less the kind that they begin with."""


def of(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any]) -> Iterator[str]:
    """The lines. Each file comes by a pod of its own, all at once. Raises KubectlFailed, Damaged for the results."""
    phase, log = phases.phase_of(resource), f'see "kubectl ark logs {kind.singular} {resource["metadata"]["name"]}"'
    if not phases.is_finished(resource):
        yield "Details:  the run has not ended yet"
        return
    if phase not in {each.value for each in phases.USABLE}:
        yield f"Details:  a run that is {phase} has stored none; {log}"
        return
    if refusal := downloads.refusal(f"{kind.kind}{RESULTS}", resource):
        yield f"Details:  {refusal}; {log}, as long as its pod is there"
        return
    with ThreadPoolExecutor(3) as pool:
        results, items, volumes = [pool.submit(_document, kubectl, kind, resource, what)
                                   for what in (RESULTS, ITEMS, VOLUMES[kind])]
        yield "Resource List:"
        yield from _optional(items.result, item_lines)
        yield "Volumes:"
        yield from _optional(volumes.result, volume_lines)
        yield from hook_lines(resource.get("status") or {})
        found = results.result() or {}
    for level in ("errors", "warnings"):
        yield f"{level.capitalize()}:"
        yield from description.messages(found.get(level) or {})


def item_lines(document: Mapping[str, list[str]] | None) -> Iterator[str]:
    """By kind: the names, each with what was done to it where the run is a restore."""
    if not document:
        yield "  <none>"
    for kind, names in sorted((document or {}).items()):
        yield f"  {kind}:"
        yield from (f"    - {name}" for name in names or [])


def volume_lines(document: list[Mapping[str, Any]] | None) -> Iterator[str]:
    """One line for each volume: whose it is, and how its data was kept, or why not."""
    if not document:
        yield "  <none>"
    for each in document or []:
        claim = "/".join(filter(None, (each.get("pvcNamespace"), each.get("pvcName"))))
        title = ", ".join(filter(None, (claim, each.get("pvName")))) or "<no claim>"
        how = f"skipped: {each.get('skippedReason') or 'no reason given'}" if each.get("skipped") else _kept(each)
        yield f"  {title}:  {how}"


def _kept(volume: Mapping[str, Any]) -> str:
    """How one volume's data was kept or brought back: "PodVolumeBackup succeeded, restic snapshot 1234abcd, 2 MiB"."""
    told = volume.get("pvbInfo") or volume.get("pvrInfo") or {}
    result = volume.get("result") or {"Completed": "succeeded", None: None}.get(told.get("Phase"), "failed")
    words = [" ".join(filter(None, (volume.get("backupMethod") or volume.get("restoreMethod"), result)))]
    if told.get("snapshotHandle"):
        words.append(f"{told.get('uploaderType') or 'restic'} snapshot {str(told['snapshotHandle'])[:8]}")
    if (taken := volume.get("csiSnapshotInfo") or {}).get("snapshotHandle"):
        told = taken
        words.append(f"snapshot {taken['snapshotHandle']} of {taken.get('driver')}")
    if told.get("size"):
        words.append(f"{int(told['size']) / 2**20:.1f} MiB")
    return ", ".join(filter(None, words)) or "<unknown>"


def hook_lines(status: Mapping[str, Any]) -> Iterator[str]:
    """How many hooks ran and failed, and those that nobody has run yet; what they said is among errors and log."""
    counts = status.get("hookStatus") or {}
    attempted, failed = counts.get("hooksAttempted") or 0, counts.get("hooksFailed") or 0
    yield f"Hooks:  {attempted} attempted, {failed} failed" if attempted else "Hooks:  <none>"
    for each in status.get("pendingHooks") or []:
        yield f"  pending: {json.dumps(each, sort_keys=True)}"


def _optional(result: Callable[[], Any], lines: Callable[[Any], Iterator[str]]) -> Iterator[str]:
    """Other writers of backups leave files out."""
    try:
        yield from lines(result())
    except errors.ArkError as error:
        yield f"  <not available: {error.message}>"


def _document(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], what: str) -> Any:
    try:
        return json.loads(b"".join(logs.stored(kubectl, kind, resource, what)))
    except ValueError as error:
        raise errors.Damaged(f"{kind.kind}{what} of {resource['metadata']['name']} is not JSON") from error
