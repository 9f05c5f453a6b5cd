"""A run whose pod cannot start: ``--wait`` says so within 15 seconds, with the remedy, and keeps waiting."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.ark import Answer, Ark, finish

pytestmark = pytest.mark.node

SECONDS = "15s"
MISSING = "localhost/kubectl-ark:no-such-tag"


@dataclasses.dataclass(frozen=True)
class Case:
    """What is wrong with an Ark namespace, and the words that must tell."""

    image: str = ""
    settings: Mapping[str, str] = dataclasses.field(default_factory=dict)
    object: Mapping[str, Any] | None = None
    words: tuple[str, ...] = ()


CASES = {
    "image": Case(image=MISSING, words=("ImagePullBackOff", MISSING, "install --image")),
    "room": Case(settings={"cpuRequest": "900", "cpuLimit": "900"},
                 words=("Unschedulable", "Insufficient cpu", "cpuRequest", "ark-settings")),
    "quota": Case(object={"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"},
                          "spec": {"hard": {"pods": "0"}}},
                  words=("pod is refused", "exceeded quota: none", "free or raise the quota")),
    "limits": Case(object={"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "small"},
                           "spec": {"limits": [{"type": "Container", "max": {"memory": "64Mi"}}]}},
                   words=("pod is refused", "maximum memory usage per Container is 64Mi", "LimitRange")),
}


def _namespace(case: str) -> str:
    return f"ark-e2e-stuck-{case}"


@pytest.fixture(scope="module")
def stuck(ark: Ark) -> Iterator[Mapping[str, Ark]]:
    """An Ark namespace for each case."""
    places = {case: ark.in_namespace(_namespace(case)) for case in CASES}
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda case: _spoil(places[case], CASES[case]), CASES))
        yield places
        list(pool.map(lambda place: place("uninstall", "--yes"), places.values()))


def _spoil(place: Ark, case: Case) -> None:
    place.set_up_untried(settings=case.settings, image=case.image or place.cluster.image)
    if case.object:
        place.cluster.apply({**case.object, "metadata": {**case.object["metadata"], "namespace": place.namespace}})


@pytest.fixture(scope="module")
def answers(stuck: Mapping[str, Ark]) -> dict[str, Answer]:
    """What ``--wait`` said in each case until its time was over, and install of the missing image; all at once."""
    processes = {case: place.start("backup", "b", "--include-namespaces", "kube-public", "--wait", "--timeout", SECONDS)
                 for case, place in stuck.items()}
    processes["install"] = stuck["image"].start(*stuck["image"].install_arguments(image=MISSING))
    return {case: finish(process) for case, process in processes.items()}


@pytest.mark.parametrize("case", CASES)
def test_it_is_reported_within_15_seconds_with_the_remedy(answers: dict[str, Answer], case: str) -> None:
    answer = answers[case]
    for word in CASES[case].words:
        assert word in answer.err, answer.all
    assert answer.code == 4 and "is still New" in answer.err, answer.all


@pytest.mark.parametrize("case", CASES)
def test_describe_says_the_same(answers: dict[str, Answer], stuck: Mapping[str, Ark], case: str) -> None:
    said = stuck[case]("describe", "backup", "b").out
    for word in CASES[case].words:
        assert word in said
    assert "Phase:            New" in said


@pytest.mark.parametrize("case", CASES)
def test_cancel_ends_it_at_once_and_takes_the_job_away(answers: dict[str, Answer], stuck: Mapping[str, Ark],
                                                       case: str) -> None:
    ark = stuck[case]
    assert ark("cancel", "backup", "b").out == "backup.ark.heptio.com/b cancelled\n"
    status = ark.status("backup", "b")
    assert status["phase"] == "Failed" and status["failureReason"].startswith("cancelled by ")
    assert not [job for job in ark.of_run("jobs", "backup", "b") if "deletionTimestamp" not in job["metadata"]]


def test_install_says_that_the_image_cannot_be_had(answers: dict[str, Answer]) -> None:
    answer = answers["install"]
    assert answer.code == 1, answer.all
    for word in ("ImagePullBackOff", MISSING, "--image"):
        assert word in answer.err


@pytest.mark.heavy
@pytest.mark.parametrize("case", ["image", "quota"])
def test_what_does_not_get_better_is_failed_in_the_end(stuck: Mapping[str, Ark], case: str) -> None:
    answer = stuck[case]("backup", "late", "--include-namespaces", "kube-public", "--wait", code=1, timeout=240)
    for word in CASES[case].words:
        assert word in answer.err.splitlines()[-1], answer.all
    assert stuck[case].status("backup", "late")["phase"] == "Failed"
