"""The test cluster as the tests see it: addresses, keys, kubectl."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

BUCKET = "ark"


def own(name: str) -> str:
    """A name for something in the cluster, made this worker's own where tests run in parallel workers."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    return f"{name}-{worker}" if worker else name


def credentials_file(access_key: str, secret_key: str) -> str:
    """The text of an AWS credentials file."""
    return f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"


@dataclasses.dataclass(frozen=True)
class Environment:
    """What ``python3 -m tests.cluster env`` prints, with types."""

    kubeconfig: str
    kubectl: str
    restic: str
    """"" where there is none that is recent enough."""
    s3_url: str
    s3_access_key: str
    s3_secret_key: str = dataclasses.field(repr=False)
    s3_directory: Path
    image: str
    has_node: bool
    no_node_reason: str
    state: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Environment | None:
        """None if no cluster is named."""
        if not environ.get("ARK_TEST_KUBECONFIG"):
            return None
        return cls(
            kubeconfig=environ["ARK_TEST_KUBECONFIG"], kubectl=environ.get("ARK_TEST_KUBECTL") or "kubectl",
            restic=environ.get("ARK_TEST_RESTIC", ""),
            s3_url=environ["ARK_TEST_S3_URL"], s3_access_key=environ["ARK_TEST_S3_ACCESS_KEY"],
            s3_secret_key=environ["ARK_TEST_S3_SECRET_KEY"], s3_directory=Path(environ.get("ARK_TEST_S3_DIR", "")),
            image=environ["ARK_TEST_IMAGE"], has_node=environ.get("ARK_TEST_NODE") == "1",
            no_node_reason=environ.get("ARK_TEST_NODE_REASON", ""), state=Path(environ.get("ARK_TEST_STATE", "")),
        )

    @property
    def variables(self) -> dict[str, str]:
        """The environment of a user of this cluster: its kubeconfig, its kubectl first on PATH."""
        path = f"{Path(self.kubectl).parent}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "KUBECONFIG": self.kubeconfig, "PATH": path}

    @property
    def kubelet_root(self) -> str:
        """Where the node's kubelet has its directories."""
        own = self.state / "node" / "kubelet"
        return str(own) if own.is_dir() else "/var/lib/kubelet"

    @property
    def credentials_file(self) -> str:
        """The text of an AWS credentials file for the S3 server."""
        return credentials_file(self.s3_access_key, self.s3_secret_key)

    def run(self, *arguments: str, input: str | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
        """kubectl with these arguments; with ``check`` its failure is the test's, in its own words."""
        done = subprocess.run([self.kubectl, *arguments], input=input, text=True, capture_output=True,
                              env=self.variables, timeout=300, check=False)
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}"
        return done

    def get(self, *arguments: str) -> dict[str, Any]:
        """kubectl get … -o json."""
        found: dict[str, Any] = json.loads(self.run("get", *arguments, "-o", "json").stdout)
        return found

    def apply(self, *objects: dict[str, Any]) -> None:
        """kubectl apply of plain dicts."""
        self.run("apply", "-f", "-", input="\n---\n".join(json.dumps(item) for item in objects))
