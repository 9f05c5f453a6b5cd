"""The password of the volumes' data: made once or given by the user, and handed out, since it must outlive the cluster.

Whoever has neither the cluster nor the password has lost the data of the volumes.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import os
import secrets
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.launch import paths
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import labels, times

SECRET, KEY = "ark-repo-credentials", "repository-password"
BYTES = 32
"""Of randomness in a password that is made here."""

HINT = ("the data of volumes is encrypted with it, and lost with the cluster if it is not kept elsewhere")


@dataclasses.dataclass(frozen=True)
class Intent:
    """What is to become of the password. text: the one to use, "" if one is to be made. file: where it is to be
    written, None for nowhere. present: it is in the cluster already."""

    text: str = dataclasses.field(repr=False)
    file: Path | None
    present: bool


def intent(kubectl: Kubectl, namespace: str, file: str | None) -> Intent:
    """What ``--repo-password-file`` means for this cluster. Raises InvalidInput, KubectlFailed."""
    path = Path(file) if file else None
    given = _read(path) if path is not None and path.exists() else ""
    found = find(kubectl, namespace)
    if found is None:
        return Intent(given, None if given else path, False)
    text = _text(found)
    if given and given != text:
        raise errors.InvalidInput(
            f"{path} holds another password than Secret {namespace}/{SECRET}",
            hint="what was saved of volumes can be read with the one in the Secret; name a file that is not there yet, "
                 "and that one is written to it")
    if given:
        _mark(kubectl, namespace)
    return Intent(text, None if given else path, True)


def find(kubectl: Kubectl, namespace: str) -> dict[str, Any] | None:
    """The Secret; None if there is none. Raises KubectlFailed."""
    try:
        return kubectl.get(paths.core("secrets", namespace, SECRET))
    except KubectlError as error:
        if error.status_reason == "NotFound":
            return None
        raise


def made() -> str:
    """A password that nobody knows yet."""
    return secrets.token_urlsafe(BYTES)


def store(kubectl: Kubectl, namespace: str, text: str, *, exported: bool) -> None:
    """Create the Secret. exported: the user has the password. Raises KubectlFailed where there is one already."""
    notes = {labels.EXPORTED: times.format_time(times.now())} if exported else {}
    kubectl.create(paths.core("secrets", namespace), {
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": SECRET, "namespace": namespace, "annotations": notes,
                     "labels": {labels.MANAGED_BY: labels.MANAGER, labels.EXCLUDE_FROM_BACKUP[0]: "true"}},
        "data": {KEY: base64.b64encode(text.encode()).decode()}})


def discard(kubectl: Kubectl, namespace: str) -> None:
    """Take the Secret back that was just made."""
    kubectl.delete(paths.core("secrets", namespace, SECRET))


def write(text: str, file: Path) -> None:
    """Write a password to a file that is not there yet, for this user alone: whole or not at all.

    Raises InvalidInput.
    """
    unfinished = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as stream:
                stream.write(text + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.link(unfinished, file)
        finally:
            unfinished.unlink()
    except OSError as error:
        raise errors.InvalidInput(f"the password cannot be written to {file}: {error.strerror or error}",
                                  hint="name a file that is not there yet, in a directory that is") from error


def export(kubectl: Kubectl, namespace: str, file: str) -> bool:
    """Write the cluster's password to a file; False if the cluster has none. Raises InvalidInput, KubectlFailed."""
    wanted = intent(kubectl, namespace, file)
    if not wanted.present:
        return False
    if wanted.file is not None:
        write(wanted.text, wanted.file)
        _mark(kubectl, namespace)
    return True


def is_unexported(kubectl: Kubectl, namespace: str) -> bool:
    """Whether the cluster has a password that nobody is known to have."""
    found = find(kubectl, namespace)
    return found is not None and labels.EXPORTED not in (found["metadata"].get("annotations") or {})


def _mark(kubectl: Kubectl, namespace: str) -> None:
    """Note that the user has it."""
    with contextlib.suppress(KubectlError):  # who may only read the Secret has it all the same
        kubectl.patch("secret", SECRET, namespace, {"metadata": {"annotations": {
            labels.EXPORTED: times.format_time(times.now())}}})


def _text(secret: dict[str, Any]) -> str:
    try:
        return base64.b64decode((secret.get("data") or {})[KEY]).decode().strip()
    except (KeyError, ValueError):
        metadata = secret["metadata"]
        raise errors.InvalidInput(f'Secret {metadata["namespace"]}/{metadata["name"]} has no text under "{KEY}"',
                                  hint="repair or delete it") from None


def _read(file: Path) -> str:
    """The password in a file: its first line."""
    try:
        lines = file.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InvalidInput(f"{file} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not lines or not lines[0].strip():
        raise errors.InvalidInput(f"{file} holds no password in its first line")
    return lines[0].strip()
