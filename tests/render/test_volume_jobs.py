"""The Job of a volume runs in a stranger's namespace: what it may do, and what stands in it."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from kubectl_ark.model import lock_hosts
from kubectl_ark.model.settings import Settings
from kubectl_ark.model.volume_work import VolumeWork, from_json
from kubectl_ark.render.volume_jobs import Place, volume_job, volume_secrets
from tests.render.podsecurity import violations

VOLUME = {"metadata": {"name": "nightly-1234567890", "uid": "12345678-1234-1234-1234-123456789012"}}
WORK = VolumeWork("data of pod shop/db-0", "http://10.96.0.9:8473", "restic/shop/", "u", "/data/db", ("ns=shop",))
CLUSTER = "abcdef01-2345-6789-abcd-ef0123456789"
SETTINGS = Settings(image="img:1", image_pull_secret="pull")
AS_USER = Place("shop", "db", as_root=False, user=1000, groups=(2000,))


def made(place: Place = AS_USER, *, work: VolumeWork = WORK, settings: Settings = SETTINGS,
         attempt: int = 1) -> dict[str, Any]:
    return volume_job(VOLUME, settings, work, place=place, cluster_id=CLUSTER, deadline=600, attempt=attempt)


def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def test_as_the_workloads_user_it_passes_pod_security_restricted() -> None:
    assert violations(pod(made())) == []
    assert pod(made())["securityContext"]["supplementalGroups"] == [2000]


def test_as_root_it_has_the_three_capabilities_that_baseline_allows_and_no_other() -> None:
    container = pod(made(Place("shop", "db")))["containers"][0]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert violations(pod(made(Place("shop", "db")))) == ["runner: capabilities are added", "runner: may run as root"]


def test_it_has_no_api_token_and_no_mesh_sidecar_and_is_left_out_of_backups() -> None:
    job = made()
    template = job["spec"]["template"]
    assert pod(job)["automountServiceAccountToken"] is False and pod(job)["serviceAccountName"] == "default"
    assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    for labels in (job["metadata"]["labels"], template["metadata"]["labels"]):
        assert labels["velero.io/exclude-from-backup"] == "true"


def test_it_begins_suspended_and_ends_by_itself() -> None:
    job = made()
    assert job["spec"]["suspend"] is True and job["spec"]["activeDeadlineSeconds"] == 600
    assert job["spec"]["ttlSecondsAfterFinished"] > 0 and job["spec"]["podReplacementPolicy"] == "Failed"


def test_it_reads_when_it_saves_and_writes_when_it_brings_back() -> None:
    for snapshot, read_only in (("", True), ("abcd", False)):
        spec = pod(made(work=VolumeWork("t", "http://h:1", "restic/shop/", "u", "/data/db", snapshot=snapshot)))
        [data] = [each for each in spec["volumes"] if each["name"] == "data"]
        [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "data"]
        assert data["persistentVolumeClaim"] == {"claimName": "db", "readOnly": read_only}
        assert mount == {"name": "data", "mountPath": "/data/db", "readOnly": read_only}


def test_on_one_node_it_is_pinned_by_the_nodes_name() -> None:
    terms = pod(made(Place("shop", "db", node="node-1")))["affinity"]["nodeAffinity"][
        "requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    assert terms == [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node-1"]}]}]


def test_on_any_node_it_goes_where_its_pod_may() -> None:
    spec = pod(made(Place("shop", "db", selector={"disk": "ssd"}, affinity={"a": 1}, tolerations=({"key": "k"},))))
    assert (spec["nodeSelector"], spec["affinity"], spec["tolerations"]) == (
        {"disk": "ssd"}, {"nodeAffinity": {"a": 1}}, [{"key": "k"}])


def test_its_host_name_tells_the_cluster_and_the_volume() -> None:
    host = lock_hosts.name(CLUSTER, VOLUME["metadata"]["uid"])
    assert host == "ark-abcdef01-123456781234" == pod(made())["hostname"]
    assert made()["spec"]["template"]["metadata"]["labels"]["ark.heptio.com/lock-host"] == host


def test_a_later_attempt_has_another_name() -> None:
    assert made()["metadata"]["name"] == "ark-volume-nightly-1234567890-12345678"
    assert made(attempt=2)["metadata"]["name"] == "ark-volume-nightly-1234567890-12345678-2"


def test_restic_is_told_what_memory_and_processors_it_has() -> None:
    container = pod(made(settings=Settings(volume_memory_limit="1Gi")))["containers"][0]
    env = {each["name"]: each for each in container["env"]}
    assert int(env["GOMEMLIMIT"]["value"]) == int(0.7 * 2**30)
    assert env["GOMAXPROCS"]["valueFrom"]["resourceFieldRef"]["resource"] == "limits.cpu"


def test_nothing_secret_stands_in_it_and_the_secrets_go_with_it() -> None:
    job = made()
    job["metadata"]["uid"] = "of-the-job"
    secret, pull = volume_secrets(job, token="a-token", password="a-password", pull={
        "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}})
    assert "a-token" not in json.dumps(job) and "a-password" not in json.dumps(job)
    assert base64.b64decode(secret["data"]["token"]) == b"a-token"
    assert [each["metadata"]["ownerReferences"][0]["uid"] for each in (secret, pull)] == ["of-the-job"] * 2
    assert pod(job)["imagePullSecrets"] == [{"name": pull["metadata"]["name"]}]


def test_the_work_comes_out_as_it_went_in() -> None:
    env = {each["name"]: each.get("value") for each in pod(made())["containers"][0]["env"]}
    assert from_json(str(env["ARK_WORK"])) == WORK
    for text in ("[]", "{}", '{"title": 1, "other": 2}', "not json"):
        with pytest.raises(ValueError):
            from_json(text)


def test_what_reads_a_directory_of_the_node_mounts_that_one_read_only_and_may_read_every_owners_files() -> None:
    place = Place("ark-volumes", "", node="n", directory="/var/lib/kubelet/pods/u/volumes/kubernetes.io~empty-dir/d")
    job = made(place)
    spec = pod(job)
    assert job["metadata"]["namespace"] == "ark-volumes"
    [data] = [each for each in spec["volumes"] if each["name"] == "data"]
    [mount] = [each for each in spec["containers"][0]["volumeMounts"] if each["name"] == "data"]
    assert data["hostPath"] == {"path": place.directory, "type": "Directory"} and mount["readOnly"] is True
    rights = spec["containers"][0]["securityContext"]
    assert rights["capabilities"] == {"drop": ["ALL"], "add": ["DAC_OVERRIDE"]}
    assert rights["readOnlyRootFilesystem"] is True and rights["allowPrivilegeEscalation"] is False
    assert "privileged" not in rights and spec["securityContext"]["runAsUser"] == 0
