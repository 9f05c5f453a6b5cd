"""Runs the README's first example, printing every command before it runs."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.environment import BUCKET, Environment
from tests.plugin import installed_plugin

SHOP = "tests/demo/shop.yaml"
NAMESPACE = "demo-shop"
READY_SECONDS = 120
MARK = "the order that must not be lost"


def main() -> int:
    """The whole demo; 0 if the shop came back with its data."""
    environment = Environment.from_environ(os.environ)
    if environment is None:
        print("error: no cluster; run make demo", file=sys.stderr)
        return 2
    if not environment.has_node:
        print(f"error: the demo runs pods, and here none can run: {environment.no_node_reason}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as directory:
        shell = Shell(installed_plugin(environment, Path(directory)))
        secret = Path(directory) / "credentials"
        secret.write_text(environment.credentials_file)
        try:
            return _demo(shell, environment, secret)
        finally:
            shell.quietly(f"kubectl delete namespace {NAMESPACE} --ignore-not-found --wait=false")
            shell.quietly("kubectl delete persistentvolume demo-shop-orders --ignore-not-found --wait=false")


def _demo(shell: Shell, environment: Environment, secret: Path) -> int:
    stamp = time.strftime("%H%M%S")
    backup, mark = f"demo-{stamp}", f"{MARK} {stamp}"
    shell.say("Install: CRDs, accounts, an admission policy and a storage location. Nothing stays running.")
    shell(f"kubectl ark install --provider aws --bucket {BUCKET} --prefix demo --secret-file {secret} "
          f"--backup-location-config s3Url={environment.s3_url},region=us-east-1 --image {environment.image} "
          f"--repo-password-file {environment.state / 'demo-repo-password'}")
    shell("kubectl get pods --namespace heptio-ark")
    shell.say("A shop that writes its orders to a volume.")
    shell(f"kubectl apply -f {SHOP}")
    _until_ready(shell)
    shell(f"kubectl exec --namespace {NAMESPACE} deployment/web -- sh -c {shlex.quote(f'echo {mark} >> /orders/log')}")
    shell.say("Back it up, and lose it.")
    shell(f"kubectl ark backup {backup} --include-namespaces {NAMESPACE} --wait")
    shell("kubectl ark get backups")
    shell(f"kubectl delete namespace {NAMESPACE}")
    shell(f"kubectl get all --namespace {NAMESPACE}")
    shell.say("Get it back.")
    shell(f"kubectl ark restore --from-backup {backup} --wait")
    _until_ready(shell)
    shell(f"kubectl get pods,persistentvolumeclaims --namespace {NAMESPACE}")
    shell.say("And the order from before the loss?")
    found = shell(f"kubectl exec --namespace {NAMESPACE} deployment/web -- grep {shlex.quote(stamp)} /orders/log")
    if mark not in found:
        print("error: the volume came back without what was written to it", file=sys.stderr)
        return 1
    shell.say("The shop is back, with its data. `make cluster-down` takes the cluster away again.")
    return 0


def _until_ready(shell: Shell) -> None:
    for workload in ("deployment/web", "statefulset/db"):
        shell(f"kubectl rollout status {workload} --namespace {NAMESPACE} --timeout={READY_SECONDS}s")
    shell(f"kubectl wait pods --all --for=condition=Ready --namespace {NAMESPACE} --timeout={READY_SECONDS}s")


class Shell:
    """Prints a command and runs it. environment: PATH and KUBECONFIG of the demo."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def say(self, text: str) -> None:
        """A line between the commands."""
        print(f"\n# {text}", flush=True)

    def __call__(self, command: str) -> str:
        """What the command printed. Ends the demo if it failed."""
        print(f"$ {command}", flush=True)
        process = subprocess.Popen(shlex.split(command), env=self._environment, text=True, stdout=subprocess.PIPE)
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            print(line, end="", flush=True)
            lines.append(line)
        if process.wait() != 0:
            raise SystemExit(f"error: the demo ends here, the command failed with exit code {process.returncode}")
        return "".join(lines)

    def quietly(self, command: str) -> None:
        """Cleaning up."""
        subprocess.run(shlex.split(command), env=self._environment, capture_output=True, check=False)


if __name__ == "__main__":
    sys.exit(main())
