"""The sentences that a restore says about single objects."""

from __future__ import annotations

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import Type
from kubectl_ark.engine.restore.context import named

RESTORE_AGAIN = "then restore again: what exists already is left alone"


def not_created(type: Type, title: str, fault: errors.ApiError) -> str:
    """The server refused: its own words, and what to do next."""
    return f"{named(type, title)} was not created: {fault.message}; {fault.hint or _hint(fault)}"


def differs(type: Type, title: str, paths: list[str]) -> str:
    """It exists and is not the same; the first part is Velero's sentence, which people grep for."""
    return (f'could not restore, {type.kind} "{title}" already exists. Warning: the in-cluster version is different '
            f"than the backed-up version (in {', '.join(paths)}); it was left alone: restore again with "
            "--existing-resource-policy=update if you want the backed-up one")


def only_labelled(type: Type, title: str, fault: errors.ApiError) -> str:
    """existingResourcePolicy update, and the server would not have it."""
    return (f"{named(type, title)} exists and could not be made like the backed-up one: {fault.message}; only its "
            "labels were set: delete it and restore again if you want the backed-up one")


def _hint(fault: errors.ApiError) -> str:
    if isinstance(fault, errors.Forbidden):
        if "exceeded quota" in fault.message:
            return f"raise the ResourceQuota, {RESTORE_AGAIN}"
        if "violates PodSecurity" in fault.message:
            return f"relax the namespace's Pod Security level, {RESTORE_AGAIN}"
        return f"give the restore's service account that right, {RESTORE_AGAIN}"
    if isinstance(fault, errors.Rejected):
        return "change what the server objects to and create it by hand, or leave it out"
    return f"see to the cause, {RESTORE_AGAIN}"
