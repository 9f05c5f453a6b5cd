"""``location``: what it would create, and what it refuses before it asks any cluster."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
import yaml

from tests.cli.commandline import ark


def test_every_flag_of_create_becomes_a_field(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("PEM")
    done = ark("location", "create", "archive", "--bucket", "b", "--prefix", "p", "--provider", "aws", "--config",
               "region=r,s3Url=http://s:1", "--credential", "s=k", "--default", "--access-mode", "ReadOnly",
               "--labels", "a=b", "--cacert", str(tmp_path / "ca.pem"), "--backup-sync-period", "5m",
               "--validation-frequency", "0", "--dry-run=client", "-o", "yaml", "-n", "ns")
    assert done.returncode == 0, done.stderr
    assert yaml.safe_load(done.stdout) == {
        "apiVersion": "ark.heptio.com/v1", "kind": "BackupStorageLocation",
        "metadata": {"name": "archive", "namespace": "ns", "labels": {"a": "b"}},
        "spec": {"provider": "aws", "config": {"region": "r", "s3Url": "http://s:1"}, "default": True,
                 "credential": {"name": "s", "key": "k"}, "accessMode": "ReadOnly", "backupSyncPeriod": "5m",
                 "validationFrequency": "0",
                 "objectStorage": {"bucket": "b", "prefix": "p", "caCert": base64.b64encode(b"PEM").decode()}}}


@pytest.mark.parametrize(("arguments", "word"), [
    (("create", "x"), "--bucket"), (("create", "Not_A_Name", "--bucket", "b"), "Not_A_Name"),
    (("create", "x", "--bucket", "b", "--provider", "gcp"), 'use "aws"'),
    (("create", "x", "--bucket", "b", "--config", "reigon=x"), "reigon is not known"),
    (("create", "x", "--bucket", "b", "--config", "s3Url=minio:9000"), "http(s)://HOST"),
    (("create", "x", "--bucket", "b", "--credential", "s"), "KEY=VALUE"),
    (("create", "x", "--bucket", "b", "--access-mode", "Maybe"), "ReadOnly"),
    (("create", "x", "--bucket", "b", "--backup-sync-period", "often"), "not a duration"),
    (("set", "x"), "nothing to change"), (("set", "x", "--config", "tagging=a"), "tagging")])
def test_a_mistake_is_one_line_that_names_it(arguments: tuple[str, ...], word: str) -> None:
    done = ark("location", *arguments)
    assert done.returncode == 2 and done.stdout == "" and word in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("typed", "meant"), [
    (("backup-location", "create", "x"), "kubectl ark location create x --bucket BUCKET"),
    (("backup-location", "set", "x"), "kubectl ark location set x"),
    (("backup-location", "get"), "kubectl ark get locations")])
def test_veleros_word_order_names_the_command(typed: tuple[str, ...], meant: str) -> None:
    assert f'use "{meant}"' in ark(*typed).stderr
