"""``kubectl ark watch``: changes take effect within seconds and are told in a line; Ctrl-C leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.ark import Ark, eventually
from tests.e2e.restik import CONFIG, Shop
from tests.e2e.test_restik import shop as shop  # noqa: F401, a fixture

pytestmark = [pytest.mark.node, pytest.mark.xdist_group("volumes")]

SECONDS = 2.0


class Watching:
    """A running ``watch`` and what it has said."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.text = ""
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.text += line

    def says(self, pattern: str) -> str:
        """The line, once it is there."""
        def found() -> str:
            assert self.process.poll() is None, self.text
            line = re.search(f"^.*{pattern}.*$", self.text, re.M)
            return line[0] if line else ""

        try:
            return eventually(found, pattern, timeout=30)
        except AssertionError as missing:
            raise AssertionError(f"{missing}: {self.text}") from None


@pytest.fixture
def watching(ark: Ark, shop: Shop) -> Iterator[Watching]:  # noqa: F811
    """It runs, and has seen what is there."""
    process = ark.start("watch")
    found = Watching(process)
    found.says("watching ")
    yield found
    if process.poll() is None:
        process.kill()
    process.wait()


def within(seconds: float, is_so: Callable[[], object], what: str) -> None:
    """It is so, and soon."""
    begun = time.monotonic()
    eventually(is_so, what, timeout=20)
    assert time.monotonic() - begun < seconds, f"{what}: after {time.monotonic() - begun:.1f} s"


def test_labels_and_restiks_take_effect_at_once(ark: Ark, shop: Shop, watching: Watching) -> None:  # noqa: F811
    shop.deployment("web", None, replicas=0)
    shop.restik("nightly", schedule="30 0 3 * * *")
    watching.says(f"ADDED restik {shop.namespace}/nightly: no workload .*; spec.schedule: the seconds")
    label = ["label", "deployment/web", "-n", shop.namespace, "--overwrite"]
    ark.cluster.run(*label, f"{CONFIG}=nightly")
    within(SECONDS, shop.cron_jobs, "the CronJob is there")
    watching.says(f"deployment {shop.namespace}/web: restik {shop.namespace}/nightly: CronJob ark-restik-.* made")
    assert shop.get("nightly")["status"]["conditions"][0]["reason"] == "Scheduled"
    shop.restik("nightly", schedule="@every 1h")
    within(SECONDS, lambda: shop.cron_jobs()[0]["spec"]["schedule"] == "0 * * * *", "the schedule is another")
    watching.says(f"UPDATED restik {shop.namespace}/nightly: CronJob brought up to date, 0 \\* ")
    ark.cluster.run(*label, f"{CONFIG}=other")
    within(SECONDS, lambda: not shop.cron_jobs(), "the CronJob is gone")
    watching.says(f"deployment {shop.namespace}/web: restik {shop.namespace}/nightly: no more snapshots")
    ark.cluster.run(*label, f"{CONFIG}=nightly")
    within(SECONDS, shop.cron_jobs, "the CronJob is there again")
    ark.cluster.run("delete", "restiks.backup.appscode.com/nightly", "-n", shop.namespace)
    within(SECONDS, lambda: not shop.cron_jobs(), "the CronJob is gone with its Restik")
    watching.says(f"DELETED restik {shop.namespace}/nightly: no more snapshots are taken: it was deleted")
    assert not shop.reconcile().count("restiks: restik/nightly"), "nothing is left for a pass to do"


def test_a_backup_that_is_applied_starts_at_once_and_ctrl_c_ends_it(
        ark: Ark, watching: Watching, name: str) -> None:
    printed = ark("backup", name, "--include-namespaces", "kube-public", "--dry-run=client", "-o", "yaml").out
    ark.cluster.run("create", "-f", "-", input=printed)
    within(SECONDS, lambda: ark.of_run("jobs", "backup", name), "its Job is there")
    watching.says(f"ADDED backup {ark.namespace}/{name}: Job ark-backup-{name}-.* started")
    children = subprocess.run(["pgrep", "-P", str(watching.process.pid)], capture_output=True, text=True,
                              check=False).stdout.split()
    assert len(children) >= 8
    watching.process.send_signal(signal.SIGINT)
    assert watching.process.wait(10) == 130
    assert watching.process.stderr is not None
    assert watching.process.stderr.read() == "Not watching any more\n"
    assert not [each for each in children if os.path.exists(f"/proc/{each}")]
    assert ark.await_end("backup", name)["phase"] == "Completed"
