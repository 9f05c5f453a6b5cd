"""Label selectors: metav1.LabelSelector, the text of ``-l``, and what they match."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SET = re.compile(r"(?P<key>\S+)\s+(?P<operator>in|notin)\s*\((?P<values>[^)]*)\)")
_EQUAL = re.compile(r"(?P<key>[^\s=!]+)\s*(?P<operator>==|=|!=)\s*(?P<value>\S*)")
_KEY = re.compile(r"([a-z0-9A-Z.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_VALUE = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_OPERATORS = {"In", "NotIn", "Exists", "DoesNotExist"}


def parse(text: str) -> dict[str, Any]:
    """The LabelSelector that a ``-l`` text means: "app=web,tier in (a,b),!old". Raises ValueError."""
    labels: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for part in re.split(r",(?![^(]*\))", text):
        part = part.strip()
        if found := _SET.fullmatch(part):
            values = [value.strip() for value in found["values"].split(",")]
            operator = "In" if found["operator"] == "in" else "NotIn"
            expressions.append({"key": found["key"], "operator": operator, "values": values})
        elif found := _EQUAL.fullmatch(part):
            if found["operator"] == "!=":
                expressions.append({"key": found["key"], "operator": "NotIn", "values": [found["value"]]})
            else:
                labels[found["key"]] = found["value"]
        elif part.startswith("!"):
            expressions.append({"key": part[1:].strip(), "operator": "DoesNotExist"})
        else:
            expressions.append({"key": part, "operator": "Exists"})
    selector: dict[str, Any] = {}
    if labels:
        selector["matchLabels"] = labels
    if expressions:
        selector["matchExpressions"] = expressions
    if found_problems := problems(selector):
        raise ValueError(f'"{text}" is not a label selector: {found_problems[0]}')
    return selector


def problems(selector: Mapping[str, Any]) -> list[str]:
    """What is wrong with a LabelSelector; empty if nothing is."""
    found = []
    expressions = selector.get("matchExpressions") or []
    for key in [*(selector.get("matchLabels") or {}), *(each.get("key", "") for each in expressions)]:
        if not _KEY.fullmatch(key):
            found.append(f'"{key}" is not a label key')
    for value in [*(selector.get("matchLabels") or {}).values(),
                  *(value for each in expressions for value in each.get("values") or [])]:
        if not _VALUE.fullmatch(str(value)):
            found.append(f'"{value}" is not a label value: it has at most 63 letters, digits, "-", "_" and ".", '
                         "and begins and ends with a letter or digit")
    for each in expressions:
        operator, values = each.get("operator") or "", each.get("values") or []
        if operator not in _OPERATORS:
            found.append(f'"{operator}" is not an operator: use In, NotIn, Exists or DoesNotExist')
        elif (operator in ("In", "NotIn")) != bool(values):
            found.append(f'{each.get("key")}: {operator} takes {"values" if not values else "no values"}')
    return found


def to_query(selector: Mapping[str, Any] | None) -> str:
    """The selector as the API's labelSelector parameter; "" selects everything."""
    if not selector:
        return ""
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for each in selector.get("matchExpressions") or []:
        key, operator = each["key"], each["operator"]
        if operator in ("In", "NotIn"):
            parts.append(f"{key} {operator.lower()} ({','.join(each['values'])})")
        else:
            parts.append(key if operator == "Exists" else f"!{key}")
    return ",".join(parts)


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str] | None) -> bool:
    """True if an object with ``labels`` is selected, by the API server's own rules."""
    if not selector:
        return True
    labels = labels or {}
    if any(labels.get(key) != value for key, value in (selector.get("matchLabels") or {}).items()):
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions") or [])


def _holds(expression: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    key, operator, values = expression["key"], expression["operator"], expression.get("values") or []
    if operator == "In":
        return key in labels and labels[key] in values
    if operator == "NotIn":
        return key not in labels or labels[key] not in values
    return bool((key in labels) == (operator == "Exists"))
