"""Looks at claims and volumes of backup and cluster before the first of them is touched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import NamedTuple

from kubectl_ark import errors
from kubectl_ark.engine.restore.archive import RELATED, WANTED, Object, Type
from kubectl_ark.engine.restore.context import Context, named
from kubectl_ark.engine.restore.existing import is_of_this_restore
from kubectl_ark.engine.restore.order import CLAIMS, PODS, VOLUMES
from kubectl_ark.engine.restore.outcome import UPDATED
from kubectl_ark.engine.restore.volumeinfo import VolumeData
from kubectl_ark.engine.restore.volumes import Claim, Fate, claim_of, comes_back, fate, is_left_behind, release_patch
from kubectl_ark.kube.pages import items
from kubectl_ark.model import labels

VOLUME_TYPE = Type(VOLUMES, "v1", "PersistentVolume")


@dataclasses.dataclass
class Plan:
    """fates: of every wanted claim that was bound. provisioned: volumes of the backup that are not created.

    left_behind: volumes of the cluster to be made free for their claims.
    """

    fates: dict[Claim, Fate] = dataclasses.field(default_factory=dict)
    provisioned: set[str] = dataclasses.field(default_factory=set)
    left_behind: list[Object] = dataclasses.field(default_factory=list)


def make(context: Context, data: VolumeData) -> Plan:
    """The plan, to be made when no namespace is Terminating any more: until then claims are not gone yet.

    Marks the volumes that wanted claims need as WANTED, those that need no POST as RELATED.
    """
    if data.is_old:
        for group in context.archive.of_kind(PODS):
            for position in range(len(group)):
                data.take_pod(context.archive.load(group, position))
    claims = list(_claims(context))
    named_volumes = {each.volume_name for each in claims}
    plan = Plan()
    stored = _stored(context, named_volumes, data, plan)
    live = _live(context, named_volumes) if named_volumes else {}
    for claim, origin, volume_name in claims:
        if live is None and volume_name not in stored and data.method(volume_name, origin) is None:
            plan.fates[claim] = Fate()
            continue
        volume = (live or {}).get(volume_name)
        left = volume is not None and claim_of(volume) == claim \
            and is_left_behind(volume, claim, claim_uid=_claim_uid(context, claim))
        plan.fates[claim] = fate(claim, volume_name, stored=stored.get(volume_name), live=volume, left_behind=left,
                                 data=data, origin=origin,
                                 wanted=context.preparation.spec.get("restorePVs") is not False)
        if left and volume is not None:
            plan.left_behind.append(volume)
            found = context.archive.find(VOLUMES, "", volume_name)
            if found is not None:
                found[0].states[found[1]] = RELATED
    return plan


def release(context: Context, plan: Plan) -> None:
    """Make the volumes that were left behind free for their claims; each is reported as updated."""
    resource = context.catalog.get(VOLUMES)
    for volume in plan.left_behind if resource else ():
        context.progress.checkpoint()
        name = volume["metadata"]["name"]
        claim = "/".join(claim_of(volume) or ())
        try:
            context.api.patch_json(resource.path(name=name), release_patch(volume))  # type: ignore[union-attr]
        except errors.Unreachable:
            raise
        except errors.ApiError as fault:
            context.failed(VOLUME_TYPE, name, "", f"{named(VOLUME_TYPE, name)} could not be made free for the claim "
                           f'"{claim}" that it was left behind by: {fault.message}; remove uid and resourceVersion '
                           "from its claimRef by hand")
        else:
            context.log.info(f"the released volume {name} is free for its claim {claim} again", resource=VOLUMES,
                             name=name)
            context.settled(VOLUME_TYPE, name, UPDATED)


class _Bound(NamedTuple):
    """A wanted claim that was bound, as it comes back and as it was saved."""

    claim: Claim
    origin: Claim
    volume_name: str


def _claims(context: Context) -> Iterator[_Bound]:
    for group in context.archive.of_kind(CLAIMS):
        for position in group.wanted():
            item = context.archive.load(group, position)
            volume_name = item["spec"].get("volumeName")
            if volume_name:
                name = group.names[position]
                yield _Bound((group.namespaces[position], name), (item["metadata"]["namespace"], name), volume_name)


def _claim_uid(context: Context, claim: Claim) -> str | None:
    """The uid of the claim that the cluster has under this name now, None if it has none."""
    resource = context.catalog.get(CLAIMS)
    try:
        live = context.api.get(resource.path(*claim)) if resource else {"metadata": {}}
    except (errors.NotFound, errors.Forbidden):
        return None
    return str(live["metadata"].get("uid"))


def _stored(context: Context, named_volumes: set[str], data: VolumeData, plan: Plan) -> dict[str, Object]:
    """The backed-up volumes that claims name; what comes back among them becomes WANTED."""
    stored: dict[str, Object] = {}
    for group in context.archive.of_kind(VOLUMES):
        for position, name in enumerate(group.names):
            if name not in named_volumes and group.states[position] != WANTED:
                continue
            volume = _compact(context.archive.load(group, position))
            if not comes_back(volume, data):
                plan.provisioned.add(name)
            elif name in named_volumes:
                group.states[position] = WANTED
            if name in named_volumes:
                stored[name] = volume
    return stored


def _live(context: Context, names: set[str]) -> dict[str, Object] | None:
    """The cluster's volumes of these names; None where the account may not see them.

    One that an earlier try of this restore created counts as not there: what is to be said of its claim is the same.
    """
    resource = context.catalog.get(VOLUMES)
    if resource is None:
        return None
    own = {"restore_label": context.labels[labels.RESTORE_NAME], "since": context.since}
    try:
        return {each["metadata"]["name"]: _compact(each) for each in items(context.api, resource)
                if each["metadata"]["name"] in names
                and not is_of_this_restore(each, **own)}  # type: ignore[arg-type]
    except errors.Forbidden:
        return None


def _compact(volume: Object) -> Object:
    """What the decisions need of a PersistentVolume: there may be thousands of them."""
    metadata, spec = volume["metadata"], volume["spec"]
    return {
        "metadata": {key: metadata[key] for key in ("name", "deletionTimestamp") if key in metadata},
        "spec": {key: spec[key] for key in ("claimRef", "persistentVolumeReclaimPolicy") if key in spec},
        "status": {"phase": (volume.get("status") or {}).get("phase")},
    }
