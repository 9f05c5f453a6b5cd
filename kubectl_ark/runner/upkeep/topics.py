"""One pass: its topics in their order, and the page that says what it did."""

from __future__ import annotations

import importlib
import logging
import time
from collections.abc import Sequence

from kubectl_ark import errors
from kubectl_ark.model import times
from kubectl_ark.runner.upkeep.upkeep import Upkeep
from kubectl_ark.runner.work import Work

logger = logging.getLogger(__name__)

TOPICS = {
    "locations": "whether storage locations can be used",
    "sync": "Backups found in the buckets, and those whose data has gone",
    "starts": "Jobs for new Backups and Restores",
    "deadruns": "runs that cannot end themselves",
    "schedules": "CronJobs for Schedules",
    "restiks": "CronJobs for Restiks",
    "expiry": "backups that are not to be kept any longer",
    "deletions": "DeleteBackupRequests",
    "downloads": "DownloadRequests",
    "repositories": "Jobs that tidy and check restic repositories",
    "snapshots": "VolumeSnapshots of runs that are over",
    "leftovers": "what runs that are over have left in the buckets",
}
"""Each is a module of this package with ``attend(upkeep)``, and what it sees to. The order matters: what is found in
the bucket is known before anything starts, what is dead is ended before it is cleared away."""


class PassTroubled(errors.ArkError):
    """Something that was due could not be done; the page names it, and the next pass tries again."""


def reconcile(work: Work, *, only: Sequence[str] = ()) -> None:
    """Make one pass. only: names of topics; all if empty.

    Each topic is attended to whatever becomes of the others. Raises InvalidInput for a topic that is none, PassTroubled
    at the end if anything could not be done, Interrupted at once.
    """
    if unknown := sorted(set(only) - set(TOPICS)):
        raise errors.InvalidInput(f'"{unknown[0]}" is no topic of a pass', hint=f"use {', '.join(TOPICS)}")
    upkeep = Upkeep(work.api, work.identity, work.namespace, times.now(), work.directory)
    chosen = [topic for topic in TOPICS if not only or topic in only]
    begun = time.monotonic()
    upkeep.write(f"pass over {work.namespace}, begun {times.format_time(upkeep.now)}")
    for topic in chosen:
        work.progress.checkpoint()
        _attend(upkeep, topic)
    done, problems = upkeep.done, len(upkeep.problems)
    upkeep.write(f"end of the pass after {time.monotonic() - begun:.1f} s: {done} done, {problems} could not be done")
    if problems:
        raise PassTroubled(f"{problems} of {done + problems} things could not be done: {upkeep.problems[0]}"
                           + (" ..." if problems > 1 else ""))


def _attend(upkeep: Upkeep, topic: str) -> None:
    """One topic. A failure that it did not expect itself is a line of the page, like those that it did."""
    upkeep.topic = topic
    said = upkeep.done + len(upkeep.problems) + upkeep.warnings
    module = importlib.import_module(f"kubectl_ark.runner.upkeep.{topic}")
    try:
        module.attend(upkeep)
    except errors.Interrupted:
        raise
    except errors.ArkError as failure:
        upkeep.trouble(failure.sentence)
    except Exception as failure:
        logger.exception("unexpected")
        upkeep.trouble(f"unexpected {type(failure).__name__}: {failure}")
    if upkeep.done + len(upkeep.problems) + upkeep.warnings == said:
        upkeep.write(f"{topic}: nothing to do")
