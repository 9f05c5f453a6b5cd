"""The plugin as a process of its own, started as a user would, without a cluster."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

PROJECT = pathlib.Path(__file__).resolve().parents[2]


def ark(*arguments: str, input: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    """``kubectl ark ARGUMENTS``; KUBECONFIG names nothing, so that no cluster can be reached by mistake."""
    environ = {**os.environ, "KUBECONFIG": os.devnull, "PYTHONPATH": str(PROJECT), **variables}
    environ.pop("KUBECTL_ARK_NAMESPACE", None) if "KUBECTL_ARK_NAMESPACE" not in variables else None
    return subprocess.run([sys.executable, "-m", "kubectl_ark", *arguments], input=input, text=True,
                          capture_output=True, env=environ, timeout=60, check=False)
