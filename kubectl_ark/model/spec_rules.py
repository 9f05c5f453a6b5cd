"""What Backup's and Restore's specs have in common: selection, durations, numbers, and fields that must wait.

Each function returns sentences, one for each mistake; none raises. Rules are Velero's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import globs, selectors, times

MAX_PARALLEL = 256

_REFUSED_CHARACTERS = frozenset("|()!,")


def not_yet(spec: Mapping[str, Any], fields: tuple[str, ...]) -> list[str]:
    """Fields that this version cannot act on are refused with their name, never ignored."""
    return [f"spec.{field}: this version does not support it yet; leave it out" for field in fields
            if _says_something(spec.get(field))]


def selection(spec: Mapping[str, Any], *, at: str = "spec") -> list[str]:
    """Namespaces, kinds and labels. at: where these fields stand, "spec.hooks.resources[0]" for one."""
    problems = []
    for what in ("Namespaces", "Resources"):
        included, excluded = f"included{what}", f"excluded{what}"
        if "*" in (spec.get(excluded) or []):
            problems.append(f'{at}.{excluded}: "*" would leave nothing')
        problems += lists(spec, included, excluded, at=at)
    return problems + _labels(spec, at)


def lists(spec: Mapping[str, Any], included: str, excluded: str, *, at: str = "spec") -> list[str]:
    """Two fields with names and patterns that stand against each other. at: as for ``selection``."""
    problems = []
    includes, excludes = spec.get(included) or [], spec.get(excluded) or []
    if "*" in includes and len(includes) > 1:
        problems.append(f'{at}.{included}: "*" already means all; leave out the others')
    for name in sorted(set(includes) & set(excludes) - {"*"}):
        problems.append(f'"{name}" is both in {at}.{included} and in {at}.{excluded}')
    for field, values in ((included, includes), (excluded, excludes)):
        problems += [f"{at}.{field}: {problem}" for value in values for problem in _pattern(value, field)]
    return problems


def _labels(spec: Mapping[str, Any], at: str) -> list[str]:
    one, several = spec.get("labelSelector"), spec.get("orLabelSelectors") or []
    problems = [f"{at}.labelSelector: {problem}" for problem in selectors.problems(one or {})]
    for index, each in enumerate(several):
        problems += [f"{at}.orLabelSelectors[{index}]: {problem}" for problem in selectors.problems(each or {})]
    if one and several:
        problems.append(f"{at}.labelSelector and {at}.orLabelSelectors exclude each other")
    return problems


def duration(spec: Mapping[str, Any], field: str) -> list[str]:
    """A Go duration, if the field is there."""
    try:
        times.parse_duration(spec.get(field) or "0")
    except ValueError as error:
        return [f"spec.{field}: {error}"]
    return []


def pace(spec: Mapping[str, Any]) -> list[str]:
    """Our own qps and parallel: how hard one run may press the API server."""
    found, qps, parallel = [], spec.get("qps"), spec.get("parallel")
    if qps is not None and not (_is_number(qps) and qps > 0):
        found.append(f"spec.qps: {qps} is not a number of requests per second above 0")
    if parallel is not None and not (isinstance(parallel, int) and _is_number(parallel)
                                     and 1 <= parallel <= MAX_PARALLEL):
        found.append(f"spec.parallel: {parallel} is not a whole number from 1 to {MAX_PARALLEL}")
    return found


def at_once(spec: Mapping[str, Any], field: str) -> list[str]:
    """A field of uploaderConfig: how many files restic works on at once. 0 leaves it to restic."""
    given = (spec.get("uploaderConfig") or {}).get(field)
    if given is None or 0 <= given <= MAX_PARALLEL:
        return []
    return [f"spec.uploaderConfig.{field}: {given} is not a number of files from 1 to {MAX_PARALLEL}"]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _says_something(value: Any) -> bool:
    """False for what is unset, off or empty all through, such as {"resources": []}."""
    if isinstance(value, Mapping):
        return any(_says_something(each) for each in value.values())
    return bool(value)


def _pattern(text: str, field: str) -> list[str]:
    if not text:
        return ["a name must not be empty"]
    if field.endswith("Namespaces") and ("**" in text or (
            not _REFUSED_CHARACTERS.isdisjoint(text) and not {"{", "["} & set(text))):
        return [f'"{text}" is not a pattern: use *, ?, [abc] and {{a,b}}']
    try:
        globs.compiled(text)
    except ValueError as error:
        return [str(error)]
    return []
