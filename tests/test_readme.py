"""The README tells the truth: its commands are run in its order, its paths are there, its table covers every module."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bucket import Bucket
from tests.environment import BUCKET, Environment
from tests.plugin import ROOT

README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()

MAKE_TARGETS = {
    "make test": ".ci/run calls it",
    "make krew": "make test needs it",
    "make lint": "make test needs it",
    "make demo": "tests/e2e/test_demo.py runs what it does once the cluster is up",
    "make unit": "test_a_make_target_that_ci_does_not_need_works, heavy",
    "make bench": "test_a_make_target_that_ci_does_not_need_works, heavy",
    "make test-heavy": "runs that test itself",
    "make interop": "make test-heavy runs its tests too",
}
"""Who runs each target that the README's blocks name; a new one must say so here."""


def commands() -> list[str]:
    """Every command in the README's sh blocks, in order."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S)
    return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]


def test_every_make_target_exists_and_is_run_by_somebody() -> None:
    named = {command for command in commands() if command.startswith("make ")}
    assert named == set(MAKE_TARGETS)
    for command in named:
        target = command.removeprefix("make ")
        assert re.search(rf"^{target}:.*## ", MAKEFILE, re.M), f"the Makefile has no target {target}"
    assert re.search(r"^make\b.* test$", (ROOT / ".ci" / "run").read_text(), re.M)
    recipe = re.search(r"^test:.*\n((?:\t.*\n)+)", MAKEFILE, re.M)
    assert recipe and {"lint", "krew", "cluster-up"} <= set(re.findall(r"[a-z-]+", recipe[1]))


def test_targets_named_in_passing_exist() -> None:
    for target in re.findall(r"`make ([a-z-]+)`", " ".join(README.split())):
        assert re.search(rf"^{target}:.*## ", MAKEFILE, re.M), f"the Makefile has no target {target}"


@pytest.mark.node
@pytest.mark.heavy
@pytest.mark.parametrize("target", ["unit", "bench"])
def test_a_make_target_that_ci_does_not_need_works(cluster: Environment, target: str) -> None:
    done = subprocess.run(["make", "--no-print-directory", target], cwd=ROOT, text=True, capture_output=True,
                          timeout=3600, check=False)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]


def paths_of_the_table() -> list[str]:
    """The right column of "I want to …"."""
    rows = re.findall(r"^\| (?!I want to|---)[^|]+ \| ([^|]*`[^|]+) \|$", README[README.index("| I want to"):], re.M)
    return [path for row in rows for path in re.findall(r"`([^`]+)`", row)]


def test_every_path_of_the_table_is_there() -> None:
    assert len(paths_of_the_table()) >= 10
    for path in paths_of_the_table():
        assert (ROOT / path).is_dir() if path.endswith("/") else (ROOT / path).is_file(), path


def test_every_path_named_in_the_text_is_there() -> None:
    for path in re.findall(r"`((?:kube|engine|store|render|runner|model|cli|launch)/[\w./]+)`", README):
        assert (ROOT / "kubectl_ark" / path).exists(), path


def test_every_module_lies_under_a_path_of_the_table() -> None:
    places = paths_of_the_table()
    modules = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "kubectl_ark").rglob("*.py"))]
    homeless = [module for module in modules if not module.endswith(("/__init__.py", "kubectl_ark/__main__.py"))
                and not any(module.startswith(place) for place in places)]
    assert homeless == []


PREFIX = f"readme-{os.getpid()}"


@pytest.fixture
def user(cluster: Environment, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The variables of a user with a home of his own; in the cluster is a namespace called shop."""
    home = tmp_path
    (home / "bin").mkdir()
    (home / "credentials").write_text(cluster.credentials_file)
    variables = {key: value for key, value in cluster.variables.items()
                 if not key.startswith(("PYTHON", "KUBECTL_ARK"))}
    variables |= {"HOME": str(home), "PATH": f"{home / 'bin'}{os.pathsep}{variables['PATH']}"}
    cluster.run("wait", "--for=delete", "namespace/shop", "--timeout=60s", check=False)
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
                  {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"},
                   "metadata": {"name": "web-config", "namespace": "shop", "labels": {"app": "web"}}})
    yield variables
    subprocess.run(["kubectl", "ark", "uninstall", "--yes"], env=variables, capture_output=True, check=False)
    cluster.run("delete", "namespace", "shop", "shop-copy", "--ignore-not-found", "--wait=false")
    Bucket(cluster, PREFIX).remove()


@pytest.mark.node
@pytest.mark.alone
def test_every_command_but_make_works_in_the_readmes_order(cluster: Environment, user: dict[str, str]) -> None:
    home = Path(user["HOME"])
    substitutes = {
        "/usr/local/bin/": f"{home / 'bin'}/",
        "--bucket backups": f"--bucket {BUCKET}",
        "--prefix cluster-1": f"--prefix {PREFIX}",
        "--secret-file credentials": f"--secret-file {home / 'credentials'}",
        "http://s3.example.com:9000": cluster.s3_url,
        "registry.example.com/kubectl-ark:0.1.0": cluster.image,
    }
    typed = [command for command in commands() if not command.startswith("make ")]
    assert sum(command.startswith("kubectl ark ") for command in typed) >= 15
    for place in substitutes:
        assert any(place in command for command in typed), f"the README does not say {place} any more"
    for command in typed:
        for place, value in substitutes.items():
            command = command.replace(place, value)
        done = subprocess.run(["bash", "-c", command], cwd=ROOT, env=user, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=320, check=False)
        assert done.returncode == 0, f"{command}\nexit code {done.returncode}\n{done.stdout}{done.stderr}"
