"""Names of objects: what Kubernetes allows and how ours are made."""

from __future__ import annotations

import datetime
import re

MAX_NAME = 253
MAX_JOB_NAME = 63
MAX_CRON_JOB_NAME = 52

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")

VELERO_WORDS = ("create", "get", "describe", "delete", "logs", "download", "list", "cancel", "set")
"""Second words of Velero's CLI; a backup or restore is never named by accident like one of them."""


def dns_name_problem(name: str) -> str | None:
    """Why ``name`` cannot name a Kubernetes object (RFC 1123 subdomain), or None if it can."""
    if not name:
        return "a name must not be empty"
    if len(name) > MAX_NAME:
        return f"the name has {len(name)} characters, at most {MAX_NAME} are allowed"
    if not _SUBDOMAIN.fullmatch(name):
        return (f'"{name}" is not a valid name: use lower-case letters, digits, "-" and ".", '
                "and begin and end with a letter or digit")
    return None


def job_name(kind: str, name: str, uid: str) -> str:
    """The Job's name for one CR: kind, name and part of its uid, at most 63 characters, a DNS label.

    Made twice for the same CR it is the same name (the API server answers 409); a CR made again under the same name
    has another uid and so another Job.
    """
    return _with_uid(f"ark-{kind}-{name}", uid, MAX_JOB_NAME)


def volume_job_name(name: str, uid: str, *, attempt: int = 1) -> str:
    """The name of a volume's Job and Secret. attempt: of the run; one that begins anew must not meet the former."""
    tail = f"-{attempt}" if attempt > 1 else ""
    return _with_uid(f"ark-volume-{name}", uid, MAX_JOB_NAME - len(tail)) + tail


def service_name(kind: str, name: str, uid: str) -> str:
    """The name of a run's Service, a DNS label of at most 63 characters that begins with a letter."""
    return _with_uid(f"ark-{kind}-{name}", uid, MAX_JOB_NAME)


def host_path_namespace(namespace: str) -> str:
    """Where the Jobs run that read volumes from directories of nodes. namespace: Ark's own."""
    return f"{namespace}-volumes"


def cron_job_name(schedule: str, uid: str) -> str:
    """The name of the CronJob of a Schedule, made as that of a Job is, but shorter: its Jobs' names add to it."""
    return _with_uid(f"ark-schedule-{schedule}", uid, MAX_CRON_JOB_NAME)


def restik_cron_job_name(namespace: str, name: str, uid: str) -> str:
    """The same for a Restik, which lies in another namespace than its CronJob."""
    return _with_uid(f"ark-restik-{namespace}-{name}", uid, MAX_CRON_JOB_NAME)


def _with_uid(head: str, uid: str, at_most: int) -> str:
    tail = "-" + uid.replace("-", "")[:8]
    return head.replace(".", "-")[:at_most - len(tail)].rstrip("-") + tail


def with_tail(name: str, tail: str) -> str:
    """``<name>-<tail>``, the name cut where both would be too long for an object's name."""
    return f"{name[:MAX_NAME - len(tail) - 1].rstrip('-.')}-{tail}"


def timestamped_name(prefix: str, moment: datetime.datetime) -> str:
    """``<prefix>-<YYYYMMDDhhmmss>`` in UTC, cut to fit; the name of a run that the user did not name."""
    stamp = moment.astimezone(datetime.timezone.utc).strftime("%Y%m%d%H%M%S")
    return with_tail(prefix, stamp)
