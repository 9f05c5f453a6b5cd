"""The Job of one volume, and the Secret that goes with it."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from kubectl_ark import __version__
from kubectl_ark.model import labels, lock_hosts, names
from kubectl_ark.model.settings import Settings, size_in_bytes
from kubectl_ark.model.volume_work import VolumeWork

COMPONENT = "volume"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a volume's Job runs and as whom.

    claim: that it mounts. directory: of the node, which it mounts where the claim is "". node: the only one that will
    do, None for any. selector, affinity (to nodes): which nodes will do otherwise. as_root: with the rights to read and
    write files of every owner; to read them alone where it mounts a directory, and then it is no one else. user, group,
    groups (further ones), owner_group (of the volume's files, which the kubelet gives it): who it is otherwise; user
    and group None are the image's own.
    """

    namespace: str
    claim: str
    node: str | None = None
    selector: Mapping[str, str] = dataclasses.field(default_factory=dict)
    affinity: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    tolerations: Sequence[dict[str, Any]] = ()
    as_root: bool = True
    user: int | None = None
    group: int | None = None
    groups: tuple[int, ...] = ()
    owner_group: int | None = None
    directory: str = ""


def volume_job(
    volume: dict[str, Any], settings: Settings, work: VolumeWork, *, place: Place, cluster_id: str, deadline: int,
    attempt: int = 1,
) -> dict[str, Any]:
    """The suspended Job of one PodVolumeBackup or PodVolumeRestore, as the server returned that.

    deadline: seconds until it is given up. attempt: of the run.
    """
    from kubectl_ark.render.jobspecs import render_one

    metadata = volume["metadata"]
    name = names.volume_job_name(metadata["name"], metadata["uid"], attempt=attempt)
    host = lock_hosts.name(cluster_id, metadata["uid"])
    marks = labels.run_labels(component=COMPONENT, name=metadata["name"], uid=metadata["uid"], version=__version__)
    return render_one("volume-job", {
        "namespace": place.namespace, "settings": settings, "args": ["volume"],
        "job": {"name": name, "owner": None, "labels": {
            **marks, labels.LOCK_HOST: host, "sidecar.istio.io/inject": "false"}},
        "volume": {
            "work": work.to_json(), "claim": place.claim, "directory": place.directory,
            "path": work.path, "read_only": not work.snapshot,
            "secret": name, "host": host, "node": place.node, "selector": dict(place.selector),
            "affinity": dict(place.affinity), "tolerations": list(place.tolerations),
            "as_root": place.as_root, "user": place.user, "groups": list(place.groups),
            "owner_group": place.owner_group, "group": place.group, "memory_request": min(
                settings.memory_request, settings.volume_memory_limit, key=size_in_bytes),
            "pull_secret": f"{name}-pull" if settings.image_pull_secret else None, "deadline": deadline,
            "go_memory": settings.go_memory,
        }})


def volume_secrets(
    job: dict[str, Any], *, token: str, password: str, pull: dict[str, Any] | None = None,
) -> list[dict[str, Any]]:
    """The Secrets that a volume's Job mounts and pulls its image by; they go with it.

    job: as the server returned it. pull: Ark's own pull Secret, None if there is none.
    """
    metadata = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": metadata["name"], "uid": metadata["uid"]}

    def secret(name: str, kind: str, data: dict[str, str]) -> dict[str, Any]:
        return {"apiVersion": "v1", "kind": "Secret", "type": kind, "data": data, "metadata": {
            "name": name, "namespace": metadata["namespace"], "labels": metadata["labels"],
            "ownerReferences": [owner]}}

    made = [secret(metadata["name"], "Opaque", {
        "token": base64.b64encode(token.encode()).decode(), "password": base64.b64encode(password.encode()).decode()})]
    if pull is not None:
        made.append(secret(f"{metadata['name']}-pull", str(pull.get("type")), dict(pull.get("data") or {})))
    return made
