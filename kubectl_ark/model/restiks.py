"""A Restik: what its spec must look like, when it is due, what its snapshots are called and which of them are kept.

Fields and meanings are Restik's own, as it had them before it was called Stash.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from kubectl_ark.model import cron, kinds, labels, shapes, times

CONFIG = f"{kinds.RESTIK_GROUP}/config"
"""Label of a workload: the name of the Restik, in the same namespace, that saves its volume."""

PASSWORD_KEY = "password"
"""Of the Secret that destination.repositorySecretName names."""

SUCCESS, FAILED = "Success", "Failed"
"""Reasons of the Event that tells of a snapshot."""

KEEP = {
    "keepLastSnapshots": "--keep-last", "keepHourlySnapshots": "--keep-hourly", "keepDailySnapshots": "--keep-daily",
    "keepWeeklySnapshots": "--keep-weekly", "keepMonthlySnapshots": "--keep-monthly",
    "keepYearlySnapshots": "--keep-yearly",
}
"""Numbers of the retention policy → flags of restic's forget."""

_SHAPE = {
    "source": {"volumeName": str, "path": str}, "schedule": str, "tags": [str], "paused": bool,
    "destination": {"storageLocation": str, "repositorySecretName": str, "path": str, "volume": dict},
    "retentionPolicy": {**dict.fromkeys(KEEP, int), "keepTags": [str], "retainHostname": str, "retainTags": [str]},
}

Object = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Timing:
    """When a Restik is due. warning: what of its schedule is not heeded, "" for nothing."""

    cron: cron.Cron
    warning: str = ""


def problems(spec: Object) -> list[str]:
    """Every mistake in a Restik's spec, as sentences; empty if there is none."""
    if misshapen := shapes.problems(spec, _SHAPE, "spec"):
        return misshapen
    found: list[str] = []
    if not (spec.get("source") or {}).get("volumeName"):
        found.append("spec.source.volumeName: name the volume of the workload's pods that is to be saved")
    destination = spec.get("destination") or {}
    if destination.get("volume") or destination.get("path"):
        found.append("spec.destination: a repository in a volume is not supported by this version; leave out volume "
                     "and path, and name a storage location in spec.destination.storageLocation, or none for the "
                     "default one")
    if not destination.get("repositorySecretName"):
        found.append("spec.destination.repositorySecretName: name the Secret whose key password is the password of the "
                     "snapshots")
    try:
        timing(spec)
    except ValueError as error:
        found.append(f"spec.schedule: {error}")
    try:
        forget_arguments("n", "r", spec)
    except ValueError as error:
        found.append(f"spec.retentionPolicy: {error}")
    return found + [f'spec.tags: "{tag}" is no tag: it is empty or has a comma' for tag in spec.get("tags") or ()
                    if not tag.strip() or "," in tag]


def timing(spec: Object) -> Timing:
    """When a Restik is due. Raises ValueError with a sentence where a CronJob cannot say so.

    Six fields begin with seconds: a single one is dropped, with a warning; several mean more than one start a minute.
    """
    schedule = str(spec.get("schedule") or "").strip()
    if not schedule:
        raise ValueError("say when, such as 0 3 * * * or @every 6h")
    _refuse_short(schedule)
    zone, fields = _split(schedule)
    if len(fields) != 6:
        return Timing(cron.parse(schedule))
    seconds, *rest = fields
    if not (seconds.isascii() and seconds.isdigit()):
        raise ValueError(f'"{schedule}" is due more than once a minute: its first field of six is seconds, and '
                         f'"{seconds}" is no single one')
    if int(seconds) > 59:
        raise ValueError(f'"{schedule}": {seconds} is not a second of a minute')
    return Timing(cron.parse(" ".join([*zone, *rest])),
                  f'spec.schedule: the seconds "{seconds}" are dropped: a CronJob starts when the minute begins')


def _split(schedule: str) -> tuple[list[str], list[str]]:
    """The words before the fields ("CRON_TZ=Zone"), and the fields."""
    words = schedule.split()
    zone = words[:1] if words[0].startswith(("CRON_TZ=", "TZ=")) else []
    return zone, words[len(zone):]


def _refuse_short(schedule: str) -> None:
    word, _, rest = schedule.partition(" ")
    if word == "@every":
        try:
            seconds = times.parse_duration(rest.strip())
        except ValueError:
            return  # cron says what is wrong with it
        if seconds < 60:
            raise ValueError(f'"{schedule}" is less than a minute, and a CronJob starts once a minute at most')


def location(spec: Object) -> str | None:
    """The storage location's name; None for the default one."""
    return (spec.get("destination") or {}).get("storageLocation") or None


def secret(spec: Object) -> str:
    """The name of the Secret with the password; "" if none is named."""
    return str((spec.get("destination") or {}).get("repositorySecretName") or "")


def own_tag(namespace: str, name: str) -> str:
    """The tag that all snapshots of a Restik have, and no others."""
    return f"restik={namespace}/{name}"


def tags(restik: Object, *, pod: str, workload: str, claim: str) -> tuple[str, ...]:
    """The tags of a snapshot: the Restik's own, the user's, and what it is of. workload: "Deployment/web"."""
    metadata, spec = restik["metadata"], restik.get("spec") or {}
    own = own_tag(metadata["namespace"], metadata["name"])
    volume = (spec.get("source") or {}).get("volumeName")
    return (own, *dict.fromkeys(each for each in spec.get("tags") or () if each != own), f"pod={pod}",
            f"workload={workload}", f"volume={volume}", f"claim={claim}")


def forget_arguments(namespace: str, name: str, spec: Object) -> list[str] | None:
    """restic's arguments that carry out the retention policy, within the Restik's own tag; None where there is none.

    A policy counts for each claim by itself. Raises ValueError for one that would keep nothing, or everything.
    """
    policy = {field: value for field, value in (spec.get("retentionPolicy") or {}).items() if value}
    if not policy:
        if spec.get("retentionPolicy"):
            raise ValueError("it would keep nothing; give one rule a number above 0, or leave the policy out")
        return None
    negative = [field for field in KEEP if policy.get(field, 0) < 0]
    if negative:
        raise ValueError(f"{negative[0]} is below 0")
    keep = [word for field, flag in KEEP.items() if policy.get(field) for word in (flag, str(policy[field]))]
    keep += [word for tag in policy.get("keepTags") or () if tag for word in ("--keep-tag", tag)]
    if not keep:
        raise ValueError("it says which snapshots it is for, but keeps none of them; give one rule a number above 0")
    own = own_tag(namespace, name)
    within = [own, f"pod={policy['retainHostname']}"] if policy.get("retainHostname") else [own]
    chosen = [",".join([*within, tag]) for tag in policy.get("retainTags") or () if tag] or [",".join(within)]
    return [*keep, "--group-by", "host,paths", *(word for each in chosen for word in ("--tag", each))]


def event_name(name: str, number: int) -> str:
    """The name of the Event that tells of a snapshot: "<config>-<count>", cut where it would be too long."""
    tail = f"-{number}"
    return f"{name[:253 - len(tail)]}{tail}"


def event(restik: Object, *, name: str, reason: str, message: str, moment: str, warns: bool) -> dict[str, Any]:
    """An Event about a Restik, in its namespace. moment: RFC 3339. warns: whether its type is Warning."""
    metadata = restik["metadata"]
    return {
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": metadata["namespace"], "labels": {labels.MANAGED_BY: labels.MANAGER}},
        "involvedObject": {
            "apiVersion": kinds.RESTIK.api_version, "kind": kinds.RESTIK.kind, "name": metadata["name"],
            "namespace": metadata["namespace"], "uid": metadata["uid"]},
        "type": "Warning" if warns else "Normal", "reason": reason, "message": message[:1024],
        "source": {"component": labels.MANAGER}, "firstTimestamp": moment, "lastTimestamp": moment, "count": 1}


def format_seconds(seconds: float) -> str:
    """A duration as Go writes it: "2.5s", "1m30s"."""
    return f"{seconds:.1f}s" if seconds < 60 else times.format_duration(seconds)
