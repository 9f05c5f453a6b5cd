"""What is shown: tables, descriptions, progress."""

import io
from typing import Any

import pytest

from kubectl_ark.cli import description, details, fields, output, running
from kubectl_ark.cli.progress import Progress, summary
from kubectl_ark.model import kinds

BACKUP: dict[str, Any] = {
    "kind": "Backup", "metadata": {"name": "b", "namespace": "ark", "labels": {"a": "b", "c": "d"}},
    "spec": {"includedNamespaces": ["x", "y"], "labelSelector": {"matchLabels": {"a": "b"}}, "ttl": "1h"},
    "status": {"phase": "PartiallyFailed", "startTimestamp": "2026-01-01T00:00:00Z", "warnings": 1, "errors": 2,
               "completionTimestamp": "2026-01-01T00:02:05Z", "progress": {"totalItems": 9, "itemsBackedUp": 9},
               "failureReason": "disk", "validationErrors": ["one", "two"],
               "conditions": [{"type": "Finished", "status": "True", "reason": "PartiallyFailed"}]}}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def running_backup(step: str, done: int) -> dict[str, Any]:
    return {"metadata": {"name": "b"}, "status": {
        "phase": "InProgress", "step": step, "progress": {"totalItems": 9, "itemsBackedUp": done}}}


def test_a_table_is_set_as_kubectl_sets_it() -> None:
    text = output.table(("NAME", "COUNT"), (("a-long-name", 1), ("b", 23)))
    assert text == "NAME          COUNT\na-long-name   1\nb             23"


def test_a_description_holds_all_that_the_status_says() -> None:
    text = description.describe(BACKUP, None, (), note="waiting for Godot")
    for part in ("Name:             b", "a=b\n", "c=d", "Phase:            PartiallyFailed", "waiting for Godot",
                 "disk", "  - one\n  - two\n", "Duration:         2m5s", "Items:            9 of 9",
                 "Errors:           2",
                 "includedNamespaces:       x, y", "labelSelector:            a=b", "Finished   True",
                 "Job:              <none>"):
        assert part in text, part
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_results_are_listed_by_place() -> None:
    lines = list(description.messages({"velero": ["r"], "cluster": ["c"], "namespaces": {"b": ["2"], "a": ["1"]}}))
    assert lines == ["  Run:  r", "  Cluster:  c", "  a:  1", "  b:  2"]
    assert list(description.messages({})) == ["  <none>"]


def test_managed_fields_are_not_printed() -> None:
    assert "managedFields" not in output.printed([{"metadata": {"name": "x", "managedFields": [1]}}], "yaml")


def test_the_result_counts_in_words() -> None:
    assert running.result(BACKUP) == "PartiallyFailed: 9 items, 1 warning, 2 errors"
    assert running.result({"status": {"phase": "Failed"}}) == "Failed"


def test_the_result_of_a_restore_tells_what_became_of_its_items() -> None:
    restore = {"kind": "Restore", "status": {"phase": "Completed", "warnings": 1, "progress": {"itemsRestored": 40},
               "conditions": [
                   {"type": "Finished", "message": "29 created, 1 updated, 10 skipped; 1 warnings, 0 errors"}]}}
    assert running.result(restore) == "Completed: 29 created, 1 updated, 10 skipped, 1 warning"
    assert running.result({"kind": "Restore", "status": {"phase": "Completed"}}) == "Completed: 0 items"


def test_after_warnings_or_errors_it_is_said_what_shows_them(capsys: pytest.CaptureFixture[str]) -> None:
    def told(phase: str, **counts: int) -> tuple[int, str]:
        code = running.tell_outcome(kinds.BACKUP, {"metadata": {"name": "b"}, "status": {"phase": phase, **counts}})
        return code, capsys.readouterr().err

    shows = 'see "kubectl ark describe backup b --details"\n'
    assert told("Completed") == (0, "")
    assert told("Completed", warnings=1) == (0, f"there are warnings; {shows}")
    assert told("PartiallyFailed", errors=1) == (3, f"some items failed; {shows}")


def test_a_job_that_one_may_not_see_is_not_said_to_be_missing() -> None:
    assert "Job:              <unknown>" in description.describe(BACKUP, None, (), hidden=True)


def test_on_a_terminal_one_line_is_rewritten_and_taken_away() -> None:
    terminal = Terminal()
    progress = Progress(terminal)
    progress(running_backup("listing", 1), "")
    progress(running_backup("listing", 5), "")
    progress.close()
    text = terminal.getvalue()
    assert "\n" not in text and "5 of 9 items" in text and text.endswith("\r")


def test_without_a_terminal_only_changes_are_told() -> None:
    stream = io.StringIO()
    progress = Progress(stream)
    for done in range(5):
        progress(running_backup("listing", done), "")
    progress(running_backup("uploading", 9), "")
    progress(running_backup("uploading", 9), "no room")
    assert stream.getvalue().splitlines() == [
        "b: InProgress, listing, 0 of 9 items", "b: InProgress, uploading, 9 of 9 items", "b: no room"]


def test_a_summary_names_phase_step_and_items() -> None:
    assert summary({"status": {}}) == "New"
    assert summary(running_backup("listing", 3)) == "InProgress, listing, 3 of 9 items"


def test_nested_fields_are_indented_and_lists_of_words_are_one_line() -> None:
    value = {"b": ["x", "y"], "a": {"c": True, "d": []}, "e": [{"f": 1}]}
    assert list(fields.tree("top", value, width=8)) == [
        "top:", "  a:", "    c:  true", "    d:  <none>", "  b:    x, y", "  e:", '    - {"f": 1}']


def test_a_schedule_is_described_with_its_newest_backups() -> None:
    schedule = {"metadata": {"name": "s", "namespace": "n"}, "spec": {"schedule": "@daily", "template": {"ttl": "1h"}},
                "status": {"phase": "Enabled"}}
    backups = [{"metadata": {"name": f"s-{day}"}, "status": {"phase": "Completed", "startTimestamp": f"2026-01-0{day}"}}
               for day in range(1, 8)]
    text = description.plain(schedule, backups)
    for part in ("Name:             s", "schedule:                 @daily", "    ttl: ", "Backups:          7", "s-7",
                 "phase:                    Enabled"):
        assert part in text, part
    assert "s-2" not in text
    assert "Backups" not in description.plain(schedule, None) and "Status:\n  <none>" in description.plain(
        {"metadata": schedule["metadata"]}, None)


def test_details_lay_out_items_volumes_and_hooks() -> None:
    assert list(details.item_lines({"v1/Pod": ["a/b(created)"], "v1/Node": ["n"]})) == [
        "  v1/Node:", "    - n", "  v1/Pod:", "    - a/b(created)"]
    assert list(details.volume_lines([
        {"pvcNamespace": "a", "pvcName": "c", "pvName": "v", "skipped": True, "skippedReason": "why"},
        {"pvName": "w", "backupMethod": "PodVolumeBackup", "result": "succeeded"}])) == [
        "  a/c, v:  skipped: why", "  w:  PodVolumeBackup succeeded"]
    assert list(details.item_lines(None)) == list(details.volume_lines([])) == ["  <none>"]
    assert list(details.hook_lines({"hookStatus": {"hooksAttempted": 2, "hooksFailed": 1}, "pendingHooks": [{"a": 1}]})
                ) == ["Hooks:  2 attempted, 1 failed", '  pending: {"a": 1}']
