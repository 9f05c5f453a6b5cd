"""The files in a tar, read defensively: a tar from a bucket is never trusted.

``tarfile`` would do, at several times the cost per item, and it keeps every header in memory. Read are ustar, GNU
long names and PAX paths, which is what Go's and Python's writers make (POSIX.1-2017, pax, "ustar Interchange Format").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kubectl_ark import errors
from kubectl_ark.engine.restore.unpack import Gunzip

BLOCK = 512
MAX_ITEM_BYTES = 8 * 1024 * 1024
"""Far above what an API server stores (etcd: 1.5 MiB by default)."""

MAX_HEADER_BYTES = 64 * 1024
MAX_ENTRIES = 5_000_000

_BAD_NAME = re.compile(r"[\x00-\x1f\x7f\\]|(?:\A|/)\.{0,2}(?:/|\Z)")
_EMPTY = bytes(BLOCK)
_REGULAR = (b"0", b"\0", b"7")
_KINDS = {b"1": "a hard link", b"2": "a symbolic link", b"3": "a device", b"4": "a device", b"6": "a pipe"}


class Entry(NamedTuple):
    """One regular file: its checked name and its content."""

    name: str
    content: bytes


def entries(stream: Gunzip, *, max_item_bytes: int = MAX_ITEM_BYTES, max_entries: int = MAX_ENTRIES) -> Iterator[Entry]:
    """Every regular file of the tar, in order. Raises Damaged at the first thing that no backup contains.

    Directories are passed over (a tar packed again by hand has them). The caller reads the stream to its end.
    """
    long_name: str | None = None
    long_size: int | None = None
    subject = stream.subject
    for _ in range(max_entries):
        header = stream.read(BLOCK)
        if header == _EMPTY:
            return
        if len(header) < BLOCK:
            raise errors.Damaged(f"{subject} ends before its end mark",
                                 hint="take another backup: this one was not stored whole")
        size = _number(header[124:136], subject)
        if sum(header) - sum(header[148:156]) + 8 * 32 != _number(header[148:156], subject):
            raise errors.Damaged(f"{subject} is damaged: the checksum of a tar header is wrong")
        kind = header[156:157]
        if kind in (b"x", b"g", b"L"):
            content = _content(stream, size, MAX_HEADER_BYTES, "a tar header")
            if kind == b"L":
                long_name = _text(content.rstrip(b"\0"), subject)
            elif kind == b"x":
                fields = _pax(content, subject)
                long_name = fields.get("path", long_name)
                long_size = int(fields["size"]) if fields.get("size", "").isdigit() else None
            continue
        name = _checked(long_name if long_name is not None else _name(header, subject), subject)
        size = size if long_size is None else long_size
        long_name = long_size = None
        if kind in _REGULAR:
            yield Entry(name, _content(stream, size, max_item_bytes, name))
        elif kind == b"5":
            _content(stream, size, max_item_bytes, name)
        else:
            raise errors.Damaged(f'{subject} contains {_KINDS.get(kind, "an entry of unknown type")}, "{name}"; '
                                 "it was not restored")
    raise errors.Damaged(f"{subject} contains more than {max_entries} entries; it was not restored")


def _content(stream: Gunzip, size: int, limit: int, name: str) -> bytes:
    if size > limit:
        raise errors.Damaged(f"{stream.subject}: {name} has {size} bytes, more than the {limit} that are allowed")
    content = stream.read(size)
    padding = -size % BLOCK
    if len(content) < size or len(stream.read(padding)) < padding:
        raise errors.Damaged(f"{stream.subject} ends in the middle of {name}",
                             hint="take another backup: this one was not stored whole")
    return content


def _name(header: bytes, subject: str) -> str:
    name = header[:100].partition(b"\0")[0]
    if header[257:262] == b"ustar":
        prefix = header[345:500].partition(b"\0")[0]
        if prefix and header[263:265] == b"00":
            name = prefix + b"/" + name
    return _text(name, subject)


def _checked(name: str, subject: str) -> str:
    """The name without a leading "./". Refused: absolute, "..", backslash, control characters, empty parts."""
    relative = name.removeprefix("./").removesuffix("/")
    if _BAD_NAME.search(relative) and name not in (".", "./"):
        raise errors.Damaged(f"{subject} contains the name {name!r}, which leads out of it; it was not restored")
    return relative


def _number(field: bytes, subject: str) -> int:
    text = field.partition(b"\0")[0].strip(b" ")
    try:
        return int(text if text.isdigit() else b"", 8)
    except ValueError:
        raise errors.Damaged(f"{subject} is damaged: a tar header has {field!r} for a number") from None


def _text(raw: bytes, subject: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as fault:
        raise errors.Damaged(f"{subject} contains the name {raw!r}, which is not UTF-8") from fault


def _pax(content: bytes, subject: str) -> dict[str, str]:
    """The records of an extended header: "<length> <key>=<value>\\n"."""
    fields: dict[str, str] = {}
    while content:
        length, _, _ = content.partition(b" ")
        if not length.isdigit() or not len(length) < int(length) <= len(content):
            raise errors.Damaged(f"{subject} is damaged: a tar header is not well formed")
        key, _, value = content[len(length) + 1:int(length)].rstrip(b"\n").partition(b"=")
        fields[_text(key, subject)] = _text(value, subject)
        content = content[int(length):]
    return fields
