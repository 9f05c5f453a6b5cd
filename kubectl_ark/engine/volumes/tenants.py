"""Who may do what at the endpoint that restic speaks to: rights, paths, names. Pure."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import enum
import re
from collections.abc import Callable
from typing import Any

TYPES = ("data", "keys", "locks", "snapshots", "index")
CONFIG = "config"
_NAME = re.compile(r"[0-9a-f]{64}")


class Rights(enum.Enum):
    """Of a tenant in its own repository; in every other it has none."""

    READ = "read"
    """Look at everything."""
    APPEND = "append"
    """And add data, snapshots and locks; nothing is overwritten, and only locks of its own are removed."""
    FULL = "full"


@dataclasses.dataclass(frozen=True)
class Tenant:
    """One who is let in. repository: the directory below the location's prefix, "restic/shop/".

    report: is given what the tenant reports; False from it tells the tenant to stop.
    """

    name: str
    token: str = dataclasses.field(repr=False)
    repository: str
    rights: Rights
    report: Callable[[dict[str, Any]], bool] | None = None

    def may_add(self, type: str) -> bool:
        """Whether it may add a file of this type, or the config. Keys and config are made when a repository is."""
        return self.rights is Rights.FULL or self.rights is Rights.APPEND and type not in (CONFIG, "keys")


@dataclasses.dataclass(frozen=True)
class Target:
    """What a request is about. type: one of TYPES, CONFIG, or "" for the repository itself. name: "" for all."""

    type: str
    name: str

    def key(self, repository: str) -> str:
        """Where it lies in the bucket, as restic itself lays out a repository on S3."""
        if self.type in ("", CONFIG):
            return repository + self.type
        folder = f"{self.name[:2]}/" if self.type == "data" and self.name else ""
        return f"{repository}{self.type}/{folder}{self.name}"


def target(path: str, repository: str) -> Target | None:
    """What a URL's path means to who has this repository; None for anything else, whatever it is."""
    rest = path.removeprefix("/")
    if not rest.startswith(repository):
        return None
    rest = rest[len(repository):]
    if rest in ("", CONFIG):
        return Target(rest, "")
    type, slash, name = rest.partition("/")
    if type not in TYPES or not slash or name and not _NAME.fullmatch(name):
        return None
    return Target(type, name)


def credentials(header: str | None) -> tuple[str, str] | None:
    """(name, token) of an Authorization header; None where it has none."""
    scheme, _, text = (header or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, token = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, token) if colon else None


def byte_range(header: str | None) -> tuple[int, int | None] | None:
    """(offset, length or None for the rest) of a Range header; None where it has none that is understood."""
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", header or "")
    if not found:
        return None
    offset = int(found[1])
    if not found[2]:
        return offset, None
    last = int(found[2])
    return (offset, last - offset + 1) if last >= offset else None
