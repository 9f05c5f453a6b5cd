"""How objects and tables are printed, by kubectl's rules."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

from kubectl_ark.model import kinds

FORMATS = ("name", "yaml", "json")


def printed(objects: Sequence[dict[str, Any]], form: str) -> str:
    """``form``: yaml or json. One object as it is; several as YAML documents or a JSON List."""
    cleaned = [_without_managed_fields(each) for each in objects]
    if form == "json":
        document = cleaned[0] if len(cleaned) == 1 else {"apiVersion": "v1", "kind": "List", "items": cleaned}
        return json.dumps(document, indent=4, ensure_ascii=False) + "\n"
    import yaml

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    return str(yaml.dump_all(cleaned, Dumper=dumper, sort_keys=True, allow_unicode=True, width=2**20,
                             default_flow_style=False))


def qualified(kind: kinds.Kind, name: str) -> str:
    """What ``-o name`` prints: backup.ark.heptio.com/NAME."""
    return f"{kind.singular}.{kind.group}/{name}"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns as kubectl sets them: left-aligned, three spaces between, no trailing space."""
    import tabulate

    row = tabulate.DataRow("", "   ", "")
    form = tabulate.TableFormat(None, None, None, None, row, row, 0, None)
    text = tabulate.tabulate([[str(cell) for cell in row] for row in rows], headers=list(headers), tablefmt=form,
                             disable_numparse=True, stralign="left")
    return "\n".join(line.rstrip() for line in text.splitlines())


def say(text: str) -> None:
    """Talk: to stderr, so that stdout holds only what was asked for."""
    click.echo(text, err=True)


def _without_managed_fields(obj: dict[str, Any]) -> dict[str, Any]:
    metadata = {key: value for key, value in obj.get("metadata", {}).items() if key != "managedFields"}
    return {**obj, "metadata": metadata}
