"""Columns that number the rows are set aside; features with distinct values are not."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.checks.row_numbers import describe_resemblance, describe_row_numbers
from graduel.data.read import read_source
from graduel.data.schema_inference import infer_table
from graduel.data.table_checks import check_table

NAMES = ["column_1", "Unnamed: 0.1", "level_0", "index", "Sr. No.", "ID", "anything"]


def add_noise(column, name="column", seed=0):
    """Return a table of noise with this column, whose target is sorted by it."""
    rng = np.random.default_rng(seed)
    order = np.argsort(np.argsort(np.array(column.cast(pl.Float64))))
    frame = pl.DataFrame({name: column, "a": rng.normal(size=len(column)).round(3)})
    return frame.with_columns(y=pl.Series(np.array(["u", "v", "w"])[order * 3 // len(column)]))


@st.composite
def indices(draw):
    """Draw the index of sorted, shuffled or selected rows, of any number type."""
    n, first = draw(st.integers(40, 400)), draw(st.sampled_from([0, 1, 1000]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    index = np.arange(n) + first
    kind = draw(st.sampled_from(["sorted", "reversed", "shuffled", "selected", "sample", "steps"]))
    if kind == "reversed":
        index = index[::-1]
    elif kind == "shuffled":
        index = rng.permutation(index)
    elif kind == "selected":
        index = index[rng.random(n) < 0.8]
    elif kind == "sample":
        index = rng.permutation(np.arange(n + n // 4) + first)[:n] if n > 100 else index
    elif kind == "steps":
        index = np.cumsum(rng.integers(1, 1000, n))
    dtype = draw(st.sampled_from([pl.Int64, pl.Int32, pl.Float64]))
    return pl.Series(index.copy()).cast(dtype)


@settings(deadline=None, max_examples=60)
@given(index=indices(), name=st.sampled_from(NAMES))
def test_indices_are_set_aside_with_a_finding(index, name):
    table = infer_table(add_noise(index, name), target="y")
    assert [column.name for column in table.columns] == ["a"]
    findings = [one for one in check_table(table) if one.code == "GRD020"]
    assert [one.column for one in findings] == [name]
    table = infer_table(add_noise(index, name), target="y", numeric=[name])
    assert [column.name for column in table.columns] == [name, "a"]


@st.composite
def features(draw):
    """Draw a numeric feature, often with distinct values."""
    n = draw(st.integers(20, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(["floats", "prices", "sorted", "counts", "large", "even", "cents"]))
    values = {
        "floats": lambda: rng.normal(size=n),
        "prices": lambda: rng.lognormal(5, 2, n).round(2),
        "sorted": lambda: np.sort(rng.normal(size=n)),
        "counts": lambda: np.append(rng.integers(0, 10 * n, n - 2), [7, 7]),
        "large": lambda: rng.integers(0, 10**9, n),
        "even": lambda: rng.permutation(np.linspace(0, 1, n)),
        "cents": lambda: rng.permutation(n) / 100,
    }[kind]()
    return pl.Series(values)


@settings(deadline=None, max_examples=100)
@given(feature=features())
def test_features_are_not_set_aside(feature):
    assert describe_row_numbers(feature) is None


@pytest.mark.parametrize("step", [timedelta(hours=1), None])
@pytest.mark.parametrize("order", [1, -1])
def test_distinct_times_of_sorted_rows(step, order):
    rng = np.random.default_rng(0)
    start, n = datetime(2024, 1, 1), 200
    steps = [step or timedelta(seconds=int(s)) for s in rng.integers(1, 9999, n)]
    times = [start + sum(steps[:i], timedelta()) for i in range(n)][::order]
    frame = pl.DataFrame({"at": times, "a": rng.normal(size=n), "y": [i // 100 for i in range(n)]})
    table = infer_table(frame, target="y")
    (finding,) = [one for one in check_table(table) if one.column == "at"]
    assert (finding.code, [c.name for c in table.columns]) == ("GRD007", ["a"])
    assert "--time at" in finding.message
    assert len(infer_table(frame, target="y", time="at").columns) == 2
    assert len(infer_table(frame.sample(fraction=1, shuffle=True, seed=1), target="y").columns) == 2


def test_numbers_with_missing_cells():
    index = pl.Series(range(100)).cast(pl.Float64)
    few = index.set(pl.Series(range(100)) % 20 == 3, None)
    many = index.set(pl.Series(range(100)) % 3 == 1, None)
    assert describe_row_numbers(few) is not None
    assert describe_row_numbers(many) is None


@pytest.mark.parametrize("kind", ["index", "sample", "float", "time"])
def test_boosted_trees_on_noise_are_no_better_than_chance(tmp_path, kind):
    """A table of noise sorted by class, written by pandas with its index and shuffled."""
    from sklearn.model_selection import cross_val_score
    from xgboost import XGBClassifier

    rng = np.random.default_rng(1)
    n = 300
    index = np.arange(n)
    rows = rng.permutation(n)[: n if kind != "sample" else 210]
    if kind == "time":
        rows = np.sort(rows)
    cell = {
        "float": lambda i: f"{i}.0",
        "time": lambda i: f"2024-01-{1 + i // 24:02} {i % 24:02}:00",
    }
    write = cell.get(kind, str)
    noise = rng.normal(size=(n, 2)).round(3)
    lines = [f"{write(i)},{noise[i, 0]},{noise[i, 1]},{'uvw'[index[i] * 3 // n]}" for i in rows]
    path = tmp_path / "t.csv"
    path.write_text("\n".join([",a,b,label", *lines]) + "\n", encoding="utf-8")
    table = infer_table(read_source(path).content, target="label")
    X = table.frame.to_numpy()
    model = XGBClassifier(n_estimators=20, max_depth=3, n_jobs=1)
    assert 1 - cross_val_score(model, X, table.y, cv=3).mean() > 0.55


@given(
    sizes=st.lists(st.integers(40, 90), min_size=2, max_size=5),
    first=st.integers(0, 1),
    dtype=st.sampled_from([pl.Int64, pl.UInt16, pl.Float64]),
    shuffle=st.booleans(),
)
@settings(max_examples=30)
def test_an_index_that_restarts_is_reported(sizes, first, dtype, shuffle):
    sizes[0] = 200
    index = pl.concat(pl.Series("i", range(first, first + n)) for n in sizes).cast(dtype)
    index = index.shuffle(seed=0) if shuffle else index
    table = infer_table(add_noise(index.alias("i"), "i"), target="y")
    findings = [one for one in check_table(table) if one.code == "GRD004"]
    assert [one.column for one in findings] == ["i"]
    assert f"of {len(sizes)} joined tables" in findings[0].message


@pytest.mark.parametrize(
    "cells",
    [
        [*range(24)] * 30,  # hours
        [day % 7 for day in range(365)],
        [day for year in range(3) for day in range(1, 366)],
        [int(x) for x in np.random.default_rng(0).poisson(30, 4000)],
        [int(x) for x in np.random.default_rng(0).geometric(0.1, 4000)],
        [*range(50), *range(100, 150), *range(50)],
    ],
)
def test_hours_days_and_counts_are_no_index(cells):
    assert describe_resemblance(pl.Series(cells)) is None
