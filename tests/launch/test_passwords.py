"""The file with the password of the volumes' data: written once, whole, for this user alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kubectl_ark import errors
from kubectl_ark.launch import passwords


def test_it_is_written_whole_for_this_user_alone_and_read_back(tmp_path: Path) -> None:
    text, file = passwords.made(), tmp_path / "password"
    passwords.write(text, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(text) >= 32
    assert passwords._read(file) == text and os.listdir(tmp_path) == ["password"]


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("another")
    with pytest.raises(errors.InvalidInput, match="File exists"):
        passwords.write("text", file)
    assert file.read_text() == "another" and os.listdir(tmp_path) == ["password"]


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(errors.InvalidInput, match="No such file or directory"):
        passwords.write("text", tmp_path / "nowhere" / "password")


@pytest.mark.parametrize("content", [b"", b"\n", b"  \nsecond", b"\xff\xfe"])
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "password"
    file.write_bytes(content)
    with pytest.raises(errors.InvalidInput):
        passwords._read(file)


def test_the_first_line_counts(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(" a password \nand more\n")
    assert passwords._read(file) == "a password"


def test_no_two_are_the_same_and_none_is_shown_by_accident() -> None:
    assert len({passwords.made() for _ in range(100)}) == 100
    assert "secret" not in repr(passwords.Intent("secret", None, False))
