"""Unpacking what came out of the bucket: members, damage, bombs."""

import gzip
import io

import pytest

from kubectl_ark import errors
from kubectl_ark.launch.fetching import unpacked


def test_several_members_read_as_one_stream() -> None:
    stream = io.BytesIO(gzip.compress(b"a" * 200_000) + gzip.compress(b"b") + gzip.compress(b""))
    assert b"".join(unpacked(stream, "x")) == b"a" * 200_000 + b"b"


@pytest.mark.parametrize("data", [b"", b"plain text", gzip.compress(b"a" * 9999)[:-9], b"\x1f\x8b" + b"\0" * 50],
                         ids=["empty", "plain text", "cut off", "zeros"])
def test_what_is_cut_off_or_broken_is_damaged(data: bytes) -> None:
    with pytest.raises(errors.Damaged):
        b"".join(unpacked(io.BytesIO(data), "x"))


def test_a_bomb_ends_at_the_limit() -> None:
    bomb = io.BytesIO(gzip.compress(b"\0" * 50_000_000))
    with pytest.raises(errors.Damaged, match="longer than"):
        for _ in unpacked(bomb, "x", limit=1_000_000):
            pass
