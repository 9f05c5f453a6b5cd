"""A file under its name is whole and right; whatever happens before, nothing of it stays."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import downloading, fetching

PIECES = [b"first ", b"second ", b"third"]
CONTENT = b"".join(PIECES)
FACTS = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest(), "checked": "manifest"}


def arriving(pieces: list[bytes], *, fault: BaseException | None = None) -> fetching.Fetched:
    """A file of which these pieces come over the wire, and then the fault."""
    def stream() -> Iterator[bytes]:
        yield from pieces
        if fault is not None:
            raise fault

    return fetching.Fetched(len(CONTENT), str(FACTS["sha256"]), "manifest",
                            lambda: fetching._checked(stream(), FACTS, "the archive"))


def save(file: fetching.Fetched, target: Path, *, force: bool = False) -> list[tuple[int, int]]:
    """Save it; what was reported."""
    told: list[tuple[int, int]] = []
    downloading.save(file, target, force=force, report=lambda done, total: told.append((done, total)))
    return told


def test_a_whole_file_gets_its_name_and_is_for_its_owner_only(tmp_path: Path) -> None:
    target = tmp_path / "b-data.tar.gz"
    assert save(arriving(PIECES), target) == [(0, 18), (6, 18), (13, 18), (18, 18)]
    assert target.read_bytes() == CONTENT and os.listdir(tmp_path) == [target.name]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


@pytest.mark.parametrize(("file", "expected"), [
    (arriving(PIECES[:2]), errors.Damaged), (arriving([CONTENT.upper()]), errors.Damaged),
    (arriving(PIECES, fault=errors.KubectlFailed("gone")), errors.KubectlFailed),
    (arriving(PIECES[:1], fault=KeyboardInterrupt()), KeyboardInterrupt),
    (arriving(PIECES[:1], fault=SystemExit(143)), SystemExit),
    (arriving(PIECES[:1], fault=OSError(errno.ENOSPC, "No space left on device")), errors.ArkError),
])
@pytest.mark.parametrize("force", [False, True])
def test_what_goes_wrong_leaves_nothing_and_an_older_file_as_it_was(
        tmp_path: Path, file: fetching.Fetched, expected: type[BaseException], force: bool) -> None:
    target = tmp_path / "b"
    if force:
        target.write_text("older")
    with pytest.raises(expected):
        save(file, target, force=force)
    assert os.listdir(tmp_path) == (["b"] if force else [])
    assert not force or target.read_text() == "older"


def test_without_force_nothing_is_overwritten_even_if_it_came_meanwhile(tmp_path: Path) -> None:
    target = tmp_path / "b"
    target.write_text("theirs")
    with pytest.raises(errors.InvalidInput, match="meanwhile"):
        save(arriving(PIECES), target)
    assert target.read_text() == "theirs" and os.listdir(tmp_path) == ["b"]
    save(arriving(PIECES), target, force=True)
    assert target.read_bytes() == CONTENT


def test_a_disk_that_is_too_small_is_seen_before_anything_comes(tmp_path: Path) -> None:
    file = fetching.Fetched(1 << 60, "", "", lambda: pytest.fail("nothing may be read"))
    with pytest.raises(errors.ArkError, match="has room for"):
        save(file, tmp_path / "b")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(("target", "words"), [
    (".", "is a directory"), ("there", "exists already"), ("nowhere/b", "is not a directory"),
    ("there/b", "is not a directory")])
def test_a_target_that_cannot_be_is_refused_before_anything_is_fetched(
        tmp_path: Path, target: str, words: str, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    Path("there").write_text("x")
    with pytest.raises(errors.InvalidInput, match=words):
        downloading.check_target(Path(target), force=False)
    downloading.check_target(Path("there"), force=True)
