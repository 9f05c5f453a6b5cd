"""What ``backup`` and ``restore`` have in common: flags, the CR they make, dry runs, output and waiting."""

from __future__ import annotations

import dataclasses
import json
import sys
from typing import Any, TypeVar
from collections.abc import Callable, Mapping

import click

from kubectl_ark import errors
from kubectl_ark.cli import options, output
from kubectl_ark.cli.progress import Progress, items_done
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, names, phases, selectors, spec_rules
from kubectl_ark.model.phases import Phase
from kubectl_ark.model.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])

_SELECTION = ("include_namespaces", "exclude_namespaces", "include_resources", "exclude_resources", "selector",
              "or_selector", "include_cluster_resources")
_PACE = ("qps", "parallel")


@dataclasses.dataclass
class Request:
    """What the user wants to become of the CR."""

    wait: bool
    timeout: float | None
    output: str | None
    dry_run: str
    show_job: bool
    memory_limit: str | None

    @classmethod
    def of(cls, flags: Mapping[str, Any]) -> Request:
        """From the flags that ``run_options`` added."""
        return cls(**{field.name: flags[field.name] for field in dataclasses.fields(cls)})


def selection(function: Function) -> Function:
    """Add the flags that choose objects."""
    for name, text in (("--exclude-resources", "Kinds to leave out"),
                       ("--include-resources", "Kinds to include, such as deployments.apps; all if not given"),
                       ("--exclude-namespaces", "Namespaces to leave out"),
                       ("--include-namespaces", "Namespaces to include, globs allowed; all if not given")):
        click.option(name, multiple=True, metavar="LIST", callback=options.names, help=text)(function)
    click.option("-l", "--selector", metavar="SELECTOR",
                 help="Labels that objects must have, as for kubectl get")(function)
    click.option("--or-selector", metavar="SELECTOR",
                 help='Several selectors, of which one must fit: "app=web or app=db"')(function)
    click.option("--include-cluster-resources", cls=options.TriState,
                 help="Cluster-scoped objects: all, none, or if not given those that are needed")(function)
    return function


def run_options(function: Function) -> Function:
    """Add the flags about the run itself."""
    click.option("--memory-limit", metavar="QUANTITY", callback=options.memory,
                 help="Memory limit of this run's pod, such as 512Mi")(function)
    click.option("-f", "--filename", metavar="FILENAME", help="File with the object to create, - for stdin")(function)
    click.option("--show-job", is_flag=True, help="With --dry-run=client: print the Job too")(function)
    click.option("--dry-run", type=click.Choice(["none", "client", "server"]), default="none",
                 help="client: print what would be sent; server: let the server check it and keep nothing")(function)
    click.option("-o", "--output", type=click.Choice(output.FORMATS), help="How to print the object")(function)
    click.option("--timeout", metavar="DURATION", callback=options.duration,
                 help="With --wait: how long, such as 10m; for ever if not given")(function)
    click.option("--wait", is_flag=True, help="Wait until the run has ended and show how far it is")(function)
    for name in ("annotations", "labels"):
        click.option(f"--{name}", multiple=True, metavar="KEY=VALUE", callback=options.pairs,
                     help=f"{name.capitalize()} of the object")(function)
    return function


def pace(function: Function) -> Function:
    """Add the flags about how hard the run presses the API server."""
    click.option("--parallel", metavar="N", type=click.IntRange(1, spec_rules.MAX_PARALLEL),
                 help="Requests to the API server at once")(function)
    click.option("--qps", metavar="N", type=click.FloatRange(0, min_open=True),
                 help="Requests to the API server a second; as fast as it goes if not given")(function)
    return function


def pace_spec(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a spec that the flags of ``pace`` mean."""
    return {flag: flags[flag] for flag in _PACE if flags[flag] is not None}


def selection_spec(flags: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a spec that the selection flags mean. Raises UsageError."""
    spec: dict[str, Any] = {}
    for flag, field in (("include_namespaces", "includedNamespaces"), ("exclude_namespaces", "excludedNamespaces"),
                        ("include_resources", "includedResources"), ("exclude_resources", "excludedResources")):
        if flags[flag]:
            spec[field] = flags[flag]
    if flags["selector"]:
        try:
            spec["labelSelector"] = selectors.parse(flags["selector"])
        except ValueError as error:
            raise errors.UsageError(f"--selector: {error}") from error
    if flags["or_selector"]:
        try:
            spec["orLabelSelectors"] = [selectors.parse(each) for each in flags["or_selector"].split(" or ")]
        except ValueError as error:
            raise errors.UsageError(f"--or-selector: {error}") from error
    if flags["include_cluster_resources"] is not None:
        spec["includeClusterResources"] = flags["include_cluster_resources"]
    return spec


def from_file(kind: kinds.Kind, flags: Mapping[str, Any], *, namespace: str, name: tuple[str, ...],
              further: tuple[str, ...]) -> dict[str, Any]:
    """The one CR in the file that -f names. Raises UsageError, InvalidInput.

    further: flags of this command that the file excludes, beside those of selection.
    """
    import yaml

    filename = "stdin" if flags["filename"] == "-" else flags["filename"]
    if name:
        raise errors.UsageError("-f and NAME exclude each other", hint="the file says it all")
    refuse_beside("-f", flags, (*further, "labels", "annotations"), hint="the file says it all")
    try:
        with click.open_file(flags["filename"]) as stream:
            documents = [each for each in yaml.safe_load_all(stream) if each is not None]
    except (OSError, UnicodeDecodeError) as error:
        raise errors.InvalidInput(f"{filename} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except yaml.YAMLError as error:
        raise errors.InvalidInput(f"{filename} is not YAML: {' '.join(str(error).split())}") from error
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise errors.InvalidInput(f"{filename} holds {len(documents)} objects instead of one {kind.kind}")
    # YAML knows dates; Kubernetes' own reading of it does not.
    resource: dict[str, Any] = json.loads(json.dumps(documents[0], default=str))
    if resource.get("kind") != kind.kind or resource.get("apiVersion") != kinds.API_VERSION:
        raise errors.InvalidInput(f"{filename} holds a {resource.get('apiVersion')} {resource.get('kind')}, "
                                  f"not a {kinds.API_VERSION} {kind.kind}")
    metadata = resource.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise errors.InvalidInput(f"{filename}: metadata.name is missing")
    if not isinstance(resource.setdefault("spec", {}), dict):
        raise errors.InvalidInput(f"{filename}: spec is not a mapping")
    if metadata.setdefault("namespace", namespace) != namespace:
        raise errors.UsageError(f"{filename} is for namespace {metadata['namespace']}, not {namespace}",
                                hint=f"use -n {metadata['namespace']}")
    return resource


def refuse_beside(first: str, flags: Mapping[str, Any], further: tuple[str, ...], *, hint: str) -> None:
    """Raises UsageError if a flag of selection or pace, or one of ``further``, is given beside the flag ``first``."""
    for flag in (*_SELECTION, *_PACE, *further):
        if flags.get(flag) not in (None, False, [], {}):
            raise errors.UsageError(f"{first} and --{flag.replace('_', '-')} exclude each other", hint=hint)


def new(kind: kinds.Kind, name: str, namespace: str, spec: dict[str, Any], *, labels: dict[str, str],
        annotations: dict[str, str]) -> dict[str, Any]:
    """A CR with these fields."""
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if labels:
        metadata["labels"] = labels
    if annotations:
        metadata["annotations"] = annotations
    return {"apiVersion": kinds.API_VERSION, "kind": kind.kind, "metadata": metadata, "spec": spec}


def refuse(resource: Mapping[str, Any], problems: list[str], *, typed: bool) -> None:
    """Raise what lists all mistakes, that of the name too, if there are any: UsageError where flags made the object.

    typed: False for an object that a file or a schedule holds; its mistakes are a ValidationFailed.
    """
    name_problem = names.dns_name_problem(resource["metadata"]["name"])
    if found := [*([name_problem] if name_problem else []), *problems]:
        raise errors.UsageError("; ".join(found)) if typed else errors.ValidationFailed(found)


def execute(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], request: Request) -> int:
    """Create the CR and its Job as asked; returns the exit code."""
    if request.show_job and request.dry_run != "client":
        raise errors.UsageError("--show-job needs --dry-run=client")
    if request.dry_run == "client":
        return _print_only(kubectl, kind, resource, request)
    from kubectl_ark.launch import runs

    started = runs.start(kubectl, kind, resource, memory_limit=request.memory_limit,
                         dry_run=request.dry_run == "server")
    if started.refusal:
        output.say(f"Warning: no Job was started: {started.refusal}; the next pass starts it")
    if request.dry_run == "server":
        _print(kind, started.resource, request, "created (server dry run)")
        return errors.EXIT_OK
    if not request.wait:
        _print(kind, started.resource, request, "created")
        return errors.EXIT_OK
    return _wait(kubectl, kind, started.resource, request, had_job=started.job is not None)


def _print_only(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], request: Request) -> int:
    objects = [resource]
    if request.show_job:
        from kubectl_ark.render import jobs

        settings = _installed_settings(kubectl, resource["metadata"]["namespace"])
        if request.memory_limit:
            settings = settings.with_memory_limit(request.memory_limit)
        # The uid is the server's to give; the Job's name and owner hold it.
        unborn = {**resource, "metadata": {**resource["metadata"], "uid": "00000000-0000-0000-0000-000000000000"}}
        objects.append(jobs.run_job(kind, unborn, settings))
    if request.output in ("yaml", "json") or request.show_job:
        form = request.output if request.output == "json" else "yaml"
        click.echo(output.printed(objects, form), nl=False)
    else:
        _print(kind, resource, request, "created (dry run)")
    return errors.EXIT_OK


def _installed_settings(kubectl: Kubectl, namespace: str) -> Settings:
    """What the Job would be made with; the defaults where the cluster does not say."""
    from kubectl_ark.launch import runs

    try:
        settings = runs.find_settings(kubectl.hurried(5), namespace)
        why = f"kubectl-ark is not installed in namespace {namespace}"
    except errors.KubectlFailed as error:
        settings, why = None, error.message
    if settings is None:
        output.say(f"Warning: the Job is shown with default image and limits: {why}")
        return Settings()
    return settings


def _print(kind: kinds.Kind, resource: dict[str, Any], request: Request, done: str) -> None:
    name = output.qualified(kind, resource["metadata"]["name"])
    if request.output in ("yaml", "json"):
        click.echo(output.printed([resource], request.output), nl=False)
    else:
        click.echo(name if request.output == "name" else f"{name} {done}")


def _wait(kubectl: Kubectl, kind: kinds.Kind, resource: dict[str, Any], request: Request, *, had_job: bool) -> int:
    from kubectl_ark.launch.follow import follow

    name = resource["metadata"]["name"]
    if request.output is None:
        click.echo(f"{output.qualified(kind, name)} created")
        sys.stdout.flush()
    progress = Progress()
    try:
        resource = follow(kubectl, kind, resource, report=progress, timeout=request.timeout, had_job=had_job)
    except KeyboardInterrupt:
        progress.interrupted()
        output.say(f'Stopped waiting; {kind.singular}/{name} goes on. Follow it with "kubectl ark logs {kind.singular} '
                   f'{name} -f", stop it with "kubectl ark cancel {kind.singular} {name}"')
        return errors.EXIT_INTERRUPTED
    finally:
        progress.close()
    if request.output is not None:
        _print(kind, resource, request, "")
    else:
        click.echo(f"{output.qualified(kind, name)} {result(resource)}")
    return tell_outcome(kind, resource)


def tell_outcome(kind: kinds.Kind, resource: dict[str, Any]) -> int:
    """The exit code of a finished run; says what to do about one that did not go well."""
    phase, name = phases.phase_of(resource), resource["metadata"]["name"]
    where = f'see "kubectl ark describe {kind.singular} {name} --details"'
    if phase == Phase.COMPLETED:
        if (resource.get("status") or {}).get("warnings"):
            output.say(f"there are warnings; {where}")
        return errors.EXIT_OK
    if phase == Phase.PARTIALLY_FAILED:
        output.say(f"some items failed; {where}")
        return errors.EXIT_PARTIALLY_FAILED
    status = resource.get("status") or {}
    reasons = [*(status.get("validationErrors") or []), *filter(None, [status.get("failureReason")])]
    raise errors.ArkError(f"{kind.singular}/{name} {phase}: {'; '.join(reasons) or 'no reason given'}")


def result(resource: dict[str, Any]) -> str:
    """ "Completed: 12 items, 1 warning"; a run that did not get to its end has no counts worth telling.

    A restore tells what became of its items: "Completed: 29 created, 10 skipped".
    """
    status = resource.get("status") or {}
    if phases.phase_of(resource) not in phases.USABLE:
        return phases.phase_of(resource)
    fates = _fates(status) if resource.get("kind") == kinds.RESTORE.kind else ""
    counts = [fates or _count(items_done(resource), "item")]
    counts += [_count(status[field], field[:-1]) for field in ("warnings", "errors") if status.get(field)]
    return f"{phases.phase_of(resource)}: {', '.join(counts)}"


def _fates(status: Mapping[str, Any]) -> str:
    """What the runner says of a restore's items, before it counts its warnings; "" if it says nothing."""
    said = [each.get("message") or "" for each in status.get("conditions") or [] if each.get("type") == "Finished"]
    return str(said[0]).partition(";")[0] if said else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
