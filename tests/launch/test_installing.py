"""What install would create, without a cluster."""

import base64
import json
from typing import Any

import pytest
import yaml

from tests.cli.commandline import ark

FLAGS = ("install", "--bucket", "b", "--prefix", "p", "--backup-location-config", "region=r,s3Url=http://x:1",
         "-n", "ns")


@pytest.fixture
def secret_file(tmp_path: Any) -> str:
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id=a\naws_secret_access_key=s3cret\n")
    return str(path)


def manifests(*flags: str) -> dict[tuple[str, str], dict[str, Any]]:
    done = ark(*FLAGS, *flags, "--dry-run=client", "-o", "yaml")
    assert done.returncode == 0, done.stderr
    return {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(done.stdout)}


def test_it_prints_the_same_twice(secret_file: str) -> None:
    flags = (*FLAGS, "--secret-file", secret_file, "--dry-run=client", "-o", "yaml")
    assert ark(*flags).stdout == ark(*flags).stdout


def test_flags_become_location_secret_settings_and_annotations(secret_file: str, tmp_path: Any) -> None:
    (tmp_path / "ca").write_text("PEM")
    objects = manifests("--secret-file", secret_file, "--image", "img:2", "--image-pull-secret", "pull", "--cacert",
                        str(tmp_path / "ca"), "--sa-annotations", "a/b=c,d=e", "--memory-limit", "1Gi")
    location = objects["BackupStorageLocation", "default"]
    assert location["spec"] == {
        "provider": "aws", "default": True, "accessMode": "ReadWrite",
        "config": {"region": "r", "s3Url": "http://x:1"}, "credential": {"name": "cloud-credentials", "key": "cloud"},
        "objectStorage": {"bucket": "b", "prefix": "p", "caCert": base64.b64encode(b"PEM").decode()}}
    secret = objects["Secret", "cloud-credentials"]
    assert b"s3cret" in base64.b64decode(secret["data"]["cloud"])
    data = objects["ConfigMap", "ark-settings"]["data"]
    assert (data["image"], data["imagePullSecret"], data["memoryLimit"]) == ("img:2", "pull", "1Gi")
    assert objects["ServiceAccount", "ark-backup"]["metadata"]["annotations"] == {"a/b": "c", "d": "e"}
    assert '"img:2"' in json.dumps(objects["ValidatingAdmissionPolicy", "ns-jobs"]).replace('\\"', '"')
    assert {each["metadata"].get("namespace", "ns") for each in objects.values()} == {"ns"}


@pytest.mark.parametrize(("flags", "credential"), [
    (("--existing-secret", "mine"), {"name": "mine", "key": "cloud"}),
    (("--existing-secret", "mine:k"), {"name": "mine", "key": "k"}), (("--no-secret",), None)])
def test_without_a_file_no_secret_is_made(flags: tuple[str, ...], credential: Any) -> None:
    objects = manifests(*flags)
    assert not [name for kind, name in objects if kind == "Secret"]
    assert objects["BackupStorageLocation", "default"]["spec"].get("credential") == credential


def test_crds_only_is_crds_only() -> None:
    done = ark("install", "--crds-only", "--dry-run=client", "-o", "json")
    assert {each["kind"] for each in json.loads(done.stdout)["items"]} == {"CustomResourceDefinition"}


def test_the_namespace_enforces_pod_security_restricted() -> None:
    namespace = manifests("--no-secret")["Namespace", "ns"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_no_account_may_delete_and_only_restore_may_escalate() -> None:
    objects = manifests("--no-secret")
    rules = {name: each["rules"] for (kind, name), each in objects.items() if kind in ("Role", "ClusterRole")}
    for name, granted in rules.items():
        verbs = {verb for rule in granted for verb in rule["verbs"]}
        assert not verbs & {"delete", "deletecollection", "*", "impersonate"}, name
        assert name == "ns-restore" or not verbs & {"escalate", "bind"}
    assert {verb for rule in rules["ns-backup"] for verb in rule["verbs"]} == {"get", "list", "watch"}


@pytest.mark.parametrize("flags", [("--no-secret", "--existing-secret", "x"), (), ("--secret-file", "/nowhere")])
def test_it_must_be_said_how_to_get_into_the_bucket(flags: tuple[str, ...]) -> None:
    done = ark(*FLAGS, *flags, "--dry-run=client")
    assert done.returncode == 2 and done.stderr.count("\n") == 1


@pytest.mark.parametrize("namespace", ["default", "kube-system", "Not_A_Name"])
def test_a_namespace_that_is_not_for_us_is_refused(namespace: str) -> None:
    assert ark(*FLAGS, "--no-secret", "-n", namespace, "--dry-run=client").returncode == 2
