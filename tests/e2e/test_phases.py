"""Every phase of a Backup, each by its own cause, as ``kubectl get -w`` shows it; and who asked for it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubectl_ark import __version__
from tests.e2e.ark import TINY, Ark, eventually
from tests.e2e.bucket import Bucket

pytestmark = pytest.mark.node

NAME = "phases-{}"


class Watch:
    """``kubectl get backups -w``, and what it has shown."""

    def __init__(self, ark: Ark, output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self._process = subprocess.Popen(
                ["kubectl", "get", "backups.ark.heptio.com", "-n", ark.namespace, "-w", "--no-headers",
                 "-o", "custom-columns=NAME:.metadata.name,PHASE:.status.phase"], stdout=file, env=ark.variables)

    def phases(self, name: str) -> list[str]:
        """The phases that a Backup was seen in, in order, each once."""
        seen = [line.split()[1] for line in self._output.read_text().splitlines() if line.split()[0] == name]
        return [phase for index, phase in enumerate(seen) if phase not in seen[:index]]

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="module")
def watch(ark: Ark, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    """One for the module."""
    watch = Watch(ark, tmp_path_factory.mktemp("watch") / "backups.txt")
    yield watch
    watch.stop()


def sees(watch: Watch, name: str, *phases: str) -> None:
    """Wait until these phases, and no others, were seen."""
    eventually(lambda: watch.phases(name)[-1:] == [phases[-1]], f"{name} is {phases[-1]}: {watch.phases(name)}")
    assert watch.phases(name) == list(phases)


def test_completed_and_the_object_says_who_asked_for_it_when_and_with_what(
        ark: Ark, bucket: Bucket, watch: Watch) -> None:
    name = NAME.format("completed")
    ark("backup", name, *TINY, "--wait", "--annotations", "ark.heptio.com/requester=mallory")
    sees(watch, name, "New", "InProgress", "Completed")
    for backup in (ark.get("backup", name), bucket.json(f"backups/{name}/velero-backup.json")):
        annotations, status = backup["metadata"]["annotations"], backup["status"]
        assert annotations["ark.heptio.com/plugin-version"] == status["runner"] == __version__
        asked_by = ark.cluster.run("auth", "whoami", "-o", "jsonpath={.status.userInfo.username}").stdout
        assert annotations["ark.heptio.com/requester"] == asked_by
        assert status["startTimestamp"] <= status["completionTimestamp"] < status["expiration"]


def test_partially_failed_by_a_namespace_that_is_not_there(ark: Ark, watch: Watch) -> None:
    name = NAME.format("partial")
    ark("backup", name, "--include-namespaces", "kube-public,no-such-namespace", "--wait", code=3)
    sees(watch, name, "New", "InProgress", "PartiallyFailed")


def test_failed_validation_by_a_location_that_is_not_there(ark: Ark, watch: Watch) -> None:
    name = NAME.format("invalid")
    answer = ark("backup", name, *TINY, "--storage-location", "nowhere", "--wait", code=1)
    assert '"nowhere" does not exist' in answer.err
    sees(watch, name, "New", "FailedValidation")


def test_failed_by_a_name_that_is_taken(ark: Ark, watch: Watch, tmp_path: Path, bucket: Bucket) -> None:
    name = NAME.format("failed")
    stored = tmp_path / "backups" / name / "velero-backup.json"
    stored.parent.mkdir(parents=True)
    stored.write_text('{"metadata": {"name": "%s", "uid": "another"}}' % name)
    bucket.put_tree(tmp_path)
    answer = ark("backup", name, *TINY, "--wait", code=1)
    assert "already exists" in answer.err
    # The run has to begin before it can ask for its name in the bucket.
    sees(watch, name, "New", "InProgress", "Failed")
