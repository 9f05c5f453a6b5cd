"""What the benchmark runs against: a control plane of its own, without controllers that would share the processors."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kubectl_ark import errors
from kubectl_ark.kube.api import Api
from kubectl_ark.kube.connection import connect
from kubectl_ark.model import layout
from kubectl_ark.render.jobspecs import render
from tests.bench import objects
from tests.cluster.binaries import Binaries
from tests.cluster.controlplane import ControlPlane
from tests.cluster.layout import Layout
from tests.environment import BUCKET, Environment

ARK = "ark-bench"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class Scene:
    """One API server with our CRDs and a storage location on the test cluster's S3."""

    def __init__(self, kubeconfig: Path, environment: Environment, *, prefix: str) -> None:
        self.kubeconfig, self._environment, self._prefix = str(kubeconfig), environment, prefix
        self.api = Api(connect(kubeconfig=self.kubeconfig))
        for definition in render("crds", {}):
            self.api.create(CRDS, definition)
        self.api.create("/api/v1/namespaces", {"metadata": {"name": ARK}})
        secret = base64.b64encode(environment.credentials_file.encode()).decode()
        self.api.create(f"/api/v1/namespaces/{ARK}/secrets", {
            "metadata": {"name": "cloud-credentials"}, "data": {"cloud": secret}})
        self.create("backupstoragelocations", "default", {
            "provider": "aws", "objectStorage": {"bucket": BUCKET, "prefix": prefix},
            "config": {"s3Url": environment.s3_url, "region": "us-east-1"}})

    def create(self, plural: str, name: str, spec: dict[str, Any]) -> None:
        """One of our CRs; asks again until its CRD is served."""
        kind = {"backups": "Backup", "restores": "Restore"}.get(plural, "BackupStorageLocation")
        path = f"/apis/ark.heptio.com/v1/namespaces/{ARK}/{plural}"
        wait_until_served(self.api, path)
        self.api.create(path, {"apiVersion": "ark.heptio.com/v1", "kind": kind, "metadata": {"name": name},
                               "spec": spec})

    def populate(self, count: int, spread: int, prefix: str, *, directory: Path) -> dict[str, Any]:
        """Create the benchmark's objects by the bare program; its figures, namespaces not counted."""
        names = objects.namespaces(spread, prefix)
        self.send(objects.namespace_requests(names), directory=directory)
        return self.send(objects.requests(count, names), directory=directory)

    def send(self, requests: Iterable[tuple[str, dict[str, Any]]], *, directory: Path) -> dict[str, Any]:
        """Run bare_create with these requests."""
        file = directory / "requests"
        with file.open("w") as lines:
            for path, item in requests:
                lines.write(f"{path}\t{json.dumps(item, separators=(',', ':'))}\n")
        return python("-m", "tests.bench.bare_create", self.kubeconfig, str(file))

    def bare_list(self) -> dict[str, Any]:
        """Run bare_list."""
        return python("-m", "tests.bench.bare_list", self.kubeconfig)

    def bare_read(self, backup: str) -> dict[str, Any]:
        """Run bare_read on a backup's tar. The secret key goes in by stdin: arguments are for all to see."""
        return python("-m", "tests.bench.bare_read", self._environment.s3_url, self._environment.s3_access_key, BUCKET,
                      f"{self._prefix}/{layout.contents(backup)}", input=self._environment.s3_secret_key)

    def run(self, work: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
        """Make a Backup or Restore and run it."""
        self.create(f"{work}s", name, spec)
        figures = python("-m", "tests.bench.measured_run", work, name, ARK, self.kubeconfig)
        if figures["phase"] != "Completed":
            raise SystemExit(f"error: {work} {name} is {figures['phase']}, so its figures mean nothing")
        return figures


@contextlib.contextmanager
def scene(environment: Environment, directory: Path, *, prefix: str) -> Iterator[Scene]:
    """A fresh control plane for the time of the context."""
    with ControlPlane(directory, binaries=Binaries(Layout.from_environ(os.environ).cache)) as plane:
        yield Scene(plane.kubeconfig, environment, prefix=prefix)


def wait_until_served(api: Api, path: str) -> None:
    """A CRD is served a moment after it was created."""
    deadline = time.monotonic() + 30
    while True:
        try:
            api.get(path)
            return
        except errors.NotFound:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def python(*arguments: str, input: str | None = None) -> dict[str, Any]:
    """Run a program of the benchmark; the JSON that it prints."""
    done = subprocess.run([sys.executable, *arguments], text=True, stdout=subprocess.PIPE, check=True, input=input)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures
