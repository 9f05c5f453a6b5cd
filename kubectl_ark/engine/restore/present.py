"""An item whose object exists already: left alone, brought in line, or completed (ark-format.md §10.1)."""

from __future__ import annotations

from typing import NamedTuple

from kubectl_ark import errors
from kubectl_ark.engine.restore import leftout, mergepatch
from kubectl_ark.engine.restore.archive import Group, Object, Type
from kubectl_ark.engine.restore.context import CREATE_PARAMS, Context, named
from kubectl_ark.engine.restore.existing import account_merge, differences, is_controlled, was_updated
from kubectl_ark.engine.restore.messages import differs, only_labelled
from kubectl_ark.engine.restore.outcome import UPDATED
from kubectl_ark.engine.restore.transforms import generic
from kubectl_ark.engine.restore.transient import Again, again
from kubectl_ark.engine.restore.volumes import Fate
from kubectl_ark.engine.results import CLUSTER
from kubectl_ark.model.resources import Resource

SAME = "it exists and is the same"

ACCOUNTS = "serviceaccounts"


class Subject(NamedTuple):
    """One item. type: as it is sent, which may be another version than it was saved in."""

    type: Type
    group: Group
    position: int
    resource: Resource

    @property
    def title(self) -> str:
        """ "shop/web"."""
        return self.group.title(self.position)

    @property
    def namespace(self) -> str:
        """ "" if cluster-scoped."""
        return self.group.namespaces[self.position]

    @property
    def path(self) -> str:
        """Its URL path."""
        return self.resource.path(self.namespace or None, self.group.names[self.position])


def settle(context: Context, subject: Subject, *, item: Object, live: Object, fate: Fate | None) -> None:
    """Settle one item. item, live: as backed up and as the cluster has it; both are used up.

    Raises Unreachable, and the ApiError of a refusal that may pass: then nothing is settled.
    """
    type, title, namespace = subject.type, subject.title, subject.namespace
    if is_controlled(type, live):
        return context.skipped(type, title, leftout.BY_CONTROLLER)
    own = {key: value for key, value in (live["metadata"].get("labels") or {}).items() if key in generic.OWN_LABELS}
    updated_before = context.update and was_updated(live, since=context.since)
    context.report(type, title, namespace, context.preparation.apply(type, item, fate=fate))
    generic.drop_own_labels(item)
    context.preparation.live(type, live)
    paths = differences(type, item, live)
    if paths and type.group_resource == ACCOUNTS and not context.update:
        patch = account_merge(item, live)
        return _write(context, subject, patch) if patch else context.skipped(type, title, SAME)
    if not paths and (not context.update or own == context.labels):
        # What an earlier try of this run brought in line is equal by now.
        return context.settled(type, title, UPDATED) if updated_before and own == context.labels \
            else context.skipped(type, title, SAME)
    if not context.update:
        where = f"in {', '.join(paths)}"
        context.log.warning(differs(type, title, paths), place=namespace or CLUSTER, resource=type.group_resource,
                            name=title)
        return context.skipped(type, title, f"it exists and differs {where}")
    generic.add_labels(item, context.labels)
    patch = account_merge(item, live) if type.group_resource == ACCOUNTS else mergepatch.between(live, item)
    _write(context, subject, patch)


def _write(context: Context, subject: Subject, patch: Object) -> None:
    type, title = subject.type, subject.title
    try:
        context.api.patch_merge(subject.path, patch, params=CREATE_PARAMS)
    except errors.Unreachable:
        raise
    except errors.ApiError as fault:
        if again(fault, custom=False) is Again.PATIENTLY:
            raise
        if context.update and type.group_resource != ACCOUNTS:
            return _label(context, subject, fault)
        context.failed(type, title, subject.namespace,
                       f"{named(type, title)} exists and what it lacks could not be added: {fault}")
    else:
        context.settled(type, title, UPDATED)


def _label(context: Context, subject: Subject, refusal: errors.ApiError) -> None:
    """The server would not have the change (a field that is fixed, say): as Velero, set the labels alone."""
    type, title, namespace = subject.type, subject.title, subject.namespace
    context.log.warning(only_labelled(type, title, refusal), place=namespace or CLUSTER, resource=type.group_resource,
                        name=title)
    try:
        context.api.patch_merge(subject.path, {"metadata": {"labels": context.labels}}, params=CREATE_PARAMS)
    except errors.Unreachable:
        raise
    except errors.ApiError as fault:
        context.log.info(f"{named(type, title)}: its labels could not be set either: {fault}")
    context.skipped(type, title, f"it exists and could not be changed: {refusal.message}")
