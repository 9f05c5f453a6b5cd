"""The locations of a pass: valid or not, which is the default one, and who may write to a prefix that others use."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kubectl_ark.runner import validate
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse
from tests.harness import Ark, is_clear
from tests.runner.stored import ago, cluster_id, metadata, page

pytestmark = pytest.mark.api


@pytest.fixture
def place(ark: Ark, name: str) -> Iterator[str]:
    """The name of a location that the test makes; it goes away afterwards."""
    yield name
    ark.remove(ark.cr("BackupStorageLocation", name))


def make(ark: Ark, name: str, **spec: Any) -> None:
    """A location with a prefix of its own, so that what is in it is this test's."""
    ark.location(name, **{"objectStorage": {"bucket": ark.store.bucket, "prefix": within(ark, name)}, **spec})


def within(ark: Ark, name: str) -> str:
    """Its prefix: where nobody looks who uses the default location's."""
    return f"{ark.prefix}/plugins/{name}"


def test_every_location_is_validated_and_a_bad_one_does_not_hinder_the_others(ark: Ark, place: str) -> None:
    make(ark, place, provider="gcp")
    text = page(ark, "locations", code=1)
    status = ark.status("BackupStorageLocation", place)
    assert status["phase"] == "Unavailable" and status["lastValidationTime"]
    assert is_clear(status["message"], 'provider "gcp" is not supported', 'use "aws" for every S3-compatible store')
    assert f"locations: Error: {place} is Unavailable" in text and "default is Available" in text
    assert ark.status("BackupStorageLocation", "default")["phase"] == "Available"


def test_a_backup_into_a_location_of_another_provider_is_refused_with_what_works(ark: Ark, place: str) -> None:
    make(ark, place, provider="azure")
    ark.backup(place, storageLocation=place)
    assert ark.run("backup", place) != 0
    status = ark.status("Backup", place)
    assert status["phase"] == "FailedValidation" and is_clear(status["validationErrors"][0], '"azure"', 'use "aws"')


def test_a_ca_certificate_may_be_in_a_secret_and_must_be_one(ark: Ark, place: str) -> None:
    reference = {"bucket": ark.store.bucket, "prefix": within(ark, place),
                 "caCertRef": {"name": "authority", "key": "ca.crt"}}
    make(ark, place, objectStorage=reference)
    page(ark, "locations", code=1)
    assert is_clear(ark.status("BackupStorageLocation", place)["message"], "authority does not exist", "caCertRef")
    ark.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "authority", "namespace": ark.namespace},
             "stringData": {"ca.crt": "no certificate"}})
    page(ark, "locations", code=1)
    assert is_clear(ark.status("BackupStorageLocation", place)["message"], "caCertRef does not name PEM certificates")


def test_many_who_try_one_location_at_once_do_not_take_each_others_files_for_a_fault(ark: Ark, place: str) -> None:
    make(ark, place)
    spec = ark.got(ark.cr("BackupStorageLocation", place))["spec"]
    bucket = Bucket(parse(place, spec, secret=ark.store.credentials_file))
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: validate.check(bucket, read_only=False), range(40))) == {None}
    assert not [key for key in ark.keys() if validate.PROBE in key]


def test_of_several_defaults_the_newest_keeps_the_flag(ark: Ark, place: str) -> None:
    ark.location(default=True)
    make(ark, place, default=True)
    # Both may have been made in the same second.
    former, newest = sorted(("default", place), key=lambda name: (
        ark.got(ark.cr("BackupStorageLocation", name))["metadata"]["creationTimestamp"], name))
    assert f"{former} is no longer the default location: {newest} is newer" in page(ark, "locations")
    flags = {name: ark.got(ark.cr("BackupStorageLocation", name))["spec"]["default"] for name in (former, newest)}
    assert flags == {former: False, newest: True}
    assert "no longer" not in page(ark, "locations")
    ark.location()


def test_a_location_that_holds_another_clusters_backups_starts_read_only_until_it_is_told_otherwise(
        ark: Ark, place: str) -> None:
    def mode() -> str:
        return str(ark.got(ark.cr("BackupStorageLocation", place))["spec"]["accessMode"])

    key = f"plugins/{place}/backups/own/velero-backup.json"
    ark.write(key, json.dumps(metadata("own", cluster=cluster_id(ark))).encode())
    make(ark, place)
    assert ark.run("validate-location", place) == 0
    assert mode() == "ReadWrite"
    ark.remove(ark.cr("BackupStorageLocation", place))
    ark.write(key, json.dumps(metadata("own", cluster="another")).encode())
    make(ark, place)
    assert ark.run("validate-location", place) == 0
    status = ark.status("BackupStorageLocation", place)
    assert mode() == "ReadOnly" and status["phase"] == "Available"
    assert is_clear(status["message"], "starts ReadOnly", "(own)", f"location set {place} --access-mode ReadWrite")
    ark.backup(place, storageLocation=place)
    assert ark.run("backup", place) != 0
    assert "ReadOnly" in ark.status("Backup", place)["validationErrors"][0]
    ark.api.patch_merge(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/{place}",
                        {"spec": {"accessMode": "ReadWrite"}})
    page(ark, "locations")
    assert mode() == "ReadWrite" and not ark.status("BackupStorageLocation", place).get("message")


def test_an_access_mode_that_nobody_gave_is_chosen_anew_where_the_location_leads_elsewhere(
        ark: Ark, place: str) -> None:
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/{place}"

    def led_to(prefix: str) -> tuple[str, str]:
        ark.api.patch_merge(path, {"spec": {"objectStorage": {"prefix": f"{within(ark, place)}-{prefix}"}}})
        assert ark.run("validate-location", place) == 0
        found = ark.got(ark.cr("BackupStorageLocation", place))
        return str(found["spec"]["accessMode"]), str(found["status"].get("message") or "")

    for prefix in ("theirs", "theirs-too"):
        ark.write(f"plugins/{place}-{prefix}/backups/b/velero-backup.json",
                  json.dumps(metadata("b", cluster="another")).encode())
    make(ark, place)
    assert led_to("empty") == ("ReadWrite", "")
    mode, message = led_to("theirs")
    assert mode == "ReadOnly" and is_clear(message, "starts ReadOnly", "(b)")
    assert led_to("theirs-too")[0] == "ReadOnly"
    assert led_to("empty") == ("ReadWrite", "")
    # What a user has given stands, wherever it leads; so does what was chosen where it leads by now.
    ark.api.patch_merge(path, {"spec": {"accessMode": "ReadOnly"}})
    assert led_to("empty")[0] == "ReadOnly" == led_to("theirs")[0] == led_to("empty-too")[0]


def test_a_location_is_validated_as_often_as_it_asks_for(ark: Ark, place: str) -> None:
    make(ark, place, validationFrequency="1h", provider="gcp")
    path = f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/backupstoragelocations/{place}/status"
    for minutes, due in ((5, False), (65, True)):
        ark.api.patch_merge(path, {"status": {"lastValidationTime": ago(minutes=minutes), "phase": "Available"}})
        page(ark, "locations", code=1 if due else 0)
        assert (ark.status("BackupStorageLocation", place)["phase"] == "Unavailable") is due
