"""Create a Backup or Restore with the Job that runs it, look at both, and end a run that cannot end itself."""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import re
from typing import Any
from urllib.parse import quote, urlencode

from kubectl_ark import errors
from kubectl_ark.launch import audit, paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import kinds, labels, sight
from kubectl_ark.model.settings import CONFIG_MAP, Settings, from_data
from kubectl_ark.model.sight import Sight
from kubectl_ark.render import jobs

_LACKS_RIGHT = re.compile(r'cannot (create resource "jobs"|get resource "configmaps")')
"""RBAC's words; what an admission policy refuses reads otherwise."""


@dataclasses.dataclass(frozen=True)
class Started:
    """A CR and its Job as the server returned them. ``job`` None: the user may not create Jobs, ``refusal`` says so."""

    resource: dict[str, Any]
    job: dict[str, Any] | None
    refusal: str = ""


def read_settings(kubectl: Kubectl, namespace: str) -> Settings:
    """The settings that install left. Raises KubectlFailed with what to do where they are missing."""
    settings = find_settings(kubectl, namespace)
    if settings is None:
        raise errors.KubectlFailed(
            f"kubectl-ark is not installed in namespace {namespace} (no ConfigMap {CONFIG_MAP})",
            hint='run "kubectl ark install", or name its namespace with -n')
    return settings


def find_settings(kubectl: Kubectl, namespace: str) -> Settings | None:
    """The settings that install left, None if there are none. Raises KubectlFailed."""
    try:
        config_map = kubectl.get(paths.core("configmaps", namespace, CONFIG_MAP))
    except KubectlError as error:
        if error.status_reason == "NotFound":
            return None
        raise
    return from_data(config_map.get("data") or {})


def start(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], *, memory_limit: str | None = None,
          dry_run: bool = False) -> Started:
    """Create the CR, then its Job. dry_run: the server checks both and keeps neither.

    A CR whose Job cannot be created is removed again, unless only the user's rights are lacking.
    """
    namespace = resource["metadata"]["namespace"]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read_settings, kubectl, namespace)
        try:
            signed = audit.signed(kubectl, resource)
            created = kubectl.create(paths.custom(kind, namespace), signed, dry_run=dry_run)
        except KubectlError as error:
            if error.status_reason == "NotFound":
                reading.result()  # says it better, if it is not installed
            raise
        try:
            settings = reading.result()
            if memory_limit:
                settings = settings.with_memory_limit(memory_limit)
            job = kubectl.create(paths.jobs(namespace), jobs.run_job(kind, created, settings), dry_run=dry_run)
        except KubectlError as error:
            if error.status_reason == "AlreadyExists":
                return Started(created, None)
            if error.status_reason == "Forbidden" and _LACKS_RIGHT.search(error.message):
                return Started(created, None, error.message)
            _remove(kubectl, kind, created, dry_run)
            raise
        except BaseException:
            _remove(kubectl, kind, created, dry_run)
            raise
    return Started(created, job)


def _remove(kubectl: Kubectl, kind: kinds.Kind, created: dict[str, Any], dry_run: bool) -> None:
    if not dry_run:
        with contextlib.suppress(KubectlError):  # what went wrong before is what the user must hear
            kubectl.delete(paths.custom(kind, created["metadata"]["namespace"], created["metadata"]["name"]))


def read(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str) -> dict[str, Any]:
    """The CR. Raises KubectlError."""
    return kubectl.get(paths.custom(kind, namespace, name))


def look(kubectl: Kubectl, kind: kinds.Kind, name: str, namespace: str) -> Sight:
    """The run as it is now: the CR is read last, so that a result written meanwhile counts."""
    try:
        first = read(kubectl, kind, name, namespace)
        jobs_query, pods_query = (f"?{urlencode(query)}" for query in (sight.job_query(first), sight.pod_query(first)))
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            finding_jobs = pool.submit(kubectl.get, paths.jobs(namespace) + jobs_query)
            finding_pods = pool.submit(kubectl.get, paths.core("pods", namespace) + pods_query)
            finding_events = pool.submit(kubectl.get, paths.refusals(namespace))
            found_jobs, events = _seen(finding_jobs), _seen(finding_events) or []
            pods = tuple(_seen(finding_pods) or [])
        nodes = []
        for node in sight.nodes_of(pods):
            try:
                nodes.append(kubectl.get(f"/api/v1/nodes/{quote(node)}"))
            except KubectlError:
                pass  # whoever may not read nodes goes without
        resource = read(kubectl, kind, name, namespace)
    except KubectlError as error:
        if error.status_reason == "NotFound" and name in error.message:
            return Sight(None)
        raise
    if resource["metadata"]["uid"] != first["metadata"]["uid"]:
        return Sight(None)
    return Sight(resource, sight.job_of(resource, found_jobs or ()), pods, tuple(events), tuple(nodes),
                 hidden=found_jobs is None)


def _seen(listing: concurrent.futures.Future[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """What was listed; None for who may not."""
    try:
        return list(listing.result().get("items") or [])
    except KubectlError as error:
        if error.status_reason == "Forbidden":
            return None
        raise


def end(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], *, message: str,
        stop_job: str | None = None) -> dict[str, Any] | None:
    """Write Failed with ``message`` onto a run that cannot do so itself; the CR, or None if it has moved meanwhile.

    stop_job: name of a Job that might still start a pod, to be deleted.
    """
    metadata, patch = resource["metadata"], sight.failed_patch(resource, message)
    try:
        ended = kubectl.patch(kind.full_name, metadata["name"], metadata["namespace"], patch, status=True)
    except KubectlError as error:
        if error.status_reason in ("NotFound", "Invalid", "Conflict") or "rejected our request" in error.message:
            return None
        raise
    if stop_job is not None:
        kubectl.delete(paths.jobs(metadata["namespace"], stop_job))
    return ended


def is_synced(resource: dict[str, Any]) -> bool:
    """True for a CR that only mirrors a backup in the bucket."""
    return labels.SYNCED in (resource["metadata"].get("annotations") or {})
