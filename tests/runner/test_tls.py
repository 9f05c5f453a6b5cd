"""A store behind TLS whose certificate is by an authority of its own: caCertRef, from validation to fetching."""

from __future__ import annotations

import base64
import gzip
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kubectl_ark.runner.files import find
from tests.cluster.binaries import Binaries
from tests.cluster.certificates import Authority
from tests.cluster.storage import S3Server
from tests.environment import credentials_file
from tests.harness import Ark, eventually, is_clear

pytestmark = pytest.mark.api


@pytest.fixture
def authority(ark: Ark, binaries: Binaries, tmp_path: Path) -> Iterator[Path]:
    """The authority's certificate; location "tls" is at a store that it vouches for, and does not name it yet."""
    authority = Authority(tmp_path / "tls", log=tmp_path / "openssl.log")
    authority.create()
    authority.issue("s3", common_name="s3", addresses=["127.0.0.1"])
    with S3Server(tmp_path / "s3", data=tmp_path / "buckets", binaries=binaries,
                  tls=(authority.certificate_of("s3"), authority.key_of("s3"))) as s3:
        s3.create_bucket("tls")
        ark.secret(credentials_file(s3.credentials.access_key, s3.credentials.secret_key), "tls")
        ark.make({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "authority", "namespace": ark.namespace},
                  "data": {"ca": base64.b64encode(authority.certificate.read_bytes()).decode()}})
        ark.location("tls", url=s3.url, bucket="tls", credential={"name": "tls", "key": "cloud"})
        yield authority.certificate
        ark.remove(ark.cr("BackupStorageLocation", "tls"))


def test_a_location_with_ca_cert_ref_is_validated_backed_up_to_and_fetched_from(
        ark: Ark, authority: Path, name: str) -> None:
    assert ark.run("validate-location", "tls") != 0
    assert is_clear(ark.status("BackupStorageLocation", "tls")["message"], "certificate verify failed")
    storage = {"bucket": "tls", "prefix": ark.prefix, "caCertRef": {"name": "authority", "key": "ca"}}
    spec = ark.got(ark.cr("BackupStorageLocation", "tls"))["spec"]
    ark.put(ark.cr("BackupStorageLocation", "tls", **{**spec, "objectStorage": storage}))
    assert ark.run("validate-location", "tls") == 0
    assert ark.status("BackupStorageLocation", "tls")["phase"] == "Available"
    ark.backup(name, includedNamespaces=["kube-public"], storageLocation="tls")
    assert ark.run("backup", name) == 0
    found = find(ark.api, ark.namespace, "BackupLog", name)
    secret, output = ark.directory / "tls", ark.directory / f"log-{secrets.token_hex(4)}"
    secret.write_text(ark_secret(ark))
    variables: dict[str, Any] = {"ARK_LOCATION": json.dumps(found.place["spec"]), "ARK_KEY": found.key,
                                 "ARK_LOCATION_NAME": "tls", "ARK_CREDENTIALS_FILE": str(secret)}
    refused = ark.start("fetch", "--output", str(output), **variables,
                        ARK_AUTHORITY_FILE=str(authority.with_name("nosuch")))
    assert refused.wait() != 0 and "objectStorage.caCertRef does not exist" in refused.text
    runner = ark.start("fetch", "--output", str(output), **variables, ARK_AUTHORITY_FILE=str(authority))
    eventually(lambda: output.exists() or runner.process.poll() is not None, "it is fetched")
    assert b"backup begins" in gzip.decompress(output.read_bytes()), runner.text
    output.unlink()
    assert runner.wait() == 0


def ark_secret(ark: Ark) -> str:
    """The credentials file of location "tls"."""
    data = ark.api.get(f"/api/v1/namespaces/{ark.namespace}/secrets/tls")["data"]
    return base64.b64decode(data["cloud"]).decode()
