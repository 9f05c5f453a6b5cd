"""Whether a value out of somebody's YAML has the shape that the rest of the checks take for granted.

A shape is ``str`` or another type, ``[shape]`` for a list, ``{"field": shape}`` for a mapping of which the fields not
named may be anything, and ``{"*": shape}`` for one whose every value has it. Null is a field that is not there: it
fits, but not in a list, nor as a value of ``{"*": shape}``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

_CALLED = {str: "text", bool: "true or false", int: "a whole number", dict: "a mapping"}

SELECTOR = {"matchLabels": {"*": str}, "matchExpressions": [{"key": str, "operator": str, "values": [str]}]}
"""A LabelSelector."""


def problems(value: Any, shape: Any, at: str) -> list[str]:
    """Every place where ``value`` does not fit, as sentences. at: where it stands, "spec"."""
    return [] if value is None else _misfits(value, shape, at)


def unknown(mapping: Mapping[Any, Any], known: Collection[str], at: str) -> list[str]:
    """The keys that the mapping may not have, as sentences."""
    return [f'{at}: "{key}" is unknown' for key in sorted(str(key) for key in mapping if key not in known)]


def _misfits(value: Any, shape: Any, at: str) -> list[str]:
    if isinstance(shape, type):
        fits = isinstance(value, shape) and not (shape is int and isinstance(value, bool))
        return [] if fits else [f"{at}: {_shown(value)} is not {_CALLED[shape]}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: {_shown(value)} is not a list"]
        return [found for index, each in enumerate(value) for found in _misfits(each, shape[0], f"{at}[{index}]")]
    if not isinstance(value, dict):
        return [f"{at}: {_shown(value)} is not a mapping"]
    if "*" in shape:
        odd = [f"{at}: the key {key} is not text" for key in value if not isinstance(key, str)]
        return odd + [found for key, each in value.items() for found in _misfits(each, shape["*"], f"{at}.{key}")]
    return [found for key, inner in shape.items() for found in problems(value.get(key), inner, f"{at}.{key}")]


def _shown(value: Any) -> str:
    """As in YAML: null, not None; long values cut."""
    return f"{json.dumps(value, ensure_ascii=False, default=str, skipkeys=True):.40}"
