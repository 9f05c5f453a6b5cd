"""Files in formats that others read: an image archive for containerd, the requirements in setup.cfg."""

from __future__ import annotations

import configparser
import hashlib
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path


def requirements(setup_cfg: Path) -> "list[str]":
    """What the runner image installs: `install_requires` and the extra `runner`, one requirement each."""
    parser = configparser.ConfigParser()
    parser.read(setup_cfg)
    text = f"{parser['options']['install_requires']}\n{parser['options.extras_require']['runner']}"
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


def write_busybox(target: Path, *, busybox: Path, architecture: str, reference: str, pause: str) -> None:
    """Write an image archive (docker-archive) with two images of one layer: a shell, and one that only sleeps."""
    layer = _busybox_layer(busybox)
    images: "list[tuple[str, list[str], list[str]]]" = [
        (reference, ["/bin/sh"], []), (pause, ["2147483647"], ["/bin/sleep"])]
    with tarfile.open(target, "w") as tar:
        manifest = []
        for name, command, entrypoint in images:
            config = json.dumps({
                "architecture": architecture, "os": "linux",
                "config": {"Cmd": command, "Entrypoint": entrypoint, "Env": ["PATH=/bin"]},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
                "history": [{"created_by": "tests/cluster"}],
            }).encode()
            config_name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(tar, config_name, config)
            manifest.append({"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]})
        _add(tar, "layer.tar", layer)
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _busybox_layer(busybox: Path) -> bytes:
    applets = subprocess.run([str(busybox), "--list"], capture_output=True, text=True, check=True).stdout.split()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for directory, mode in (("bin", 0o755), ("etc", 0o755), ("tmp", 0o1777), ("root", 0o755), ("var", 0o755)):
            entry = tarfile.TarInfo(directory)
            entry.type, entry.mode = tarfile.DIRTYPE, mode
            tar.addfile(entry)
        _add(tar, "etc/passwd", b"root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/tmp:/bin/sh\n")
        _add(tar, "etc/group", b"root:x:0:\nnogroup:x:65534:\n")
        _add(tar, "bin/busybox", busybox.read_bytes(), mode=0o755)
        for applet in sorted(set(applets) - {"busybox"}):
            link = tarfile.TarInfo(f"bin/{os.path.basename(applet)}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
