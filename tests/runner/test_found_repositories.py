"""What an install learns of the repositories that a bucket holds already: whose password it has to ask for."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.volumes import initialising
from kubectl_ark.model.passwords import VELERO_PASSWORD
from kubectl_ark.runner import found_repositories
from kubectl_ark.runner.identity import from_environment
from kubectl_ark.runner.work import Work
from tests.harness import Ark
from tests.runner.volumes import PASSWORD, around, repository, secret

pytestmark = pytest.mark.api


@pytest.fixture
def place(ark: Ark) -> Iterator[Ark]:
    """The Ark namespace, its location empty and without a password."""
    yield ark
    for key in ark.keys():
        ark.store.client.remove_object(ark.store.bucket, f"{ark.prefix}/{key}")
    item = {"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": "ark-repo-credentials", "namespace": ark.namespace}}
    if ark.get(item) is not None:
        ark.remove(item)


def make(ark: Ark, scratch: Path, name: str, password: str = PASSWORD) -> None:
    """A repository with this password."""
    with repository(ark, name, scratch, password) as opened:
        initialising.ensure(opened, checkpoint=lambda: None)


def look(ark: Ark, scratch: Path, **further: Any) -> dict[str, Any] | None:
    """What the Job of an install finds."""
    work = Work(ark.api, from_environment({}), ark.namespace, "default", scratch, Progress())
    return found_repositories.look(work, around(ark, scratch).bucket, **further)


def test_an_empty_bucket_holds_none(place: Ark, tmp_path: Path) -> None:
    assert look(place, tmp_path) is None


def test_ours_needs_its_password_and_is_opened_by_no_other(place: Ark, tmp_path: Path) -> None:
    make(place, tmp_path, "shop")
    assert look(place, tmp_path) == {"found": 1, "example": "restic/shop"}
    secret(place, "another")
    assert look(place, tmp_path) == {"found": 1, "example": "restic/shop", "passwordFits": False}
    secret(place)
    assert look(place, tmp_path) == {"found": 1, "example": "restic/shop", "passwordFits": True}


def test_where_all_have_the_password_that_velero_gives_none_is_asked_for(place: Ark, tmp_path: Path) -> None:
    make(place, tmp_path, "a", VELERO_PASSWORD)
    make(place, tmp_path, "b", VELERO_PASSWORD)
    assert look(place, tmp_path) == {"found": 2}
    secret(place, "a new one")
    assert look(place, tmp_path) == {"found": 2}


def test_ours_is_found_among_however_many_of_veleros(place: Ark, tmp_path: Path) -> None:
    for name in "abcdef":
        make(place, tmp_path, name, VELERO_PASSWORD)
    make(place, tmp_path, "z")
    assert look(place, tmp_path) == {"found": 7, "example": "restic/z"}
    secret(place)
    assert look(place, tmp_path) == {"found": 7, "example": "restic/z", "passwordFits": True}
    secret(place, "another")
    assert look(place, tmp_path) == {"found": 7, "example": "restic/z", "passwordFits": False}


def test_the_newest_is_tried_first_as_there_may_be_too_many(place: Ark, tmp_path: Path) -> None:
    make(place, tmp_path, "z", VELERO_PASSWORD)
    found = place.store.client.stat_object(place.store.bucket, f"{place.prefix}/restic/z/config")
    assert found.last_modified is not None
    while True:  # the store keeps whole seconds
        make(place, tmp_path, (name := f"y{secrets.token_hex(2)}"))
        made = place.store.client.stat_object(place.store.bucket, f"{place.prefix}/restic/{name}/config")
        if made.last_modified and made.last_modified > found.last_modified:
            break
    assert (look(place, tmp_path, seconds=0) or {})["example"].startswith("restic/y")


def test_a_damaged_one_keeps_nobody_from_installing(place: Ark, tmp_path: Path) -> None:
    make(place, tmp_path, "broken", VELERO_PASSWORD)
    place.write("restic/broken/config", b"x" * 155)
    assert look(place, tmp_path) == {"found": 1}
    make(place, tmp_path, "shop")
    secret(place)
    assert look(place, tmp_path) == {"found": 2, "example": "restic/shop", "passwordFits": True}
