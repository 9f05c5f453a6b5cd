"""Name patterns and label selectors."""

from typing import Any

import pytest

from kubectl_ark.model import globs, selectors


@pytest.mark.parametrize(("pattern", "name", "expected"), [
    ("*", "anything", True), ("prod-*", "prod-1", True), ("prod-*", "preprod-1", False), ("a?c", "abc", True),
    ("a?c", "ac", False), ("[ab]x", "bx", True), ("[!ab]x", "bx", False), ("[a-c]1", "b1", True),
    ("{a,b-*}", "b-7", True), ("{a,b}", "c", False), ("a.b", "axb", False), ("*.apps", "deployments.apps", True),
])
def test_patterns_match_whole_names(pattern: str, name: str, expected: bool) -> None:
    assert globs.matches(name, [pattern]) is expected


@pytest.mark.parametrize("pattern", ["[a", "{a,b"])
def test_a_bracket_that_does_not_close_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="not closed"):
        globs.compiled(pattern)


def test_an_exclude_wins_over_an_include() -> None:
    assert not globs.includes("a", included=["*"], excluded=["a"])
    assert globs.includes("b", included=[], excluded=["a"])
    assert not globs.includes("b", included=["c"], excluded=[])


LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(("text", "expected"), [
    ("app=web", True), ("app==web,tier=front", True), ("app!=web", False), ("other!=x", True),
    ("app in (web,db)", True), ("app in(web)", True), ("app notin(web , db)", False), ("app=", False),
    ("app notin (web)", False), ("other notin (x)", True), ("tier", True), ("!tier", False), ("!other", True),
])
def test_selectors_match_as_the_api_server_does(text: str, expected: bool) -> None:
    assert selectors.matches(selectors.parse(text), LABELS) is expected


@pytest.mark.parametrize("text", ["=", "a b", "-x=1", "a=b=c", "a=-b", "a!=b_", "a in (x y)", f"a={'b' * 64}"])
def test_a_text_that_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a label selector"):
        selectors.parse(text)


def test_a_selector_reads_back_as_the_query_it_came_from() -> None:
    selector: dict[str, Any] = selectors.parse("app=web,tier in (a,b),!old,new")
    assert selectors.to_query(selector) == "app=web,tier in (a,b),!old,new"
    assert selectors.parse(selectors.to_query(selector)) == selector
    assert selectors.to_query(None) == ""
