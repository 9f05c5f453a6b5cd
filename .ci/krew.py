"""Build the archive that krew installs, and the manifest that describes it: dist/…tar.gz and krew-manifest.yaml.

The archive is a plain tree: a launcher, the plugin half of the package and its pure-Python libraries, for every
operating system with python3. krew refuses links, and a zip would be compiled anew at each start. The same sources
and library versions make the same bytes on any machine: names are sorted, times and owners fixed.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile

PROJECT = pathlib.Path(__file__).resolve().parents[1]
RUNNER_HALF = ("runner", "engine", "store", "kube")
# Exact versions: the archive must not change because somebody else has released something.
LIBRARIES = ("click==8.3.1", "Jinja2==3.1.6", "MarkupSafe==3.0.3", "PyYAML==6.0.3", "tabulate==0.9.0")
HELP = "help.txt"
HOMEPAGE = "https://github.com/kubectl-ark/kubectl-ark"
NATIVE = (".so", ".pyd", ".dylib", ".c", ".h", ".pyx", ".pxd")

LAUNCHER = '''#!/usr/bin/env -S python3 -IS
import os, sys
if sys.version_info < (3, 10):
    sys.exit("error: kubectl ark needs Python 3.10 or newer; the python3 on PATH is %s" % sys.version.split()[0])
# krew links to this file; what it needs lies beside the file itself.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "lib"))
from kubectl_ark.__main__ import main
main()
'''

MANIFEST = '''apiVersion: krew.googlecontainertools.github.com/v1alpha2
kind: Plugin
metadata:
  name: ark
spec:
  version: v{version}
  homepage: {homepage}
  shortDescription: Back up and restore Kubernetes by one-shot Jobs
  description: |
    Saves the objects of a cluster into an S3-compatible bucket and brings
    them back, in the same cluster or another one. Each operation is one Job
    that does its work and is gone: nothing stays resident in the cluster.
    The bucket's layout is Velero's, so each can restore what the other saved.
  caveats: |
    This plugin needs python3 >= 3.10 on your machine.
    Set up the cluster once with: kubectl ark install --help
  platforms:
  - selector:
      matchExpressions:
      - key: os
        operator: In
        values:
        - linux
        - darwin
    uri: {homepage}/releases/download/v{version}/{archive}
    sha256: {sha256}
    bin: kubectl-ark
'''


def main() -> None:
    """Build both and say where they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=pathlib.Path, default=PROJECT / "dist", help="directory of the archive")
    parser.add_argument("--manifest", type=pathlib.Path, default=PROJECT / "krew-manifest.yaml")
    arguments = parser.parse_args()
    version = _version()
    archive = arguments.dist / f"kubectl-ark-{version}.tar.gz"
    with tempfile.TemporaryDirectory() as work:
        tree = pathlib.Path(work, "tree")
        _fill(tree, pathlib.Path(work))
        arguments.dist.mkdir(parents=True, exist_ok=True)
        archive.write_bytes(_packed(tree, int(os.environ.get("SOURCE_DATE_EPOCH", "0"))))
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    arguments.manifest.write_text(
        MANIFEST.format(version=version, homepage=HOMEPAGE, archive=archive.name, sha256=sha256))
    print(f"{archive} ({archive.stat().st_size // 1024} KiB, sha256 {sha256})\n{arguments.manifest}")


def _version() -> str:
    namespace: dict[str, str] = {}
    exec((PROJECT / "kubectl_ark" / "__init__.py").read_text(), namespace)
    return namespace["__version__"]


def _fill(tree: pathlib.Path, work: pathlib.Path) -> None:
    """Put everything that is shipped under ``tree``."""
    tree.mkdir()
    (tree / "kubectl-ark").write_text(LAUNCHER)
    (tree / "kubectl-ark").chmod(0o755)
    shutil.copy(PROJECT / "LICENSE", tree / "LICENSE")
    package = tree / "lib" / "kubectl_ark"
    shutil.copytree(PROJECT / "kubectl_ark", package,
                    ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache", *RUNNER_HALF))
    shutil.copytree(PROJECT / "jobspecs", package / "jobspecs", ignore=shutil.ignore_patterns("__pycache__"))
    libraries = work / "libraries"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
         "--target", str(libraries), *LIBRARIES], check=True)
    for path in sorted(libraries.rglob("*")):
        if path.is_file() and _is_shipped(path.relative_to(libraries)):
            target = tree / "lib" / path.relative_to(libraries)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    # Made here, so that asking for it costs no start of click: kubectl_ark/__main__.py prints it as it stands.
    shown = subprocess.run([sys.executable, "-IS", "-B", str(tree / "kubectl-ark"), "--help"], text=True, check=True,
                           stdout=subprocess.PIPE, env={"COLUMNS": "80", "LC_ALL": "C.UTF-8"})
    (package / HELP).write_text(shown.stdout)


def _is_shipped(path: pathlib.Path) -> bool:
    """Python and licences; no compiled parts (these libraries do without), no scripts, nothing that pip noted down."""
    if path.parts[0].endswith(".dist-info"):
        return "licen" in path.name.lower()
    return path.parts[0] not in ("bin", "_yaml") and "__pycache__" not in path.parts and path.suffix not in NATIVE


def _packed(tree: pathlib.Path, moment: int) -> bytes:
    """The tree as .tar.gz: files only, sorted."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(each.relative_to(tree).as_posix() for each in tree.rglob("*") if each.is_file()):
            path, entry = tree / name, tarfile.TarInfo(name)
            entry.size, entry.mtime = path.stat().st_size, moment
            entry.mode = 0o755 if path.name == "kubectl-ark" else 0o644
            with path.open("rb") as stream:
                archive.addfile(entry, stream)
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=packed, mtime=moment, compresslevel=9) as stream:
        stream.write(plain.getvalue())
    return packed.getvalue()


if __name__ == "__main__":
    main()
