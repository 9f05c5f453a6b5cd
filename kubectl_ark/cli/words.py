"""Words in Velero's order, and which command was meant."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_ark import errors
from kubectl_ark.model import kinds, names

_RUNS = ("backup", "restore")


def meant(arguments: Sequence[str]) -> str | None:
    """The command for an unknown first word such as "backups" or "create"; None where none comes to mind."""
    first = arguments[0]
    rest = [word for word in arguments[1:] if not word.startswith("-")]
    kind = kinds.find(first)
    if kind is not None:
        verb = rest[0] if rest and rest[0] in names.VELERO_WORDS else "get"
        return _command(verb, kind, rest[1:] if rest else [])
    if rest and (kind := kinds.find(rest[0])) is not None:
        if first in ("create", "run", "new"):
            return _command("create", kind, rest[1:])
        if first in ("list", "ls", "show"):
            return _command("get", kind, rest[1:])
    return {"log": "kubectl ark logs backup NAME", "status": "kubectl ark describe backup NAME",
            "list": "kubectl ark get backups", "ls": "kubectl ark get backups"}.get(first)


def refuse_velero_order(singular: str, given: Sequence[str]) -> None:
    """Raises UsageError for ``backup get`` and the like: no run is named like a verb by accident."""
    if not given or given[0] not in names.VELERO_WORDS:
        return
    kind = kinds.find(singular)
    assert kind is not None
    command = _command(given[0], kind, given[1:])
    known = f'use "{command}"' if command else "this version cannot do that"
    raise errors.UsageError(f'"kubectl ark {singular} {given[0]}" is Velero\'s word order', hint=known)


def _command(verb: str, kind: kinds.Kind, rest: Sequence[str]) -> str | None:
    name = rest[0] if rest else "NAME"
    singular, plural = ("location", "locations") if kind == kinds.STORAGE_LOCATION else (kind.singular, kind.plural)
    if verb in ("get", "list"):
        return " ".join(["kubectl ark get", plural, *rest])
    if verb == "describe":
        return f"kubectl ark describe {singular} {name}"
    if verb == "delete":
        return " ".join(["kubectl ark delete", singular, *(rest or ["NAME"])])
    if verb in ("create", "set") and kind == kinds.STORAGE_LOCATION:
        return f"kubectl ark location {verb} {name}" + (" --bucket BUCKET" if verb == "create" else "")
    if verb == "download" and kind == kinds.BACKUP:
        return f"kubectl ark download backup {name}"
    if kind == kinds.SCHEDULE and verb == "create":
        return f"kubectl ark schedule create {name} --schedule CRON"
    if kind.singular not in _RUNS:
        return None
    if verb == "create":
        return f"kubectl ark {kind.singular} {name}" + (" --from-backup BACKUP" if kind == kinds.RESTORE else "")
    if verb in ("logs", "cancel"):
        return f"kubectl ark {verb} {kind.singular} {name}"
    return None
