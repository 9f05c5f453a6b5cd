"""A Velero server as an ordinary process on this machine, working in the test cluster, and its command line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml

from tests.cluster.binaries import VELERO, Binaries
from tests.cluster.errors import last_lines
from tests.cluster.processes import Daemon
from tests.environment import BUCKET, Environment
from tests.waiting import eventually

NAMESPACE, LOCATION, PROVIDER = "velero", "default", "aws"
SYNC_SECONDS = 5


class Velero:
    """A context manager: CRDs, the namespace and one storage location are there, and the server runs."""

    def __init__(self, cluster: Environment, *, binaries: Binaries, prefix: str, directory: Path) -> None:
        """prefix: of Velero's storage location in the tests' bucket. directory: for its output and plugins."""
        self._cluster, self._binaries, self._prefix, self._directory = cluster, binaries, prefix, directory
        self._server = Daemon(directory, "velero")
        self._crds = [yaml.safe_load(path.read_text()) for path in sorted(
            binaries.sources(VELERO, log=directory / "download.log").glob("config/crd/*/bases/*.yaml"))]

    def __enter__(self) -> Velero:
        self._cluster.run("apply", "--server-side", "--force-conflicts", "-f", "-", input=_list(self._crds))
        self._cluster.run("wait", "--for=condition=Established", "--timeout=60s",
                          *(f"crd/{crd['metadata']['name']}" for crd in self._crds))
        self._cluster.apply(*self._objects())
        self._start()
        self.await_phase("backupstoragelocation", LOCATION, "Available")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        # Its restores have a finalizer that only the server takes off.
        self._cluster.run("delete", "restores.velero.io", "--all", "-n", NAMESPACE, "--timeout=60s", check=False)
        self._server.stop()
        self._cluster.run("delete", "namespace", NAMESPACE, "--ignore-not-found")
        self._cluster.run("delete", "--ignore-not-found", "-f", "-", input=_list(self._crds))

    def __call__(self, *arguments: str) -> str:
        """What its command line prints; the test fails with what it said if that fails."""
        flags = ("--kubeconfig", self._cluster.kubeconfig, "--namespace", NAMESPACE, "--colorized=false")
        done = subprocess.run([str(self._binaries.path("velero")), *flags, *arguments], text=True, capture_output=True,
                              timeout=120, env=self._cluster.variables, check=False)
        assert done.returncode == 0, f"velero {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done.stdout

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """One of Velero's objects; None if it has none of that name. kind: "backup"."""
        done = self._cluster.run("get", f"{kind}s.velero.io", name, "-n", NAMESPACE, "-o", "json", "--ignore-not-found")
        return dict(json.loads(done.stdout)) if done.stdout.strip() else None

    def await_phase(self, kind: str, name: str, *phases: str, timeout: float = 180) -> dict[str, Any]:
        """Its status once it is in one of these phases."""
        def status() -> dict[str, Any]:
            assert self._server.running(), f"velero server ended:\n{last_lines(self._server.log)}"
            return dict((self.find(kind, name) or {}).get("status") or {})
        try:
            eventually(lambda: status().get("phase") in phases, f"{kind} {name} is {' or '.join(phases)}",
                       timeout=timeout, pause=0.5)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {status()}\n{last_lines(self._server.log)}") from None
        return status()

    def await_gone(self, kind: str, name: str) -> None:
        """Returns when it has no such object any more."""
        eventually(lambda: self.find(kind, name) is None, f"{kind} {name} is gone", timeout=120, pause=0.5)

    def create(self, kind: str, name: str, **spec: Any) -> None:
        """Make one of Velero's objects. kind: "Backup"."""
        self._cluster.apply(_velero(kind, name, **spec))

    def _start(self) -> None:
        # The directory of the binaries would not do: it would take `velero` for a plugin too.
        plugins = self._directory / "plugins"
        plugins.mkdir()
        (plugins / "velero-plugin-for-aws").symlink_to(self._binaries.path("velero-plugin-for-aws"))
        self._server.start(
            [str(self._binaries.path("velero")), "server", "--kubeconfig", self._cluster.kubeconfig, "--namespace",
             NAMESPACE, "--plugin-dir", str(plugins), "--backup-sync-period", f"{SYNC_SECONDS}s",
             "--metrics-address", "127.0.0.1:0", "--profiler-address", "127.0.0.1:0",
             "--item-operation-sync-frequency", "1s"],
            env={"TMPDIR": str(self._directory)})

    def _objects(self) -> list[dict[str, Any]]:
        metadata = {"name": "velero", "namespace": NAMESPACE, "labels": {"component": "velero"}}
        pod = {"containers": [{"name": "velero", "image": "velero/velero:none"}]}
        return [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "cloud-credentials", "namespace": NAMESPACE},
             "stringData": {"cloud": self._cluster.credentials_file}},
            # A restore looks into it for the image of its helpers.
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {
                "replicas": 0, "selector": {"matchLabels": {"deploy": "velero"}},
                "template": {"metadata": {"labels": {"deploy": "velero"}}, "spec": pod}}},
            _velero("BackupStorageLocation", LOCATION, provider=PROVIDER, default=True,
                    credential={"name": "cloud-credentials", "key": "cloud"},
                    objectStorage={"bucket": BUCKET, "prefix": self._prefix},
                    config={"region": "us-east-1", "s3ForcePathStyle": "true", "s3Url": self._cluster.s3_url}),
        ]


def _velero(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "velero.io/v1", "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE},
            "spec": spec}


def _list(items: list[dict[str, Any]]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
