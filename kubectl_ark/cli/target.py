"""TYPE NAME or TYPE/NAME, as ``describe``, ``logs``, ``cancel``, ``download`` and ``delete`` take it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from kubectl_ark import errors
from kubectl_ark.model import kinds, names


def run(command: str, words: Sequence[str]) -> tuple[kinds.Kind, str]:
    """The kind (Backup or Restore) and the name. Raises UsageError."""
    return one_of((kinds.BACKUP, kinds.RESTORE), command, words)


def one_of(allowed: Collection[kinds.Kind], command: str, words: Sequence[str]) -> tuple[kinds.Kind, str]:
    """One of these kinds, and one name. Raises UsageError."""
    kind, found = several(command, words, allowed=allowed)
    if len(found) != 1:
        example = next(iter(allowed)).singular
        raise errors.UsageError(f"name one {_listed(allowed)}", hint=f'use "kubectl ark {command} {example} NAME"')
    return kind, found[0]


def several(command: str, words: Sequence[str], *, allowed: Collection[kinds.Kind]) -> tuple[kinds.Kind, list[str]]:
    """One of these kinds, and any number of names: TYPE NAME…, or TYPE/NAME… all of one kind. Raises UsageError."""
    example = f'use "kubectl ark {command} {next(iter(allowed)).singular} NAME"'
    if not words:
        raise errors.UsageError(f"name one {_listed(allowed)}", hint=example)
    first, slash, _ = words[0].partition("/")
    if slash:
        pairs = [word.partition("/") for word in words]
        for word, (_, separator, _) in zip(words, pairs):
            if not separator:
                raise errors.UsageError(f'"{word}" must be TYPE/NAME like "{words[0]}"')
        kind = _kind(first, allowed, example)
        if any(_kind(each, allowed, example) is not kind for each, _, _ in pairs):
            raise errors.UsageError("name objects of one kind at a time")
        found = [name for _, _, name in pairs]
    else:
        kind, found = _kind(first, allowed, example), list(words[1:])
    for name in found:
        if problem := names.dns_name_problem(name):
            raise errors.UsageError(problem)
    return kind, found


def _kind(word: str, allowed: Collection[kinds.Kind], example: str) -> kinds.Kind:
    kind = kinds.find(word)
    if kind is None or kind not in allowed:
        raise errors.UsageError(f'"{word}" is not a {_listed(allowed)}', hint=example)
    return kind


def _listed(allowed: Collection[kinds.Kind]) -> str:
    """ "backup or restore"; of many kinds only that they are ours."""
    return " or ".join(kind.singular for kind in allowed) if len(allowed) <= 3 else "kind of kubectl-ark"
