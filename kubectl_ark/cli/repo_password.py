"""What ``install`` does about the password of the volumes' data, and what it says of it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from kubectl_ark import errors
from kubectl_ark.cli import output
from kubectl_ark.launch import passwords
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.launch.passwords import Intent

FLAG = "--repo-password-file"


def understood(kubectl: Kubectl, namespace: str, file: str | None) -> Intent:
    """What is to become of the password, before anything is changed.

    Raises UsageError where one would have to be shown, and nobody is there to see it; InvalidInput, KubectlFailed.
    """
    intent = passwords.intent(kubectl, namespace, file)
    if not intent.present and not intent.text and intent.file is None and not _is_anybody_there():
        raise errors.UsageError(
            f"say with {FLAG} where the password of the volumes' data is, or is to be written: {passwords.HINT}")
    return intent


def settle(kubectl: Kubectl, namespace: str, intent: Intent) -> None:
    """Before the location is tried: what is known is put in place, so that it can be tried too."""
    if intent.present:
        if intent.file is not None and passwords.export(kubectl, namespace, str(intent.file)):
            output.say(f"The password of the volumes' data is in {intent.file}: keep it where it outlives the cluster")
    elif intent.text:
        passwords.store(kubectl, namespace, intent.text, exported=True)


def conclude(kubectl: Kubectl, namespace: str, intent: Intent, status: Mapping[str, Any]) -> bool:
    """After the location was tried; True if it is to be tried again with a password that was given now.

    status: the location's. Raises KubectlFailed where the bucket holds data that the password does not open.
    """
    held = status.get("repositories") or {}
    found, example = int(held.get("found") or 0), held.get("example") or ""
    if intent.present:
        return False
    if intent.text:
        if found and held.get("passwordFits") is False:
            passwords.discard(kubectl, namespace)
            raise errors.KubectlFailed(
                f"the password does not open the volumes' data that is in the bucket already ({example}); all else is "
                "installed", hint=f"run the same command with the right one in {FLAG}")
        return False
    if found:
        return _asked(kubectl, namespace, example)
    text = passwords.made()
    if intent.file is not None:
        passwords.write(text, intent.file)
    passwords.store(kubectl, namespace, text, exported=intent.file is not None)
    if intent.file is not None:
        output.say(f"A password for the volumes' data was made and written to {intent.file}: keep it where it outlives "
                   "the cluster, as the data is lost without it")
    else:
        output.say(f"A password for the volumes' data was made; this is the only time that it is shown: {text}\n"
                   "Keep it where it outlives the cluster: the volumes' data in the bucket is lost with the cluster "
                   "without it")
    return False


def _asked(kubectl: Kubectl, namespace: str, example: str) -> bool:
    """Have the user give the password of data that is there already; none is made then."""
    told = f"the bucket holds the data of volumes already ({example}), which has a password"
    if not _is_anybody_there():
        raise errors.KubectlFailed(f"{told}; all else is installed",
                                   hint=f"run the same command with the password in {FLAG}")
    output.say(f"{told[0].upper()}{told[1:]}.")
    text = click.prompt("Password", hide_input=True, err=True).strip()
    passwords.store(kubectl, namespace, text, exported=True)
    return True


def _is_anybody_there() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()
