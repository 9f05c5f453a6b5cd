"""What a Schedule shows at once when it is paused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from kubectl_ark.launch import installing, paths, scheduling
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds

pytestmark = pytest.mark.api


@pytest.fixture
def schedule(kubectl: Kubectl, installed: installing.Plan) -> Iterator[dict[str, Any]]:
    """A Schedule of which a pass has said when it is due."""
    metadata = {"name": "nightly", "namespace": installed.namespace}
    scheduling.create(kubectl, {"apiVersion": kinds.API_VERSION, "kind": kinds.SCHEDULE.kind, "metadata": metadata,
                                "spec": {"schedule": "@daily", "template": {}}})
    yield kubectl.patch(kinds.SCHEDULE.full_name, "nightly", installed.namespace, {"status": {
        "phase": "Enabled", "nextBackup": "2099-01-01T00:00:00Z"}}, status=True)
    kubectl.delete(paths.custom(kinds.SCHEDULE, installed.namespace, "nightly"))


def seen(kubectl: Kubectl, schedule: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether it is paused, and what NEXT-BACKUP shows."""
    now = kubectl.get(paths.custom(kinds.SCHEDULE, schedule["metadata"]["namespace"], "nightly"))
    return bool(now["spec"].get("paused")), now["status"].get("nextBackup")


def test_a_schedule_that_is_paused_shows_no_next_backup_at_once(kubectl: Kubectl, schedule: dict[str, Any]) -> None:
    assert scheduling.change(kubectl, schedule, {"paused": True})
    assert seen(kubectl, schedule) == (True, None)


def test_who_may_change_schedules_but_not_their_status_pauses_all_the_same(
        kubectl: Kubectl, schedule: dict[str, Any]) -> None:
    class Limited(Kubectl):
        """Its user, who is nobody else's, may not write the status."""

        def patch(self, *arguments: Any, status: bool = False) -> dict[str, Any]:
            user = ["--as=nobody"] if status else []
            return Kubectl([*kubectl.command()[1:], *user]).patch(*arguments, status=status)

    assert scheduling.change(Limited(), schedule, {"paused": True})
    assert seen(kubectl, schedule) == (True, "2099-01-01T00:00:00Z")
