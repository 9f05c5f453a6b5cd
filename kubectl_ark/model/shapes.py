"""Whether a value out of somebody's YAML has the shape that the rest of the checks take for granted.

A shape is ``str`` or another type, ``[shape]`` for a list, ``{"field": shape}`` for a mapping of which the fields not
named may be anything, and ``{"*": shape}`` for one whose every value has it. None fits everywhere.
"""

from __future__ import annotations

from typing import Any

_CALLED = {str: "text", bool: "true or false", int: "a whole number"}

SELECTOR = {"matchLabels": {"*": str}, "matchExpressions": [{"key": str, "operator": str, "values": [str]}]}
"""A LabelSelector."""


def problems(value: Any, shape: Any, at: str) -> list[str]:
    """Every place where ``value`` does not fit, as sentences. at: where it stands, "spec"."""
    if value is None:
        return []
    if isinstance(shape, type):
        return [] if isinstance(value, shape) else [f"{at}: {value!r:.40} is not {_CALLED[shape]}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{at}: {value!r:.40} is not a list"]
        return [found for index, each in enumerate(value) for found in problems(each, shape[0], f"{at}[{index}]")]
    if not isinstance(value, dict):
        return [f"{at}: {value!r:.40} is not a mapping"]
    return [found for key, each in value.items() if (inner := shape.get(key, shape.get("*"))) is not None
            for found in problems(each, inner, f"{at}.{key}")]
