"""Restore hooks: what a Restore's spec or a pod's annotations ask to be run in restored pods (ark-format.md §11).

Init hooks put containers in front of a pod's own; exec hooks run a command once a container runs. A pod's annotations
win over the spec, each sort for itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kubectl_ark.model import globs, labels, selectors, spec_rules, times

CONTINUE, FAIL = "Continue", "Fail"

EXEC_SECONDS = 30.0
"""Velero's default for one command."""

FOR_EVER = 0.0
"""waitTimeout 0 or unset: as long as the run may last."""

EXEC = "post.hook.restore"
INIT = "init.hook.restore"


class ExecHook(NamedTuple):
    """container: "" for the pod's first. Times in seconds; wait_seconds FOR_EVER has no end."""

    container: str
    command: tuple[str, ...]
    on_error: str = CONTINUE
    exec_seconds: float = EXEC_SECONDS
    wait_seconds: float = FOR_EVER
    wait_for_ready: bool = False


class Hooks(NamedTuple):
    """What one pod gets. troubles: annotations that could not be understood, as sentences."""

    init_containers: list[dict[str, Any]]
    exec_hooks: list[ExecHook]
    troubles: list[str]


def ended_note(restore_uid: str, failed: Sequence[bool]) -> str:
    """What a pod is annotated with (``labels.HOOKS_DONE``): "<uid> +-+". failed: of each hook that has ended, in order.

    It stands on the pod and not in the Restore's status because there may be thousands of pods, and because a pod that
    is made anew needs its hooks anew.
    """
    return f"{restore_uid} {''.join('-' if each else '+' for each in failed)}"


def ended_of(pod: Mapping[str, Any], restore_uid: str) -> list[bool]:
    """Of each exec hook of a live pod that an earlier try of this Restore has seen end, in order: whether it failed."""
    uid, _, marks = str((pod["metadata"].get("annotations") or {}).get(labels.HOOKS_DONE, "")).partition(" ")
    return [mark == "-" for mark in marks] if uid == restore_uid and restore_uid else []


def problems(spec: Mapping[str, Any]) -> list[str]:
    """Every mistake in spec.hooks of a Restore."""
    found: list[str] = []
    for index, resource in enumerate((spec.get("hooks") or {}).get("resources") or []):
        place = f"spec.hooks.resources[{index}]"
        if not resource.get("name"):
            found.append(f"{place}.name: a hook needs a name")
        found += spec_rules.selection({field: resource.get(field) for field in (
            "includedNamespaces", "excludedNamespaces", "labelSelector")}, at=place)
        for number, hook in enumerate(resource.get("postHooks") or []):
            found += _hook_problems(hook, f"{place}.postHooks[{number}]")
    return found


def of_pod(pod: Mapping[str, Any], *, namespace: str, spec: Mapping[str, Any]) -> Hooks:
    """The hooks of one backed-up pod. namespace: where it comes back. spec: the Restore's, without problems."""
    metadata = pod["metadata"]
    annotations, troubles = metadata.get("annotations") or {}, list[str]()
    init, execs = _init_annotations(annotations, troubles), _exec_annotations(annotations, troubles)
    matching = [hook for resource in (spec.get("hooks") or {}).get("resources") or []
                if _is_for(resource, namespace, metadata.get("labels")) for hook in resource.get("postHooks") or []]
    if not init:
        init = [container for hook in matching if hook.get("init")
                for container in hook["init"].get("initContainers") or []]
    if not execs:
        execs = [_exec_of(hook["exec"]) for hook in matching if hook.get("exec")]
    return Hooks(init, execs, troubles)


def concerns(pod: Mapping[str, Any], spec: Mapping[str, Any]) -> bool:
    """A cheap look whether a pod may have hooks at all."""
    annotations = pod["metadata"].get("annotations") or {}
    return bool((spec.get("hooks") or {}).get("resources")) or any(".hook.restore." in key for key in annotations)


def _is_for(resource: Mapping[str, Any], namespace: str, pod_labels: Mapping[str, str] | None) -> bool:
    return (globs.includes(namespace, included=resource.get("includedNamespaces") or (),
                           excluded=resource.get("excludedNamespaces") or ())
            and selectors.matches(resource.get("labelSelector"), pod_labels))


def _exec_of(hook: Mapping[str, Any]) -> ExecHook:
    return ExecHook(
        container=hook.get("container") or "", command=tuple(hook["command"]), on_error=hook.get("onError") or CONTINUE,
        exec_seconds=times.parse_duration(hook.get("execTimeout") or "0") or EXEC_SECONDS,
        wait_seconds=times.parse_duration(hook.get("waitTimeout") or "0"),
        wait_for_ready=hook.get("waitForReady") is True)


def _hook_problems(hook: Mapping[str, Any], place: str) -> list[str]:
    given = [kind for kind in ("exec", "init") if hook.get(kind)]
    if len(given) != 1:
        return [f"{place}: give it exec or init, and one of them only"]
    if given == ["exec"]:
        found = [] if hook["exec"].get("command") else [f"{place}.exec.command: name the command"]
        if hook["exec"].get("onError") not in (None, "", CONTINUE, FAIL):
            found.append(f"{place}.exec.onError: it is neither {CONTINUE} nor {FAIL}")
        for field in ("execTimeout", "waitTimeout"):
            found += [each.replace("spec.", f"{place}.exec.") for each in spec_rules.duration(hook["exec"], field)]
        return found
    found = [each.replace("spec.", f"{place}.init.") for each in spec_rules.duration(hook["init"], "timeout")]
    containers = hook["init"].get("initContainers") or []
    if not containers:
        found.append(f"{place}.init.initContainers: there are none")
    for index, container in enumerate(containers):
        found += [f"{place}.init.initContainers[{index}].{field}: it is missing"
                  for field in ("name", "image", "command") if not container.get(field)]
    return found


def _annotation(annotations: Mapping[str, str], hook: str, field: str) -> str:
    for group in (labels.GROUP, labels.VELERO_GROUP):
        if value := annotations.get(f"{hook}.{group}/{field}"):
            return value
    return ""


def _exec_annotations(annotations: Mapping[str, str], troubles: list[str]) -> list[ExecHook]:
    text = _annotation(annotations, EXEC, "command")
    if not text:
        return []
    on_error = _annotation(annotations, EXEC, "on-error").capitalize() or CONTINUE
    if on_error not in (CONTINUE, FAIL):
        troubles.append(f"{EXEC}…/on-error is neither {CONTINUE} nor {FAIL}; {CONTINUE} is taken")
        on_error = CONTINUE
    return [ExecHook(
        container=_annotation(annotations, EXEC, "container"), command=command_of(text), on_error=on_error,
        exec_seconds=_seconds(annotations, "exec-timeout", troubles) or EXEC_SECONDS,
        wait_seconds=_seconds(annotations, "wait-timeout", troubles),
        wait_for_ready=_annotation(annotations, EXEC, "wait-for-ready").lower() == "true")]


def _init_annotations(annotations: Mapping[str, str], troubles: list[str]) -> list[dict[str, Any]]:
    image, text = _annotation(annotations, INIT, "container-image"), _annotation(annotations, INIT, "command")
    if not image and not text:
        return []
    if not image or not text:
        troubles.append(f"{INIT}…/container-image and …/command go together: with one missing no container is put in")
        return []
    return [{"name": _annotation(annotations, INIT, "container-name"), "image": image, "command": [*command_of(text)]}]


def command_of(text: str) -> tuple[str, ...]:
    """A command in an annotation: a JSON list, or one word that is the whole command; nothing splits it (Velero)."""
    if text.startswith("["):
        try:
            parsed = json.loads(text)
        except ValueError:
            return (text,)
        if all(isinstance(word, str) for word in parsed) and parsed:
            return tuple(parsed)
    return (text,)


def _seconds(annotations: Mapping[str, str], field: str, troubles: list[str]) -> float:
    text = _annotation(annotations, EXEC, field)
    try:
        return times.parse_duration(text or "0")
    except ValueError as error:
        troubles.append(f"{EXEC}…/{field}: {error}; the default is taken")
        return 0.0
