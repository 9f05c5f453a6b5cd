"""Moments and durations as Kubernetes and Go write them."""

from __future__ import annotations

import datetime
import re

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")


def now() -> datetime.datetime:
    """This moment, in UTC."""
    return datetime.datetime.now(datetime.timezone.utc)


def format_time(moment: datetime.datetime) -> str:
    """RFC 3339 in UTC with seconds, as metav1.Time: "2024-05-01T10:00:00Z"."""
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime.datetime:
    """The moment that an RFC 3339 text names. Raises ValueError."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(datetime.timezone.utc)


def parse_nanoseconds(text: str) -> datetime.datetime:
    """The same of a text as Go writes it, with more digits than every Python reads; the fraction is dropped."""
    head, dot, tail = text.partition(".")
    return parse_time(head + tail.lstrip("0123456789") if dot else text)


def parse_duration(text: str) -> float:
    """Seconds of a Go duration such as "720h0m0s" or "1.5h"; "0" is zero. Raises ValueError."""
    body = text[1:] if text[:1] in "+-" else text
    sign = -1.0 if text.startswith("-") else 1.0
    if body == "0":
        return 0.0
    total, end = 0.0, 0
    for part in _PART.finditer(body):
        if part.start() != end:
            break
        total += float(part[1]) * _UNITS[part[2]]
        end = part.end()
    if not body or end != len(body):
        raise ValueError(f'"{text}" is not a duration such as 30s, 10m or 720h')
    return sign * total


def format_duration(seconds: float) -> str:
    """Go's way to write whole seconds: 2592000 -> "720h0m0s"."""
    rest = int(seconds)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    if minutes:
        return f"{minutes}m{rest}s"
    return f"{rest}s"


def human_duration(seconds: float) -> str:
    """Age as kubectl prints it (apimachinery's HumanDuration): 95s, 3m12s, 125m, 3h5m, 30h, 2d4h, 400d, 3y20d, 9y."""
    whole = int(seconds)
    if whole < -1:
        return "<invalid>"
    if whole < 0:
        return "0s"
    if whole < 120:
        return f"{whole}s"
    minutes = whole // 60
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = whole // 3600
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if hours < 192:
        return f"{hours // 24}d{hours % 24}h" if hours % 24 else f"{hours // 24}d"
    if hours < 24 * 365 * 2:
        return f"{hours // 24}d"
    days = hours // 24
    if hours < 24 * 365 * 8:
        return f"{days // 365}y{days % 365}d" if days % 365 else f"{days // 365}y"
    return f"{days // 365}y"
