"""The words that the runner takes, in one table: a further command is one line of it."""

from __future__ import annotations

import argparse
import dataclasses
import importlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kubectl_ark import __version__
from kubectl_ark.model import kinds


@dataclasses.dataclass(frozen=True)
class Command:
    """What one word does.

    place: "module.function" below this package, imported only when it is used. The function is given the ``Work``
    (without needs_cluster: ``environment``, a mapping) and the values of ``flags`` by their names.
    """

    place: str
    takes_name: bool = True
    needs_cluster: bool = True
    flags: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    """Further flags, each with argparse's keywords for it."""

    def function(self) -> Callable[..., None]:
        """What to call."""
        module, _, name = self.place.rpartition(".")
        found: Callable[..., None] = getattr(importlib.import_module(f"kubectl_ark.runner.{module}"), name)
        return found

    def values(self, options: argparse.Namespace) -> dict[str, Any]:
        """The flags' values as the function's keyword arguments."""
        names = [flag.lstrip("-").replace("-", "_") for flag in self.flags]
        return {name: getattr(options, name) for name in names}


COMMANDS = {
    "backup": Command("backup.backup"),
    "restore": Command("restore.restore"),
    "schedule": Command("schedule.schedule"),
    "restik": Command("restik.restik"),
    "validate-location": Command("validate.validate_location"),
    "repository": Command("repository.repository"),
    "reconcile": Command("upkeep.topics.reconcile", takes_name=False, flags={"--only": {
        "type": lambda text: text.split(","), "default": [], "metavar": "TOPIC[,TOPIC...]",
        "help": "these topics alone; all if not given"}}),
    "fetch": Command("fetch.fetch", takes_name=False, needs_cluster=False,
                     flags={"--output": {"type": Path, "required": True}}),
    "volume": Command("volume.volume", takes_name=False, needs_cluster=False),
}


def parser() -> argparse.ArgumentParser:
    """For all of the command line; its result says in ``work`` which command it is."""
    whole = argparse.ArgumentParser(prog="kubectl_ark.runner", description="Runs one backup, restore, check or pass")
    whole.add_argument("--version", action="version", version=__version__)
    work = whole.add_subparsers(dest="work", required=True)
    for word, command in COMMANDS.items():
        arguments = work.add_parser(word)
        if command.takes_name:
            arguments.add_argument("name", metavar="NAME")
        if command.needs_cluster:
            arguments.add_argument("--namespace", "-n", default=kinds.DEFAULT_NAMESPACE)
            arguments.add_argument("--kubeconfig", help="for use outside a pod")
            arguments.add_argument("--context", help="for use outside a pod")
        for flag, keywords in command.flags.items():
            arguments.add_argument(flag, **keywords)
        arguments.add_argument("--verbose", "-v", action="store_true")
    return whole
