"""``--wait``: what it shows, how it ends, and that Ctrl-C ends only the waiting."""

from __future__ import annotations

import os
import pty
import re
import secrets
import signal
import subprocess
import time

import pytest

from tests.e2e.ark import TINY, Ark, eventually, finish
from tests.e2e.node import Stepped, processes_with

pytestmark = pytest.mark.node


def test_completed_is_0_and_a_pipe_gets_plain_lines(ark: Ark, name: str) -> None:
    answer = ark("backup", name, *TINY, "--wait")
    first, last = answer.out.splitlines()
    assert first == f"backup.ark.heptio.com/{name} created"
    assert re.fullmatch(rf"backup\.ark\.heptio\.com/{name} Completed: \d+ items?", last)
    assert "\r" not in answer.err and "\x1b" not in answer.err
    assert all(line.startswith(f"{name}: ") for line in answer.err.splitlines())


def test_partially_failed_is_3_and_names_the_command_that_tells_more(ark: Ark, name: str) -> None:
    ark("backup", name, "--include-namespaces", "kube-public,no-such-namespace", "--wait", code=3)
    answer = ark("describe", "backup", name, "--details")
    assert "PartiallyFailed" in answer.out and "no-such-namespace" in answer.out


def test_failed_is_1_with_the_reason(ark: Ark, name: str) -> None:
    answer = ark("restore", name, "--from-backup", "never-made", "--wait", code=1)
    assert answer.err.splitlines()[-1].startswith(f"error: restore/{name} Failed")
    assert 'backup "never-made" does not exist' in answer.err


def test_a_name_that_the_bucket_has_already_fails_at_once(ark: Ark, name: str) -> None:
    ark("backup", name, *TINY, "--wait")
    ark.cluster.run("delete", "backups.ark.heptio.com", name, "-n", ark.namespace)
    answer = ark("backup", name, *TINY, "--wait", code=1)
    assert name in answer.err and "already" in answer.err.splitlines()[-1]


def test_what_this_version_cannot_do_fails_validation_and_lists_every_reason(ark: Ark, name: str) -> None:
    document = f"""{{apiVersion: ark.heptio.com/v1, kind: Backup, metadata: {{name: {name}}},
                     spec: {{datamover: other, volumeGroupSnapshotLabelKey: other}}}}"""
    answer = ark("backup", "-f", "-", "--wait", input=document, code=1)
    assert "spec.datamover" in answer.err and "spec.volumeGroupSnapshotLabelKey" in answer.err


def test_timeout_is_4_and_the_run_goes_on(ark: Ark, name: str) -> None:
    answer = ark("backup", name, *TINY, "--wait", "--timeout", "300ms", code=4)
    assert f"kubectl ark logs backup {name} -f" in answer.err
    assert ark.await_end("backup", name)["phase"] == "Completed"


def test_a_terminal_gets_one_live_line(ark: Ark, name: str) -> None:
    shown = _on_terminal(ark, "backup", name, *TINY, "--wait")
    *live, last = shown.strip().split("\n")[-1].split("\r")
    assert any(re.match(rf"{name}: (New|InProgress).* \(\d+s\)", line) for line in live), shown
    assert last.startswith(f"backup.ark.heptio.com/{name} Completed: ")
    assert len(shown.strip().split("\n")) == 2, "one line for its making, one that lives"


def test_ctrl_c_ends_the_waiting_but_not_the_run(ark: Ark, name: str) -> None:
    mark = secrets.token_hex(8)
    waiting = ark.start("backup", name, *TINY, "--wait", ARK_E2E_MARK=mark)
    with Stepped(ark, "backup", name):
        eventually(lambda: len(processes_with("ARK_E2E_MARK", mark)) == 2, "the plugin watches, by a kubectl child")
        os.killpg(waiting.pid, signal.SIGINT)
        answer = finish(waiting, timeout=10)
        assert answer.code == 130, answer.all
        assert processes_with("ARK_E2E_MARK", mark) == [], "a child is left"
    for command in (f"kubectl ark logs backup {name} -f", f"kubectl ark cancel backup {name}"):
        assert command in answer.err
    assert "Traceback" not in answer.err
    assert ark.await_end("backup", name)["phase"] == "Completed"


def _on_terminal(ark: Ark, *arguments: str) -> str:
    """What a terminal of 100 columns was sent, with its line ends as they are in a file."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["kubectl", "ark", *arguments], env={**ark.variables, "COLUMNS": "100", "LINES": "24"},
                               stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
    os.close(theirs)
    shown, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    assert process.wait(10) == 0, shown
    return shown.decode().replace("\r\n", "\n")
