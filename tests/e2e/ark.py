"""``kubectl ark`` as a user types it, and what there is to see of a run."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.e2e.proxy import Proxy
from tests.environment import BUCKET, Environment, own
from tests.waiting import eventually as eventually  # noqa: F401, tests of this folder have it from here

NAMESPACE = own("ark-e2e")
"""Where Ark is for all end-to-end tests."""

FINISHED = ("Completed", "PartiallyFailed", "Failed", "FailedValidation")
TINY = ("--include-namespaces", "kube-public", "--include-resources", "configmaps")
"""Flags of a backup that takes next to nothing."""

RUN_UID = "ark.heptio.com/run-uid"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command left: its exit code and what it said."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        """For messages."""
        return f"exit code {self.code}\n{self.out}{self.err}"


@dataclasses.dataclass
class Doomed:
    """Two runs without enough memory: one that ``waiting`` waits for, and one that nobody looks at."""

    watched: str = "oom-watched"
    alone: str = "oom-alone"
    limit: str = "28Mi"
    """Too little for Python with its libraries, enough for the container to start."""
    waiting: subprocess.Popen[str] | None = None


class Ark:
    """The plugin, with Ark in one namespace. variables: the environment of whoever types."""

    def __init__(self, cluster: Environment, variables: Mapping[str, str], api: Proxy, *, namespace: str, prefix: str,
                 secret_file: Path) -> None:
        self.api = api
        self.cluster, self.namespace, self.prefix, self.secret_file = cluster, namespace, prefix, secret_file
        self.variables = {**variables, "KUBECTL_ARK_NAMESPACE": namespace}

    def __call__(self, *arguments: str, code: int | None = 0, input: str | None = None, timeout: float = 150,
                 **environment: str) -> Answer:
        """Run ``kubectl ark`` to its end; the test fails with what it said where the exit code is another.

        code: None for whatever comes.
        """
        done = subprocess.run(["kubectl", "ark", *arguments], env={**self.variables, **environment}, text=True,
                              input=input, capture_output=True, timeout=timeout, check=False)
        answer = Answer(done.returncode, done.stdout, done.stderr)
        assert code is None or answer.code == code, f"kubectl ark {' '.join(arguments)}: {answer.all}"
        return answer

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start ``kubectl ark`` in a session of its own."""
        return subprocess.Popen(["kubectl", "ark", *arguments], env={**self.variables, **environment}, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                start_new_session=True)

    def in_namespace(self, namespace: str) -> Ark:
        """The same plugin, another Ark namespace, another prefix."""
        return Ark(self.cluster, self.variables, self.api, namespace=namespace, prefix=f"{self.prefix}-{namespace}",
                   secret_file=self.secret_file)

    def install_arguments(self, **changed: str) -> list[str]:
        """The command line of ``install``; changed: ``image="…"``, ``bucket="…"``.

        No pass is made but by tests that want one, so that none does what another test is about to see.
        """
        flags = {"provider": "aws", "bucket": BUCKET, "prefix": self.prefix, "secret-file": str(self.secret_file),
                 "backup-location-config": f"s3Url={self.cluster.s3_url},region=us-east-1",
                 "image": self.cluster.image, "reconcile-schedule": "none",
                 "repo-password-file": str(self.secret_file.with_name("repo-password")),
                 **{key.replace("_", "-"): value for key, value in changed.items()}}
        return ["install", *(word for flag, value in flags.items() for word in (f"--{flag}", value))]

    def set_up_untried(self, *, settings: Mapping[str, str] | None = None, **changed: str) -> None:
        """Install by way of ``install --dry-run | kubectl apply``, so that nobody tries the location."""
        printed = self(*self.install_arguments(**changed), "--dry-run=client", "-o", "yaml").out
        documents = [each for each in printed.split("\n---\n") if "kind: CustomResourceDefinition" not in each]
        self.cluster.run("apply", "--server-side", "--field-manager=kubectl-ark", "-f", "-",
                         input="\n---\n".join(documents))
        if settings:
            self.cluster.run("patch", "configmap", "ark-settings", "-n", self.namespace, "--type=merge", "-p",
                             json.dumps({"data": dict(settings)}))

    # What there is to see

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """The CR. kind: "backup" or "restore"."""
        return self.api.get(f"/apis/ark.heptio.com/v1/namespaces/{self.namespace}/{kind}s/{name}")

    def status(self, kind: str, name: str) -> dict[str, Any]:
        """The CR's status."""
        return dict(self.get(kind, name).get("status") or {})

    def exists(self, resource: str, name: str) -> bool:
        """Whether Ark's namespace has it. resource: "backups.ark.heptio.com"."""
        done = self.cluster.run("get", resource, name, "-n", self.namespace, "--ignore-not-found", "-o", "name")
        return bool(done.stdout.strip())

    def await_end(self, kind: str, name: str, timeout: float = 120) -> dict[str, Any]:
        """The status once the run has ended, by the condition that is there for that."""
        self.cluster.run("wait", "--for=condition=Finished", f"{kind}s.ark.heptio.com/{name}", "-n", self.namespace,
                         f"--timeout={timeout:.0f}s")
        return self.status(kind, name)

    def of_run(self, resource: str, kind: str, name: str) -> list[dict[str, Any]]:
        """The Jobs or pods of a run, the oldest first."""
        uid = self.get(kind, name)["metadata"]["uid"]
        return self.labelled(resource, uid)

    def labelled(self, resource: str, uid: str) -> list[dict[str, Any]]:
        """The Jobs or pods of the run of the CR with this uid, whether that is still there or not."""
        group = {"jobs": "/apis/batch/v1", "pods": "/api/v1"}[resource]
        path = f"{group}/namespaces/{self.namespace}/{resource}?labelSelector={quote(f'{RUN_UID}={uid}')}"
        items: list[dict[str, Any]] = self.api.get(path)["items"]
        return sorted(items, key=lambda each: str(each["metadata"]["creationTimestamp"]))

    def details(self, kind: str, name: str) -> str:
        """``describe --details``."""
        return self("describe", kind, name, "--details").out


def finish(process: subprocess.Popen[str], *, timeout: float = 150) -> Answer:
    """Wait for a started command."""
    out, err = process.communicate(timeout=timeout)
    return Answer(process.returncode, out, err)


def config_maps(namespace: str, count: int, *, text: Callable[[int], str] = str) -> list[dict[str, Any]]:
    """A namespace with that many ConfigMaps, to be applied."""
    return [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}] + [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"c{number:04}", "namespace": namespace},
         "data": {"text": text(number)}} for number in range(count)]
