"""The commands of a user, timed as whole processes."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import time
from pathlib import Path

from tests.environment import BUCKET, Environment
from tests.plugin import installed_plugin

NAMESPACE = "heptio-ark"
BARE = "ark-bare-job"
ROUNDS = 5


class User:
    """Somebody with the plugin from the krew archive."""

    def __init__(self, environment: Environment, directory: Path) -> None:
        self.prefix = "bench-commands"
        """Of the storage location, in the bucket."""
        self._environment = environment
        self._variables = installed_plugin(environment, directory)
        self.run("kubectl", "ark", "version", "--client")  # byte code is written at the first start
        secret = directory / "credentials"
        secret.write_text(environment.credentials_file)
        only = [] if environment.has_node else ["--crds-only"]
        self.run("kubectl", "ark", "install", "--provider", "aws", "--bucket", BUCKET, "--prefix", self.prefix,
                 "--secret-file", str(secret), "--repo-password-file", str(directory / "repo-password"),
                 "--image", environment.image, "--backup-location-config",
                 f"s3Url={environment.s3_url},region=us-east-1", *only)

    def help_cpu(self) -> tuple[float, str]:
        """Median processor seconds of --help, and the spread."""
        seconds = [self._cpu("kubectl", "ark", "--help") for _ in range(ROUNDS)]
        return statistics.median(seconds), f"{min(seconds):.2f}-{max(seconds):.2f} s in {ROUNDS} runs"

    def get_ratios(self) -> list[float]:
        """Wall time of get through the plugin to kubectl's own, in pairs."""
        own = ("kubectl", "get", "backups.ark.heptio.com", "--namespace", NAMESPACE)
        return [self._wall("kubectl", "ark", "get", "backups") / self._wall(*own) for _ in range(2 * ROUNDS)]

    def tiny_extra(self) -> tuple[float, str]:
        """Median seconds that a tiny backup takes more than a Job that only imports the client libraries."""
        self.run("kubectl", "create", "namespace", BARE)
        try:
            self.run("kubectl", "create", "configmap", "one", "--namespace", BARE, "--from-literal=a=b")
            self._bare("warm")
            self._tiny("warm")
            bare, tiny = [], []
            for index in range(ROUNDS):
                bare.append(self._bare(str(index)))
                tiny.append(self._tiny(str(index)))
        finally:
            self.run("kubectl", "delete", "namespace", BARE, "--wait=false")
        extra = statistics.median(ours - floor for ours, floor in zip(tiny, bare))
        return extra, f"{statistics.median(tiny):.2f} s to {statistics.median(bare):.2f} s"

    def _tiny(self, name: str) -> float:
        return self._wall("kubectl", "ark", "backup", f"tiny-{name}-{os.getpid()}", "--include-namespaces", BARE,
                          "--wait")

    def _bare(self, name: str) -> float:
        """Create a Job and wait for it, as a shell script would."""
        job = json.dumps({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": f"bare-{name}", "namespace": BARE},
            "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{
                "name": "c", "image": self._environment.image, "imagePullPolicy": "IfNotPresent",
                "command": ["python3", "-c", "import kubernetes, minio"]}]}}}})
        began = time.monotonic()
        self.run("kubectl", "create", "-f", "-", text=job)
        self.run("kubectl", "wait", "--for=condition=Complete", "--namespace", BARE, f"job/bare-{name}",
                 "--timeout=60s")
        return time.monotonic() - began

    def _wall(self, *command: str) -> float:
        began = time.monotonic()
        self.run(*command)
        return time.monotonic() - began

    def _cpu(self, *command: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.run(*command)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def run(self, *command: str, text: str | None = None) -> None:
        """Run a command; one that fails ends the benchmark."""
        done = subprocess.run(command, env=self._variables, input=text, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"error: {' '.join(command)}: {done.stderr.strip()}")
