"""Summaries of columns: merging, and encoders fitted on them against those fitted in memory."""

from __future__ import annotations

import pickle
from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.column import Column
from graduel.data.prepare import distribution
from graduel.data.prepare.column_summary import SUMMARIES, CategorySummary, NumberSummary, merge
from graduel.data.prepare.distribution import RANK_ERROR, Distribution
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.errors import UserError

pytest.importorskip("datasketches")

COLUMNS = (
    Column("number", "numeric"),
    Column("whole", "numeric"),
    Column("word", "categorical"),
    Column("flag", "boolean"),
    Column("day", "date"),
)


def make_table(n: int, seed: int) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    table = pl.DataFrame(
        {
            "number": np.round(rng.lognormal(size=n), 2),
            "whole": 10**9 + rng.integers(-5, 50, n),
            "word": rng.choice(list("abcdefghijkl"), n, p=rng.dirichlet(np.ones(12))),
            "flag": rng.random(n) < 0.3,
            "day": np.datetime64("2024-02-01") + rng.integers(0, 60, n),
        }
    )
    missing = {name: rng.random(n) < rng.choice([0, 0.2]) for name in table.columns}
    return table.with_columns(
        pl.when(pl.Series(missing[name])).then(None).otherwise(pl.col(name)).alias(name)
        for name in table.columns
    )


def summarize(table: pl.DataFrame) -> list:
    summaries = [SUMMARIES[column.kind](column.name) for column in COLUMNS]
    for summary in summaries:
        summary.update(table[summary.name])
    return summaries


@settings(deadline=None, max_examples=40)
@given(
    n=st.integers(1, 200),
    seed=st.integers(0, 10_000),
    cuts=st.lists(st.integers(0, 200), max_size=6),
    order=st.randoms(use_true_random=False),
)
def test_any_division_into_shards_gives_the_fit_in_memory(n, seed, cuts, order):
    table = make_table(n, seed)
    bounds = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [table[a:b] for a, b in pairwise(bounds)]
    order.shuffle(parts)
    total = summarize(parts[0])
    for part in parts[1:]:
        other = pickle.loads(pickle.dumps(summarize(part)))
        total = [merge(a, b) for a, b in zip(total, other, strict=True)]
    for options in ({}, {"embed": True, "one_hot": 3}, {"scaling": "both"}, {"limit": 2}):
        expected = NetPreparation.fit(table, COLUMNS, **options)
        assert NetPreparation.from_summaries(total, **options) == expected
    assert TreePreparation.from_summaries(total) == TreePreparation.fit(table, COLUMNS)


def test_merge_leaves_both_summaries_unchanged():
    a, b = CategorySummary("x"), CategorySummary("x")
    a.update(pl.Series("x", ["u", "v", None]))
    b.update(pl.Series("x", ["v"]))
    total = merge(a, b)
    assert (total.counts, total.n_missing) == ({"u": 1, "v": 2}, 1)
    assert (a.counts, b.counts) == ({"u": 1, "v": 1}, {"v": 1})
    with pytest.raises(ValueError, match="expected summaries of one column"):
        merge(a, CategorySummary("y"))


def draw(name: str, n: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return {
        "uniform": lambda: rng.random(n),
        "normal": lambda: rng.normal(size=n),
        "log-normal": lambda: rng.lognormal(sigma=3, size=n),
        "sorted": lambda: np.sort(rng.normal(size=n)),
        "whole": lambda: rng.integers(0, 50_000, n).astype(float),
        "half zero": lambda: np.where(rng.random(n) < 0.5, 0.0, rng.normal(size=n)),
    }[name]()


@pytest.mark.parametrize(
    "name", ["uniform", "normal", "log-normal", "sorted", "whole", "half zero"]
)
@pytest.mark.parametrize("parts", [1, 40])
def test_quantiles_of_a_large_column_are_within_the_rank_error(name, parts):
    x = draw(name, 400_000)
    total = NumberSummary("x")
    for part in np.array_split(x, parts):
        summary = NumberSummary("x")
        summary.add_numbers(part)
        total = merge(total, summary)
    values = total.distribution
    assert not values.is_exact
    assert (values.n, values.low, values.high) == (len(x), x.min(), x.max())
    ordered, shares = np.sort(x), np.linspace(0, 1, 256)
    for quantiles in (values.knots(256), 2 * values.quantiles(shares)):
        below = np.searchsorted(ordered, quantiles, side="left") / len(x)
        until = np.searchsorted(ordered, quantiles, side="right") / len(x)
        assert np.maximum(below - shares, shares - until).max() < RANK_ERROR


def test_the_same_rows_give_the_same_digest():
    x = draw("normal", 100_000)
    one, other = Distribution(), Distribution()
    for values in (one, other):
        values.update(x)
    np.testing.assert_array_equal(one.knots(256), other.knots(256))
    copy = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(copy.knots(256), one.knots(256))


@pytest.mark.parametrize(
    "column",
    [
        lambda rng, n: 1.7e9 + rng.permutation(n),  # seconds: float32 merges 128 of them
        lambda rng, n: 1e15 + rng.permutation(n),  # float32 merges all of them
        lambda rng, n: rng.permutation(n).astype(float),
        lambda rng, n: rng.normal(size=n),
        lambda rng, n: rng.integers(0, 10**6, n) / 4,
    ],
)
def test_the_shift_of_a_large_column_separates_as_many_values(column):
    x = column(np.random.default_rng(0), 60_000)
    summary = NumberSummary("x")
    for part in np.array_split(x, 7):
        summary.add_numbers(part)
    assert not summary.distribution.is_exact
    shift = TreePreparation.from_summaries([summary]).encoders[0].scaler
    expected = TreePreparation.fit(pl.DataFrame({"x": x}), [Column("x", "numeric")])
    assert shift.whole == expected.encoders[0].scaler.whole
    counts = [
        len(np.unique((x - value).astype(np.float32)))
        for value in (shift.shift, expected.encoders[0].scaler.shift)
    ]
    assert counts[0] >= 0.98 * counts[1]


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), parts=st.integers(1, 9))
def test_the_sample_of_distinct_values_does_not_depend_on_the_shards(seed, parts):
    rng = np.random.default_rng(seed)
    x = 1e8 + rng.integers(0, 3000, 4000).astype(float)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distribution, "MOST_DISTINCT", 100)
        patch.setattr(distribution, "MOST_SAMPLED", 200)
        whole, total = Distribution(), Distribution()
        whole.update(x)
        for part in np.array_split(rng.permutation(x), parts):
            one = Distribution()
            one.update(part)
            total.absorb(one)
        np.testing.assert_array_equal(total.sample(), whole.sample())
        assert 0 < len(whole.sample()) <= 200


def test_infinite_numbers_are_missing():
    summary = NumberSummary("x")
    summary.add_numbers(np.array([1.0, np.inf, np.nan, -np.inf]))
    assert (summary.n_missing, summary.distribution.n) == (3, 1)


def test_too_many_categories_are_refused(monkeypatch):
    monkeypatch.setattr("graduel.data.prepare.column_summary.MOST_CATEGORIES", 2)
    with pytest.raises(UserError, match="expected at most 2 categories"):
        CategorySummary("x").update(pl.Series("x", ["a", "b", "c"]))
