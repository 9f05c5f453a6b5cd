"""The KEY=VALUE lines by which the tests know their cluster, and clusters that others run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Mapping

from . import restic
from .errors import ClusterError
from .layout import Layout
from .storage import answers

BUCKET = "ark"
_GIVEN = ("ARK_TEST_KUBECONFIG", "ARK_TEST_S3_URL", "ARK_TEST_S3_ACCESS_KEY", "ARK_TEST_S3_SECRET_KEY",
          "ARK_TEST_IMAGE")
KEYS = (*_GIVEN, "ARK_TEST_KUBECTL", "ARK_TEST_RESTIC",
        "ARK_TEST_S3_DIR", "ARK_TEST_NODE", "ARK_TEST_NODE_REASON", "ARK_TEST_STATE")


def file_of(layout: Layout) -> Path:
    """Where `up` writes the lines; there is none unless the cluster is up."""
    return layout.state / "env"


def write(layout: Layout, values: Mapping[str, str]) -> None:
    """Write the lines, readable by this user only; the rename makes them appear at once."""
    path = file_of(layout)
    unfinished = path.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text(values))
    unfinished.replace(path)


def text(values: Mapping[str, str]) -> str:
    """The lines in a fixed order."""
    return "".join(f"{key}={values.get(key, '')}\n" for key in KEYS)


def load(layout: Layout) -> "dict[str, str]":
    """The values of a cluster that is up. Raises ClusterError when there are none."""
    try:
        lines = file_of(layout).read_text().splitlines()
    except FileNotFoundError as error:
        raise ClusterError("no cluster is up: make cluster-up") from error
    return dict(line.split("=", 1) for line in lines if "=" in line)


def is_given(environ: Mapping[str, str]) -> bool:
    """Whether the tests are pointed at another cluster. An ambient KUBECONFIG does not: it may be anybody's."""
    return bool(environ.get("ARK_TEST_KUBECONFIG"))


def given(environ: Mapping[str, str]) -> "dict[str, str]":
    """The values of another cluster, from the environment, checked to answer. Raises ClusterError."""
    missing = [key for key in _GIVEN if not environ.get(key)]
    if missing:
        raise ClusterError(f"ARK_TEST_KUBECONFIG is set, so these are needed too: {', '.join(missing)}")
    kubectl = environ.get("ARK_TEST_KUBECTL") or shutil.which("kubectl")
    if not kubectl:
        raise ClusterError("ARK_TEST_KUBECONFIG is set, and there is no kubectl in PATH: set ARK_TEST_KUBECTL")
    answer = subprocess.run(
        [kubectl, "--kubeconfig", environ["ARK_TEST_KUBECONFIG"], "--request-timeout=10s", "get", "--raw", "/readyz"],
        capture_output=True, text=True, check=False)
    if answer.returncode:
        raise ClusterError(f"the cluster of ARK_TEST_KUBECONFIG does not answer: {answer.stderr.strip()}")
    if not answers(environ["ARK_TEST_S3_URL"]):
        raise ClusterError(f"the S3 server at {environ['ARK_TEST_S3_URL']} (ARK_TEST_S3_URL) does not answer")
    values = {key: environ.get(key, "") for key in KEYS}
    return {**values, "ARK_TEST_KUBECTL": kubectl, "ARK_TEST_NODE": environ.get("ARK_TEST_NODE") or "1",
            "ARK_TEST_RESTIC": environ.get("ARK_TEST_RESTIC") or restic.on_path()}
