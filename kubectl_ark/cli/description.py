"""A run as ``kubectl describe`` would lay it out. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark.cli import fields, output
from kubectl_ark.cli.progress import items_done
from kubectl_ark.model import phases, selectors, times

_WIDTH = 18

_NEWEST = 5
"""So many backups of a schedule or location are listed."""


def describe(resource: dict[str, Any], job: dict[str, Any] | None, pods: Sequence[dict[str, Any]], *,
             note: str = "", hidden: bool = False) -> str:
    """The whole text. note: what the run waits for, "" for nothing. hidden: the user may not see Jobs."""
    metadata, status = resource["metadata"], resource.get("status") or {}
    lines = [
        *_head(metadata), "",
        _line("Phase", phases.phase_of(resource)),
    ]
    if note:
        lines.append(_line("Note", note))
    for label, field in (("Failure Reason", "failureReason"), ("Step", "step")):
        if status.get(field) and not (field == "step" and phases.is_finished(resource)):
            lines.append(_line(label, status[field]))
    lines += [f"  - {problem}" for problem in _titled(lines, "Validation Errors", status.get("validationErrors"))]
    lines += _numbers(status, resource)
    lines += ["", "Spec:", *(f"  {line}" for line in _spec(resource.get("spec") or {}))]
    if conditions := status.get("conditions"):
        rows = [(each["type"], each["status"], each["reason"], each.get("lastTransitionTime", ""))
                for each in conditions]
        lines += ["", "Conditions:", *_indented(output.table(("TYPE", "STATUS", "REASON", "SINCE"), rows))]
    return "\n".join(lines + _machinery(job, pods, hidden))


def plain(resource: Mapping[str, Any], backups: Sequence[Mapping[str, Any]] | None) -> str:
    """An object of a kind that is no run. backups: those that it made or holds, None for a kind that has none."""
    lines = list(_head(resource["metadata"]))
    for part in ("spec", "status"):
        shown = [line for field, value in sorted((resource.get(part) or {}).items()) if field != "conditions"
                 for line in fields.tree(field, value, width=_WIDTH + 8)]
        lines += ["", f"{part.capitalize()}:", *(f"  {line}" for line in shown or ["<none>"])]
    if backups is not None:
        rows = [(each["metadata"]["name"], phases.phase_of(dict(each)),
                 (each.get("status") or {}).get("startTimestamp") or each["metadata"].get("creationTimestamp"))
                for each in backups]
        newest = sorted(rows, key=lambda row: str(row[2]), reverse=True)[:_NEWEST]
        lines += ["", _line("Backups", len(backups)),
                  *(_indented(output.table(("NAME", "PHASE", "STARTED"), newest)) if rows else [])]
    return "\n".join(lines)


def messages(results: Mapping[str, Any]) -> Iterator[str]:
    """One level of a results file: by run, cluster and namespace."""
    empty = True
    for place, title in (("velero", "Run"), ("ark", "Run"), ("cluster", "Cluster")):
        for text in results.get(place) or []:
            empty = False
            yield f"  {title}:  {text}"
    for namespace, texts in sorted((results.get("namespaces") or {}).items()):
        for text in texts or []:
            empty = False
            yield f"  {namespace}:  {text}"
    if empty:
        yield "  <none>"


def _head(metadata: Mapping[str, Any]) -> Iterator[str]:
    yield from (_line("Name", metadata["name"]), _line("Namespace", metadata["namespace"]))
    yield from (*_map("Labels", metadata.get("labels")), *_map("Annotations", metadata.get("annotations")))
    yield _line("Created", metadata.get("creationTimestamp"))


def _numbers(status: Mapping[str, Any], resource: dict[str, Any]) -> list[str]:
    lines = []
    start, end = status.get("startTimestamp"), status.get("completionTimestamp")
    for label, value in (("Started", start), ("Completed", end), ("Expires", status.get("expiration"))):
        if value:
            lines.append(_line(label, value))
    if start and end:
        lines.append(_line("Duration", times.human_duration(_seconds(start, end))))
    elif start and status.get("heartbeatTimestamp"):
        seconds = (times.now() - times.parse_time(status["heartbeatTimestamp"])) / datetime.timedelta(seconds=1)
        lines.append(_line("Last Heartbeat", f"{times.human_duration(max(seconds, 0))} ago"))
    if progress := status.get("progress"):
        lines.append(_line("Items", f"{items_done(resource)} of {progress.get('totalItems', '<unknown>')}"))
    lines.append(_line("Warnings", status.get("warnings", 0)))
    lines.append(_line("Errors", status.get("errors", 0)))
    if status.get("runner"):
        lines.append(_line("Runner", status["runner"]))
    return lines


def _spec(spec: Mapping[str, Any]) -> Iterator[str]:
    if not spec:
        yield "<everything, by defaults>"
    for field, value in sorted(spec.items()):
        if field == "labelSelector":
            value = selectors.to_query(value)
        elif field == "orLabelSelectors":
            value = " or ".join(selectors.to_query(each) for each in value or [])
        yield from fields.tree(field, value, width=_WIDTH + 8)


def _machinery(job: dict[str, Any] | None, pods: Sequence[dict[str, Any]], hidden: bool) -> list[str]:
    if job is None:
        return ["", _line("Job", "<unknown>, you may not list Jobs" if hidden else "<none>")]
    ended = [each for each in (job.get("status") or {}).get("conditions") or [] if each.get("status") == "True"]
    states = [f"{each['type']} ({each['reason']})" if each.get("reason") else each["type"] for each in ended]
    lines = ["", _line("Job", f"{job['metadata']['name']}, {', '.join(states) or 'running'}")]
    rows = [(pod["metadata"]["name"], (pod.get("status") or {}).get("phase", "Unknown"), _container_state(pod),
             pod["spec"].get("nodeName") or "<none>") for pod in pods]
    return lines + (["Pods:", *_indented(output.table(("NAME", "PHASE", "STATE", "NODE"), rows))] if rows else [])


def _container_state(pod: Mapping[str, Any]) -> str:
    for status in (pod.get("status") or {}).get("containerStatuses") or []:
        for detail in (status.get("state") or {}).values():
            reason = detail.get("reason") or "Running"
            return f"{reason} (exit code {detail['exitCode']})" if detail.get("exitCode") else reason
    return "<none>"


def _titled(lines: list[str], title: str, values: Sequence[str] | None) -> Sequence[str]:
    if values:
        lines.append(f"{title}:")
    return values or ()


def _map(label: str, values: Mapping[str, str] | None) -> list[str]:
    if not values:
        return [_line(label, "<none>")]
    first, *rest = [f"{key}={value}" for key, value in sorted(values.items())]
    return [_line(label, first), *(" " * _WIDTH + each for each in rest)]


def _line(label: str, value: object) -> str:
    return f"{label + ':':{_WIDTH}}{value}".rstrip()


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.splitlines()]


def _seconds(start: str, end: str) -> float:
    return (times.parse_time(end) - times.parse_time(start)).total_seconds()
