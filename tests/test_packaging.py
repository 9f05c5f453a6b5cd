"""The archive for krew and its manifest keep krew's rules (krew pkg/index and validate-krew-manifest, v0.5.0)."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tarfile
from typing import Any

import pytest
import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[pathlib.Path, dict[str, Any]]:
    """Archive and manifest, built from the sources as they are."""
    return build(tmp_path_factory.mktemp("krew"))


def build(directory: pathlib.Path) -> tuple[pathlib.Path, dict[str, Any]]:
    manifest = directory / "ark.yaml"
    subprocess.run([sys.executable, str(PROJECT / ".ci" / "krew.py"), "--dist", str(directory), "--manifest",
                    str(manifest)], check=True, capture_output=True)
    [archive] = directory.glob("*.tar.gz")
    return archive, yaml.safe_load(manifest.read_text())


def members(archive: pathlib.Path) -> list[tarfile.TarInfo]:
    with tarfile.open(archive) as tar:
        return tar.getmembers()


def test_the_manifest_says_what_krew_wants(built: tuple[pathlib.Path, dict[str, Any]]) -> None:
    archive, manifest = built
    spec = manifest["spec"]
    assert (manifest["apiVersion"], manifest["kind"]) == ("krew.googlecontainertools.github.com/v1alpha2", "Plugin")
    assert re.fullmatch(r"[\w-]+", manifest["metadata"]["name"]) and manifest["metadata"]["name"] == "ark"
    assert re.fullmatch(r"v\d+\.\d+\.\d+", spec["version"])
    description = spec["shortDescription"]
    assert "\n" not in description and len(description) <= 58 and not description.endswith(".")
    [platform] = spec["platforms"]
    assert platform["sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert re.fullmatch(r"https://\S+\.tar\.gz", platform["uri"]) and platform["uri"].endswith(archive.name)
    [expression] = platform["selector"]["matchExpressions"]
    assert expression == {"key": "os", "operator": "In", "values": ["linux", "darwin"]}
    assert platform["bin"] == "kubectl-ark" and "files" not in platform


def test_the_committed_manifest_is_of_this_version_and_form(built: tuple[pathlib.Path, dict[str, Any]]) -> None:
    committed = yaml.safe_load((PROJECT / "krew-manifest.yaml").read_text())
    for spec in (committed["spec"], built[1]["spec"]):
        spec["platforms"][0].pop("sha256")
    assert committed == built[1]


def test_the_archive_holds_only_what_krews_extractor_takes(built: tuple[pathlib.Path, dict[str, Any]]) -> None:
    for member in members(built[0]):
        assert member.isfile() or member.isdir(), member.name
        assert not member.name.startswith("/") and ".." not in member.name, member.name
    launcher = next(member for member in members(built[0]) if member.name == "kubectl-ark")
    assert launcher.mode & 0o111
    assert "LICENSE" in {member.name for member in members(built[0])}


def test_the_archive_is_pure_python_and_has_no_runner_half(built: tuple[pathlib.Path, dict[str, Any]]) -> None:
    names = [member.name for member in members(built[0])]
    assert not [name for name in names if name.endswith((".so", ".pyd", ".dylib", ".pyc", ".exe"))]
    for half in ("runner", "engine", "store", "kube"):
        assert not [name for name in names if name.startswith(f"lib/kubectl_ark/{half}/")]
    for wanted in ("lib/kubectl_ark/__main__.py", "lib/kubectl_ark/jobspecs/crds.yaml.j2", "lib/click/__init__.py",
                   "lib/jinja2/__init__.py", "lib/markupsafe/__init__.py", "lib/yaml/__init__.py"):
        assert wanted in names
    assert {name.split("/")[1] for name in names if name.startswith("lib/") and ".dist-info" not in name} == {
        "click", "jinja2", "kubectl_ark", "markupsafe", "tabulate", "yaml"}


def test_the_same_sources_make_the_same_bytes(
        built: tuple[pathlib.Path, dict[str, Any]], tmp_path: pathlib.Path) -> None:
    again, _ = build(tmp_path)
    assert again.read_bytes() == built[0].read_bytes()
    names = [member.name for member in members(again)]
    assert names == sorted(names) and {member.mtime for member in members(again)} == {0}
    assert {(member.uid, member.gid, member.uname) for member in members(again)} == {(0, 0, "")}
    assert gzip.decompress(again.read_bytes())


@pytest.fixture(scope="module")
def plugin(built: tuple[pathlib.Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A directory for PATH with krew's link to the unpacked launcher."""
    root = tmp_path_factory.mktemp("krew-root")
    with tarfile.open(built[0]) as tar:
        tar.extractall(root / "store", filter="data")
    (root / "bin").mkdir()
    (root / "bin" / "kubectl-ark").symlink_to("../store/kubectl-ark")
    return root / "bin"


def kubectl(plugin: pathlib.Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The real kubectl finds the plugin; nothing but the archive can be imported."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environ |= {"PATH": f"{plugin}{os.pathsep}{environ['PATH']}", "PYTHONNOUSERSITE": "1", "KUBECONFIG": os.devnull}
    return subprocess.run(["kubectl", "ark", *arguments], capture_output=True, text=True, env=environ, cwd="/",
                          timeout=60, check=False)


def test_kubectl_finds_it_and_usage_says_kubectl_ark(plugin: pathlib.Path) -> None:
    done = kubectl(plugin, "--help")
    assert done.returncode == 0 and done.stdout.startswith("Usage: kubectl ark")


def test_it_renders_its_own_jobspecs(plugin: pathlib.Path) -> None:
    done = kubectl(plugin, "backup", "b", "--dry-run=client", "--show-job")
    assert done.returncode == 0 and [each["kind"] for each in yaml.safe_load_all(done.stdout)] == ["Backup", "Job"]
    assert kubectl(plugin, "install", "--crds-only", "--dry-run=client").returncode == 0


def test_it_imports_nothing_from_outside_the_archive_but_the_standard_library(plugin: pathlib.Path) -> None:
    code = ("import sys, runpy\nsys.argv = ['kubectl-ark', 'backup', 'b', '--dry-run=client', '--show-job']\n"
            f"try: runpy.run_path({str((plugin / 'kubectl-ark').resolve())!r}, run_name='__main__')\n"
            "except SystemExit: pass\n"
            "files = [getattr(module, '__file__', None) or '' for module in list(sys.modules.values())]\n"
            "print([file for file in files if 'site-packages' in file])")
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_an_old_python_gets_one_clear_line(plugin: pathlib.Path) -> None:
    launcher = (plugin / "kubectl-ark").resolve()
    code = ("import sys\nsys.version_info = (3, 9, 1)\n"
            f"exec(compile(open({str(launcher)!r}).read(), 'kubectl-ark', 'exec'))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("error: kubectl ark needs Python 3.10")
    assert done.stderr.count("\n") == 1


def test_the_help_that_is_shipped_is_the_help_of_these_sources(
        built: tuple[pathlib.Path, dict[str, Any]], tmp_path: pathlib.Path) -> None:
    with tarfile.open(built[0]) as tar:
        tar.extractall(tmp_path, filter="data")
    launcher, environment = str(tmp_path / "kubectl-ark"), {"COLUMNS": "80", "LC_ALL": "C.UTF-8"}
    shipped = (tmp_path / "lib" / "kubectl_ark" / "help.txt").read_text()
    first = subprocess.run([sys.executable, "-IS", launcher, "--help"], env=environment, capture_output=True, text=True)
    (tmp_path / "lib" / "kubectl_ark" / "help.txt").unlink()
    made = subprocess.run([sys.executable, "-IS", launcher, "--help"], env=environment, capture_output=True, text=True)
    assert first.stdout == shipped == made.stdout and "Commands:" in shipped
