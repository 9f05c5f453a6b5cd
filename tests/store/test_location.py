"""A BackupStorageLocation's spec and Secret, understood or refused."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from kubectl_ark.store.location import parse

SECRET = "[default]\naws_access_key_id = KEY\naws_secret_access_key = VERYSECRET\n"
SPEC: dict[str, Any] = {"provider": "aws", "objectStorage": {"bucket": "b", "prefix": "/p/q/"},
                        "config": {"s3Url": "http://10.0.0.1:9000", "region": "x"}}


def test_a_location_of_veleros_is_understood() -> None:
    location = parse("default", SPEC, secret=SECRET)
    assert (location.url, location.secure, location.region) == ("http://10.0.0.1:9000/b/p/q/", False, "x")
    assert location.credentials is not None and location.credentials.access_key == "KEY"


def test_secrets_do_not_show_when_a_location_is_printed() -> None:
    assert "VERYSECRET" not in repr(parse("default", SPEC, secret=SECRET))


def test_without_a_url_the_store_is_aws_in_its_region() -> None:
    location = parse("d", {**SPEC, "config": {"region": "eu-west-1"}}, secret=None)
    assert location.endpoint == "s3.eu-west-1.amazonaws.com" and location.secure and location.credentials is None


@pytest.mark.parametrize(("change", "word"), [
    ({"provider": "gcp"}, "provider"), ({"objectStorage": {}}, "bucket"),
    ({"objectStorage": {"bucket": "a/b"}}, "prefix"),
    ({"config": {"s3Url": "10.0.0.1:9000"}}, "s3Url"), ({"config": {"s3Url": "http://h/path"}}, "s3Url"),
    ({"objectStorage": {"bucket": "b", "caCert": "&&&"}}, "caCert"),
])
def test_a_wrong_field_is_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(errors.StoreUnusable, match=word):
        parse("d", {**SPEC, **change}, secret=SECRET)


@pytest.mark.parametrize("secret", [
    "", "no ini = VERYSECRET", "[default]\naws_secret_access_key = VERYSECRET\n", "[other]\n"])
def test_an_unusable_secret_is_refused_without_quoting_it(secret: str) -> None:
    with pytest.raises(errors.StoreUnusable) as caught:
        parse("d", SPEC, secret=secret)
    assert "VERYSECRET" not in caught.value.sentence


@pytest.mark.parametrize(("prefix", "root"), [(None, ""), ("", ""), ("/", ""), ("a", "a/"), ("/a/b/", "a/b/")])
def test_the_root_is_the_prefix_with_one_slash(prefix: str | None, root: str) -> None:
    assert layout.root(prefix) == root


def test_keys_are_veleros() -> None:
    assert layout.metadata("b") == "backups/b/velero-backup.json"
    assert layout.backup_results("b") == "backups/b/b-results.gz"
    assert layout.restore_volume_info("r") == "restores/r/r-volumeinfo.json.gz"
    assert layout.restore_log("r") == "restores/r/restore-r-logs.gz"
