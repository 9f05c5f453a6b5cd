"""A run that the kernel kills for its memory, at every try: nobody in the pod can say so, so whoever looks does."""

from __future__ import annotations

import pytest

from kubectl_ark.model import times
from tests.e2e.ark import Answer, Ark, Doomed, eventually, finish

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("killed")]

SECONDS = 10.0
"""How soon after the third kill the user must know."""


@pytest.fixture(scope="module")
def watched(out_of_memory: Doomed) -> Answer:
    """What ``--wait`` said."""
    assert out_of_memory.waiting is not None
    return finish(out_of_memory.waiting)


def test_wait_ends_with_failed_and_names_reason_limit_and_remedy(watched: Answer, out_of_memory: Doomed) -> None:
    assert watched.code == 1, watched.all
    last = watched.err.splitlines()[-1]
    assert last.startswith(f"error: backup/{out_of_memory.watched} Failed: ")
    for word in ("OOMKilled", out_of_memory.limit, "3 times", "--memory-limit"):
        assert word in last, last


def test_it_ends_within_seconds_of_the_third_kill(ark: Ark, watched: Answer, out_of_memory: Doomed) -> None:
    killed = [status["state"]["terminated"] for pod in ark.of_run("pods", "backup", out_of_memory.watched)
              for status in pod["status"]["containerStatuses"]]
    assert [each["reason"] for each in killed] == ["OOMKilled"] * 3
    third = max(times.parse_time(each["finishedAt"]) for each in killed)
    known = times.parse_time(ark.status("backup", out_of_memory.watched)["completionTimestamp"])
    assert (known - third).total_seconds() <= SECONDS


def test_describe_marks_the_one_that_nobody_waited_for(ark: Ark, watched: Answer, out_of_memory: Doomed) -> None:
    eventually(lambda: any(each["type"] == "Failed" for each in
                           ark.of_run("jobs", "backup", out_of_memory.alone)[0]["status"].get("conditions") or []),
               "the other Job has failed too")
    name = out_of_memory.alone
    assert ark.status("backup", name).get("phase") not in ("Failed", "Completed"), "nobody has looked yet"
    answer = ark("describe", "backup", name)
    assert "OOMKilled" in answer.out and out_of_memory.limit in answer.out
    status = ark.status("backup", name)
    assert status["phase"] == "Failed" and "OOMKilled" in status["failureReason"]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {"Succeeded": "False", "Finished": "True"}
