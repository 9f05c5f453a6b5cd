"""Install and uninstall: which objects, in which order, and whether the location works."""

from __future__ import annotations

import base64
import dataclasses
import json
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from kubectl_ark import errors
from kubectl_ark.launch import host_paths, paths, reach, runs
from kubectl_ark.launch.kubectl import Kubectl, KubectlError
from kubectl_ark.model import deadruns, kinds, labels, names, times
from kubectl_ark.model.settings import Settings
from kubectl_ark.render import jobs

OLDEST_SERVER = (1, 31)
"""podFailurePolicy is stable from there on."""

LABELS = {"app.kubernetes.io/name": "ark", "app.kubernetes.io/part-of": "ark", labels.MANAGED_BY: labels.MANAGER}
_ENFORCE = "pod-security.kubernetes.io/enforce"
NEVER = "none"
"""The reconcile schedule that is none."""

SECRET, SECRET_KEY = "cloud-credentials", "cloud"
Result = TypeVar("Result")
FORBIDDEN_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What install is asked to set up."""

    namespace: str
    settings: Settings
    location: Mapping[str, Any]
    """Spec of the BackupStorageLocation; {} with ``crds_only``."""
    secret: bytes | None = dataclasses.field(default=None, repr=False)
    """The credentials file; None if there is no Secret to make."""
    account_annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    crds_only: bool = False


def basis(plan: Plan) -> list[dict[str, Any]]:
    """The objects that can be created at once. Deterministic."""
    from kubectl_ark.render.jobspecs import render

    objects = render("crds", {}) + render("restik-crd", {})
    if plan.crds_only:
        return objects
    common = {"namespace": plan.namespace, "labels": LABELS}
    objects += render("accounts", {**common, "annotations": dict(plan.account_annotations),
                                   "namespaces": list(plan.settings.reach)})
    objects += render("settings", {**common, "data": plan.settings.to_data()})
    objects += render("admission", {**common, "image": plan.settings.image})
    if plan.settings.host_path_volumes:
        objects += host_paths.objects(plan.namespace, plan.settings, LABELS)
    return objects


def storage(plan: Plan) -> list[dict[str, Any]]:
    """Secret and location; the latter's kind must be there first."""
    from kubectl_ark.render.jobspecs import render

    if plan.crds_only:
        return []
    secret = None
    if plan.secret is not None:
        secret = {"name": SECRET, "key": SECRET_KEY, "content": base64.b64encode(plan.secret).decode()}
    return render("storage", {"namespace": plan.namespace, "labels": LABELS, "secret": secret,
                              "location": dict(plan.location)})


def repetition(plan: Plan) -> list[dict[str, Any]]:
    """The CronJob that makes passes; none if they are not wanted."""
    if plan.crds_only or plan.settings.reconcile_schedule == NEVER:
        return []
    return [jobs.reconcile_cron_job(plan.namespace, plan.settings)]


def check_server(kubectl: Kubectl) -> None:
    """Raises KubectlFailed if the cluster's Kubernetes is too old for us."""
    version = str(kubectl.get("/version").get("gitVersion", ""))
    if is_too_old(version):
        raise errors.KubectlFailed(f"the cluster runs Kubernetes {version}",
                                   hint="kubectl-ark needs 1.31 or newer (podFailurePolicy)")


def is_too_old(version: str) -> bool:
    """Whether "v1.30.4-gke.1" is too old for us; what is no version is not."""
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < OLDEST_SERVER


def with_former_settings(kubectl: Kubectl, plan: Plan, *, memory_limit: str | None, namespaces: str | None,
                         reconcile_schedule: str | None, host_path_volumes: bool | None = None,
                         kubelet_root: str | None = None) -> Plan:
    """The plan with the settings that an earlier install, or an admin since, left; image and pull secret are new.

    memory_limit and the others: None to keep them too.
    """
    former = runs.find_settings(kubectl, plan.namespace)
    if former is None:
        return plan
    settings = dataclasses.replace(former, image=plan.settings.image,
                                   image_pull_secret=plan.settings.image_pull_secret,
                                   namespaces=former.namespaces if namespaces is None else namespaces,
                                   reconcile_schedule=reconcile_schedule or former.reconcile_schedule,
                                   host_path_volumes=former.host_path_volumes if host_path_volumes is None
                                   else host_path_volumes, kubelet_root=kubelet_root or former.kubelet_root)
    return dataclasses.replace(plan, settings=settings.with_memory_limit(memory_limit) if memory_limit else settings)


def set_memory_limit(kubectl: Kubectl, namespace: str, limit: str) -> list[str]:
    """Change this one setting of an installation; kubectl's lines about it. Raises KubectlFailed where none is."""
    from kubectl_ark.render.jobspecs import render

    settings = runs.read_settings(kubectl, namespace).with_memory_limit(limit)
    objects = render("settings", {"namespace": namespace, "labels": LABELS, "data": settings.to_data()})
    objects += repetition(Plan(namespace, settings, {}))
    # Whoever has set it by other means before does not get in the way of who sets it now.
    return kubectl.run("apply", "--server-side", "--field-manager=kubectl-ark", "--force-conflicts", "-f", "-",
                       stdin=_as_list(objects)).decode().splitlines()


def use_namespace(kubectl: Kubectl, namespace: str) -> bool:
    """True if others have made the namespace: it gets Pod Security level restricted, and uninstall will leave it.

    Raises KubectlFailed where that, or our policies, which let no other pod in, would be in somebody's way.
    """
    found = _read_namespace(kubectl, namespace)
    if found is None or _is_ours(found):
        return False
    level = (found["metadata"].get("labels") or {}).get(_ENFORCE)
    others = [each["metadata"]["name"] for each in kubectl.get(paths.core("pods", namespace))["items"]
              if (each["metadata"].get("labels") or {}).get(labels.MANAGED_BY) != labels.MANAGER]
    if others or level not in (None, "restricted"):
        why = f"has pods of others, such as {others[0]}" if others else f"enforces Pod Security level {level}"
        raise errors.KubectlFailed(f"namespace {namespace} {why}; kubectl-ark wants one of its own",
                                   hint="install it in another namespace with -n")
    if level is None:
        kubectl.run("label", "namespace", namespace, f"{_ENFORCE}=restricted")
    return True


def apply(kubectl: Kubectl, plan: Plan, *, force_conflicts: bool = False) -> list[str]:
    """Create or update everything; kubectl's lines about what it did. Secrets go through stdin only."""
    command = ["apply", "--server-side", "--field-manager=kubectl-ark", "-f", "-"]
    if force_conflicts:
        command.append("--force-conflicts")
    reach.check(kubectl, plan.settings.reach)
    if plan.settings.host_path_volumes:
        host_paths.check(kubectl, plan.namespace)
    foreign = not plan.crds_only and use_namespace(kubectl, plan.namespace)
    objects = [each for each in basis(plan)
               if not (foreign and each["kind"] == "Namespace" and each["metadata"]["name"] == plan.namespace)]
    lines = kubectl.run(*command, stdin=_as_list(objects)).decode().splitlines()
    kubectl.run("wait", "--for=condition=Established", "--timeout=60s",
                *(f"crd/{kind.full_name}" for kind in kinds.EVERY))
    if later := storage(plan):
        lines += kubectl.run(*command, stdin=_as_list(later)).decode().splitlines()
    if plan.crds_only:
        return lines
    if not plan.settings.host_path_volumes:
        lines += host_paths.remove(kubectl, plan.namespace, host_paths.objects(plan.namespace, plan.settings, LABELS))
    return lines + reach.prune(kubectl, plan.namespace, objects)


def repeat(kubectl: Kubectl, plan: Plan, *, force_conflicts: bool = False) -> list[str]:
    """Create, update or delete the CronJob that makes passes; kubectl's lines about it."""
    wanted = repetition(plan)
    if not wanted:
        return kubectl.run("delete", "cronjob", jobs.RECONCILE_CRON_JOB, "-n", plan.namespace,
                           "--ignore-not-found").decode().splitlines()
    command = ["apply", "--server-side", "--field-manager=kubectl-ark", "-f", "-"]
    if force_conflicts:
        command.append("--force-conflicts")
    return _when_admitted(lambda: kubectl.run(*command, stdin=_as_list(wanted)).decode().splitlines())


def validate(kubectl: Kubectl, plan: Plan, *, location: str = kinds.DEFAULT_LOCATION) -> dict[str, Any]:
    """Have a Job try the location; the BackupStorageLocation afterwards. Raises KubectlFailed if it is unusable."""
    namespace = plan.namespace
    resource = runs.read(kubectl, kinds.STORAGE_LOCATION, location, namespace)
    job = jobs.validation_job(resource, plan.settings)
    # Each validation is a Job of its own: the former one may still be there.
    job["metadata"]["name"] = names.job_name("validate", location, uuid.uuid4().hex)
    created = _when_admitted(lambda: kubectl.create(paths.jobs(namespace), job))
    try:
        _await(kubectl, resource, created)
    finally:
        kubectl.delete(paths.jobs(namespace, created["metadata"]["name"]))
    resource = runs.read(kubectl, kinds.STORAGE_LOCATION, location, namespace)
    status = resource.get("status") or {}
    if status.get("phase") != "Available":
        raise errors.KubectlFailed(sentence(
            f'storage location "{location}"', f'is {status.get("phase", "not validated")}:',
            status.get("message") or "no reason given"), hint="correct it and run the same command again")
    return resource


def sentence(subject: str, verb: str, message: str) -> str:
    """One sentence; the runner's message often begins with the location itself."""
    return message if message.startswith(subject) else f"{subject} {verb} {message}"


def _when_admitted(create: Callable[[], Result]) -> Result:
    """A policy that install has just changed takes a moment to hold; until then the former image is asked for."""
    for _ in range(20):
        try:
            return create()
        except KubectlError as error:
            if "ValidatingAdmissionPolicy" not in error.message and "serviceaccount" not in error.message:
                raise
            time.sleep(0.5)
    return create()


def _await(kubectl: Kubectl, location: dict[str, Any], job: dict[str, Any]) -> None:
    namespace, name = job["metadata"]["namespace"], job["metadata"]["name"]
    selector = "?labelSelector=" + quote(f"batch.kubernetes.io/job-name={name}")
    asked = time.monotonic()
    while True:
        job = kubectl.get(paths.jobs(namespace, name))
        conditions = job.get("status", {}).get("conditions") or []
        if any(each["type"] == "Complete" and each["status"] == "True" for each in conditions):
            return
        pods = kubectl.get(paths.core("pods", namespace) + selector)["items"]
        events = kubectl.get(paths.refusals(namespace))["items"]
        bare = {"kind": location["kind"], "metadata": location["metadata"]}
        verdict = deadruns.judge(bare, job, now=times.now(), pods=pods, events=events)
        if verdict and (verdict.dead or time.monotonic() - asked > 15):
            if verdict.dead and (said := _message(kubectl, location)):
                raise errors.KubectlFailed(said)
            raise errors.KubectlFailed(f'storage location "{location["metadata"]["name"]}" could not be tried: '
                                       f"{verdict.message}", hint=verdict.remedy or None)
        time.sleep(0.3)


def _message(kubectl: Kubectl, before: dict[str, Any]) -> str:
    """What the Job wrote onto the location, if it did."""
    metadata = before["metadata"]
    now = runs.read(kubectl, kinds.STORAGE_LOCATION, metadata["name"], metadata["namespace"])
    if now["metadata"]["resourceVersion"] == metadata["resourceVersion"]:
        return ""
    return str((now.get("status") or {}).get("message") or "")


def is_kept(kubectl: Kubectl, namespace: str) -> bool:
    """True if the namespace is there and uninstall will leave it, because install did not make it."""
    found = _read_namespace(kubectl, namespace)
    return found is not None and not _is_ours(found)


def remove(kubectl: Kubectl, namespace: str) -> list[str]:
    """Delete all that install made and wait until it is gone; kubectl's lines about it. The bucket is left alone."""
    plan = Plan(namespace=namespace, settings=Settings(), location={})
    objects = [each for each in basis(plan) if not each["apiVersion"].startswith("rbac.")]
    objects += repetition(plan) + reach.granted(kubectl, namespace)
    lines = host_paths.remove(kubectl, namespace, host_paths.objects(namespace, plan.settings, LABELS))
    if is_kept(kubectl, namespace):
        objects = [each for each in objects if each["kind"] != "Namespace"]
        lines += _empty(kubectl, namespace)
    else:
        objects = [each for each in objects if each["metadata"].get("namespace") != namespace]
    if _others(kubectl, namespace):
        objects = [each for each in objects if each["kind"] != "CustomResourceDefinition"]
    # The policies go first, so that nothing can be locked in; the namespace last.
    order = ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy", "CronJob", "CustomResourceDefinition",
             "ClusterRoleBinding", "ClusterRole", "RoleBinding", "Role", "ServiceAccount", "ConfigMap", "Namespace")
    objects.sort(key=lambda each: order.index(each["kind"]))
    bare = [{"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": {
        key: each["metadata"][key] for key in ("name", "namespace") if key in each["metadata"]}} for each in objects]
    output = kubectl.run("delete", "--ignore-not-found", "--wait", "--timeout=300s", "-f", "-", stdin=_as_list(bare))
    return lines + output.decode().splitlines()


def _empty(kubectl: Kubectl, namespace: str) -> list[str]:
    """Delete our objects, with the Jobs they own, and the Secret that install made, from a namespace that stays."""
    selector = f"{labels.MANAGED_BY}={labels.MANAGER}"
    lines = kubectl.run("delete", "secrets,cronjobs,jobs", "-n", namespace, "-l", selector,
                        "--ignore-not-found").decode()
    served = kubectl.run("api-resources", "--api-group", labels.GROUP, "-o", "name").decode().split()
    if names_served := [kind.full_name for kind in kinds.ALL if kind.full_name in served]:
        lines += kubectl.run("delete", ",".join(names_served), "-n", namespace, "--all", "--timeout=300s").decode()
    return [line for line in lines.splitlines() if line != "No resources found"]


def _others(kubectl: Kubectl, namespace: str) -> set[str]:
    """Further namespaces that kubectl-ark is installed in; they need the CRDs."""
    selector = quote(f"{labels.MANAGED_BY}={labels.MANAGER}")
    found = kubectl.get(f"/apis/rbac.authorization.k8s.io/v1/rolebindings?labelSelector={selector}")["items"]
    return {subject["namespace"] for each in found for subject in each.get("subjects") or []
            if subject.get("namespace")} - {namespace}


def _read_namespace(kubectl: Kubectl, namespace: str) -> dict[str, Any] | None:
    try:
        return kubectl.get(f"/api/v1/namespaces/{quote(namespace)}")
    except KubectlError as error:
        if error.status_reason == "NotFound":
            return None
        raise


def _is_ours(namespace: Mapping[str, Any]) -> bool:
    return bool((namespace["metadata"].get("labels") or {}).get(labels.MANAGED_BY) == labels.MANAGER)


def _as_list(objects: Iterable[Mapping[str, Any]]) -> bytes:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
