"""The table of topics, without a cluster."""

from __future__ import annotations

import datetime
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.model import times
from kubectl_ark.model.due import is_due
from kubectl_ark.runner import identity
from kubectl_ark.runner.upkeep import topics
from kubectl_ark.runner.work import Work

NOW = datetime.datetime(2026, 1, 1, 12, tzinfo=datetime.timezone.utc)
NOBODY: Any = None
"""An API that these tests must not ask."""


@pytest.mark.parametrize("topic", topics.TOPICS)
def test_each_topic_is_a_module_that_attends_and_a_word_that_the_policy_lets_in(topic: str) -> None:
    assert callable(importlib.import_module(f"kubectl_ark.runner.upkeep.{topic}").attend)
    assert re.fullmatch("[a-z]+", topic)


def test_no_topic_stops_the_others_whatever_befalls_it(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    class Topic:
        def __init__(self, name: str) -> None:
            self.name = name

        def attend(self, upkeep: Any) -> None:
            if self.name == "one":
                raise errors.StoreError("the bucket is on fire", hint="wait")
            if self.name == "two":
                raise KeyError("metadata")
            if self.name == "three":
                upkeep.say("done at last")

    monkeypatch.setattr(topics, "TOPICS", dict.fromkeys(("one", "two", "three", "four"), ""))
    monkeypatch.setattr(importlib, "import_module", lambda place: Topic(place.rpartition(".")[2]))
    work = Work(NOBODY, identity.from_environment({}), "ark", "", tmp_path, Progress())
    with pytest.raises(errors.ArkError, match="2 of 3 things could not be done: the bucket is on fire") as raised:
        topics.reconcile(work)
    assert raised.value.runner_exit_code == 1
    assert capsys.readouterr().out.splitlines()[1:-1] == [
        "one: Error: the bucket is on fire; wait", "two: Error: unexpected KeyError: 'metadata'", "three: done at last",
        "four: nothing to do"]


def test_a_pass_that_is_being_stopped_stops() -> None:
    progress = Progress()
    progress.end(errors.Interrupted("the pod is being stopped"))
    with pytest.raises(errors.Interrupted):
        topics.reconcile(Work(NOBODY, identity.from_environment({}), "ark", "", Path(), progress))


def made(seconds_ago: float, manager: str = "", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "b", "creationTimestamp": times.format_time(
        NOW - datetime.timedelta(seconds=seconds_ago)),
        "managedFields": [{"manager": manager, "operation": "Update"}], **metadata}, "status": {"phase": "New"}}


@pytest.mark.parametrize(("resource", "due"), [
    (made(0, "kubectl-create"), True), (made(3, "kubectl-ark"), False), (made(30, "kubectl-ark"), True),
    (made(30, deletionTimestamp="2026-01-01T11:00:00Z"), False), ({**made(30), "status": {"phase": "Queued"}}, False)])
def test_a_new_cr_is_due_at_once_unless_the_plugin_is_about_to_start_it(resource: dict[str, Any], due: bool) -> None:
    assert is_due(resource, NOW) is due
