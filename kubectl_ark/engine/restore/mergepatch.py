"""JSON merge patches (RFC 7386): made from two objects, and applied to one."""

from __future__ import annotations

from typing import Any


def between(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """The patch that makes ``before`` into ``after``: what is not in ``after`` becomes null; {} if they are equal.

    A null that stands in ``after`` itself cannot be told from a removal (RFC 7386 §1); the API server keeps none.
    """
    patch: dict[str, Any] = {key: None for key in before if key not in after}
    for key, value in after.items():
        there = before.get(key)
        if isinstance(value, dict) and isinstance(there, dict):
            if inner := between(there, value):
                patch[key] = inner
        elif key not in before or there != value:
            patch[key] = value
    return patch


def apply(target: Any, patch: Any) -> Any:
    """``target`` with the patch in it; ``target`` is used up. A patch that is no object takes its place."""
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Any] = target if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply(result.get(key), value)
    return result
