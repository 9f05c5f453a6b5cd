"""Restic repositories on the tests' bucket: opened as a run opens them, with snapshots as a volume's Job makes them."""

from __future__ import annotations

import base64
import contextlib
import secrets
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kubectl_ark.engine.progress import Progress
from kubectl_ark.engine.volumes import restic
from kubectl_ark.engine.volumes.broker import Broker
from kubectl_ark.engine.volumes.repository import OpenRepository, opened
from kubectl_ark.engine.volumes.tenants import Rights, Tenant
from kubectl_ark.model import layout, lock_hosts
from kubectl_ark.runner import locations
from kubectl_ark.runner.repositories import Surroundings
from tests.harness import Ark, Object
from tests.runner.stored import cluster_id

PASSWORD = "correct horse battery staple"


def secret(ark: Ark, password: str = PASSWORD, *, name: str = "ark-repo-credentials",
           key: str = "repository-password") -> None:
    """The Secret with the password."""
    ark.put({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": ark.namespace},
             "data": {key: base64.b64encode(password.encode()).decode()}})


def around(ark: Ark, scratch: Path) -> Surroundings:
    """What a run on the tests' cluster has."""
    location = locations.named(ark.api, ark.namespace, "default")
    return Surroundings(ark.api, locations.opened(ark.api, location), ark.namespace, cluster_id(ark), (), "", scratch,
                        Progress())


@contextlib.contextmanager
def repository(ark: Ark, namespace: str, scratch: Path, password: str = PASSWORD) -> Iterator[OpenRepository]:
    """A way to a repository with every right."""
    with opened(around(ark, scratch).bucket, layout.repository(namespace), password=password, scratch=scratch) as found:
        yield found


def save(ark: Ark, namespace: str, scratch: Path, **files: bytes) -> str:
    """Save a directory with these files, as a volume's Job does; the snapshot's id."""
    directory = scratch / secrets.token_hex(4)
    directory.mkdir()
    for name, content in files.items():
        (directory / name).write_bytes(content)
    ids: list[str] = []
    token = secrets.token_hex(8)
    password = scratch / "password"
    password.write_text(PASSWORD)
    with Broker(around(ark, scratch).bucket, host="127.0.0.1") as broker:
        broker.admit(Tenant("job", token, f"restic/{namespace}/", Rights.APPEND))
        there = restic.Repository(f"http://127.0.0.1:{broker.port}/restic/{namespace}/", "job", token, password)
        ended = restic.run(there, ["backup", ".", "--host", "ark"], scratch=scratch, directory=directory,
                           heed=lambda message: ids.append(message.get("snapshot_id") or ""))
        broker.dismiss("job")
    assert ended.code == restic.DONE, ended
    return next(filter(None, ids))


def restored(ark: Ark, namespace: str, snapshot: str, scratch: Path) -> dict[str, bytes]:
    """The files of a snapshot."""
    target = scratch / secrets.token_hex(4)
    with repository(ark, namespace, scratch) as found:
        ended = found.run(["restore", snapshot, "--target", str(target), "--no-lock"])
    assert ended.code == restic.DONE, ended
    return {path.name: path.read_bytes() for path in target.iterdir()}


@contextlib.contextmanager
def lock_of(ark: Ark, namespace: str, scratch: Path, host: str) -> Iterator[str]:
    """A lock that a process on a host of that name holds; its key. It is left behind as by SIGKILL."""
    import os
    import subprocess
    import time

    token = secrets.token_hex(8)
    password = scratch / "password"
    password.write_text(PASSWORD)
    with Broker(around(ark, scratch).bucket, host="127.0.0.1") as broker:
        broker.admit(Tenant("other", token, f"restic/{namespace}/", Rights.FULL))
        there = restic.Repository(f"http://127.0.0.1:{broker.port}/restic/{namespace}/", "other", token, password)
        before = set(ark.keys(f"restic/{namespace}/locks/"))
        # restic asks the kernel for the name of its host, so it gets one that goes by another name.
        script = f"hostname {host} && exec restic backup --stdin --stdin-filename x"
        process = subprocess.Popen(["unshare", "--uts", "sh", "-c", script], stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   env={**os.environ, **there.environment(scratch)})
        deadline = time.monotonic() + 30
        while not (mine := set(ark.keys(f"restic/{namespace}/locks/")) - before):
            assert time.monotonic() < deadline and process.poll() is None, "no lock is made"
            time.sleep(0.1)
        process.kill()
        process.wait()
        key = mine.pop()
        content = ark.read(key)
    ark.write(key, content)  # the broker has seen its holder off
    yield key


def host(ark: Ark, uid: str = "") -> str:
    """The host name of a volume's pod of this cluster."""
    return lock_hosts.name(cluster_id(ark), uid or str(uuid.uuid4()))


def pod(ark: Ark, name: str, host: str, phase: str) -> Object:
    """A pod with the label that volumes' pods have; it runs nowhere."""
    item: dict[str, Any] = {
        "apiVersion": "v1", "kind": "Pod", "metadata": {
            "name": name, "namespace": ark.namespace, "labels": {"ark.heptio.com/lock-host": host}},
        # Where there is no such scheduler nobody touches it; on a node that is none it would be cleared away.
        "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i"}],
                 "terminationGracePeriodSeconds": 0}}
    ark.make(item)
    ark.api.patch_merge(f"/api/v1/namespaces/{ark.namespace}/pods/{name}/status", {"status": {"phase": phase}})
    return item
