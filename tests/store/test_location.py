"""A BackupStorageLocation's spec and Secret, understood or refused."""

from __future__ import annotations

from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from kubectl_ark.store import checksums
from kubectl_ark.store.bucket import Bucket
from kubectl_ark.store.location import parse

SECRET = "[default]\naws_access_key_id = KEY\naws_secret_access_key = VERYSECRET\n"
SPEC: dict[str, Any] = {"provider": "aws", "objectStorage": {"bucket": "bucket", "prefix": "/p/q/"},
                        "config": {"s3Url": "http://10.0.0.1:9000", "region": "x"}}


def test_a_location_of_veleros_is_understood() -> None:
    location = parse("default", SPEC, secret=SECRET)
    assert (location.url, location.secure, location.region) == ("http://10.0.0.1:9000/bucket/p/q/", False, "x")
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
    ({"objectStorage": {"bucket": "b", "caCert": "bm8gcGVt"}}, "caCert"),
    ({"objectStorage": {"bucket": "b", "caCert": "bm8gcGVt", "caCertRef": {"name": "s", "key": "k"}}}, "exclude"),
    ({"config": {"reigon": "x"}}, "reigon is not known; known are .*region"),
    ({"config": {"s3ForcePathStyle": "yes"}}, "s3ForcePathStyle"), ({"config": {"publicUrl": "x"}}, "publicUrl"),
    ({"config": {"serverSideEncryption": "ROT13"}}, "serverSideEncryption"),
    ({"config": {"serverSideEncryption": "AES256", "kmsKeyId": "k"}}, "kmsKeyId"),
    ({"config": {"customerKeyEncryptionFile": "/k"}}, "customerKeyEncryptionFile .* use serverSideEncryption"),
    ({"config": {"tagging": "a"}}, "tagging"), ({"config": {"checksumAlgorithm": "MD4"}}, "CRC32"),
    ({"config": {"insecureSkipTLSVerify": "1"}}, "insecureSkipTLSVerify"),
])
def test_a_wrong_field_is_named(change: dict[str, Any], word: str) -> None:
    with pytest.raises(errors.LocationInvalid, match=word):
        parse("d", {**SPEC, **change}, secret=SECRET)


def test_settings_of_veleros_plugin_become_headers_of_what_is_stored() -> None:
    config = parse("d", {**SPEC, "config": {"kmsKeyId": "k", "tagging": "a=b&c=", "checksumAlgorithm": "crc32"}},
                   secret=SECRET).config
    assert config.write_headers == {
        "x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "k",
        "x-amz-tagging": "a=b&c="}
    assert config.checksum == "CRC32"
    assert checksums.headers("CRC32", b"123456789") == {"x-amz-checksum-crc32": "y/Q5Jg=="}
    assert checksums.headers("", b"") == {"Content-MD5": "1B2M2Y8AsgTpgAmY7PhCfg=="}


def test_a_profile_and_a_session_token_are_taken_from_the_file() -> None:
    text = SECRET + "[other]\naws_access_key_id = K2\naws_secret_access_key = S2\naws_session_token = T2\n"
    given = parse("d", {**SPEC, "config": {"profile": "other"}}, secret=text).credentials
    assert given is not None and (given.access_key, given.secret_key, given.session_token) == ("K2", "S2", "T2")


def test_an_address_to_download_from_goes_to_the_public_url_in_the_style_that_is_asked_for() -> None:
    spec = {**SPEC, "config": {**SPEC["config"], "publicUrl": "https://s3.example.com"}}
    address = Bucket(parse("d", spec, secret=SECRET)).url_to_get("backups/b/b.tar.gz", seconds=600)
    assert address.startswith("https://s3.example.com/bucket/p/q/backups/b/b.tar.gz?")
    assert "X-Amz-Expires=600" in address
    assert "VERYSECRET" not in address
    spec["config"]["s3ForcePathStyle"] = "false"
    address = Bucket(parse("d", spec, secret=SECRET)).url_to_get("x", seconds=1)
    assert address.startswith("https://bucket.s3.example.com/p/q/x?")


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
