"""Render a jobspec, parse it and check what came out.

Templates may be replaced by admins, so they are not trusted: the environment is sandboxed, an undefined value is an
error, and a value gets into the YAML only through ``tojson``; anything else would let a name become structure.
"""

from __future__ import annotations

import functools
import json
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import jinja2
import jinja2.sandbox
import yaml
from markupsafe import Markup

from kubectl_ark import errors

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNSAFE_IN_YAML = re.compile(r"[^\x20-\x7e]")


def render(jobspec: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects that ``jobspec`` ("backup-job") makes of ``values``, in order. Raises InvalidInput."""
    try:
        text = _environment().get_template(f"{jobspec}.yaml.j2").render(values)
        documents = list(yaml.load_all(text, Loader=_LOADER))
    except jinja2.TemplateNotFound as error:
        raise errors.InvalidInput(f"jobspec {jobspec}: there is no {error.message}") from error
    except (jinja2.TemplateError, TypeError) as error:
        line = f", line {error.lineno}" if isinstance(error, jinja2.TemplateSyntaxError) else ""
        raise errors.InvalidInput(f"jobspec {jobspec}{line}: {error}") from error
    except yaml.YAMLError as error:
        said = " ".join(str(error).split())
        raise errors.InvalidInput(f"jobspec {jobspec} does not render to YAML: {said}") from error
    objects = [document for document in documents if document is not None]
    for each in objects:
        _check(jobspec, each)
    return objects


def render_one(jobspec: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The one object that ``jobspec`` makes of ``values``. Raises InvalidInput if it is not exactly one."""
    objects = render(jobspec, values)
    if len(objects) != 1:
        raise errors.InvalidInput(f"jobspec {jobspec} makes {len(objects)} objects instead of one")
    return objects[0]


def directory() -> pathlib.Path:
    """Where the jobspecs are: inside the installed package, or beside it in a checkout."""
    package = pathlib.Path(__file__).resolve().parents[1]
    installed = package / "jobspecs"
    return installed if installed.is_dir() else package.parent / "jobspecs"


def _check(jobspec: str, document: Any) -> None:
    if not isinstance(document, dict):
        raise errors.InvalidInput(f"jobspec {jobspec} renders to something that is not an object: {document!r:.60}")
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str):
            raise errors.InvalidInput(f"jobspec {jobspec} renders to an object without {field}")
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise errors.InvalidInput(f"jobspec {jobspec} renders to a {document['kind']} without a name")


@functools.lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.sandbox.SandboxedEnvironment(
        loader=jinja2.FileSystemLoader(directory()), undefined=jinja2.StrictUndefined, autoescape=True,
        trim_blocks=True, finalize=_only_json,
    )
    environment.filters = {"tojson": _to_json, "length": len}
    return environment


def _to_json(value: Any) -> Markup:
    """JSON that YAML reads as the same value; YAML knows neither surrogate pairs nor raw control characters."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises, naming it
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return Markup(_UNSAFE_IN_YAML.sub(lambda found: f"\\U{ord(found[0]):08x}", text))  # nosec: JSON, not HTML


def _only_json(value: Any) -> Any:
    if isinstance(value, (Markup, jinja2.Undefined)):
        return value
    raise TypeError(f"{value!r:.60} is put in without |tojson")
