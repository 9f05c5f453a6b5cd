"""A Restore's wider spec through the runner: schedules, ConfigMaps that change objects, refusals that pass."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from kubectl_ark import errors
from kubectl_ark.model import layout
from tests.engine.restore import stored
from tests.harness import Ark, Object, config_map, eventually, is_clear, path_of

pytestmark = pytest.mark.api

RULES = """
version: v1
resourceModifierRules:
- conditions: {groupResource: deployments.apps}
  strategicPatches:
  - patchData: '{spec: {template: {spec: {containers: [{name: b, image: "b:9"}]}}}}'
- conditions: {groupResource: configmaps, resourceNameRegex: "^c$"}
  patches:
  - {operation: replace, path: /data/k, value: "\\"7\\""}
- conditions: {groupResource: configmaps}
  patches:
  - {operation: remove, path: /data/nosuch}
"""


def store(ark: Ark, name: str, items: dict[str, list[Object]], **backup: Any) -> None:
    """Lay a backup into the bucket, as another cluster or tool might have."""
    bucket, document = stored.backup_of(stored.files_of(items), name=name)
    document["metadata"].update(backup.pop("metadata", {}))
    document.update(backup)
    ark.store_backup(document, bucket.objects)


def results(ark: Ark, restore: str) -> dict[str, Any]:
    return dict(json.loads(gzip.decompress(ark.read(layout.restore_results(restore)))))


def listed(ark: Ark, restore: str) -> dict[str, list[str]]:
    return dict(json.loads(gzip.decompress(ark.read(layout.restore_resource_list(restore)))))


def from_schedule(ark: Ark, name: str, schedule: str, **spec: Any) -> tuple[int, dict[str, Any]]:
    ark.make(ark.cr("Restore", name, scheduleName=schedule, **spec))
    code = ark.run("restore", name)
    return code, ark.status("Restore", name)


def test_a_schedules_newest_completed_backup_of_this_cluster_is_taken(ark: Ark, name: str) -> None:
    own = ark.api.get("/api/v1/namespaces/kube-system")["metadata"]["uid"]
    backups = {  # label, phase, start, cluster
        "old": ("velero.io/schedule-name", "Completed", "2024-05-01T00:00:00Z", own),
        "new": ("ark.heptio.com/schedule-name", "Completed", "2024-05-02T00:00:00Z", own),
        "partial": ("ark-schedule", "PartiallyFailed", "2024-05-03T00:00:00Z", own),
        "failed": ("velero.io/schedule-name", "Failed", "2024-05-04T00:00:00Z", own),
        "foreign": ("velero.io/schedule-name", "Completed", "2024-05-05T00:00:00Z", "another"),
    }
    for word, (label, phase, start, cluster) in backups.items():
        store(ark, f"{name}-{word}", {"configmaps": [stored.config_map(f"{name}-ns", word)]},
              metadata={"labels": {label: f"{name}-s"}, "annotations": {"ark.heptio.com/cluster-id": cluster}},
              status={"phase": phase, "startTimestamp": start})
    ark.adopt({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-ns"}})
    for number, (spec, word) in enumerate((({}, "new"), ({"allowPartiallyFailed": True}, "partial"),
                                           ({"anyCluster": True}, "foreign"))):
        code, status = from_schedule(ark, f"{name}-{number}", f"{name}-s", **spec)
        assert (code, status["phase"], status["backupName"]) == (0, "Completed", f"{name}-{word}")
    code, status = from_schedule(ark, f"{name}-none", "nosuch")
    assert code == errors.RUNNER_INVALID and status["phase"] == "FailedValidation"
    assert is_clear(status["validationErrors"][0], '"nosuch"', "no backup that is Completed")


def test_the_jobs_next_pod_stays_with_the_backup_that_the_first_has_chosen(ark: Ark, name: str) -> None:
    def backup(word: str, start: str) -> None:
        store(ark, f"{name}-{word}", {"configmaps": [stored.config_map(f"{name}-ns", word)]},
              metadata={"labels": {"ark.heptio.com/schedule-name": f"{name}-s"}},
              status={"phase": "Completed", "startTimestamp": start})

    backup("old", "2024-05-01T00:00:00Z")
    restore = ark.make(ark.cr("Restore", name, scheduleName=f"{name}-s", anyCluster=True, qps=0.2))
    ark.adopt({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-ns"}})
    first = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="first")
    eventually(lambda: ark.status("Restore", name).get("backupName") == f"{name}-old", "the backup is chosen")
    first.kill()
    assert ark.status("Restore", name)["phase"] == "InProgress", "the first was too quick to be killed"
    backup("new", "2024-05-02T00:00:00Z")
    ark.api.patch_merge(path_of(restore), {"spec": {"qps": None}})
    second = ark.start("restore", name, ARK_JOB_UID="job", ARK_POD_UID="second")
    assert second.wait() == 0, second.text
    status = ark.status("Restore", name)
    assert (status["phase"], status["backupName"], status["claim"]["attempt"]) == ("Completed", f"{name}-old", 2)
    assert listed(ark, name)["v1/ConfigMap"] == [f"{name}-ns/old(created)"]


def test_an_odd_shape_that_the_crd_lets_in_is_failed_validation(ark: Ark, name: str) -> None:
    store(ark, name, {"configmaps": [stored.config_map(f"{name}-ns", "c")]})
    ark.restore(name, name, hooks={"resources": [{"name": "h", "postHooks": [
        {"init": {"initContainers": [{"name": 5, "image": "i", "command": "sh -c true"}]}}]}]})
    assert ark.run("restore", name) == errors.RUNNER_INVALID
    found = ark.status("Restore", name)
    at = "spec.hooks.resources[0].postHooks[0].init.initContainers[0]"
    assert (found["phase"], found["validationErrors"]) == ("FailedValidation", [
        f"{at}.name: 5 is not text", f'{at}.command: "sh -c true" is not a list'])


def test_every_mistake_in_spec_and_config_maps_is_listed_and_nothing_is_restored(ark: Ark, name: str) -> None:
    ark.make({**config_map(ark.namespace, name), "data": {"r": "version: v2\nresourceModifierRules: [3]"}})
    labels = {"velero.io/plugin-config": "", "velero.io/change-image-name": "RestoreItemAction"}
    images = config_map(ark.namespace, f"{name}-images", one="only-one-word")
    images["metadata"]["labels"] = labels
    ark.make(images)
    store(ark, name, {"configmaps": [stored.config_map(f"{name}-ns", "c")]})
    ark.restore(name, name, namespaceMapping={"a": "B"}, existingResourcePolicy="update",
                resourceModifier={"kind": "ConfigMap", "name": name})
    assert ark.run("restore", name) == errors.RUNNER_INVALID
    found = ark.status("Restore", name)
    assert found["phase"] == "FailedValidation" and len(found["validationErrors"]) == 4
    assert found["backupName"] == name, "what get restores shows as its backup"
    assert is_clear("; ".join(found["validationErrors"]), "spec.namespaceMapping", "v2", "not a mapping", "OLD,NEW")
    assert ark.get({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"{name}-ns"}}) is None
    ark.remove(images)


def test_config_maps_change_what_comes_back_and_what_they_cannot_do_is_told(ark: Ark, name: str) -> None:
    ark.make({**config_map(ark.namespace, name), "data": {"rules": RULES}})
    mappings = {"change-storage-class": {"old": "ark-t-new", "older": "ark-t-nosuch"},
                "change-image-name": {"any": "registry.old,registry.new"}}
    made = []
    for what, data in mappings.items():
        item = {**config_map(ark.namespace, f"{name}-{what}"), "data": data}
        item["metadata"]["labels"] = {"ark.heptio.com/plugin-config": "", f"ark.heptio.com/{what}": "RestoreItemAction"}
        made.append(ark.make(item))
    place = f"{name}-ns"
    containers = [{"name": "a", "image": "registry.old/a:1"}, {"name": "b", "image": "registry.old/b:1"}]
    store(ark, name, {
        "storageclasses.storage.k8s.io": [{"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {
            "name": "ark-t-new"}, "provisioner": "example.com/none"}],
        "configmaps": [stored.config_map(place, "c", k="v")],
        "persistentvolumeclaims": [
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": old, "namespace": place},
             "spec": {"storageClassName": old, "accessModes": ["ReadWriteOnce"],
                      "resources": {"requests": {"storage": "1Mi"}}}} for old in ("old", "older")],
        "deployments.apps": [{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "web", "namespace": place}, "spec": {
                "replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": {
                    "metadata": {"labels": {"a": "b"}}, "spec": {"containers": containers}}}}]})
    ark.restore(name, name, resourceModifier={"kind": "ConfigMap", "name": name}, qps=100, parallel=4,
                resourcePriorities=["deployments"])
    for kind, what in (("Namespace", place), ("StorageClass", "ark-t-new")):
        version = "storage.k8s.io/v1" if kind == "StorageClass" else "v1"
        ark.adopt({"apiVersion": version, "kind": kind, "metadata": {"name": what}})
    assert ark.run("restore", name) == 0
    for each in made:
        ark.remove(each)
    assert ark.status("Restore", name)["phase"] == "PartiallyFailed"

    def live(kind: str, object_name: str, version: str = "v1") -> Object:
        return ark.got({"apiVersion": version, "kind": kind, "metadata": {"name": object_name, "namespace": place}})

    assert live("ConfigMap", "c")["data"] == {"k": "7"}
    images = [each["image"] for each in live("Deployment", "web", "apps/v1")["spec"]["template"]["spec"]["containers"]]
    assert images == ["registry.new/a:1", "b:9"]
    assert live("PersistentVolumeClaim", "old")["spec"]["storageClassName"] == "ark-t-new"
    problems = results(ark, name)["errors"]["namespaces"][place]
    assert len(problems) == 2
    assert any(is_clear(each, f'ConfigMap "{place}/c"', "resource modifier 3", "/data/nosuch")
               for each in problems if "modifier" in each)
    assert any(is_clear(each, f'"{place}/older"', '"ark-t-nosuch"') for each in problems if "class" in each)
    assert listed(ark, name)["v1/PersistentVolumeClaim"][1].startswith(f"{place}/older(failed: storage class")


def test_what_a_webhook_refuses_while_it_is_down_comes_back_when_it_is_gone_or_up(ark: Ark, name: str) -> None:
    place = f"{name}-ns"
    webhook: Object = {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name}, "webhooks": [{
            "name": "w.example.com", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"url": "https://127.0.0.1:1/none"}, "timeoutSeconds": 1,
            "matchConditions": [{"name": "only", "expression": f"request.namespace == '{place}'"}],
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"],
                       "resources": ["configmaps"]}]}]}
    ark.make(webhook)
    store(ark, name, {"configmaps": [stored.config_map(place, f"c{index}") for index in range(40)],
                      "secrets": [{"apiVersion": "v1", "kind": "Secret",
                                   "metadata": {"name": "s", "namespace": place}}]})
    ark.restore(name, name)
    ark.adopt({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": place}})
    runner = ark.start("restore", name)
    eventually(lambda: "40 objects were refused" in runner.text, "all were refused")
    ark.remove(webhook)
    assert runner.wait() == 0, runner.text
    status = ark.status("Restore", name)
    assert (status["phase"], status["progress"]["itemsRestored"]) == ("Completed", 42)
    assert set(listed(ark, name)["v1/ConfigMap"]) == {f"{place}/c{index}(created)" for index in range(40)}


def test_data_for_claims_that_exist_is_refused_and_not_forgotten(ark: Ark, name: str) -> None:
    ark.restore(name, "whatever", existingVolumes="restore")
    assert ark.run("restore", name) != 0
    status = ark.status("Restore", name)
    assert status["phase"] == "FailedValidation"
    assert any("claims that exist" in each for each in status["validationErrors"])
