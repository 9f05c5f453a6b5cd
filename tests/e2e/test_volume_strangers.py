"""Volumes in namespaces that others rule: quotas, limits, Pod Security, keys. One run goes through all of them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from minio import Minio
from minio.error import S3Error

from tests.e2e.ark import Answer, Ark, finish
from tests.e2e.bucket import Bucket
from tests.e2e.stateful import Stateful
from tests.e2e.volumejobs import OPT_IN, Held, give_password, jobs_in, pods_of, random_file, saved, scenes
from tests.environment import BUCKET

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("volumes")]

RUN, PULL = "strangers", "ark-test-pull"
LITTLE = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"cpu": "50m", "memory": "32Mi"}}
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
OWN_USER = ("restricted", "closed")
PLACES = ("demanding", "limited", "tight", "restricted", "closed", "secretless", "modes")


def _ruled(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec}


RULES = {
    "demanding": _ruled("ResourceQuota", "demands", hard={
        "limits.cpu": "8", "limits.memory": "8Gi", "requests.cpu": "4", "requests.memory": "4Gi", "pods": "5"}),
    "limited": _ruled("LimitRange", "range", limits=[{
        "type": "Container", "default": {"cpu": "100m", "memory": "64Mi"}, "min": {"cpu": "10m", "memory": "16Mi"},
        "max": {"cpu": "4", "memory": "2Gi"}}]),
    "tight": _ruled("LimitRange", "small", limits=[{"type": "Container", "max": {"memory": "64Mi"}}]),
    "secretless": _ruled("ResourceQuota", "no-secrets", hard={"count/secrets": "0"}),
}


@pytest.fixture(scope="module")
def places(ark: Ark) -> Iterator[dict[str, Stateful]]:
    """A namespace for each kind of ruler, with a workload that has a volume."""
    give_password(ark)
    with scenes(ark, {place: RESTRICTED if place in OWN_USER else {} for place in PLACES}) as made:
        with ThreadPoolExecutor(len(PLACES)) as pool:
            list(pool.map(_furnish, made.items()))
        yield made


def _furnish(scene: tuple[str, Stateful]) -> None:
    place, shop = scene
    user = 1000 if place in OWN_USER else 0
    if place in RULES:
        shop.cluster.run("create", "-n", shop.namespace, "-f", "-", input=json.dumps(RULES[place]))
    if place == "modes":
        (shop.pod("shared", annotations=OPT_IN, modes=("ReadWriteMany",), wait=False) / "file").write_text("x")
        shop.pod("single", annotations=OPT_IN, modes=("ReadWriteOncePod",))
        return
    directory = shop.pod("db", annotations=OPT_IN, user=user, resources=LITTLE, wait=False)
    (directory / "file").write_text(place)
    os.chown(directory / "file", user, user)
    if place == "restricted":
        for name in ("secret", "others"):
            (directory / name).write_text(name)
            (directory / name).chmod(0o600 if name == "secret" else 0o644)
        (directory / "room").mkdir(mode=0o700)
    if place == "closed":
        directory.chmod(0o700)
        directory = shop.pod("other", annotations=OPT_IN, user=user, wait=False)
        (directory / "file").write_text(place)
        directory.chmod(0o711)
    shop.cluster.run("wait", "--for=condition=Ready", "pod", "--all", "-n", shop.namespace, "--timeout=90s")


@pytest.fixture(scope="module")
def pull_secret(ark: Ark) -> Iterator[dict[str, Any]]:
    """A private registry's Secret, as ``install --image-pull-secret`` names it."""
    document = base64.b64encode(json.dumps({"auths": {"registry.example.com": {"auth": "dTpw"}}}).encode()).decode()
    ark.cluster.apply({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
                       "metadata": {"name": PULL, "namespace": ark.namespace}, "data": {".dockerconfigjson": document}})
    _set(ark, imagePullSecret=PULL)
    yield ark.cluster.get("secret", PULL, "-n", ark.namespace)
    _set(ark, imagePullSecret="")


def _set(ark: Ark, **settings: str) -> None:
    ark.cluster.run("patch", "configmap", "ark-settings", "-n", ark.namespace, "--type=merge", "-p",
                    json.dumps({"data": settings}))


@pytest.fixture(scope="module")
def run(ark: Ark, places: dict[str, Stateful], pull_secret: dict[str, Any]) -> Answer:
    """One backup of all these namespaces."""
    return ark("backup", RUN, "--include-namespaces", ",".join(each.namespace for each in places.values()), "--wait",
               code=3)


def status_of(ark: Ark, shop: Stateful, claim: str = "db-data") -> dict[str, Any]:
    return dict(saved(ark, RUN)[f"{shop.namespace}/{claim}"]["status"])


@pytest.mark.parametrize("place", ["demanding", "limited"])
def test_it_works_where_limits_are_demanded_or_bounded(
        ark: Ark, places: dict[str, Stateful], run: Answer, place: str) -> None:
    status = status_of(ark, places[place])
    assert status["phase"] == "Completed" and status["filesTotal"] == 1, status


def test_one_run_saves_volumes_of_several_namespaces_each_into_its_own_repository(
        ark: Ark, bucket: Bucket, places: dict[str, Stateful], run: Answer) -> None:
    done = {place for place in PLACES if bucket.keys(f"restic/{places[place].namespace}/snapshots/")}
    assert done == {"demanding", "limited", "restricted", "modes"}, ark.details("backup", RUN)


def test_where_no_pod_is_let_in_the_sentence_has_the_servers_words_and_the_way_out(
        ark: Ark, places: dict[str, Stateful], run: Answer) -> None:
    told = ark.details("backup", RUN)
    namespace = places["tight"].namespace
    [line] = [each for each in told.splitlines() if f"{namespace}/db" in each and "was not saved" in each]
    assert "maximum memory usage per Container is 64Mi" in line and "volumeMemoryLimit" in line, line
    assert jobs_in(ark, namespace) == []


def test_a_job_whose_secret_cannot_be_made_is_not_left_behind(
        ark: Ark, places: dict[str, Stateful], run: Answer) -> None:
    namespace = places["secretless"].namespace
    assert "exceeded quota: no-secrets" in ark.details("backup", RUN)
    assert jobs_in(ark, namespace) == []
    assert status_of(ark, places["secretless"])["phase"] == "Failed", "nothing of it stays in progress"


def test_a_file_that_the_workloads_user_may_not_read_is_named_and_counted_and_the_rest_is_saved(
        ark: Ark, places: dict[str, Stateful], run: Answer) -> None:
    status = status_of(ark, places["restricted"])
    assert status["phase"] == "Failed" and len(status["snapshotID"]) == 64, status
    assert status["message"].startswith("2 files or directories could not be read"), status
    assert sorted(each.partition(":")[0] for each in status["failures"]) == ["room", "secret"]
    assert "permission denied" in status["message"]
    assert ark.status("backup", RUN)["phase"] == "PartiallyFailed"
    [line] = [each for each in ark.details("backup", RUN).splitlines()
              if places["restricted"].namespace in each and "was not wholly saved" in each]
    assert "permission denied" in line


def test_a_volume_that_cannot_be_read_at_all_is_a_failure_and_no_empty_one(
        ark: Ark, bucket: Bucket, places: dict[str, Stateful], run: Answer) -> None:
    for claim in ("db-data", "other-data"):  # may not be entered, may not be listed
        status = status_of(ark, places["closed"], claim)
        assert status["phase"] == "Failed" and not status.get("snapshotID"), status
        assert "nothing could be read" in status["message"] and "permission denied" in status["message"], status
    assert not bucket.keys(f"restic/{places['closed'].namespace}/snapshots/")


def test_a_shared_volume_is_saved_on_any_node_and_one_for_a_single_pod_is_refused_with_a_sentence(
        ark: Ark, places: dict[str, Stateful], run: Answer) -> None:
    namespace = places["modes"].namespace
    assert status_of(ark, places["modes"], "shared-data")["phase"] == "Completed"
    [job] = jobs_in(ark, namespace)
    assert "affinity" not in job["spec"]["template"]["spec"]
    assert f"{namespace}/single-data: object only, data not saved: its access mode is ReadWriteOncePod" in (
        ark.details("backup", RUN))


def test_the_pods_have_no_token_no_mesh_and_the_pull_secret_of_ark(
        ark: Ark, places: dict[str, Stateful], pull_secret: dict[str, Any], run: Answer) -> None:
    [pod] = pods_of(ark, places["demanding"].namespace)
    spec, metadata = pod["spec"], pod["metadata"]
    assert spec["serviceAccountName"] == "default" and spec["automountServiceAccountToken"] is False
    assert not any("projected" in each for each in spec["volumes"])
    assert metadata["labels"]["sidecar.istio.io/inject"] == "false"
    assert metadata["annotations"]["linkerd.io/inject"] == "disabled"
    assert metadata["annotations"]["sidecar.istio.io/inject"] == "false"
    [named] = spec["imagePullSecrets"]
    copy = ark.cluster.get("secret", named["name"], "-n", metadata["namespace"])
    assert (copy["type"], copy["data"]) == (pull_secret["type"], pull_secret["data"])
    assert copy["metadata"]["ownerReferences"][0]["kind"] == "Job"
    assert copy["metadata"]["labels"]["velero.io/exclude-from-backup"] == "true"


class Thief:
    """Who reads the Secrets of a workload's namespace and tries what they open."""

    def __init__(self, ark: Ark, namespace: str) -> None:
        self.ark, self.namespace = ark, namespace
        self.secrets = ark.api.get(f"/api/v1/namespaces/{namespace}/secrets")["items"]
        self.values = [base64.b64decode(value).decode(errors="replace").strip()
                       for each in self.secrets for value in (each.get("data") or {}).values()]

    def asks(self, method: str, url: str, *, user: str, token: str, body: bytes | None = None) -> int:
        """The endpoint's answer."""
        credentials = base64.b64encode(f"{user}:{token}".encode()).decode()
        request = urllib.request.Request(url, method=method, data=body,
                                         headers={"Authorization": f"Basic {credentials}"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code

    def may_list_the_bucket(self) -> bool:
        """Whether any two of the values are keys of the S3 server."""
        scheme, _, host = self.ark.cluster.s3_url.partition("://")
        for access in self.values:
            for secret in self.values:
                client = Minio(endpoint=host, access_key=access[:64], secret_key=secret, secure=scheme == "https",
                               region="us-east-1")
                with contextlib.suppress(S3Error, ValueError):
                    list(client.list_objects(BUCKET))
                    return True
        return False


def test_what_a_namespace_can_read_of_a_run_opens_neither_the_bucket_nor_other_repositories_and_deletes_nothing(
        ark: Ark, bucket: Bucket, places: dict[str, Stateful], run: Answer, name: str) -> None:
    shop, other = places["demanding"], places["limited"]
    random_file(shop.root / "db-data" / "more", 4)
    before = len(pods_of(ark, shop.namespace))
    waiting = ark.start("backup", name, "--include-namespaces", shop.namespace, "--wait")
    with Held(ark, shop.namespace, pods_before=before) as held:
        thief = Thief(ark, shop.namespace)
        [job] = [each for each in jobs_in(ark, shop.namespace)
                 if each["metadata"]["name"] == held.pod["metadata"]["labels"]["batch.kubernetes.io/job-name"]]
        container = job["spec"]["template"]["spec"]["containers"][0]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        work = json.loads(variables["ARK_WORK"])
        [secret] = [each for each in thief.secrets if each["metadata"]["name"] == job["metadata"]["name"]]
        token = base64.b64decode(secret["data"]["token"]).decode()
        own, foreign = f"{work['address']}/restic/{shop.namespace}", f"{work['address']}/restic/{other.namespace}"

        def asks(method: str, url: str, body: bytes | None = None) -> int:
            return thief.asks(method, url, user=work["user"], token=token, body=body)

        assert asks("GET", f"{own}/snapshots/") == 200, "it is the right token"
        for path in ("config", "snapshots/", "data/", "keys/"):
            assert asks("GET", f"{foreign}/{path}") == 403
        for path in ("", "/", "/backups/", "/restic/", f"/restic/{shop.namespace}/../{other.namespace}/config"):
            assert asks("GET", work["address"] + path) in (403, 404), path
        kept = bucket.keys(f"restic/{shop.namespace}/")
        for key in kept:
            kind, _, rest = key.removeprefix(f"restic/{shop.namespace}/").partition("/")
            assert asks("DELETE", f"{own}/{kind}" + (f"/{rest.rpartition('/')[2]}" if rest else "")) == 403, key
        assert asks("DELETE", f"{own}/") == 403
        assert asks("POST", f"{own}/config", b"x") == 403
        assert asks("POST", f"{own}/keys/{'0' * 64}", b"x") == 403
        assert bucket.keys(f"restic/{shop.namespace}/") == kept
        assert not thief.may_list_the_bucket()
        assert ark.cluster.s3_secret_key not in " ".join(thief.values)
    assert finish(waiting).code == 0
    after = Thief(ark, shop.namespace)
    assert not after.may_list_the_bucket() and ark.cluster.s3_secret_key not in " ".join(after.values)
    with pytest.raises(OSError):
        after.asks("GET", f"{own}/snapshots/", user=work["user"], token=token)


def test_two_backups_of_one_volume_at_once_both_complete(
        ark: Ark, bucket: Bucket, places: dict[str, Stateful], run: Answer, name: str) -> None:
    shop = places["limited"]
    random_file(shop.root / "db-data" / "more", 8)
    for key in bucket.keys(f"restic/{shop.namespace}/"):  # both find that there is no repository
        bucket.delete(key)
    waiting = {each: ark.start("backup", f"{name}-{each}", "--include-namespaces", shop.namespace, "--wait")
               for each in "ab"}
    answers = {each: finish(process).code for each, process in waiting.items()}
    assert answers == {"a": 0, "b": 0}, "".join(ark.details("backup", f"{name}-{each}") for each in answers)
    assert len(bucket.keys(f"restic/{shop.namespace}/snapshots/")) == 2
    assert len(bucket.keys(f"restic/{shop.namespace}/keys/")) == 1
    assert not bucket.keys(f"restic/{shop.namespace}/locks/")


def test_a_restore_that_may_not_give_files_their_owners_back_is_partially_failed_and_says_how_many(
        ark: Ark, places: dict[str, Stateful], run: Answer, name: str) -> None:
    shop = places["restricted"]
    directory = shop.root / "db-data"
    (directory / "secret").unlink()
    (directory / "room").rmdir()
    ark("backup", name, "--include-namespaces", shop.namespace, "--wait")
    shop.lose()
    ark.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": shop.namespace, "labels": RESTRICTED}})
    directory = shop.volume("db-data", "db-data")
    os.chown(directory, 1000, 1000)
    ark("restore", f"{name}-r", "--from-backup", name, "--wait", code=3)
    [back] = saved(ark, f"{name}-r", kind="podvolumerestores").values()
    assert back["status"]["phase"] == "Failed" and back["status"]["ownersLost"] == 1, back["status"]
    assert (directory / "file").read_text() == "restricted" and (directory / "others").read_text() == "others"
    assert "1 file" in ark.details("restore", f"{name}-r")
