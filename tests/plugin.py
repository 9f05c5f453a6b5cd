"""The plugin as a user has it: unpacked from the krew archive, linked onto PATH, started by kubectl."""

from __future__ import annotations

import os
import sys
import tarfile
from pathlib import Path

from tests.environment import Environment

ROOT = Path(__file__).resolve().parent.parent


def archive() -> Path:
    """The newest archive of ``make krew``."""
    found = sorted((ROOT / "dist").glob("kubectl-ark-*.tar.gz"), key=lambda path: path.stat().st_mtime)
    assert found, "make krew builds the plugin's archive first"
    return found[-1]


def installed_plugin(environment: Environment, directory: Path) -> dict[str, str]:
    """Environment variables under which ``kubectl ark`` is the archive's plugin on the test cluster.

    Like krew: the archive is unpacked into a store, and a link to its launcher stands on PATH.
    """
    store, links = directory / "store", directory / "bin"
    store.mkdir(parents=True)
    links.mkdir()
    with tarfile.open(archive()) as tar:
        tar.extractall(store, filter="data")
    launcher = next(path for path in (store / "kubectl-ark", *store.glob("*/kubectl-ark")) if path.is_file())
    (links / "kubectl-ark").symlink_to(launcher)
    variables = environment.variables
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    variables.pop("PYTHONPATH", None)
    # The interpreter itself: a version manager's shim in front of it costs more than all of the plugin.
    interpreter = Path(sys.base_prefix) / "bin"
    return {**variables, "PATH": os.pathsep.join((str(links), str(interpreter), variables["PATH"]))}
