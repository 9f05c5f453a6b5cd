"""What rendering promises: values stay values, mistakes are named, nothing but objects comes out."""

import pathlib
from typing import Any

import jinja2
import pytest

from kubectl_ark import errors
from kubectl_ark.render import jobspecs

COMMON = {"namespace": "ark", "labels": {"a": "b"}}

NASTY = ['"', "'", "a: b", "{{ x }}", "{% raw %}", "#", "- x", "yes", "null", "1e3", "0777", "\n---\nkind: Evil", "é",
         "\U0001f600", "\x85", "\u2028", "\x7f", "&a", "*a", "!!python/object:os.system", "<b>&amp;", "\t", "\\", "%"]


@pytest.mark.parametrize("text", NASTY)
def test_any_text_comes_out_as_it_went_in(text: str) -> None:
    [config_map] = jobspecs.render("settings", {**COMMON, "data": {text: text, "key": text}})
    assert config_map["data"] == {text: text, "key": text}
    assert config_map["kind"] == "ConfigMap"


def test_a_missing_value_is_an_error_that_names_it_and_the_jobspec() -> None:
    with pytest.raises(errors.InvalidInput, match="jobspec settings.*data"):
        jobspecs.render("settings", COMMON)


def test_a_jobspec_that_is_not_there_is_named() -> None:
    with pytest.raises(errors.InvalidInput, match="nothing"):
        jobspecs.render("nothing", {})


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Render a text as if an admin had put it in a jobspec's place."""
    environment = jobspecs._environment()

    def render(text: str, **values: Any) -> list[dict[str, Any]]:
        monkeypatch.setattr(environment, "loader", jinja2.DictLoader({"own.yaml.j2": text}))
        return jobspecs.render("own", values)
    return render


OBJECT = "apiVersion: v1\nkind: X\nmetadata: {name: x}\n"


@pytest.mark.parametrize(("text", "complaint"), [
    ("a: [", "YAML"), ("- 1", "not an object"), ("kind: X\nmetadata: {name: x}", "apiVersion"),
    ("apiVersion: v1\nmetadata: {name: x}", "kind"), ("apiVersion: v1\nkind: X", "name"),
    ("apiVersion: v1\nkind: X\nmetadata: {name: 3}", "name"), (OBJECT + "a: {{ value }}", "tojson"),
    (OBJECT + "a: {{ value", "line 4"), (OBJECT + "a: {{ value.__class__.__mro__|tojson }}", "unsafe"),
    (OBJECT + "a: !!python/object/apply:os.getcwd []", "YAML"), (OBJECT + "a: {{ value.missing|tojson }}", "missing"),
])
def test_a_mistake_in_a_jobspec_is_told_with_its_name(own: Any, text: str, complaint: str) -> None:
    with pytest.raises(errors.InvalidInput, match=f"own.*{complaint}|{complaint}.*own"):
        own(text, value="v")


def test_a_sound_jobspec_of_ones_own_renders(own: Any) -> None:
    assert own(OBJECT + "data: {{ value|tojson }}", value={"a": 1})[0]["data"] == {"a": 1}


def test_rendering_is_deterministic() -> None:
    assert jobspecs.render("crds", {}) == jobspecs.render("crds", {})


def test_every_jobspec_says_in_its_head_what_it_is_for() -> None:
    for path in pathlib.Path(jobspecs.directory()).glob("*.j2"):
        assert path.read_text().startswith("{#-"), path.name
