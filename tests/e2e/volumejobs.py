"""The Jobs of a run's volumes: found in the cluster, and their restic on the node, held still halfway."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.e2e.ark import Ark, eventually
from tests.e2e.node import processes_with
from tests.e2e.stateful import Stateful
from tests.environment import own

OPT_IN = {"backup.ark.heptio.com/backup-volumes": "data"}
CREDENTIALS = "ark-repo-credentials"
PASSWORD = "the password of the tests' repositories"

STEP_SECONDS = 0.02

Object = dict[str, Any]


def give_password(ark: Ark, password: str = PASSWORD) -> None:
    """The password of the repositories, where install has made none."""
    if not ark.cluster.run("get", "secret", CREDENTIALS, "-n", ark.namespace, "--ignore-not-found",
                           "-o", "name").stdout.strip():
        set_password(ark, password)


def set_password(ark: Ark, password: str) -> None:
    """Another password than the repositories have."""
    ark.cluster.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {
        "name": CREDENTIALS, "namespace": ark.namespace}, "data": {
            "repository-password": base64.b64encode(password.encode()).decode()}})


def password_of(ark: Ark) -> str:
    """The password that the repositories have."""
    found = ark.cluster.get("secret", CREDENTIALS, "-n", ark.namespace)
    return base64.b64decode(found["data"]["repository-password"]).decode()


@contextlib.contextmanager
def scene(ark: Ark, name: str, labels: Mapping[str, str] | None = None) -> Iterator[Stateful]:
    """A namespace for workloads with volumes while this lasts. labels: of the namespace."""
    root = Path("/var/tmp") / own(f"ark-volumes-{name}")
    stateful = Stateful(ark.cluster, own(f"v-{name}"), root)
    ark.cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {
        "name": stateful.namespace, "labels": dict(labels or {})}})
    try:
        yield stateful
    finally:
        stateful.lose()
        root.rmdir()


@contextlib.contextmanager
def scenes(ark: Ark, labels: Mapping[str, Mapping[str, str]]) -> Iterator[dict[str, Stateful]]:
    """Several of them by name, made and taken away at the same time. labels: of each."""
    managers = {name: scene(ark, name, labels[name]) for name in labels}
    with ThreadPoolExecutor(len(labels)) as pool:
        made = dict(zip(managers, pool.map(lambda each: each.__enter__(), managers.values())))
        try:
            yield made
        finally:
            list(pool.map(lambda each: each.__exit__(None, None, None), managers.values()))


def saved(ark: Ark, backup: str, *, kind: str = "podvolumebackups") -> dict[str, Object]:
    """The PodVolumeBackups of a backup, by "<namespace>/<claim>"; or PodVolumeRestores of a restore."""
    uid = ark.get("backup" if kind == "podvolumebackups" else "restore", backup)["metadata"]["uid"]
    found = ark.api.get(f"/apis/ark.heptio.com/v1/namespaces/{ark.namespace}/{kind}")["items"]
    ours = [each for each in found if each["metadata"]["ownerReferences"][0]["uid"] == uid]
    return {f"{each['spec']['pod']['namespace']}/{each['metadata']['annotations']['ark.heptio.com/pvc-name']}": each
            for each in ours}


def jobs_in(ark: Ark, namespace: str) -> list[Object]:
    """The Jobs there, the oldest first."""
    found: list[Object] = ark.api.get(f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
    return sorted(found, key=lambda each: str(each["metadata"]["creationTimestamp"]))


def pods_of(ark: Ark, namespace: str) -> list[Object]:
    """The pods of Jobs there, the oldest first."""
    found = ark.api.get(f"/api/v1/namespaces/{namespace}/pods")["items"]
    return sorted((each for each in found if "batch.kubernetes.io/job-name" in (each["metadata"].get("labels") or {})),
                  key=lambda each: str(each["metadata"]["creationTimestamp"]))


def random_file(path: Path, mebibytes: int) -> None:
    """So much that restic cannot compress."""
    with path.open("wb") as file:
        for _ in range(mebibytes):
            file.write(secrets.token_bytes(1 << 20))


class Held:
    """restic in the pod of a volume's Job, stopped before it has done anything. Leaving the context lets it go on.

    pods_before: so many pods of Jobs the namespace had already.
    """

    def __init__(self, ark: Ark, namespace: str, *, pods_before: int = 0) -> None:
        self.pod: Object = eventually(lambda: pods_of(ark, namespace)[pods_before:],
                                      f"a volume's Job in {namespace} has a pod", pause=0.05)[0]
        self.name = self.pod["metadata"]["name"]
        uid = self.pod["metadata"]["uid"]
        self.restic: int = eventually(lambda: _restic_of(processes_with("ARK_POD_UID", uid)),
                                      f"pod {self.name} runs restic", pause=0.01)
        self._send(signal.SIGSTOP)
        self.runner = _parent(self.restic)

    def until(self, is_so: Callable[[], Any], what: str, *, timeout: float = 60) -> None:
        """Let it run in steps until this is so."""
        deadline = time.monotonic() + timeout
        while not is_so():
            assert time.monotonic() < deadline, f"not within {timeout:.0f} s: {what}"
            self.resume()
            time.sleep(STEP_SECONDS)
            self._send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it run."""
        self._send(signal.SIGCONT)

    def kill(self) -> None:
        """SIGKILL for restic and the runner, as for a pod that is lost."""
        for pid in (self.runner, self.restic):
            os.kill(pid, signal.SIGKILL)

    def is_gone(self) -> bool:
        """Whether nothing of the pod's work is on the node any more."""
        return not any(_is_alive(pid) for pid in (self.runner, self.restic))

    def _send(self, number: int) -> None:
        os.kill(self.restic, number)

    def __enter__(self) -> Held:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        try:
            self.resume()
        except ProcessLookupError:
            pass


def _restic_of(parents: list[int]) -> int | None:
    """The restic that one of them has started and that works on a repository."""
    for path in Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        try:
            words = (path / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"restic") and words[1] in (b"backup", b"restore") and _parent(pid) in parents:
                return pid
        except (OSError, IndexError, ValueError):
            continue
    return None


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
