"""What is stored with which settings, and pre-signed addresses, on a real S3 server."""

from __future__ import annotations

import io
import os
import urllib.error
import urllib.request
from typing import Any

import pytest

from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse
from kubectl_ark.store.parts import PART_SIZE
from tests.harness import Store

pytestmark = pytest.mark.api


def bucket(store: Store, name: str, **config: str) -> Bucket:
    """A prefix of its own, with these settings."""
    spec: dict[str, Any] = {"provider": "aws", "objectStorage": {"bucket": store.bucket, "prefix": name},
                            "config": {"s3Url": store.url, "region": "us-east-1", **config}}
    return Bucket(parse("tried", spec, secret=store.credentials_file))


@pytest.mark.parametrize("algorithm", ["", "CRC32", "SHA1", "SHA256"])
def test_what_is_put_and_uploaded_in_parts_arrives_with_its_checksum_and_tags(
        algorithm: str, store: Store, name: str) -> None:
    place = bucket(store, name, checksumAlgorithm=algorithm, tagging="team=a&cost=7")
    large = os.urandom(PART_SIZE + 1000)
    place.put("backups/b/small", b"hello")
    place.upload("backups/b/large", io.BytesIO(large))
    place.upload("backups/b/empty", io.BytesIO())
    try:
        assert place.get("backups/b/large", limit=len(large)) == large
        assert sorted(place.keys("backups/")) == ["backups/b/empty", "backups/b/large", "backups/b/small"]
        for key in ("small", "large"):
            tags = store.client.get_object_tags(store.bucket, f"{name}/backups/b/{key}")
            assert dict(tags or {}) == {"team": "a", "cost": "7"}
    finally:
        for key in list(place.keys("")):
            place.delete(key)


def test_a_pre_signed_address_needs_no_further_credentials_and_nothing_else_is_had_with_it(
        store: Store, name: str) -> None:
    place = bucket(store, name)
    place.put("backups/b/b-logs.gz", b"the log")
    address = place.url_to_get("backups/b/b-logs.gz", seconds=60)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=10) as answer:
        assert answer.read() == b"the log"
    with pytest.raises(urllib.error.HTTPError, match="403"):
        opener.open(address.replace("b-logs.gz", "b-results.gz"), timeout=10)
    place.delete("backups/b/b-logs.gz")


def test_where_ark_0_9_put_a_backup_it_is_found_at_the_root(store: Store, name: str) -> None:
    place = bucket(store, name)
    place.put("b/b.tar.gz", b"tar")
    flat = place.flattened()
    assert flat.get("backups/b/b.tar.gz", limit=10) == b"tar" and not place.exists("backups/b/b.tar.gz")
    place.delete("b/b.tar.gz")
