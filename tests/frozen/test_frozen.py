"""Results and reports computed from stored fits equal those of graduel 0.1.0.

The output of each fit is stored in a neutral form (see :mod:`adapter`), so no test here depends on
a machine's matrix products, on names of modules or on wording.
"""

from __future__ import annotations

import math
from io import BytesIO
from itertools import zip_longest
from typing import Any

import adapter
import numpy as np
import pytest
import reading

RENAMED: dict[str, str] = {
    "dataset/warnings/#": "dataset/warnings/#",  # the number of warnings
    "dataset/warnings/*": "dataset/warnings/*/message",
}
"""Renamed keys of a result: old to new path prefix, with * for any one part, such as
``{"contenders/*/brier": "contenders/*/brier_score"}``. This is the only list of them."""

RTOL = 1e-9
"""Relative tolerance of numbers in a result."""
SEARCHED = {"temperatures": 1e-5, "after": 1e-5}
"""Tolerance by key for results of a numerical search: its end depends on the last bit of sums,
which differs between processors."""
PREDICTED = 2e-5
"""Relative tolerance of predicted probabilities, which come from float32 matrix products."""

Facts = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def facts() -> Facts:
    """Cache of rebuilt runs by name."""
    return {}


@pytest.fixture(params=list(adapter.RUNS))
def name(request) -> str:
    """The name of a stored run."""
    return request.param


@pytest.fixture
def found(name, facts, monkeypatch) -> dict[str, Any]:
    """The numbers of a stored run, computed without drawing figures (the slowest part)."""
    if name not in facts:
        monkeypatch.setattr("matplotlib.figure.Figure.savefig", _empty_figure)
        facts[name] = reading.facts_of(name)
    return facts[name]


def _empty_figure(figure: Any, target: Any, **options: Any) -> None:
    if isinstance(target, BytesIO):
        target.write(b'<svg xmlns="http://www.w3.org/2000/svg"/>')


def differences(expected: Any, found: Any, names: dict[str, str]) -> list[str]:
    """Return a line for each value of a result that is missing or differs.

    >>> differences({"a": 1.0, "b": [2]}, {"c": 1.5, "b": [2], "new": 3}, {"a": "c"})
    ['c: expected 1.0; got 1.5']
    """
    now, lines = dict(reading.leaves(found)), []
    for old, value in reading.leaves(expected):
        path = reading.renamed(old, names)
        if path not in now:
            lines.append(f"{path}: expected {value!r}; got nothing")
        elif not same(value, now[path], tolerance(old)):
            lines.append(f"{path}: expected {value!r}; got {now[path]!r}")
    return lines


def tolerance(path: str) -> float:
    """Return the relative tolerance of a number.

    >>> tolerance("net/brier"), tolerance("net/calibration/after/ece")
    (1e-09, 1e-05)
    """
    return max((SEARCHED.get(part, RTOL) for part in path.split("/")), default=RTOL)


def same(expected: Any, found: Any, rtol: float = RTOL) -> bool:
    """Return whether two values are equal; numbers up to `rtol`."""
    if expected == reading.WORD:
        return isinstance(found, str)
    if type(expected) in (int, float) and type(found) in (int, float):
        return math.isclose(expected, found, rel_tol=rtol, abs_tol=1e-15)
    return type(expected) is type(found) and expected == found


def unequal_tables(expected: list[list[str]], found: list[list[str]]) -> list[str]:
    """Return a line for each table with different numbers, naming the first.

    >>> unequal_tables([["1", "2"], ["3"]], [["1", "2"], ["4"]])
    ['table 1, number 0: expected 3; got 4']
    """
    lines = []
    for number, (old, new) in enumerate(zip_longest(expected, found, fillvalue=())):
        for place, (before, now) in enumerate(zip_longest(old, new, fillvalue="nothing")):
            if before != now:
                lines.append(f"table {number}, number {place}: expected {before}; got {now}")
                break
    return lines


def test_results_have_the_same_numbers(name, found):
    expected = reading.read_expected(name)["results"]
    assert list(found["results"]) == list(expected)
    for place, result in expected.items():
        lines = differences(result, found["results"][place], RENAMED)
        assert not lines, f"{place}: {len(lines)} values differ:\n" + "\n".join(lines[:40])


def test_every_table_of_the_pages_has_the_same_numbers(name, found):
    expected = reading.read_expected(name)["pages"]
    assert list(found["pages"]) == list(expected)
    for page, tables in expected.items():
        lines = unequal_tables(tables, found["pages"][page])
        assert not lines, f"{page}:\n" + "\n".join(lines)


def test_the_terminal_shows_the_same_numbers(name, found):
    expected = reading.read_expected(name)["terminal"]
    assert expected
    assert all(expected)
    assert not unequal_tables(expected, found["terminal"])


@pytest.fixture(scope="module")
def predictions() -> dict[str, Any]:
    """The stored models' current predictions."""
    return reading.predictions()


@pytest.mark.parametrize("model", adapter.MODELS)
def test_stored_models_predict_as_before(model, predictions):
    expected, found = reading.read_expected("models")[model], predictions[model]
    assert found["classes"] == expected["classes"]
    np.testing.assert_allclose(
        found["probabilities"], expected["probabilities"], rtol=PREDICTED, atol=1e-6
    )


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Any]:
    """The current verdicts on files of predictions."""
    return reading.verdicts()


@pytest.mark.parametrize("kind", reading.VERDICTS)
def test_verdicts_on_files_have_the_same_numbers(kind, verdicts):
    expected, found = reading.read_expected("verdicts")[kind], verdicts[kind]
    assert not differences(expected["told"], found["told"], RENAMED)
    assert expected["shown"]
    assert not unequal_tables(expected["shown"], found["shown"])


def test_renamed_keys_are_followed():
    old, new = {"net": {"brier": 0.5}}, {"net": {"score": {"brier": 0.5}}}
    assert differences(old, new, {}) == ["net/brier: expected 0.5; got nothing"]
    assert not differences(old, new, {"*/brier": "*/score/brier"})
