"""Hooks of a backup: commands that run in a pod before and after it is saved. Which a pod has, and what is wrong.

Rules are Velero's (ark-format.md §6): a pod's annotations win over the Backup's spec, for each phase on its own; only
an explicit ``Fail`` drops the pod. Annotations count in Ark's spelling and in Velero's, Ark's first.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kubectl_ark.model import globs, selectors, spec_rules, times

PRE, POST = "pre", "post"
FAIL, CONTINUE = "Fail", "Continue"
DEFAULT_SECONDS = 30.0
FROM_ANNOTATION = "annotation"

_PREFIXES = {
    PRE: ("pre.hook.backup.ark.heptio.com/", "pre.hook.backup.velero.io/", "hook.backup.ark.heptio.com/",
          "hook.backup.velero.io/"),
    POST: ("post.hook.backup.ark.heptio.com/", "post.hook.backup.velero.io/"),
}
_PODS = frozenset({"pods", "pod", "po", "*"})


@dataclasses.dataclass(frozen=True)
class Hook:
    """One command. name: the spec's name for it, or FROM_ANNOTATION."""

    name: str
    container: str
    command: tuple[str, ...]
    timeout: float = DEFAULT_SECONDS
    """Seconds."""
    on_error: str = ""
    """FAIL, CONTINUE or "", which is not the same as FAIL: see the module."""
    problem: str = ""
    """Why it cannot be run, "" if it can; such a hook counts as one that failed."""


@dataclasses.dataclass(frozen=True)
class PodHooks:
    """The hooks of one pod, in the order in which they run."""

    pre: tuple[Hook, ...] = ()
    post: tuple[Hook, ...] = ()
    warnings: tuple[str, ...] = ()
    """What was misspelt and replaced by its default."""

    def __bool__(self) -> bool:
        return bool(self.pre or self.post)


NONE = PodHooks()


def of_pod(pod: Mapping[str, Any], resources: Sequence[Mapping[str, Any]]) -> PodHooks:
    """The hooks of a pod. resources: the Backup's ``spec.hooks.resources``, valid."""
    metadata = pod["metadata"]
    annotations = metadata.get("annotations") or {}
    annotated = any(".backup." in key and "hook." in key for key in annotations)
    if not resources and not annotated:
        return NONE
    warnings: list[str] = []
    found: dict[str, tuple[Hook, ...]] = {}
    for phase, prefixes in _PREFIXES.items():
        prefix = next((each for each in prefixes if annotations.get(each + "command")), None)
        if prefix is not None:
            found[phase] = (_sound(_from_annotations(annotations, prefix, warnings), pod),)
        else:
            found[phase] = tuple(_sound(hook, pod) for each in resources if _is_for(each, metadata)
                                 for hook in _from_spec(each, phase))
    return PodHooks(found[PRE], found[POST], tuple(warnings))


def problems(hooks: Mapping[str, Any]) -> list[str]:
    """Every mistake in a Backup's ``spec.hooks``, as sentences."""
    found: list[str] = []
    for index, each in enumerate(hooks.get("resources") or []):
        at = f"spec.hooks.resources[{index}]"
        if not each.get("name"):
            found.append(f"{at}.name: a hook needs a name")
        found += spec_rules.selection(each, at=at)
        if not _takes_pods(each):
            found.append(f"{at}: hooks run in pods only, and this one's kinds leave pods out")
        for phase in (PRE, POST):
            for number, entry in enumerate(each.get(phase) or []):
                found += _entry_problems(entry, f"{at}.{phase}[{number}].exec")
    return found


def to_pending(pod: Mapping[str, Any], hooks: Sequence[Hook]) -> dict[str, Any]:
    """The entry of ``status.pendingHooks`` for a pod whose post hooks must run whatever happens."""
    metadata = pod["metadata"]
    return {"namespace": metadata["namespace"], "pod": metadata["name"], "uid": metadata["uid"], "hooks": [
        {"name": hook.name, "container": hook.container, "command": list(hook.command),
         "timeout": f"{round(hook.timeout * 1000)}ms"} for hook in hooks if not hook.problem]}


def of_pending(entry: Mapping[str, Any]) -> list[Hook]:
    """The hooks of an entry of ``status.pendingHooks``."""
    return [Hook(each["name"], each["container"], tuple(each["command"]), times.parse_duration(each["timeout"]))
            for each in entry.get("hooks") or []]


def _from_annotations(annotations: Mapping[str, str], prefix: str, warnings: list[str]) -> Hook:
    text = annotations[prefix + "command"]
    command, problem = (text,), ""
    if text.startswith("["):
        try:
            parsed = json.loads(text)
        except ValueError:
            parsed = None
        if isinstance(parsed, list) and parsed and all(isinstance(word, str) for word in parsed):
            command = tuple(parsed)
        else:
            problem = f"annotation {prefix}command begins with [ but is no JSON list of words: {text:.80}"
    on_error = annotations.get(prefix + "on-error", "")
    if on_error not in (FAIL, CONTINUE, ""):
        warnings.append(f'annotation {prefix}on-error: "{on_error}" is neither Fail nor Continue and does not count')
        on_error = ""
    timeout, given = DEFAULT_SECONDS, annotations.get(prefix + "timeout")
    if given:
        if _duration_problem(given):
            warnings.append(f"annotation {prefix}timeout: {_duration_problem(given)}; {DEFAULT_SECONDS:g}s counts")
        else:
            timeout = times.parse_duration(given)
    return Hook(FROM_ANNOTATION, annotations.get(prefix + "container", ""), command, timeout, on_error, problem)


def _from_spec(resource: Mapping[str, Any], phase: str) -> Iterator[Hook]:
    for entry in resource.get(phase) or []:
        given = entry["exec"]
        timeout = times.parse_duration(given["timeout"]) if given.get("timeout") else DEFAULT_SECONDS
        yield Hook(resource["name"], given.get("container") or "", tuple(given["command"]), timeout or DEFAULT_SECONDS,
                   given.get("onError") or "")


def _sound(hook: Hook, pod: Mapping[str, Any]) -> Hook:
    """The hook with its container filled in, the pod's first by default."""
    spec = pod.get("spec") or {}
    containers = [each["name"] for each in spec.get("containers") or []]
    containers += [each["name"] for each in spec.get("initContainers") or [] if each.get("restartPolicy") == "Always"]
    if not hook.container and containers:
        return dataclasses.replace(hook, container=containers[0])
    if hook.container not in containers and not hook.problem:
        return dataclasses.replace(hook, problem=f'the pod has no container "{hook.container}"')
    return hook


def _is_for(resource: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
    return (_takes_pods(resource)
            and globs.includes(metadata["namespace"], included=resource.get("includedNamespaces") or (),
                               excluded=resource.get("excludedNamespaces") or ())
            and selectors.matches(resource.get("labelSelector"), metadata.get("labels")))


def _takes_pods(resource: Mapping[str, Any]) -> bool:
    included, excluded = resource.get("includedResources") or [], resource.get("excludedResources") or []
    return (not included or _names_pods(included)) and not _names_pods(excluded)


def _names_pods(words: Sequence[str]) -> bool:
    return any(word.lower() in _PODS for word in words) or globs.matches("pods", words)


def _entry_problems(entry: Mapping[str, Any], at: str) -> list[str]:
    given = entry.get("exec")
    if not given:
        return [f"{at}: it is missing"]
    found = []
    command = given.get("command")
    if not isinstance(command, list) or not command or not all(isinstance(word, str) and word for word in command[:1]):
        found.append(f'{at}.command: give a list of words, such as ["/bin/sync"]')
    if given.get("onError") not in (None, "", FAIL, CONTINUE):
        found.append(f'{at}.onError: "{given["onError"]}" is neither Fail nor Continue')
    if given.get("timeout") and (problem := _duration_problem(given["timeout"])):
        found.append(f"{at}.timeout: {problem}")
    return found


def _duration_problem(text: str) -> str:
    try:
        return "" if times.parse_duration(text) > 0 else f'"{text}" is not more than nothing'
    except ValueError as error:
        return str(error)
