"""The project's own shape: what is shipped, how large modules are, that every package says what belongs in it."""

from __future__ import annotations

import ast
import configparser
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "kubectl_ark"
MODULES = sorted(PACKAGE.rglob("*.py"))


def test_every_package_is_shipped() -> None:
    config = configparser.ConfigParser(interpolation=None)
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split()) - {"kubectl_ark.jobspecs"}
    present = {".".join(path.parent.relative_to(ROOT).parts) for path in PACKAGE.rglob("__init__.py")}
    assert listed == present


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=lambda path: path.parent.name)
def test_a_package_is_a_signpost_without_code(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "says what belongs here and what does not"
    allowed = (ast.Expr, ast.Assign) if path.parent == PACKAGE else (ast.Expr,)
    assert all(isinstance(node, allowed) for node in tree.body)


def test_modules_hold_one_idea_each() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in MODULES if path.name != "__init__.py"}
    assert statistics.median(lengths.values()) < 160
    assert not [path for path, length in lengths.items() if length > 400]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_and_public_definition_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    silent = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            if not ast.get_docstring(node):
                silent.append(node.name)
    assert not silent
