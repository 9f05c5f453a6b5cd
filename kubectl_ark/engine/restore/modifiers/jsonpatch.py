"""JSON patches (RFC 6902) on one object."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

OPERATIONS = ("add", "remove", "replace", "test", "move", "copy")


class TestFailed(ValueError):
    """A "test" operation did not hold."""


def apply(target: dict[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A patched copy of ``target``. operations: {"op", "path", "value" or "from"}.

    Raises TestFailed; ValueError where a path does not exist. ``target`` is then as it was.
    """
    document: Any = copy.deepcopy(target)
    for each in operations:
        try:
            document = _one(document, each)
        except (KeyError, IndexError, TypeError) as fault:
            raise ValueError(f'{each["op"]} {each["path"]}: there is no such path in the object') from fault
    if not isinstance(document, dict):
        raise ValueError("the patch leaves something that is no object")
    return document


def pointer(path: str) -> list[str]:
    """The parts of a JSON pointer (RFC 6901); [] is the whole document. Raises ValueError."""
    if path and not path.startswith("/"):
        raise ValueError(f'"{path}" does not begin with a slash')
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _one(document: Any, operation: Mapping[str, Any]) -> Any:
    kind, path = operation["op"], pointer(operation["path"])
    if kind == "test":
        try:
            found = _get(document, path)
        except (KeyError, IndexError, TypeError):
            found = None  # as Velero's library: what is missing equals null
        if not _equal(found, operation.get("value")):
            raise TestFailed(f'test {operation["path"]}: it is another value')
        return document
    if kind == "remove":
        return _removed(document, path)
    if kind == "replace":
        _get(document, path)
        return _added(_removed(document, path), path, operation.get("value"))
    if kind == "add":
        return _added(document, path, operation.get("value"))
    source = pointer(operation["from"])
    value = copy.deepcopy(_get(document, source))
    if kind == "move":
        if path[:len(source)] == source and path != source:
            raise ValueError(f'move {operation["from"]}: it cannot be moved into itself')
        document = _removed(document, source)
    return _added(document, path, value)


def _get(document: Any, path: list[str]) -> Any:
    for part in path:
        document = document[_index(document, part)] if isinstance(document, list) else document[part]
    return document


def _added(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent = _get(document, path[:-1])
    if isinstance(parent, list):
        position = len(parent) if path[-1] == "-" else _index(parent, path[-1], end=len(parent))
        parent.insert(position, value)
    elif isinstance(parent, dict):
        parent[path[-1]] = value
    else:
        raise TypeError
    return document


def _removed(document: Any, path: list[str]) -> Any:
    if not path:
        return None
    parent = _get(document, path[:-1])
    del parent[_index(parent, path[-1]) if isinstance(parent, list) else path[-1]]
    return document


def _index(items: list[Any], part: str, *, end: int | None = None) -> int:
    """A list's index; no leading zeros, no sign (RFC 6901 §4). end: one more than the last allowed is ``end``."""
    if not part.isascii() or not part.isdigit() or (len(part) > 1 and part[0] == "0"):
        raise KeyError(part)
    index = int(part)
    if index > (len(items) - 1 if end is None else end):
        raise IndexError(part)
    return index


def _equal(first: Any, second: Any) -> bool:
    """JSON equality: true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_equal(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_equal, first, second))
    return bool(first == second)
