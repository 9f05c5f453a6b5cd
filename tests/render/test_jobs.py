"""Rules that every Job of ours keeps (reference: Pod Security "restricted", Kubernetes' Job documentation)."""

import json
from typing import Any

import pytest

from kubectl_ark.model import kinds, labels, lock_hosts
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs
from tests.render.podsecurity import violations

UID = "12345678-1234-1234-1234-123456789012"
SETTINGS = Settings(image="img:1", image_pull_secret="pull")


def resource(kind: kinds.Kind, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": kinds.API_VERSION, "kind": kind.kind,
            "metadata": {"name": "n" * 200, "namespace": "ark", "uid": UID}, "spec": spec}


LOCATION = {"metadata": {"name": "default"}, "spec": {"provider": "aws", "credential": {"name": "s", "key": "k"}}}

CRON_JOB = jobs.reconcile_cron_job("ark", SETTINGS)

SCHEDULED = jobs.schedule_cron_job(resource(kinds.SCHEDULE, schedule="@daily", paused=True), SETTINGS)

JOBS: dict[str, dict[str, Any]] = {
    "backup": jobs.run_job(kinds.BACKUP, resource(kinds.BACKUP), SETTINGS),
    "restore": jobs.run_job(kinds.RESTORE, resource(kinds.RESTORE), SETTINGS),
    "validate": jobs.validation_job(resource(kinds.STORAGE_LOCATION), SETTINGS),
    "fetch": jobs.fetch_job(resource(kinds.DOWNLOAD_REQUEST), SETTINGS, location=LOCATION, key="backups/b/b-logs.gz",
                            has_secret=True),
    "fetch for a restore": jobs.fetch_job(resource(kinds.DOWNLOAD_REQUEST), SETTINGS, location=LOCATION, key="k",
                                          has_secret=True, owner="u"),
    "fetch without a secret": jobs.fetch_job(resource(kinds.DOWNLOAD_REQUEST), SETTINGS, location=LOCATION, key="k",
                                             has_secret=False),
    "fetch with an authority": jobs.fetch_job(
        resource(kinds.DOWNLOAD_REQUEST), SETTINGS, key="k", has_secret=True, location={**LOCATION, "spec": {
            "provider": "aws", "objectStorage": {"bucket": "b", "caCertRef": {"name": "authority", "key": "ca"}}}}),
    "repository": jobs.repository_job(resource(kinds.RESTIC_REPOSITORY), SETTINGS, cluster_id=UID[::-1]),
    "reconcile": jobs.reconcile_job("ark", SETTINGS, token="12345678", only=["deletions", "downloads"]),
    "schedule": SCHEDULED["spec"]["jobTemplate"],
    "reconcile by a CronJob": CRON_JOB["spec"]["jobTemplate"],
}
ACCOUNTS = {"backup": "ark-backup", "restore": "ark-restore", "validate": "ark-reconcile", "fetch": "ark-fetch",
            "fetch without a secret": "ark-fetch", "fetch with an authority": "ark-fetch",
            "fetch for a restore": "ark-fetch",
            "reconcile": "ark-reconcile", "schedule": "ark-backup", "repository": "ark-backup",
            "reconcile by a CronJob": "ark-reconcile"}
OWNERLESS = ("reconcile", "reconcile by a CronJob")


@pytest.fixture(params=sorted(JOBS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def job(name: str) -> dict[str, Any]:
    return JOBS[name]


@pytest.fixture
def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def test_it_passes_pod_security_restricted(pod: dict[str, Any]) -> None:
    assert violations(pod) == []
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_it_ends_by_itself_and_goes_away(job: dict[str, Any]) -> None:
    assert job["spec"]["backoffLimit"] <= 3 and job["spec"]["activeDeadlineSeconds"] > 0
    assert job["spec"]["ttlSecondsAfterFinished"] > 0
    assert job["spec"]["podReplacementPolicy"] == "Failed"


def test_permanent_failures_are_not_tried_again_and_an_eviction_costs_no_try(job: dict[str, Any]) -> None:
    first, second = job["spec"]["podFailurePolicy"]["rules"]
    assert first == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
    assert second == {"action": "FailJob", "onExitCodes": {
        "containerName": "runner", "operator": "In", "values": [10, 11, 12, 13]}}


def test_it_has_requests_and_limits_and_never_overrides_the_command(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    assert container["name"] == "runner" and "command" not in container and container["image"] == "img:1"
    assert set(container["resources"]["requests"]) == set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert pod["imagePullSecrets"] == [{"name": "pull"}] and pod["enableServiceLinks"] is False


def test_it_is_owned_by_its_cr_without_blocking_the_crs_deletion(name: str, job: dict[str, Any]) -> None:
    if name == "schedule":
        job = SCHEDULED
    if name in OWNERLESS:
        assert "ownerReferences" not in job["metadata"]
        return
    [owner] = job["metadata"]["ownerReferences"]
    assert owner["uid"] == UID and owner["controller"] is True and "blockOwnerDeletion" not in owner


def test_names_and_labels_fit_even_for_the_longest_cr(name: str, job: dict[str, Any]) -> None:
    assert len(job["metadata"].get("name", "")) <= 63
    for carried in (job["metadata"]["labels"], job["spec"]["template"]["metadata"]["labels"]):
        assert (carried[labels.RUN_UID] == UID) is (name not in OWNERLESS)
        assert carried["velero.io/exclude-from-backup"] == "true"
        assert all(len(value) <= 63 for value in carried.values())


def test_it_runs_as_its_own_account_and_only_then_has_a_token(name: str, pod: dict[str, Any]) -> None:
    assert pod["serviceAccountName"] == ACCOUNTS[name]
    assert pod["automountServiceAccountToken"] is (ACCOUNTS[name] != "ark-fetch")


def test_no_credential_is_in_it(job: dict[str, Any]) -> None:
    text = json.dumps(job)
    assert "secretKeyRef" not in text and "AWS_SECRET" not in text


def test_the_bounded_scratch_space_is_all_it_can_write_to(pod: dict[str, Any]) -> None:
    mounts = {mount["name"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert mounts["scratch"]["mountPath"] == "/tmp"
    assert all(mount.get("readOnly") for name, mount in mounts.items() if name != "scratch")
    scratch = next(volume for volume in pod["volumes"] if volume["name"] == "scratch")
    assert scratch["emptyDir"]["sizeLimit"]


def test_the_passes_cron_job_starts_none_beside_another_and_makes_up_for_a_missed_one_for_a_while() -> None:
    spec = CRON_JOB["spec"]
    assert CRON_JOB["metadata"]["name"] == "ark-reconcile" and spec["schedule"] == "*/5 * * * *"
    assert (spec["concurrencyPolicy"], spec["suspend"], spec["timeZone"]) == ("Forbid", False, "Etc/UTC")
    assert spec["startingDeadlineSeconds"] >= 10, "a CronJob with less never fires"


def test_the_pod_that_tidies_a_repository_is_known_to_its_locks_by_the_name_of_its_host() -> None:
    template = JOBS["repository"]["spec"]["template"]
    host = template["spec"]["hostname"]
    assert template["metadata"]["labels"][labels.LOCK_HOST] == host == lock_hosts.name(UID[::-1], UID)
    assert template["spec"]["containers"][0]["resources"]["limits"]["memory"] == SETTINGS.volume_memory_limit


def test_a_pass_is_told_its_topics_in_one_word_and_is_not_tried_again() -> None:
    job = JOBS["reconcile"]
    assert job["spec"]["template"]["spec"]["containers"][0]["args"] == [
        "reconcile", "--namespace", "ark", "--only", "deletions,downloads"]
    assert job["spec"]["backoffLimit"] == 0 and job["metadata"]["name"] == "ark-reconcile-12345678"


def test_a_schedules_cron_job_has_a_name_that_leaves_room_for_its_jobs() -> None:
    assert len(SCHEDULED["metadata"]["name"]) <= 52 and SCHEDULED["metadata"]["name"].startswith("ark-schedule-n")
    assert (SCHEDULED["spec"]["schedule"], SCHEDULED["spec"]["suspend"]) == ("0 0 * * *", True)
