"""A backup's archive onto the user's disk: whole and checked under its name, or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from kubectl_ark import errors
from kubectl_ark.launch import fetching, logs, passes, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import downloads, kinds

CONTENTS = "BackupContents"

Report = Callable[[int, int], None]
"""Called with the bytes that have arrived and those that there are in all."""


@contextlib.contextmanager
def contents(kubectl: Kubectl, name: str, namespace: str) -> Iterator[fetching.Fetched]:
    """The archive of a backup, ready to be read. Raises KubectlFailed where there is none, saying why."""
    backup = runs.read(kubectl, kinds.BACKUP, name, namespace)
    if refusal := downloads.refusal(CONTENTS, backup):
        raise errors.KubectlFailed(refusal, hint=f'see "kubectl ark describe backup {name}"')
    location = logs.location_of(kubectl, kinds.BACKUP, backup)
    with fetching.fetched(kubectl, namespace, CONTENTS, name, location=location) as file:
        yield file


def address(kubectl: Kubectl, name: str, namespace: str) -> tuple[str, str]:
    """A pre-signed address of the archive, a credential, and until when it is good (RFC 3339).

    A pass of reconcile makes it: only that may read the bucket's keys. Raises KubectlFailed; a user who may not start
    a pass leaves the request to the next one.
    """
    if refusal := downloads.refusal(CONTENTS, runs.read(kubectl, kinds.BACKUP, name, namespace)):
        raise errors.KubectlFailed(refusal, hint=f'see "kubectl ark describe backup {name}"')
    request = fetching.ask(kubectl, namespace, CONTENTS, name, presign=True)["metadata"]["name"]
    try:
        job = passes.start(kubectl, namespace, only=["downloads"])
    except KubectlError as error:
        raise errors.KubectlFailed(
            f"no pass could be started: {error.message}",
            hint=f"the next one writes the address into status.downloadURL of downloadrequest {request}") from error
    with contextlib.suppress(errors.KubectlFailed):  # other requests may be in trouble; this one's status tells of it
        passes.outcome(kubectl, job)
    status = runs.read(kubectl, kinds.DOWNLOAD_REQUEST, request, namespace).get("status") or {}
    if not status.get("downloadURL"):
        why = status.get("message") or "no reason given"
        raise errors.KubectlFailed(f"downloadrequest/{request} was not met: {why}",
                                   hint=f'see "kubectl logs job/{job["metadata"]["name"]} -n {namespace}"')
    return status["downloadURL"], status["expiration"]


def check_target(target: Path, *, force: bool) -> None:
    """Raises InvalidInput if nothing can be saved there, before anything is fetched. force: it may be overwritten."""
    if target.is_dir():
        raise errors.InvalidInput(f"{target} is a directory", hint="name a file with -o")
    if not target.parent.is_dir():
        raise errors.InvalidInput(f"{target.parent} is not a directory")
    if target.exists() and not force:
        raise errors.InvalidInput(f"{target} exists already", hint="use --force to overwrite it, or -o")
    if not os.access(target.parent, os.W_OK):
        raise errors.InvalidInput(f"{target.parent} cannot be written to")


def save(file: fetching.Fetched, target: Path, *, force: bool, report: Report) -> None:
    """Put the file under its name once all of it has arrived and is what the pod holds; nobody else can read it.

    Whatever goes wrong, a full disk or Ctrl-C too, nothing of it stays behind and an older file stays as it was.
    Raises ArkError where the disk is full, InvalidInput where the name was taken meanwhile, Damaged, KubectlFailed.
    """
    free = shutil.disk_usage(target.parent).free
    if free < file.size:
        raise errors.ArkError(f"{target.parent} has room for {free} bytes, the backup has {file.size}",
                              hint="save it elsewhere with -o")
    descriptor, partial = tempfile.mkstemp(prefix=f".{target.name[:200]}.", suffix=".partial", dir=target.parent)
    try:
        try:
            with open(descriptor, "wb") as stream:
                copy(file, stream, report=report)
                stream.flush()
                os.fsync(stream.fileno())
            if force:
                os.replace(partial, target)
            else:
                _link(partial, target)
        except OSError as fault:
            full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
            raise errors.ArkError(f"{target} cannot be written: {fault.strerror or fault}",
                                  hint="save it elsewhere with -o" if full else None) from fault
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)


def copy(file: fetching.Fetched, stream: BinaryIO | Any, *, report: Report) -> None:
    """Write the bytes to a stream as they come. Raises Damaged at the end if they are not what the pod holds."""
    done = 0
    report(done, file.size)
    for piece in file.read():
        stream.write(piece)
        done += len(piece)
        report(done, file.size)


def _link(partial: str, target: Path) -> None:
    """Give the file its name unless that is taken. Raises InvalidInput, OSError."""
    try:
        os.link(partial, target)
    except FileExistsError as fault:
        raise errors.InvalidInput(f"{target} was made by somebody else meanwhile",
                                  hint="use --force to overwrite it") from fault
    except OSError:  # a file system without hard links
        if target.exists():
            raise
        os.replace(partial, target)
