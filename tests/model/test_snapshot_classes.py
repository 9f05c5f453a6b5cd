"""Which class a snapshot is taken with, and what a VolumeSnapshotLocation may say of that."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.model import snapshot_classes, snapshot_locations
from kubectl_ark.model.snapshot_classes import DEFAULT, NoClass, SnapshotClasses

MARK = "velero.io/csi-volumesnapshot-class"


def a_class(name: str, driver: str = "d", *, label: str = "", default: bool = False) -> dict[str, Any]:
    return {"driver": driver, "metadata": {"name": name, "labels": {label: "true"} if label else {},
                                           "annotations": {DEFAULT: "true"} if default else {}}}


def a_claim(**annotations: str) -> dict[str, Any]:
    return {"metadata": {"name": "data", "annotations": annotations}}


@pytest.mark.parametrize(("claim", "chosen", "classes", "expected"), [
    (a_claim(**{MARK: "b"}), {"d": "a"}, [a_class("a", label=MARK), a_class("b")], "b"),
    (a_claim(**{"ark.heptio.com/csi-volumesnapshot-class": "b", MARK: "a"}), {}, [a_class("a"), a_class("b")], "b"),
    (a_claim(), {"d": "b", "e": "a"}, [a_class("a", label=MARK), a_class("b")], "b"),
    (a_claim(), {}, [a_class("a", default=True), a_class("b", label=MARK)], "b"),
    (a_claim(), {}, [a_class("a"), a_class("b", label="ark.heptio.com/csi-volumesnapshot-class")], "b"),
    (a_claim(), {}, [a_class("a"), a_class("b", default=True), a_class("c", "e", label=MARK)], "b"),
    (a_claim(), {}, [a_class("a"), a_class("x", "e"), a_class("y", "e")], "a"),
])
def test_claim_backup_label_default_and_being_the_only_one_count_in_this_order(
        claim: Any, chosen: Any, classes: Any, expected: str) -> None:
    assert SnapshotClasses(classes, chosen).of("d", claim) == expected


@pytest.mark.parametrize(("claim", "chosen", "classes", "words"), [
    (a_claim(**{MARK: "x"}), {}, [a_class("a")], "its annotation velero.io/csi-volumesnapshot-class names snapshot "
     "class x, which does not exist"),
    (a_claim(), {"d": "x"}, [a_class("a"), a_class("x", "e")],
     "the backup names snapshot class x, which is of driver e"),
    (a_claim(), {}, [a_class("b"), a_class("a")], "several snapshot classes (a, b)"),
    (a_claim(), {}, [a_class("b", label=MARK), a_class("a", label=MARK), a_class("c")], "(a, b)"),
    (a_claim(), {}, [a_class("b", "e")], "its driver d has no snapshot class"),
])
def test_what_nobody_can_choose_says_why(claim: Any, chosen: Any, classes: Any, words: str) -> None:
    with pytest.raises(NoClass) as caught:
        SnapshotClasses(classes, chosen).of("d", claim)
    assert words in str(caught.value)


def test_a_backup_s_annotations_name_drivers_and_ours_goes_first() -> None:
    assert snapshot_classes.of_annotations({
        f"{MARK}_d": "a", f"{MARK}_e": "b", "ark.heptio.com/csi-volumesnapshot-class_d": "c", MARK: "x", "o": "p"}) == {
            "d": "c", "e": "b"}
    assert snapshot_classes.of_annotations(None) == {}


def a_location(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "fast"}, "spec": spec}


def test_a_location_is_of_provider_csi_and_names_classes() -> None:
    fine = a_location(provider="csi", config={"csi-volumesnapshot-class_d": "a"})
    assert snapshot_locations.problems(fine) == snapshot_locations.problems(a_location(provider="")) == []
    other = a_location(provider="csi", config={"csi-volumesnapshot-class_d": "b", "csi-volumesnapshot-class_e": "c"})
    assert snapshot_locations.classes([fine, other]) == {"d": "a", "e": "c"}


@pytest.mark.parametrize(("spec", "words"), [
    ({"provider": "aws", "config": {"region": "x"}}, 'provider "aws" is not supported; use csi'),
    ({"provider": "csi", "config": {"region": "x"}}, 'config "region" means nothing to provider csi'),
    ({"provider": "csi", "credential": {"name": "c", "key": "k"}}, "takes no credential"),
])
def test_another_location_is_told_what_works(spec: Any, words: str) -> None:
    (found,) = snapshot_locations.problems(a_location(**spec))
    assert found.startswith("volumesnapshotlocation fast: ") and words in found
