"""Scores of a cross-validation by another tool: against SciPy's t, baycomp, and known errors."""

from __future__ import annotations

import re
from pathlib import Path

import baycomp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from graduel.stats import compare_scores, corrected_t

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"


@st.composite
def scores(draw):
    shape = draw(st.sampled_from([(2,), (7,), (1, 3), (3, 5)]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    return rng.normal(0.8, 0.1, shape), rng.normal(0.8, 0.1, shape)


@settings(deadline=None)
@given(scores(), st.integers(2, 10_000), st.integers(1, 5_000), st.floats(0, 0.2))
def test_formulas(both, n_train, n_test, rope):
    a, b = both
    d = np.ravel(a - b)
    scale = np.sqrt((1 / d.size + n_test / n_train) * d.var(ddof=1))
    t = stats.t(d.size - 1, d.mean(), scale)
    result = compare_scores(a.tolist(), b.tolist(), n_train=n_train, n_test=n_test)
    assert result.interval(0.95) == pytest.approx(t.interval(0.95), rel=1e-8, abs=1e-12)
    p = 2 * stats.t.sf(abs(d.mean()) / scale, d.size - 1)
    assert result.p_value == pytest.approx(p, rel=1e-8)
    expected = t.cdf(-rope), t.cdf(rope) - t.cdf(-rope), t.sf(rope)
    assert result.probabilities(rope) == pytest.approx(expected, abs=1e-8)


@settings(deadline=None, max_examples=30)
@given(scores(), st.floats(0.001, 0.3))
def test_probabilities_equal_baycomps(both, rope):
    a, b = both
    repeats = 1 if a.ndim == 1 else len(a)
    folds = a.size // repeats
    result = compare_scores(a, b, n_train=100 * (folds - 1), n_test=100)
    expected = baycomp.two_on_single(b.ravel(), a.ravel(), rope, runs=repeats)
    assert result.probabilities(rope) == pytest.approx(expected, abs=1e-8)


def test_it_is_the_one_corrected_t():
    d = np.array([[0.02, 0.0, 0.01, 0.03, 0.02], [0.01, 0.02, 0.01, 0.0, 0.03]])
    result = compare_scores(d, np.zeros((2, 5)), n_train=80, n_test=20)
    assert result == corrected_t(d, 0.2)


def test_the_page_shows_the_effect_of_each_error():
    page = PAGE.read_text(encoding="utf-8")
    example = page[page.index("from graduel.stats import compare_scores") :]
    names: dict = {}
    exec(example[: example.index("print")], names)
    assert names["estimate"].p_value == pytest.approx(0.0769, abs=5e-5)
    d = np.ravel(names["net"]) - np.ravel(names["trees"])
    n, folds, share, sd = 10, 5, 100 / 400, d.std(ddof=1)
    factor = 1 / n + share
    expected = [
        (np.sqrt(factor) * sd, n - 1, 2),
        (np.sqrt(1 / n) * sd, n - 1, 2),
        (factor * sd, n - 1, 2),
        (np.sqrt(factor * sd), n - 1, 2),
        (np.sqrt(1 / n + 100 / 500) * sd, n - 1, 2),
        (np.sqrt(1 / n + 1 / (n - 1)) * sd, n - 1, 2),
        (np.sqrt(factor) * d.std(), n - 1, 2),
        (np.sqrt(factor) * sd, folds - 1, 2),
        (np.sqrt(1 / folds + share) * sd, folds - 1, 2),
        (np.sqrt(factor) * sd, n - 1, 1),
    ]
    rows = re.findall(r"\| −(\d\.\d+) \| (0\.\d+) \|", example)
    assert len(rows) == len(expected)
    for (t, p), (se, df, sides) in zip(rows, expected, strict=True):
        assert -d.mean() / se == pytest.approx(float(t), abs=0.00501)
        assert sides * stats.t.sf(-d.mean() / se, df) == pytest.approx(float(p), abs=0.000501)


@pytest.mark.parametrize(
    ("a", "b", "rows", "message"),
    [
        ([0.5, 0.6], [0.5, 0.6, 0.7], (80, 20), "on the same fits"),
        (0.5, 0.6, (80, 20), "of shape"),
        ([0.5], [0.6], (80, 20), "two or more"),
        ([0.5, np.nan], [0.6, 0.7], (80, 20), "finite"),
        ([0.5, 0.6], [0.6, 0.7], (80, 0), "positive numbers of rows"),
        ([0.5, 0.6], [0.6, 0.7], (np.nan, 20), "positive numbers of rows"),
    ],
)
def test_unusable_scores_are_refused(a, b, rows, message):
    with pytest.raises(ValueError, match=message):
        compare_scores(a, b, n_train=rows[0], n_test=rows[1])
