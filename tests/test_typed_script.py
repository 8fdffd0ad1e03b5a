"""The typed script of a user: it runs, has every public name, and the package ships its types."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import graduel
import typed_script
from graduel import report


def test_the_script_runs(tmp_path):
    assert typed_script.main(tmp_path) == ["textbook", "MLPClassifier"]


def test_the_script_has_every_public_name():
    tree = ast.parse(Path(typed_script.__file__).read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert set(graduel.__all__) <= names


def test_types_are_shipped():
    assert (Path(graduel.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize("module", [graduel, graduel.nn, graduel.train, graduel.data, report])
def test_tab_completion_shows_public_names(module):
    assert {name for name in dir(module) if not name.startswith("__")} == set(module.__all__)
    for name in module.__all__:
        assert getattr(module, name) is not None
