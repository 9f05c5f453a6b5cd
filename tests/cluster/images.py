"""Container images made here: the runner's from the Containerfile, and busybox and pause from one static binary."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Iterator, Sequence

from . import archive, probe
from .errors import ClusterError
from .node_files import PAUSE_IMAGE
from .processes import run

BUSYBOX_IMAGE = "localhost/busybox:1"
RUNNER_IMAGE = "localhost/kubectl-ark"

_SUITE = "trixie"
# That suite's Python: for it the wheels are fetched.
_PYTHON = "313"
_BASE_PACKAGES = ("ca-certificates", "python3-minimal", "python3-venv", "restic")
_SOURCES = ("Containerfile", "setup.cfg", "kubectl_ark", "jobspecs")
# Debian's and the wheels' names of what OCI calls amd64 and arm64.
_WHEEL_MACHINE = {"amd64": "x86_64", "arm64": "aarch64"}
_LAST_STAGE = "\nFROM runtime\n"
_IGNORED = ("__pycache__", "*.egg-info", ".*")


def host_architecture() -> str:
    """OCI's name of this machine's architecture."""
    machine = platform.machine()
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def content_hash(project: Path) -> str:
    """12 hex digits over everything that the runner image is made of."""
    digest = hashlib.sha256()
    for source in _SOURCES:
        root = project / source
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            names = path.relative_to(project).parts
            if path.is_file() and not any(fnmatch(name, pattern) for name in names for pattern in _IGNORED):
                content = path.read_bytes()
                digest.update(f"{path.relative_to(project)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def _key(*ingredients: str) -> str:
    return hashlib.sha256("\0".join(ingredients).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Images:
    """Images as archives in the cache. Building the runner's needs root, buildah and mmdebstrap."""

    cache: Path
    project: Path
    log: Path
    architecture: str = host_architecture()

    @functools.cached_property
    def runner_reference(self) -> str:
        """Name of the runner image of the sources as they were at the first look: what is built is what is named."""
        return f"{RUNNER_IMAGE}:{content_hash(self.project)}"

    def tools(self) -> Path:
        """An archive with BUSYBOX_IMAGE and PAUSE_IMAGE."""
        target = self._directory / f"tools-{self.architecture}.tar"
        if not target.exists():
            with self._scratch() as scratch:
                run(["apt-get", "download", f"busybox-static:{self.architecture}"], log=self.log, cwd=scratch,
                    what="fetching busybox")
                package, = scratch.glob("*.deb")
                run(["dpkg-deb", "-x", str(package), str(scratch / "files")], log=self.log, what="unpacking busybox")
                archive.write_busybox(scratch / "tools.tar", busybox=next((scratch / "files").rglob("bin/busybox")),
                                      architecture=self.architecture, reference=BUSYBOX_IMAGE, pause=PAUSE_IMAGE)
                (scratch / "tools.tar").rename(target)
        return target

    def runner(self) -> Path:
        """An archive with the image `runner_reference`; built when the sources changed."""
        reference = self.runner_reference
        target = self._directory / f"runner-{reference.rpartition(':')[2]}-{self.architecture}.tar"
        if not target.exists():
            with self._context("kubectl_ark", "jobspecs") as context:
                (context / "Containerfile").write_text(f"FROM {self._runtime()}\n{self._stages()[1]}")
                self._build("the runner image", reference, context)
                self._buildah("export the runner image", [
                    "push", "--quiet", reference, f"docker-archive:{context / 'runner.tar'}:{reference}"])
                (context / "runner.tar").rename(target)
            self._buildah("remove the image that it has exported", ["rmi", reference])
            for old in self._directory.glob(f"runner-*-{self.architecture}.tar"):
                if old != target:
                    old.unlink()
        return target

    def restic(self) -> Path:
        """restic as the image has it, for the host to run."""
        reference = self._base()
        target = self.cache / "bin" / f"restic-{reference.rpartition(':')[2]}" / "restic"
        if not target.exists():
            container = self._output("from", "--pull-never", reference)
            try:
                root = Path(self._output("mount", container))
                target.parent.mkdir(parents=True, exist_ok=True)
                unfinished = target.with_suffix(".tmp")
                shutil.copy2(root / "usr/bin/restic", unfinished)
                unfinished.replace(target)
            finally:
                self._buildah("remove a working container", ["rm", container])
        return target

    def _stages(self) -> "tuple[str, str]":
        """The Containerfile: what makes the stage `runtime`, and what the last stage adds."""
        text = (self.project / "Containerfile").read_text()
        head, separator, tail = text.partition(_LAST_STAGE)
        if not separator:
            raise ClusterError(f"Containerfile has no stage that begins with {_LAST_STAGE.strip()!r}")
        return head, tail

    def _runtime(self) -> str:
        """Name of an image in buildah's storage with all but the sources; made when base or dependencies change."""
        base, wheels = self._base(), self._wheels()
        key = _key(base, wheels.name, self._stages()[0])
        reference = f"{RUNNER_IMAGE}-runtime:{key}-{self.architecture}"
        done = self._directory / f"runtime-{key}-{self.architecture}.done"
        if not done.exists():
            with self._context("setup.cfg") as context:
                (context / "Containerfile").write_text(self._stages()[0])
                shutil.copytree(wheels, context / "wheels")
                self._build("the runner's libraries", reference, context, "--build-arg", f"BASE={base}",
                            "--target", "runtime")
            done.touch()
        return reference

    def _base(self) -> str:
        """Name of a Debian image with Python and restic in buildah's storage, made by mmdebstrap."""
        key = _key(*_BASE_PACKAGES)
        reference = f"localhost/kubectl-ark-base:{_SUITE}-{key}-{self.architecture}"
        done = self._directory / f"base-{_SUITE}-{key}-{self.architecture}.done"
        if not done.exists():
            with self._scratch() as scratch:
                # Documentation and package lists are of no use in an image.
                run(["mmdebstrap", "--variant=minbase", f"--architectures={self.architecture}",
                     f"--include={','.join(_BASE_PACKAGES)}", "--dpkgopt=path-exclude=/usr/share/man/*",
                     "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/locale/*",
                     _SUITE, str(scratch / "base.tar")], log=self.log, what="making the base image",
                    env={"TMPDIR": str(scratch)})
                (scratch / "Containerfile").write_text("FROM scratch\nADD base.tar /\n")
                self._build("the base image", reference, scratch)
            done.touch()
        return reference

    def _wheels(self) -> Path:
        """A directory with the wheels of the dependencies in setup.cfg, for the image's Python, fetched by pip."""
        machine = _WHEEL_MACHINE.get(self.architecture)
        if machine is None:
            raise ClusterError(f"no wheels are known for {self.architecture}")
        requirements = archive.requirements(self.project / "setup.cfg")
        key = _key(*requirements)
        target = self._directory / f"wheels-{key}-{self.architecture}"
        if not target.exists():
            with self._scratch() as scratch:
                run([sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:",
                     f"--python-version={_PYTHON}", "--implementation=cp", f"--abi=cp{_PYTHON}", "--abi=abi3",
                     "--abi=none", f"--platform=manylinux_2_28_{machine}", f"--platform=manylinux2014_{machine}",
                     "--platform=any", f"--dest={scratch / 'wheels'}", *requirements],
                    log=self.log, what="fetching the image's Python libraries")
                (scratch / "wheels").rename(target)
        return target

    def _build(self, what: str, reference: str, context: Path, *arguments: str) -> None:
        # A step of a build reaches no registry: everything is in the context.
        self._buildah(f"build {what}", [
            "bud", "--isolation", "chroot", "--layers=false", "--pull-never", "--arch", self.architecture, *arguments,
            "--tag", reference, "--file", str(context / "Containerfile"), str(context)])

    def _buildah(self, purpose: str, arguments: Sequence[str]) -> None:
        run([*self._command(), *arguments], log=self.log, what=f"buildah could not {purpose}; it",
            env={"TMPDIR": str(self._directory)})

    def _output(self, *arguments: str) -> str:
        """What buildah says to this, in one line. Raises ClusterError."""
        done = subprocess.run([*self._command(), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ClusterError(f"buildah {arguments[0]}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _command(self) -> "list[str]":
        driver = "overlay" if probe.has_overlay(self._directory) else "vfs"
        storage = self.cache / f"buildah-{driver}"
        return ["buildah", "--root", str(storage / "root"), "--runroot", str(storage / "run"),
                "--storage-driver", driver]

    @contextmanager
    def _context(self, *sources: str) -> Iterator[Path]:
        """A directory to build from, with copies of these of the project's files."""
        with self._scratch() as context:
            for source in sources:
                origin = self.project / source
                if origin.is_dir():
                    shutil.copytree(origin, context / source, ignore=shutil.ignore_patterns(*_IGNORED))
                else:
                    shutil.copy2(origin, context / source)
            yield context

    @property
    def _directory(self) -> Path:
        directory = self.cache / "images"
        directory.mkdir(parents=True, exist_ok=True)
        return directory

    @contextmanager
    def _scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._directory, prefix=f"tmp{os.getpid()}-") as name:
            # apt and mmdebstrap drop their privileges.
            os.chmod(name, 0o755)
            yield Path(name)
