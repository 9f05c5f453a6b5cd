"""TYPE NAME or TYPE/NAME of a run, as ``describe``, ``logs`` and ``cancel`` take it."""

from __future__ import annotations

from collections.abc import Sequence

from kubectl_ark import errors
from kubectl_ark.model import kinds, names


def run(command: str, words: Sequence[str]) -> tuple[kinds.Kind, str]:
    """The kind (Backup or Restore) and the name. Raises UsageError."""
    parts = words[0].split("/", 1) + list(words[1:]) if words else []
    if len(parts) == 2:
        kind = kinds.find(parts[0])
        if kind not in (kinds.BACKUP, kinds.RESTORE) or kind is None:
            raise errors.UsageError(f'"{parts[0]}" is neither backup nor restore',
                                    hint=f'use "kubectl ark {command} backup NAME"')
        if problem := names.dns_name_problem(parts[1]):
            raise errors.UsageError(problem)
        return kind, parts[1]
    raise errors.UsageError(f'name one backup or restore: "kubectl ark {command} backup NAME"')
