"""Workloads that a Restik saves, its objects and its Events, and its CronJob run now instead of when it is due."""

from __future__ import annotations

import base64
import secrets
from pathlib import Path
from typing import Any

from tests.e2e.ark import Ark, eventually
from tests.e2e.stateful import CLASS, Stateful

Object = dict[str, Any]
CONFIG = "backup.appscode.com/config"
PASSWORD = "the restik's own password"


def pod_template(app: str, volumes: list[Object]) -> Object:
    """Of pods that do nothing, with volume "data" at /data."""
    return {"metadata": {"labels": {"app": app}}, "spec": {
        "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False, "volumes": volumes,
        "containers": [{
            "name": "main", "image": "localhost/busybox:1", "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", "while true; do sleep 0.2; done"],
            "volumeMounts": [{"name": "data", "mountPath": "/data"}]}]}}


class Shop:
    """One namespace with workloads, and a Restik for them."""

    def __init__(self, ark: Ark, stateful: Stateful) -> None:
        self.ark, self.stateful, self.namespace = ark, stateful, stateful.namespace

    def deployment(self, name: str, config: str | None, *, replicas: int = 1) -> Path:
        """A Deployment with a claim of its own; the claim's directory."""
        directory = self.stateful.claim(f"{name}-data")
        self.ark.cluster.apply({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
                "name": name, "namespace": self.namespace, "labels": {CONFIG: config} if config else {}},
            "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}},
                     "strategy": {"type": "Recreate"}, "template": pod_template(name, [
                         {"name": "data", "persistentVolumeClaim": {"claimName": f"{name}-data"}}])}})
        self.ark.cluster.run("rollout", "status", f"deployment/{name}", "-n", self.namespace, "--timeout=90s")
        return directory

    def stateful_set(self, name: str, config: str, *, replicas: int) -> list[Path]:
        """A StatefulSet whose pods have a claim each; the claims' directories."""
        directories = [self.stateful.volume(f"data-{name}-{number}", f"data-{name}-{number}")
                       for number in range(replicas)]
        self.ark.cluster.apply({
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {
                "name": name, "namespace": self.namespace, "labels": {CONFIG: config}},
            "spec": {"replicas": replicas, "serviceName": name, "podManagementPolicy": "Parallel",
                     "selector": {"matchLabels": {"app": name}}, "template": pod_template(name, []),
                     "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                         "accessModes": ["ReadWriteOnce"], "storageClassName": CLASS,
                         "resources": {"requests": {"storage": "1Gi"}}}}]}})
        self.ark.cluster.run("rollout", "status", f"statefulset/{name}", "-n", self.namespace, "--timeout=90s")
        return directories

    def password(self, text: str = PASSWORD, name: str = "restik-password") -> None:
        """The Secret."""
        self.ark.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {
            "name": name, "namespace": self.namespace}, "data": {"password": base64.b64encode(text.encode()).decode()}})

    def restik(self, name: str, **spec: Any) -> None:
        """Make or change a Restik."""
        self.ark.cluster.apply({
            "apiVersion": "backup.appscode.com/v1alpha1", "kind": "Restik",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"source": {"volumeName": "data", "path": "/data"}, "schedule": "0 0 1 1 *", "tags": ["testing"],
                     "destination": {"repositorySecretName": "restik-password"}, **spec}})

    def get(self, name: str) -> Object:
        """The Restik."""
        return self.ark.cluster.get("restiks.backup.appscode.com", name, "-n", self.namespace)

    def reconcile(self) -> str:
        """A pass, which others may give something to complain about; its page."""
        return self._page(self.ark("reconcile").out.split()[0].removeprefix("job.batch/"))

    def cron_jobs(self) -> list[Object]:
        """The CronJobs of this namespace's Restiks."""
        found = self.ark.api.get(f"/apis/batch/v1/namespaces/{self.ark.namespace}/cronjobs")["items"]
        return [each for each in found if (each["metadata"].get("annotations") or {}).get(
            "ark.heptio.com/restik", "").startswith(f"{self.namespace}/")]

    def run(self, name: str) -> str:
        """Have the Restik's CronJob start its Job now, and wait for its end; the Job's log."""
        job = f"now-{secrets.token_hex(4)}"
        namespace = ("-n", self.ark.namespace)
        self.ark.cluster.run("create", "job", job, f"--from=cronjob/{self.get(name)['status']['cronJob']}", *namespace)
        log = self._page(job)
        ended = self.ark.cluster.get("job", job, *namespace)["status"]
        assert ended.get("succeeded"), f"{log}{ended}"
        return log

    def _page(self, job: str) -> str:
        """What a Job in Ark's namespace has written by its end."""
        path = f"/apis/batch/v1/namespaces/{self.ark.namespace}/jobs/{job}"
        eventually(lambda: {each["type"] for each in self.ark.api.get(path).get("status", {}).get("conditions", [])}
                   & {"Complete", "Failed"}, f"job {job} ends", timeout=150)
        return self.ark.cluster.run("logs", f"job/{job}", "-n", self.ark.namespace, check=False).stdout

    def events(self, name: str) -> dict[str, Object]:
        """The Events about a Restik, by name."""
        found = self.ark.api.get(f"/api/v1/namespaces/{self.namespace}/events")["items"]
        return {each["metadata"]["name"]: each for each in found if each["involvedObject"].get("kind") == "Restik"
                and each["involvedObject"]["name"] == name}

    def uids(self) -> set[str]:
        """Of all pods: none is ever restarted."""
        return {each["metadata"]["uid"] for each in self.ark.api.get(
            f"/api/v1/namespaces/{self.namespace}/pods")["items"] if "job-name" not in each["metadata"]["labels"]}

    def settled(self, name: str) -> None:
        """Wait until a pass has seen the Restik."""
        eventually(lambda: (self.get(name).get("status") or {}).get("conditions"), "a pass has seen it")
