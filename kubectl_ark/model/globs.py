"""Name patterns of filters: ``*``, ``?``, ``[abc]``, ``[!abc]`` and ``{a,b}``, as Velero's globs understand them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

WILDCARDS = frozenset("*?[{")


def is_pattern(text: str) -> bool:
    """True if ``text`` is more than a plain name."""
    return not WILDCARDS.isdisjoint(text)


@functools.lru_cache(maxsize=1024)
def compiled(pattern: str, *, separator: str = "") -> re.Pattern[str]:
    """The pattern as a regular expression for the whole name. Raises ValueError where brackets do not close.

    separator: a character that ``*`` and ``?`` stop at; ``**`` does not.
    """
    result, index, braces = [], 0, 0
    anything = f"[^{re.escape(separator)}]" if separator else "."
    while index < len(pattern):
        char = pattern[index]
        if char == "*" and separator and pattern[index + 1:index + 2] == "*":
            result.append(".*")
            index += 1
        elif char == "*":
            result.append(anything + "*")
        elif char == "?":
            result.append(anything)
        elif char == "[":
            end = pattern.find("]", index + 2)
            if end < 0:
                raise ValueError(f'"{pattern}": "[" is not closed')
            body = pattern[index + 1:end]
            negated = body[:1] in "!^"
            result.append("[" + ("^" if negated else "") + re.escape(body[negated:]).replace(r"\-", "-") + "]")
            index = end
        elif char == "{":
            braces += 1
            result.append("(?:")
        elif char == "}" and braces:
            braces -= 1
            result.append(")")
        elif char == "," and braces:
            result.append("|")
        else:
            result.append(re.escape(char))
        index += 1
    if braces:
        raise ValueError(f'"{pattern}": "{{" is not closed')
    try:
        return re.compile("".join(result))
    except re.error as error:
        raise ValueError(f'"{pattern}" is not a pattern: {error}') from error


def matches(name: str, patterns: Iterable[str]) -> bool:
    """True if any of ``patterns`` matches the whole of ``name``."""
    return any(pattern == name or (is_pattern(pattern) and compiled(pattern).fullmatch(name) is not None)
               for pattern in patterns)


def includes(name: str, *, included: Iterable[str], excluded: Iterable[str]) -> bool:
    """Velero's rule: an exclude that matches says no; no includes, or one that matches, says yes."""
    included = list(included)
    if matches(name, excluded):
        return False
    return not included or matches(name, included)
