"""What the user is told of a deletion that did not get to its end."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark.launch import erasing
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds

WISH = erasing.Wish(kinds.BACKUP, "b", "b-1")


class Holding(Kubectl):
    """One that knows a DeleteBackupRequest alone."""

    def __init__(self, status: dict[str, Any]) -> None:
        super().__init__()
        self._status = status

    def get(self, path: str) -> dict[str, Any]:
        assert path.endswith("/deletebackuprequests/b-1")
        return {"metadata": {"name": "b-1", "creationTimestamp": "2026-01-01T10:00:00Z"}, "status": self._status}


@pytest.mark.parametrize(("status", "said"), [
    ({"phase": "Processed"}, None), ({"phase": "Processed", "errors": ["a", "b"]}, "a; b"),
    ({"phase": "InProgress", "errors": ["no answer"], "backupUID": "u"},
     "no answer; every pass until 2026-01-02T10:00:00Z tries again, and deletebackuprequest/b-1 tells what came of it"),
    ({"phase": "New"}, "the request is still New; another pass has it or will take it up")])
def test_a_deletion_that_is_tried_again_is_told_to_be_so(status: dict[str, Any], said: str | None) -> None:
    assert erasing.failure(Holding(status), "n", WISH) == said
