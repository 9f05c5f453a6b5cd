"""A pass over everything: what it starts and leaves alone, its page, and what a trouble does to the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from kubectl_ark.model.settings import Settings
from tests.harness import Ark, Object

pytestmark = pytest.mark.api

SETTINGS = Settings(image="img:1", memory_limit="300Mi")


@pytest.fixture(autouse=True)
def settings(ark: Ark) -> Iterator[Object]:
    """The ConfigMap that install leaves."""
    item = ark.settings(SETTINGS)
    yield item


def jobs_of(ark: Ark, item: Object) -> list[Object]:
    """The Jobs that a CR owns."""
    found = ark.api.get(f"/apis/batch/v1/namespaces/{ark.namespace}/jobs")["items"]
    return [each for each in found if any(
        owner["uid"] == item["metadata"]["uid"] for owner in each["metadata"].get("ownerReferences") or [])]


def test_a_new_backup_and_a_new_restore_get_the_job_that_the_plugin_would_make(ark: Ark, name: str) -> None:
    backup, restore = ark.backup(name), ark.restore(name, name)
    runner = ark.start("reconcile", "--only", "starts")
    assert runner.wait() == 0, runner.text
    for item, kind in ((backup, "backup"), (restore, "restore")):
        [job] = jobs_of(ark, item)
        container = job["spec"]["template"]["spec"]["containers"][0]
        assert container["args"] == [kind, name, "--namespace", ark.namespace]
        assert (container["image"], container["resources"]["limits"]["memory"]) == ("img:1", "300Mi")
        assert f"starts: {kind}/{name}: started Job {job['metadata']['name']}" in runner.text
    assert "end of the pass" in runner.text and ": 2 done, 0 could not be done" in runner.text


def test_a_second_pass_and_one_at_the_same_time_start_nothing_twice(ark: Ark, name: str) -> None:
    backup = ark.backup(name)
    runners = [ark.start("reconcile", "--only", "starts") for _ in range(3)]
    assert [runner.wait() for runner in runners] == [0, 0, 0]
    assert ark.run("reconcile", "--only", "starts") == 0
    assert len(jobs_of(ark, backup)) == 1


@pytest.mark.parametrize("annotation", ["ark.heptio.com/synced", "ark.heptio.com/job"])
def test_a_backup_that_is_not_ours_to_start_is_left_alone(ark: Ark, name: str, annotation: str) -> None:
    item = ark.cr("Backup", name)
    item["metadata"]["annotations"] = {annotation: "x"}
    made = ark.make(item)
    assert ark.run("reconcile", "--only", "starts") == 0
    assert jobs_of(ark, made) == []


def test_a_backup_whose_run_has_begun_or_ended_is_left_alone(ark: Ark, name: str) -> None:
    made = ark.backup(name)
    for status in ({"claim": {"podUID": "p"}}, {"phase": "Completed"}):
        ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backups/{name}/status",
                            {"status": status})
        assert ark.run("reconcile", "--only", "starts") == 0
    assert jobs_of(ark, made) == []


def test_a_pass_with_nothing_to_do_says_so(ark: Ark) -> None:
    ark.run("reconcile", "--only", "starts")
    runner = ark.start("reconcile", "--only", "starts")
    assert runner.wait() == 0
    begin, topic, end = runner.text.splitlines()
    assert begin.startswith(f"pass over {ark.namespace}, begun 20")
    assert topic == "starts: nothing to do"
    assert end.endswith(": 0 done, 0 could not be done")


def test_what_cannot_be_done_is_on_the_page_and_in_the_exit_code(ark: Ark, name: str, settings: Object) -> None:
    ark.backup(name)
    ark.put({**settings, "metadata": {"name": "ark-settings", "namespace": ark.namespace},
             "data": {"activeDeadlineSeconds": "soon"}})
    runner = ark.start("reconcile")
    assert runner.wait() == 1
    assert 'starts: Error: ConfigMap ark-settings: activeDeadlineSeconds "soon" is not a whole number' in runner.text
    assert re.search(r": \d+ done, [1-9]\d* could not be done", runner.text)


def test_a_topic_that_is_none_is_refused_with_those_that_are(ark: Ark) -> None:
    runner = ark.start("reconcile", "--only", "starts,tea")
    assert runner.wait() == 10
    assert '"tea" is no topic of a pass; use' in runner.text and "starts" in runner.text
