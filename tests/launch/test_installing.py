"""What install would create, without a cluster."""

import base64
import json
from typing import Any

import pytest
import yaml

from kubectl_ark.launch import installing
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model.settings import Settings
from tests.cli.commandline import ark

FLAGS = ("install", "--bucket", "b", "--prefix", "p", "--backup-location-config", "region=r,s3Url=http://x:1",
         "-n", "ns")


@pytest.fixture
def secret_file(tmp_path: Any) -> str:
    path = tmp_path / "credentials"
    path.write_text("[default]\naws_access_key_id=a\naws_secret_access_key=s3cret\n")
    return str(path)


def printed(*flags: str) -> list[dict[str, Any]]:
    done = ark(*FLAGS, *flags, "--dry-run=client", "-o", "yaml")
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def manifests(*flags: str) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in printed(*flags)}


def test_it_prints_the_same_twice(secret_file: str) -> None:
    flags = (*FLAGS, "--secret-file", secret_file, "--dry-run=client", "-o", "yaml")
    assert ark(*flags).stdout == ark(*flags).stdout


def test_flags_become_location_secret_settings_and_annotations(secret_file: str, tmp_path: Any) -> None:
    (tmp_path / "ca").write_text("PEM")
    objects = manifests("--secret-file", secret_file, "--image", "img:2", "--image-pull-secret", "pull", "--cacert",
                        str(tmp_path / "ca"), "--sa-annotations", "a/b=c,d=e", "--memory-limit", "1Gi")
    location = objects["BackupStorageLocation", "default"]
    assert location["spec"] == {
        "provider": "aws", "default": True,
        "config": {"region": "r", "s3Url": "http://x:1"}, "credential": {"name": "cloud-credentials", "key": "cloud"},
        "objectStorage": {"bucket": "b", "prefix": "p", "caCert": base64.b64encode(b"PEM").decode()}}
    secret = objects["Secret", "cloud-credentials"]
    assert b"s3cret" in base64.b64decode(secret["data"]["cloud"])
    data = objects["ConfigMap", "ark-settings"]["data"]
    assert (data["image"], data["imagePullSecret"], data["memoryLimit"]) == ("img:2", "pull", "1Gi")
    assert objects["ServiceAccount", "ark-backup"]["metadata"]["annotations"] == {"a/b": "c", "d": "e"}
    assert '"img:2"' in json.dumps(objects["ValidatingAdmissionPolicy", "ns-jobs"]).replace('\\"', '"')
    assert {each["metadata"].get("namespace", "ns") for each in objects.values()} == {"ns", "kube-system"}


@pytest.mark.parametrize(("flags", "credential"), [
    (("--existing-secret", "mine"), {"name": "mine", "key": "cloud"}),
    (("--existing-secret", "mine:k"), {"name": "mine", "key": "k"}), (("--no-secret",), None)])
def test_without_a_file_no_secret_is_made(flags: tuple[str, ...], credential: Any) -> None:
    objects = manifests(*flags)
    assert not [name for kind, name in objects if kind == "Secret"]
    assert objects["BackupStorageLocation", "default"]["spec"].get("credential") == credential


@pytest.mark.parametrize(("flags", "schedules"), [((), ["*/5 * * * *"]), (("--reconcile-schedule", "0 * * * *"),
                         ["0 * * * *"]), (("--reconcile-schedule", "none"), [])])
def test_passes_are_made_by_a_cron_job_as_often_as_asked(flags: tuple[str, ...], schedules: list[str]) -> None:
    objects = manifests("--no-secret", *flags)
    made = [each for (kind, _), each in objects.items() if kind == "CronJob"]
    assert [each["spec"]["schedule"] for each in made] == schedules
    assert all(each["metadata"]["name"] == "ark-reconcile" for each in made)
    assert objects["ConfigMap", "ark-settings"]["data"]["reconcileSchedule"] == (schedules or ["none"])[0]


def test_crds_only_is_crds_only() -> None:
    done = ark("install", "--crds-only", "--dry-run=client", "-o", "json")
    assert {each["kind"] for each in json.loads(done.stdout)["items"]} == {"CustomResourceDefinition"}


def test_the_namespace_enforces_pod_security_restricted() -> None:
    namespace = manifests("--no-secret")["Namespace", "ns"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_only_our_own_objects_and_what_volumes_need_may_be_deleted_and_only_restore_may_escalate() -> None:
    objects = manifests("--no-secret")
    rules = {name: each["rules"] for (kind, name), each in objects.items() if kind in ("Role", "ClusterRole")}
    for name, granted in rules.items():
        verbs = {verb for rule in granted for verb in rule["verbs"]}
        assert not verbs & {"deletecollection", "*", "impersonate"}, name
        for rule in granted:
            assert "delete" not in rule["verbs"] or (name, rule["apiGroups"]) in (
                ("ark-reconcile", ["ark.heptio.com"]), ("ark-reconcile", ["batch"]), ("ns-volumes", ["batch"]),
                ("ns-volumes", ["snapshot.storage.k8s.io"]))
        assert name == "ns-restore" or not verbs & {"escalate", "bind"}
    written = [rule for rule in rules["ns-backup"] if set(rule["verbs"]) - {"get", "list", "watch"}]
    assert [(rule["resources"], rule["verbs"]) for rule in written] == [
        (["restiks/status"], ["patch"]), (["events"], ["create", "patch"])]


@pytest.mark.parametrize("flags", [("--no-secret", "--existing-secret", "x"), (), ("--secret-file", "/nowhere")])
def test_it_must_be_said_how_to_get_into_the_bucket(flags: tuple[str, ...]) -> None:
    done = ark(*FLAGS, *flags, "--dry-run=client")
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_a_reconcile_schedule_that_never_comes_is_refused() -> None:
    done = ark(*FLAGS, "--no-secret", "--reconcile-schedule", "every now and then", "--dry-run=client")
    assert done.returncode == 2 and done.stderr.startswith("error: --reconcile-schedule: ")


@pytest.mark.parametrize("namespace", ["default", "kube-system", "Not_A_Name"])
def test_a_namespace_that_is_not_for_us_is_refused(namespace: str) -> None:
    assert ark(*FLAGS, "--no-secret", "-n", namespace, "--dry-run=client").returncode == 2


@pytest.mark.parametrize(("version", "too_old"), [
    ("v1.30.14", True), ("v1.9.0", True), ("v1.30.4-gke.1", True), ("v1.31.0", False), ("v1.34.4+k3s1", False),
    ("v2.0.0", False), ("", False)])
def test_a_server_before_1_31_is_too_old(version: str, too_old: bool) -> None:
    assert installing.is_too_old(version) is too_old


def test_a_server_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    kubectl = tmp_path / "kubectl"
    kubectl.write_text("""#!/bin/sh\necho '{"gitVersion": "v1.30.1"}'\n""")
    kubectl.chmod(0o755)
    done = ark(*FLAGS, "--no-secret", KUBECTL_ARK_KUBECTL=str(kubectl))
    assert done.returncode == 1 and "v1.30.1" in done.stderr and "1.31" in done.stderr


def test_a_message_that_names_the_location_is_not_put_behind_its_name_again() -> None:
    message = 'storage location "default": Access denied'
    assert installing.sentence('storage location "default"', "is Unavailable:", message) == message
    assert installing.sentence('storage location "default"', "is Unavailable:", "no bucket") == \
        'storage location "default" is Unavailable: no bucket'


def answering(tmp_path: Any, script: str) -> dict[str, str]:
    """The variable that makes this shell script the kubectl; it leaves its stdin and arguments in the folder."""
    kubectl = tmp_path / "kubectl"
    kubectl.write_text(f"#!/bin/sh\necho \"$@\" >> {tmp_path}/asked\n{script}\n")
    kubectl.chmod(0o755)
    return {"KUBECTL_ARK_KUBECTL": str(kubectl)}


SETTINGS = """echo '{"data": {"image": "img:7", "memoryLimit": "1Gi", "scratchSize": "1Gi"}}'"""


def test_a_memory_limit_alone_changes_an_installation_in_nothing_else(tmp_path: Any) -> None:
    script = f'case "$1" in get) {SETTINGS};; apply) cat > {tmp_path}/applied; echo applied;; esac'
    done = ark("install", "--memory-limit", "512Mi", **answering(tmp_path, script))
    assert (done.returncode, done.stdout) == (0, "applied\n"), done.stderr
    applied, passes = json.loads((tmp_path / "applied").read_text())["items"]
    pod = passes["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"]["memory"] == "512Mi"
    assert applied["metadata"]["name"] == "ark-settings" and applied["data"]["image"] == "img:7"
    assert (applied["data"]["memoryLimit"], applied["data"]["scratchSize"]) == ("512Mi", "1Gi")
    assert ark("install", "--memory-limit", "10", **answering(tmp_path, script)).returncode == 2


def test_a_memory_limit_alone_needs_an_installation(tmp_path: Any) -> None:
    missing = "echo 'Error from server (NotFound): configmaps \"ark-settings\" not found' >&2; exit 1"
    done = ark("install", "--memory-limit", "512Mi", **answering(tmp_path, missing))
    assert done.returncode == 1 and "not installed" in done.stderr


def test_installing_again_keeps_settings_that_are_not_given(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = installing.Plan("ns", Settings(image="img:8"), {})
    for name, value in answering(tmp_path, SETTINGS).items():
        monkeypatch.setenv(name, value)
    kept = installing.with_former_settings(Kubectl(), plan, memory_limit=None, namespaces=None,
                                           reconcile_schedule=None).settings
    given = installing.with_former_settings(Kubectl(), plan, memory_limit="2Gi", namespaces="a",
                                            reconcile_schedule="none").settings
    assert (kept.image, kept.memory_limit, kept.scratch_size) == ("img:8", "1Gi", "1Gi")
    assert (given.memory_limit, given.reach, given.reconcile_schedule) == ("2Gi", ("a",), "none")


def test_limited_to_namespaces_it_makes_roles_there_and_no_cluster_role() -> None:
    objects = printed("--no-secret", "--namespaces", "b,a", "--namespaces", "b")
    assert not [each for each in objects if each["kind"].startswith("ClusterRole")]
    places = {each["metadata"]["namespace"] for each in objects if each["kind"] == "Role"}
    assert places == {"a", "b", "ns", "kube-system"}
    [settings] = [each["data"] for each in objects if each["kind"] == "ConfigMap"]
    assert settings["namespaces"] == "a,b"
    everything = [each for each in objects if each["kind"] == "Role" and each["rules"][0]["apiGroups"] == ["*"]]
    assert {each["metadata"]["namespace"] for each in everything} == {"a", "b"}
    assert printed("--no-secret", "--namespaces", "*") == printed("--no-secret")


@pytest.mark.parametrize("flags", [
    ("--namespaces", "a,Not_A_Name"), ("--namespaces", "shop-*"), ("--namespaces", "a,*"), ("--namespaces", "ns"),
    ("--namespaces", ""), ("--namespaces", "a", "--crds-only"), ("--namespaces", "a.b")])
def test_namespaces_that_cannot_be_are_refused(flags: tuple[str, ...]) -> None:
    done = ark(*FLAGS, "--no-secret", *flags, "--dry-run=client")
    assert done.returncode == 2 and done.stdout == "" and "--namespaces" in done.stderr
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


def test_directories_of_nodes_are_only_read_where_that_is_asked_for_in_a_namespace_of_their_own() -> None:
    assert not [each for each in printed("--no-secret") if each["metadata"].get("name", "").startswith("ns-volumes-")]
    assert ("Namespace", "ns-volumes") not in manifests("--no-secret")
    objects = manifests("--no-secret", "--host-path-volumes", "--kubelet-root", "/data/k8s.d")
    marks = objects["Namespace", "ns-volumes"]["metadata"]["labels"]
    assert marks["pod-security.kubernetes.io/enforce"] == "privileged"
    policy = objects["ValidatingAdmissionPolicy", "ns-volumes-jobs"]["spec"]["validations"]
    assert any("^/data/k8s\\\\.d/pods/" in each["expression"] for each in policy)
    data = objects["ConfigMap", "ark-settings"]["data"]
    assert (data["hostPathVolumes"], data["kubeletRoot"]) == ("true", "/data/k8s.d")
    order, binding = list(objects), ("ValidatingAdmissionPolicyBinding", "ns-volumes-jobs")
    assert order.index(binding) < order.index(("Namespace", "ns-volumes"))
    for flags in (("--kubelet-root", "kubelet"), ("--host-path-volumes", "-n", "n" * 60)):
        assert ark(*FLAGS, "--no-secret", *flags, "--dry-run=client").returncode == 2


def test_limited_to_namespaces_the_accounts_get_just_what_they_need_where_directories_are_read() -> None:
    objects = printed("--no-secret", "--namespaces", "a", "--host-path-volumes")
    rules = {each["metadata"]["name"]: each["rules"] for each in objects
             if each["kind"] == "Role" and each["metadata"]["namespace"] == "ns-volumes"}
    assert {name: sorted({verb for rule in granted for verb in rule["verbs"]}) for name, granted in rules.items()} == {
        "ns-volumes": ["create", "delete", "patch"], "ns-backup": ["get", "list"]}


def test_what_install_was_told_of_directories_of_nodes_stays_until_it_is_told_otherwise(
        tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    former = """echo '{"data": {"hostPathVolumes": "true", "kubeletRoot": "/k"}}'"""
    for name, value in answering(tmp_path, former).items():
        monkeypatch.setenv(name, value)
    plan = installing.Plan("ns", Settings(), {})
    kept = installing.with_former_settings(Kubectl(), plan, memory_limit=None, namespaces=None,
                                           reconcile_schedule=None).settings
    off = installing.with_former_settings(Kubectl(), plan, memory_limit=None, namespaces=None,
                                          reconcile_schedule=None, host_path_volumes=False).settings
    assert (kept.host_path_volumes, kept.kubelet_root, off.host_path_volumes) == (True, "/k", False)
