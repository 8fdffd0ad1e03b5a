"""Typed results: writing, reading, documentation, and errors about corrupt files."""

from __future__ import annotations

import dataclasses
import runpy
from pathlib import Path

import pytest

from graduel.duel.result.duel_result import BudgetSummary, Result, TrialResult
from graduel.duel.result.duel_result import read_result as read
from graduel.duel.result.probe_results import Importance
from graduel.errors import UserError
from graduel.serialize import from_plain, to_plain, write_json

DOCS = Path(__file__).parents[2] / "docs"


def test_the_reference_matches_the_dataclasses():
    script = runpy.run_path(str(DOCS / "result_reference.py"))
    page = (DOCS / "result.md").read_text(encoding="utf-8")
    assert script["render"](page) == page, "run python docs/result_reference.py"
    assert "---- code" not in page  # sections of docstrings become columns
    assert "`code` | string | " in page


def test_every_class_of_a_result_has_a_docstring():
    script = runpy.run_path(str(DOCS / "result_reference.py"))
    for kind in script["classes_of"](Result):
        assert kind.__doc__
        assert not kind.__doc__.startswith(f"{kind.__name__}("), kind  # made by @dataclass


@pytest.mark.parametrize(
    "part",
    [
        TrialResult(number=0, params={"a": [1]}, loss=None, seconds=1.5, state="failed", why="x"),
        Importance(rows=3, log_loss=((0.1,), (0.3,)), error=((0.0,), (1.0,)), block=4),
        Importance(rows=3, log_loss=(0.1,), error=(0.0,), columns=(("age", "town"),)),
        BudgetSummary(kind="trials", value=3),
    ],
)
def test_parts_survive_writing_and_reading(part):
    assert from_plain(type(part), to_plain(part)) == part
    assert {field.name for field in dataclasses.fields(part)} == set(to_plain(part))


def test_a_corrupt_result_is_refused_with_the_path_of_the_field(tmp_path):
    with pytest.raises(UserError, match=r"has no result\.json"):
        read(tmp_path)
    for content, message in (
        ([], "Expected object"),
        ({"format": 2}, r"format"),
        ({"format": 1}, "missing required field dataset"),
        ({"format": 1, "dataset": {"name": 3}}, r"Expected str, got int - at \$\.dataset\.name"),
    ):
        write_json(tmp_path / "result.json", content)
        with pytest.raises(UserError, match=message):
            read(tmp_path)
