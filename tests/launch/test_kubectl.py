"""kubectl as a subprocess: what its words become, and that nothing of it stays behind."""

import pathlib
import time

import pytest

from kubectl_ark import errors
from kubectl_ark.launch.kubectl import Kubectl, KubectlError, explain


@pytest.mark.parametrize(("complaint", "reason", "passing"), [
    ('Error from server (NotFound): backups.ark.heptio.com "x" not found', "NotFound", False),
    ('Error from server (AlreadyExists): jobs.batch "x" already exists', "AlreadyExists", False),
    ('Error from server (Forbidden): backups is forbidden: User "u" cannot create resource', "Forbidden", False),
    ("The Backup \"x\" is invalid: \n* spec.ttl: bad\n* spec.x: worse", "Invalid", False),
    ("The connection to the server 127.0.0.1:1 was refused - did you specify the right host or port?", "", True),
    ("Unable to connect to the server: dial tcp: lookup nowhere: no such host", "", True),
    ("Error from server (Timeout): the server was unable to return a response in the time allotted", "Timeout", True),
    ("Error from server (ServiceUnavailable): apiserver not ready", "ServiceUnavailable", True),
    ("error: You must be logged in to the server (Unauthorized)", "", False),
])
def test_kubectls_words_become_one_line_and_a_reason(complaint: str, reason: str, passing: bool) -> None:
    error = explain(complaint)
    assert error.status_reason == reason and error.is_passing is passing and "\n" not in error.message


def test_warnings_and_log_lines_before_the_sentence_are_left_out() -> None:
    error = explain('Warning: old\nE0102 10:00:00.000000   1 memcache.go:265] "Unhandled"\nerror: no such thing\n')
    assert error.message == "no such thing"


def test_a_server_that_is_not_there_is_told_by_the_real_kubectl(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/dev/null")
    with pytest.raises(KubectlError) as caught:
        Kubectl(["--server=http://127.0.0.1:1"]).get("/version")
    assert caught.value.is_passing


def script(path: pathlib.Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_flags_come_before_the_command_and_stdin_carries_the_object(
        tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(
        tmp_path / "kubectl", f'echo "$@" > {tmp_path}/arguments; cat > {tmp_path}/stdin; echo "{{}}"'))
    Kubectl(["--context=c"]).create("/api/v1/x", {"secret": "s3cret"})
    assert (tmp_path / "arguments").read_text().startswith("--context=c create --raw /api/v1/x?")
    assert "s3cret" in (tmp_path / "stdin").read_text() and "s3cret" not in (tmp_path / "arguments").read_text()


def test_a_watch_gives_events_then_its_end_and_leaves_no_process(
        tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(
        tmp_path / "kubectl", 'echo \'{"type":"ADDED","object":{"a":1}}\'; exec sleep 60'))
    with Kubectl().watch("/x") as watch:
        assert watch.next(5) == ("ADDED", {"a": 1})
        assert watch.next(0.05) is None
        process = watch._process
        assert process.poll() is None
    assert process.returncode is not None


def test_a_watch_that_fails_raises_kubectls_words_and_one_that_ends_eof(
        tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(
        tmp_path / "kubectl", 'echo "Error from server (Forbidden): no" >&2; exit 1'))
    with Kubectl().watch("/x") as watch, pytest.raises(KubectlError, match="Forbidden"):
        watch.next(5)
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(tmp_path / "kubectl2", "exit 0"))
    with Kubectl().watch("/x") as watch, pytest.raises(EOFError):
        watch.next(5)


def test_an_answer_that_is_not_json_is_an_error_of_ours(
        tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(tmp_path / "kubectl", "echo ok"))
    with pytest.raises(errors.KubectlFailed, match="not JSON"):
        Kubectl().get("/x")


def test_ending_a_silent_watch_takes_no_time(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECTL_ARK_KUBECTL", script(tmp_path / "kubectl", "exec sleep 60"))
    watch = Kubectl().watch("/x")
    begun = time.monotonic()
    watch.close()
    assert time.monotonic() - begun < 2
