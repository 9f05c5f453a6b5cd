"""A file of a backup or restore, out of the bucket through the API server: DownloadRequest → Job → kubectl exec cat.

The user's machine never talks to the bucket and needs none of its keys.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import paths, runs
from kubectl_ark.launch.kubectl import CHUNK, Kubectl, KubectlError
from kubectl_ark.model import deadruns, downloads, kinds, names, times
from kubectl_ark.render import jobs

MAX_BYTES = 1 << 30
"""What a stored log or result may grow to when unpacked; a bomb ends here."""


@dataclasses.dataclass(frozen=True)
class Fetched:
    """A file that a pod of ours holds ready, as it is stored. size: bytes. sha256: hex.

    checked: "manifest" if it is what the backup wrote by its own list of checksums, "archive" if there is no such list
    and gzip and tar are sound, "" for a file that is neither listed nor an archive.
    """

    size: int
    sha256: str
    checked: str
    read: Callable[[], Iterator[bytes]] = dataclasses.field(repr=False)
    """The bytes, piece by piece. Raises Damaged at their end if they are not those that the pod holds."""


def fetch(kubectl: Kubectl, namespace: str, target: str, name: str, *, location: str,
          owner: str | None) -> Iterator[bytes]:
    """The unpacked bytes of one file; otherwise as ``fetched``."""
    with fetched(kubectl, namespace, target, name, location=location, owner=owner) as file, \
            tempfile.TemporaryFile() as spool:
        for piece in file.read():
            spool.write(piece)
        spool.seek(0)
        yield from unpacked(spool, f"{target} of {name}")


@contextlib.contextmanager
def fetched(kubectl: Kubectl, namespace: str, target: str, name: str, *, location: str,
            owner: str | None = None) -> Iterator[Fetched]:
    """One file, in a pod, for as long as the context lasts. Request and Job are gone afterwards.

    target: "BackupLog" and the like (model.downloads); location: its BackupStorageLocation. owner: uid of the
    Restore that must have written it, None for a backup's. Raises KubectlFailed, saying why, if it cannot be had.
    """
    try:
        settings = runs.read_settings(kubectl, namespace)
    except KubectlError as error:
        if error.status_reason != "Forbidden":
            raise
        raise errors.KubectlFailed(
            f"you may not fetch {target} of {name}: {error.message}",
            hint="ask somebody who may create Jobs there, or create a DownloadRequest with spec.presign: the next "
                 "pass writes an address of the file into its status") from error
    place = runs.read(kubectl, kinds.STORAGE_LOCATION, location, namespace)
    request = ask(kubectl, namespace, target, name)
    try:
        job = jobs.fetch_job(request, settings, location=place, key=downloads.key(target, name),
                             has_secret=_has_secret(kubectl, namespace, place), owner=owner)
        try:
            job = kubectl.create(paths.jobs(namespace), job)
        except KubectlError as error:
            if error.status_reason != "AlreadyExists":  # a pass of reconcile was quicker
                raise
        pod = _ready_pod(kubectl, job)
        facts = json.loads(b"".join(_contents(kubectl, namespace, pod, jobs.FACTS_FILE)))
        yield Fetched(facts["size"], facts["sha256"], facts["checked"], lambda: _checked(
            _contents(kubectl, namespace, pod, jobs.FETCHED_FILE), facts, f"{target} of {name}"))
    finally:
        kubectl.delete(paths.custom(kinds.DOWNLOAD_REQUEST, namespace, request["metadata"]["name"]))


def ask(kubectl: Kubectl, namespace: str, target: str, name: str, **spec: bool) -> dict[str, Any]:
    """A new DownloadRequest. spec: further fields of it. Raises KubectlError."""
    return kubectl.create(paths.custom(kinds.DOWNLOAD_REQUEST, namespace), {
        "apiVersion": kinds.API_VERSION, "kind": kinds.DOWNLOAD_REQUEST.kind,
        "metadata": {"name": names.timestamped_name(name[:200], times.now()) + f"-{time.time_ns() % 10**6:06}",
                     "namespace": namespace},
        "spec": {"target": {"kind": target, "name": name}, **spec},
    })


def _contents(kubectl: Kubectl, namespace: str, pod: str, file: str) -> Iterator[bytes]:
    return kubectl.stream("exec", "-n", namespace, pod, "-c", "runner", "--", "cat", file)


def _checked(pieces: Iterator[bytes], facts: dict[str, Any], what: str) -> Iterator[bytes]:
    digest, size = hashlib.sha256(), 0
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        yield piece
    if size != facts["size"]:
        raise errors.Damaged(f"{what} has arrived with {size} of {facts['size']} bytes", hint="try again")
    if digest.hexdigest() != facts["sha256"]:
        raise errors.Damaged(f"{what} has arrived with another sha256 than it has in the bucket", hint="try again")


def unpacked(stream: BinaryIO, what: str, *, limit: int = MAX_BYTES) -> Iterator[bytes]:
    """The bytes in a gzip of one or several members.

    Raises Damaged if it is cut off, broken or longer than ``limit``.
    """
    total, decoder = 0, zlib.decompressobj(31)
    try:
        while data := stream.read(CHUNK):
            while data:
                if decoder.eof:
                    decoder = zlib.decompressobj(31)
                piece = decoder.decompress(data, CHUNK)
                total += len(piece)
                if total > limit:
                    raise errors.Damaged(f"{what} is longer than {limit} bytes when unpacked")
                if piece:
                    yield piece
                data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    except zlib.error as error:
        raise errors.Damaged(f"{what} is not sound gzip: {error}") from error
    if not decoder.eof:
        raise errors.Damaged(f"{what} is cut off")


def _has_secret(kubectl: Kubectl, namespace: str, location: dict[str, Any]) -> bool:
    """Whether there are credentials to mount. A location that names none has Velero's Secret, if that is there.

    Raises KubectlFailed if the location names a Secret or key that is not there.
    """
    given = location["spec"].get("credential")
    name, key = (given["name"], given["key"]) if given else jobs.DEFAULT_SECRET
    try:
        keys = kubectl.run("get", "secret", name, "-n", namespace, "-o",
                           'go-template={{range $key, $value := .data}}{{$key}}{{"\\n"}}{{end}}').decode().split()
    except KubectlError as error:
        if error.status_reason == "Forbidden":
            return True  # it is mounted only if it is there
        if error.status_reason != "NotFound":
            raise
        if given is None:
            return False
        what = f"Secret {namespace}/{name} does not exist"
    else:
        if key in keys:
            return True
        what = f'Secret {namespace}/{name} has no key "{key}"'
    raise errors.KubectlFailed(f'storage location "{location["metadata"]["name"]}": {what}',
                               hint="create it, or correct the location's spec.credential")


def _ready_pod(kubectl: Kubectl, job: dict[str, object]) -> str:
    metadata = job["metadata"]
    assert isinstance(metadata, dict)
    namespace, name = metadata["namespace"], metadata["name"]
    selector = "?labelSelector=" + quote(f"batch.kubernetes.io/job-name={name}")
    begun = time.monotonic()
    while True:
        pods = kubectl.get(paths.core("pods", namespace) + selector)["items"]
        for pod in pods:
            conditions = pod["status"].get("conditions") or []
            if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
                return str(pod["metadata"]["name"])
        if not pods or time.monotonic() - begun > 5 or pods[0]["status"].get("phase") == "Failed":
            now = kubectl.get(paths.jobs(namespace, name))
            events = kubectl.get(paths.refusals(namespace))["items"]
            bare = {"kind": "DownloadRequest", "metadata": metadata}
            verdict = deadruns.judge(bare, now, now=times.now(), pods=pods, events=events)
            if verdict and (verdict.dead or time.monotonic() - begun > 15):
                raise errors.KubectlFailed(f"the file could not be fetched: {verdict.message}",
                                           hint=verdict.remedy or None)
        time.sleep(0.2)
