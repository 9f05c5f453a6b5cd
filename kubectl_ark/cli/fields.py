"""Fields of an object as lines for people: "name:   value", nested ones indented. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any


def tree(name: str, value: Any, *, width: int) -> Iterator[str]:
    """The lines of one field. width: column where values begin. Lists of plain values are one line."""
    if isinstance(value, Mapping) and value:
        yield f"{name}:"
        for field, each in sorted(value.items()):
            yield from (f"  {line}" for line in tree(field, each, width=max(width - 2, 0)))
    elif isinstance(value, list) and any(isinstance(each, (Mapping, list)) for each in value):
        yield f"{name}:"
        yield from (f"  - {json.dumps(each, ensure_ascii=False, sort_keys=True)}" for each in value)
    else:
        yield f"{name + ': ':{width}}{_text(value)}"


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value)) or "<none>"
    if isinstance(value, bool):
        return str(value).lower()
    return "<none>" if value in ("", None, {}) else str(value)
