"""Flags that commands share, and how help is laid out."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from kubectl_ark import errors
from kubectl_ark.cli import words
from kubectl_ark.launch.kubectl import Kubectl
from kubectl_ark.model import kinds, times
from kubectl_ark.model.names import VELERO_WORDS
from kubectl_ark.model.settings import Settings

Function = TypeVar("Function", bound=Callable[..., Any])

EXIT_CODES = {
    errors.EXIT_OK: "done",
    errors.EXIT_ERROR: "error",
    errors.EXIT_USAGE: "the command line is wrong",
}
WAIT_EXIT_CODES = {
    errors.EXIT_OK: "done; with --wait: Completed",
    errors.EXIT_ERROR: "error; with --wait also Failed and FailedValidation",
    errors.EXIT_USAGE: "the command line is wrong",
    errors.EXIT_PARTIALLY_FAILED: "with --wait: PartiallyFailed, some items could not be done",
    errors.EXIT_TIMED_OUT: "with --wait: --timeout is over, the run goes on",
    errors.EXIT_INTERRUPTED: "interrupted by Ctrl-C; a run goes on",
}

_KUBECTL_FLAGS = (
    ("--kubeconfig", "FILE", "Kubeconfig file to use"),
    ("--context", "NAME", "Context of the kubeconfig to use"),
    ("--cluster", "NAME", "Cluster of the kubeconfig to use"),
    ("--user", "NAME", "User of the kubeconfig to use"),
    ("--as", "NAME", "User to impersonate"),
    ("--as-group", "NAME", "Group to impersonate, may be repeated"),
    ("--as-uid", "UID", "Uid to impersonate"),
    ("--server", "URL", "Address of the API server"),
    ("--token", "TOKEN", "Bearer token"),
    ("--certificate-authority", "FILE", "Certificate of the API server's authority"),
    ("--tls-server-name", "NAME", "Name to expect in the API server's certificate"),
    ("--request-timeout", "DURATION", "How long one request may take"),
    ("--cache-dir", "DIR", "kubectl's cache directory"),
)


@dataclasses.dataclass
class Connection:
    """What to pass to kubectl, and Ark's namespace. Flags after the subcommand win over those before it."""

    flags: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    namespace_flag: str | None = None

    @property
    def namespace(self) -> str:
        """Ark's namespace: the flag, else KUBECTL_ARK_NAMESPACE, else heptio-ark."""
        return self.namespace_flag or os.environ.get("KUBECTL_ARK_NAMESPACE") or kinds.DEFAULT_NAMESPACE

    @property
    def home(self) -> str:
        """Ark's namespace for commands whose -n is that of workloads."""
        return os.environ.get("KUBECTL_ARK_NAMESPACE") or kinds.DEFAULT_NAMESPACE

    @property
    def kubectl(self) -> Kubectl:
        """kubectl with these flags."""
        return Kubectl([argument for values in self.flags.values() for argument in values])


def connection(function: Function) -> Function:
    """Add kubectl's connection flags and -n; ``Connection`` is the context's object."""
    def keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
        current = ctx.ensure_object(Connection)
        name = param.opts[0] if param.opts[0].startswith("--") else param.opts[-1]
        values = [each for each in (value if isinstance(value, tuple) else (value,)) if each not in (None, False)]
        if not values:
            return
        if name == "--namespace":
            current.namespace_flag = values[-1]
        elif name != "--verbose":
            current.flags[name] = [name if value is True else f"{name}={value}" for value in values]

    common: dict[str, Any] = {"expose_value": False, "callback": keep}
    click.option("-v", "--verbose", is_flag=True, help="Show where an error comes from", **common)(function)
    click.option("--insecure-skip-tls-verify", is_flag=True, help="Do not check the API server's certificate",
                 **common)(function)
    for name, metavar, text in reversed(_KUBECTL_FLAGS):
        short = ("-s",) if name == "--server" else ()
        click.option(*short, name, metavar=metavar, help=text, multiple=name == "--as-group", **common)(function)
    click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace of kubectl-ark", **common)(function)
    return function


class Command(click.Command):
    """A command whose help ends with examples (its epilog) and exit codes, and that takes the connection's flags."""

    exit_codes = EXIT_CODES

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples as they stand, then the codes."""
        formatter.write(epilog(self.epilog or "", self.exit_codes))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """A flag that means true when it stands alone must not swallow the word after it."""
        alone = {opt for param in self.params if isinstance(param, TriState) for opt in param.opts}
        return super().parse_args(ctx, [f"{each}=true" if each in alone else each for each in args])


class Group(click.Group):
    """A command of commands: help as of any command, and words in Velero's order get the right command named."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples as they stand, then the codes."""
        formatter.write(epilog(self.epilog or ""))

    def resolve_command(self, ctx: click.Context, args: list[str],
                        ) -> tuple[str | None, click.Command | None, list[str]]:
        """Raises UsageError with the command that was meant."""
        if args[0] not in self.commands:
            meant = words.meant([str(self.name), *args]) if args[0] in VELERO_WORDS else None
            raise errors.UsageError(
                f'"{args[0]}" is not a command of kubectl ark {self.name}',
                hint=f'use "{meant}"' if meant else f'use "kubectl ark {self.name} {"|".join(self.commands)}"')
        return super().resolve_command(ctx, args)


class WaitingCommand(Command):
    """A command with --wait."""

    exit_codes = WAIT_EXIT_CODES


class TriState(click.Option):
    """--flag, --flag=true, --flag=false, or not given (None)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "type": click.BOOL, "metavar": "[=true|false]", "default": None})


def epilog(examples: str, exit_codes: dict[int, str] | None = None) -> str:
    """The end of a help text."""
    lines = ["", "Examples:", *(f"  {line}".rstrip() for line in examples.strip().splitlines())]
    lines += ["", "Exit codes:"]
    lines += [f"  {code:<3}  {meaning}" for code, meaning in (exit_codes or EXIT_CODES).items()]
    return "\n".join(lines) + "\n"


def duration(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """Callback: seconds of a Go duration."""
    if value is None:
        return None
    try:
        return times.parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def memory(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Callback: a memory limit that a run can start with."""
    try:
        return value if not value else Settings().with_memory_limit(value).memory_limit
    except errors.InvalidInput as error:
        raise click.BadParameter(error.sentence) from error


def pairs(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Callback: "a=b,c=d", repeated or not, as a mapping."""
    found: dict[str, str] = {}
    for text in value:
        for part in filter(None, text.split(",")):
            key, equals, rest = part.partition("=")
            if not equals or not key:
                raise click.BadParameter(f'"{part}" is not KEY=VALUE')
            found[key] = rest
    return found


def names(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str]:
    """Callback: "a,b", repeated or not, as a list; commas inside braces belong to a pattern."""
    found = []
    for text in value:
        depth, word = 0, ""
        for char in text + ",":
            depth += (char == "{") - (char == "}")
            if char == "," and depth <= 0:
                found.append(word.strip())
                word = ""
            else:
                word += char
    return [word for word in found if word]
