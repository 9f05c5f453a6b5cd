"""Which snapshot of a Restik is meant by a time and a pod."""

from __future__ import annotations

import pytest

from kubectl_ark.model import restik_choice, times
from kubectl_ark.model.restik_choice import Snapshot


def at(hour: int, pod: str, claim: str = "") -> Snapshot:
    return Snapshot(f"{hour}-{pod}", times.parse_time(f"2026-01-01T{hour:02}:00:00Z"), pod, "StatefulSet/db", "data",
                    claim or f"data-{pod}")


def test_what_restic_lists_is_read_by_its_tags() -> None:
    found = restik_choice.snapshot({
        "id": "ab", "time": "2026-01-01T03:00:00.123456789+01:00", "summary": {"total_bytes_processed": 7},
        "tags": ["restik=n/r", "mine", "pod=db-0", "workload=StatefulSet/db", "volume=data", "claim=data-db-0"]})
    assert found == Snapshot("ab", times.parse_time("2026-01-01T02:00:00Z"), "db-0", "StatefulSet/db", "data",
                             "data-db-0", 7)
    assert restik_choice.snapshot({"id": "ab", "time": "2026-01-01T03:00:00Z"}).pod == ""


def test_the_newest_counts_or_the_newest_that_was_there_at_a_time() -> None:
    every = [at(1, "db-0"), at(2, "db-0"), at(2, "db-1"), at(3, "db-0")]
    assert restik_choice.choose(every, pod="db-0").id == "3-db-0"
    assert restik_choice.choose(every, pod="db-0", at=times.parse_time("2026-01-01T02:59:59Z")).id == "2-db-0"
    assert restik_choice.choose(every, at=times.parse_time("2026-01-01T01:00:00Z")).id == "1-db-0"


def test_pods_of_a_deployment_have_one_claim_and_need_not_be_told_apart() -> None:
    assert restik_choice.choose([at(1, "web-a", "web"), at(2, "web-b", "web")]).id == "2-web-b"


@pytest.mark.parametrize(("snapshots", "options", "words"), [
    ([], {}, "there is no snapshot"), ([at(1, "a")], {"pod": "b"}, "no snapshot of pod b; there are some of a"),
    ([at(1, "a"), at(1, "b")], {}, "snapshots of 2 claims, data-a, data-b: name the pod, one of a, b"),
    ([at(5, "a")], {"at": times.parse_time("2026-01-01T04:00:00Z")}, "the oldest is from 2026-01-01T05:00:00Z"),
])
def test_where_none_is_meant_or_several_a_sentence_says_so(
        snapshots: list[Snapshot], options: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        restik_choice.choose(snapshots, **options)  # type: ignore[arg-type]
