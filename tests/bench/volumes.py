"""The data of volumes through Jobs, against bare restic on the same files, the same restic and the same store."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tests.bench.commands import User
from tests.environment import BUCKET, Environment
from tests.e2e.bucket import Bucket
from tests.e2e.stateful import Stateful

ROUNDS = 3
MIB = 1 << 20
ONE, MANY, EACH = 1024, 10, 128
"""MiB in the one volume; how many volumes at once, and MiB in each."""

PLACE = "ark-bench-volumes"


class Volumes:
    """Claims with files in a namespace, saved by the user's own commands."""

    def __init__(self, environment: Environment, user: User, directory: Path) -> None:
        self._environment, self._user, self._directory = environment, user, directory
        self._stateful = Stateful(environment, PLACE, Path("/var/tmp") / PLACE)
        self._count = 0

    def __enter__(self) -> Volumes:
        self._stateful.lose()
        self._environment.run("create", "namespace", PLACE)
        return self

    def __exit__(self, *_: object) -> None:
        self._stateful.lose()

    def one(self) -> list[tuple[float, float]]:
        """(through a Job, bare) in seconds for one volume, in pairs, each into a repository of its own."""
        directory = self._stateful.pod("one")
        fill(directory, ONE)
        return [(self._through("one"), self._bare([directory])) for _ in range(ROUNDS)]

    def many(self) -> list[tuple[float, float]]:
        """The same for many volumes of one node: at once through Jobs, and one after the other bare."""
        self._stateful.lose()
        self._environment.run("create", "namespace", PLACE)
        directories = [self._stateful.pod(f"p{number}", wait=False) for number in range(MANY)]
        for directory in directories:
            fill(directory, EACH)
        self._environment.run("wait", "--for=condition=Ready", "pods", "--all", "-n", PLACE, "--timeout=120s")
        return [(self._through("many"), self._bare(directories)) for _ in range(ROUNDS)]

    def _through(self, name: str) -> float:
        """A backup of the namespace, from Enter to prompt."""
        self._count += 1
        Bucket(self._environment, f"{self._user.prefix}/restic/{PLACE}").remove()
        began = time.monotonic()
        self._user.run("kubectl", "ark", "backup", f"volumes-{name}-{self._count}-{os.getpid()}",
                       "--include-namespaces", PLACE, "--default-volumes-to-restic", "--wait")
        took = time.monotonic() - began
        self._environment.run("delete", "jobs", "--all", "-n", PLACE, "--ignore-not-found")
        return took

    def _bare(self, directories: list[Path]) -> float:
        self._count += 1
        prefix = f"{self._user.prefix}-bare-{self._count}"
        environment = {**os.environ, "RESTIC_PASSWORD": "x", "HOME": str(self._directory),
                       "RESTIC_REPOSITORY": f"s3:{self._environment.s3_url}/{BUCKET}/{prefix}",
                       "AWS_ACCESS_KEY_ID": self._environment.s3_access_key,
                       "AWS_SECRET_ACCESS_KEY": self._environment.s3_secret_key,
                       "RESTIC_CACHE_DIR": str(self._directory / f"cache-{self._count}")}
        try:
            began = time.monotonic()
            subprocess.run([self._environment.restic, "init", "-q"], env=environment, check=True)
            for directory in directories:
                subprocess.run([self._environment.restic, "backup", "-q", "."], cwd=directory, env=environment,
                               check=True)
            return time.monotonic() - began
        finally:
            Bucket(self._environment, prefix).remove()


def fill(directory: Path, size: int) -> None:
    """Files of 8 MiB each, ``size`` MiB in all: every other one of random bytes, the others of text."""
    text = b"a line of text that a database might have written into its log\n"
    for number in range(size // 8):
        content = os.urandom(8 * MIB) if number % 2 else (str(number).encode() + text) * (8 * MIB // len(text))
        (directory / f"file-{number}").write_bytes(content)
