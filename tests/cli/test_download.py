"""``download``: its progress, and what it refuses before it asks any cluster."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kubectl_ark.cli import transfer
from tests.cli.commandline import ark


@pytest.mark.parametrize(("arguments", "word"), [
    ((), "backup"), (("backup",), "name one"), (("backup", "a", "b"), "name one"), (("restore", "r"), "restore"),
    (("pods/x",), "pods"), (("backup", "Bad_Name"), "Bad_Name"), (("backup", "b", "-o", ""), "-o"),
    (("backup", "b", "--url", "-o", "x"), "--url"),
    (("backup/b", "c"), "TYPE/NAME"), (("backup", "b", "-o", "/"), "directory"),
    (("backup", "b", "-o", "/nowhere/b"), "/nowhere"), (("backup", "b", "-o", "/etc/hostname"), "--force"),
])
def test_a_mistake_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    done = ark("download", *arguments)
    assert done.returncode in (1, 2) and done.stdout == "" and word in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_without_a_cluster_no_file_is_made(tmp_path: Path) -> None:
    done = ark("download", "backup", "b", "-o", str(tmp_path / "b"), "--server", "http://127.0.0.1:1")
    assert done.returncode == 1 and list(tmp_path.iterdir()) == []


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "LIVE_SECONDS", 0.0)
    monkeypatch.setattr(transfer, "PLAIN_SECONDS", 0.0)


def test_on_a_terminal_one_line_is_rewritten_and_taken_away() -> None:
    terminal = Terminal()
    with transfer.Transfer("b", terminal) as progress:
        progress(0, 4096)
        progress(2048, 4096)
    text = terminal.getvalue()
    assert "\n" not in text and "b: 2.0 KiB of 4.0 KiB, 50%" in text and text.endswith("\r")


def test_elsewhere_each_telling_is_a_line() -> None:
    stream = io.StringIO()
    with transfer.Transfer("b", stream) as progress:
        progress(1, 4)
        progress(4, 4)
    assert [line.split(",")[0] for line in stream.getvalue().splitlines()] == ["b: 1 B of 4 B", "b: 4 B of 4 B"]


@pytest.mark.parametrize(("count", "text"), [
    (0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (3 << 50, "3072.0 TiB")])
def test_sizes_are_for_people(count: int, text: str) -> None:
    assert transfer.size(count) == text
