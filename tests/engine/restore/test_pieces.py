"""Small pieces of a restore: merge patches, mapping, order, what may be tried again. No cluster."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.restore import mergepatch, order
from kubectl_ark.engine.restore.later import Deferred, Later
from kubectl_ark.engine.restore.mapping import NamespaceMapping
from kubectl_ark.engine.restore.paths import ItemPath
from kubectl_ark.engine.restore.statuses import of_spec
from kubectl_ark.engine.restore.transient import Again, again
from kubectl_ark.engine.results import Results
from kubectl_ark.engine.runlog import RunLog
from kubectl_ark.model.resources import Catalog


@pytest.mark.parametrize(("before", "after", "patch"), [
    ({"a": 1}, {"a": 1}, {}), ({"a": 1}, {"a": 2}, {"a": 2}), ({"a": 1, "b": 2}, {"b": 2}, {"a": None}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": None, "c": 3}}), ({"a": [1, 2]}, {"a": [1]}, {"a": [1]}),
    ({"a": {"b": 1}}, {"a": "x"}, {"a": "x"}), ({}, {"a": {"b": None}}, {"a": {"b": None}}),
])
def test_a_merge_patch_leads_from_one_object_to_the_other(before: Any, after: Any, patch: Any) -> None:
    assert mergepatch.between(before, after) == patch


def test_applying_a_merge_patch_follows_the_examples_of_its_rfc() -> None:
    for target, patch, result in (
        ({"a": "b"}, {"a": "c"}, {"a": "c"}), ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}), ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]), ({"a": "b"}, ["c"], ["c"]), ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}), ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ):
        assert mergepatch.apply(copy.deepcopy(target), patch) == result


def test_two_namespaces_may_change_places() -> None:
    mapping = NamespaceMapping({"a": "b", "b": "a", "c": "c"})
    assert [mapping.target(each) for each in ("a", "b", "c", "")] == ["b", "a", "c", ""]
    assert mapping.path(ItemPath("namespaces", "", "a")) == ItemPath("namespaces", "", "b")
    assert mapping.path(ItemPath("pods", "b", "a")) == ItemPath("pods", "a", "a")
    assert not NamespaceMapping({"c": "c"}) and not NamespaceMapping(None)


def test_what_a_run_wants_first_or_last_moves_and_the_rest_keeps_its_order() -> None:
    kinds = ["pods", "secrets", "persistentvolumeclaims", "persistentvolumes", "services", "widgets.example.com"]
    words = {"widget": "widgets.example.com", "secret": "secrets"}
    high, low = order.priorities(["widget", "-", "secret"], words.__getitem__)
    assert order.ordered(kinds, high=high, low=low) == [
        "widgets.example.com", "persistentvolumes", "persistentvolumeclaims", "pods", "services", "secrets"]
    assert order.priorities([], str) == ([], [])


def test_an_objects_own_annotation_wins_over_the_list_of_kinds() -> None:
    statuses = of_spec({"restoreStatus": {"includedResources": ["*"], "excludedResources": ["pods"]}}, Catalog([]))
    plain: dict[str, Any] = {"metadata": {}}

    def saying(word: str) -> dict[str, Any]:
        return {"metadata": {"annotations": {"velero.io/restore-status": word}}}

    assert statuses.takes("jobs.batch", plain) and not statuses.takes("pods", plain)
    assert statuses.takes("pods", saying("True")) and not statuses.takes("jobs.batch", saying("false"))
    assert of_spec({}, Catalog([])).takes("pods", saying("true")) and not of_spec({}, Catalog([])).takes("pods", plain)
    assert not of_spec({"restoreStatus": {"excludedResources": ["pods"]}}, Catalog([])).takes("jobs.batch", plain)


@pytest.mark.parametrize(("fault", "custom", "verdict"), [
    (errors.ApiError('Internal error occurred: failed calling webhook "x": dial tcp: refused', status=500), False,
     Again.PATIENTLY),
    (errors.Rejected("conversion webhook for a, Kind=B failed: no endpoints", status=400), True, Again.PATIENTLY),
    (errors.ApiError("etcd is busy", status=503), False, Again.PATIENTLY),
    (errors.Forbidden("status unknown for quota: q", status=403), False, Again.PATIENTLY),
    (errors.NotFound("the server could not find the requested resource", status=404), True, Again.PATIENTLY),
    (errors.NotFound("namespaces x not found", status=404), False, Again.NEVER),
    (errors.Rejected('admission webhook "x" denied the request: no such issuer', status=400), False, Again.ONCE),
    (errors.Forbidden("no PriorityClass with name p was not found", status=403), False, Again.ONCE),
    (errors.Rejected("spec.x: Invalid value", status=422), False, Again.NEVER),
    (errors.Unreachable("gone"), False, Again.NEVER),
])
def test_what_may_pass_by_itself_is_tried_again(fault: errors.ApiError, custom: bool, verdict: Again) -> None:
    assert again(fault, custom=custom) is verdict


class Wave:
    """Settles a position once it has been tried so often as its number says."""

    def __init__(self, later: Later) -> None:
        self.tries: dict[int, int] = {}
        self.last: list[int] = []
        self._later = later

    def anew(self) -> None:
        pass

    def restore(self, position: int, *, last: bool = False) -> None:
        self.tries[position] = self.tries.get(position, 0) + 1
        if last:
            self.last.append(position)
        elif self.tries[position] < position:
            self._later.add(Deferred(self, position, Again.PATIENTLY, "why"))


def test_refused_objects_are_tried_again_until_they_succeed(tmp_path: Path) -> None:
    later, pauses = Later(), list[float]()
    wave, said = Wave(later), io.StringIO()
    for position in (1, 3):
        later.add(Deferred(wave, position, Again.PATIENTLY, "its webhook is down"))
    later.add(Deferred(wave, 9, Again.ONCE))
    log = RunLog(Results(), subject=("restore", "r"), directory=tmp_path, echo=said)
    later.run(log, Progress(), pause=pauses.append)
    assert wave.tries == {1: 1, 3: 3, 9: 1} and wave.last == [9]
    assert pauses == [1.0, 2.0]
    assert "3 objects were refused" in said.getvalue() and "its webhook is down" in said.getvalue()


def test_when_patience_is_over_everything_is_settled(tmp_path: Path) -> None:
    later = Later(patience_seconds=-1)
    wave = Wave(later)
    later.add(Deferred(wave, 5, Again.PATIENTLY))
    later.run(RunLog(Results(), subject=("restore", "r"), directory=tmp_path, echo=io.StringIO()), Progress())
    assert wave.last == [5]
