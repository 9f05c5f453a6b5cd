"""A stored gzip stream is read whole, or refused with one clear sentence."""

from __future__ import annotations

import gzip
import io
import os

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.restore.unpack import Gunzip
from tests.engine.restore.stored import sha256

PLAIN = os.urandom(300_000) + bytes(700_000)


def unpack(stored: bytes, *, limit: int = 1 << 30) -> bytes:
    stream = Gunzip(io.BytesIO(stored), subject="the archive", limit=limit)
    content = b"".join(iter(lambda: stream.read(1000), b""))
    assert stream.finish() == sha256(stored)
    return content


@pytest.mark.parametrize("padding", [b"", bytes(700)])
def test_many_members_are_one_stream(padding: bytes) -> None:
    stored = gzip.compress(PLAIN[:100]) + gzip.compress(b"") + gzip.compress(PLAIN[100:]) + padding
    assert unpack(stored) == PLAIN


@pytest.mark.parametrize("length", [0, 5, 1000, -9, -1])
def test_a_stream_that_was_cut_is_refused(length: int) -> None:
    with pytest.raises(errors.Damaged, match="the archive is cut off"):
        unpack(gzip.compress(PLAIN)[:length])


@pytest.mark.parametrize("position", [12, 5000, 250_000, -6, -2])
def test_a_stream_with_one_flipped_bit_is_refused(position: int) -> None:
    stored = bytearray(gzip.compress(PLAIN))
    stored[position] ^= 4
    with pytest.raises(errors.Damaged, match="the archive is (damaged|cut off)"):
        unpack(bytes(stored))


def test_what_is_no_gzip_at_all_is_refused() -> None:
    with pytest.raises(errors.Damaged):
        unpack(b"<html>not found</html>" * 10)


def test_a_compression_bomb_is_refused_before_it_unpacks() -> None:
    with pytest.raises(errors.Damaged, match="unpacks to more than 1000000 bytes"):
        unpack(gzip.compress(bytes(50_000_000)), limit=1_000_000)


def test_lines_come_whole_and_a_long_one_is_refused() -> None:
    text = b"".join(b"%d\n" % number for number in range(100_000)) + b"last"
    lines = list(Gunzip(io.BytesIO(gzip.compress(text)), subject="m", limit=1 << 30).lines(longest=100))
    assert lines == text.split(b"\n")
    with pytest.raises(errors.Damaged, match="a line of more than 100 bytes"):
        list(Gunzip(io.BytesIO(gzip.compress(bytes(10_000))), subject="m", limit=1 << 30).lines(longest=100))
