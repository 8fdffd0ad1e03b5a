"""Whether a target asks for a class or a number, and what its numbers are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.schema_inference import infer_table
from graduel.data.source import source_from_arrays
from graduel.data.table_checks import check_table
from graduel.data.task import Regression
from graduel.errors import UserError

N = 120
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)


def table(target, **options):
    frame = pl.DataFrame({"x": X[: len(target)], "goal": list(target)}, strict=False)
    return infer_table(frame, target="goal", **options)


@pytest.mark.parametrize(
    ("target", "y"),
    [
        (X, X),
        (np.arange(N) * 7, np.arange(N) * 7.0),
        ([f"${v},{v:03}.50" for v in range(1, N + 1)], [v * 1000 + v + 0.5 for v in range(1, 121)]),
        ([f"{v / 4:.2f} %" for v in range(N)], np.arange(N) / 4),
        ([str(v) for v in range(1000, 1000 + N)], np.arange(N) + 1000.0),
        ([f"{v},5" for v in range(N)], np.arange(N) + 0.5),
    ],
    ids=["floats", "integers", "currency", "percent", "integers as text", "decimal comma"],
)
def test_numbers_with_many_values_are_predicted_as_numbers(target, y):
    read = table(target, decimal="," if target[0] == "0,5" else ".")
    assert read.classes == ()
    assert read.y.dtype == np.float64
    assert read.y == pytest.approx(np.asarray(y, float))
    assert "this is a regression" in read.notes[-1]


@pytest.mark.parametrize(
    ("target", "classes"),
    [
        (np.arange(N) % 3, 3),
        (np.arange(N) % 2 + 0.5, 2),
        ([f"{v} stars" for v in np.arange(N) % 5], 5),
        (np.arange(N) % 30 + 1, 30),
        (np.arange(N) % 2 == 0, 2),
    ],
    ids=["codes", "two numbers", "few with a unit", "codes from 1 to 30", "booleans"],
)
def test_few_values_and_consecutive_codes_are_classes(target, classes):
    read = table(target)
    assert len(read.classes) == classes
    doubtful = [note for note in read.notes if "--task regression" in note]
    assert len(doubtful) == (classes > 10)


def test_the_task_can_be_named():
    assert table(np.arange(N) % 3, task="regression").classes == ()
    assert len(table(X, task="classification").classes) == N
    with pytest.raises(UserError, match="--bins makes classes of the target, which conflicts"):
        table(X, task="regression", bins=3)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (["a", "b"] * 60, "--task regression needs a target of numbers; 'goal' holds text, such"),
        ([4.0] * N, "the target 'goal' must vary; every row holds 4.0"),
        ([None] * (N - 1) + [1.0], "expected two rows or more with a target; got 1"),
        (pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 29), eager=True), "days since a date"),
    ],
    ids=["words", "constant", "nearly all missing", "dates"],
)
def test_other_targets_are_refused(target, message):
    with pytest.raises(UserError, match=message):
        table(target, task="regression")


def test_missing_and_infinite_targets_are_dropped_and_counted():
    read = table([np.nan, np.inf, -np.inf, None, *X[4:]])
    assert read.y == pytest.approx(X[4:])
    assert "4 rows without a target are dropped" in read.notes


def test_one_huge_number_stays_as_it_is():
    read = table([*X[1:], 1e300])
    assert read.y.max() == 1e300


@given(st.lists(st.floats(-1e12, 1e12), min_size=2, max_size=60, unique=True), st.randoms())
@settings(max_examples=50, deadline=None)
def test_numbers_are_read_exactly(numbers, random):
    read = table(numbers, task="regression")
    assert read.y.tolist() == numbers


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=300))
@settings(max_examples=50, deadline=None)
def test_strata_are_ordered_codes_from_0_of_at_most_ten_ranges(numbers):
    y = np.array(numbers)
    strata = Regression().strata(y)
    assert set(strata) == set(range(strata.max() + 1))
    assert strata.max() < 10
    assert (np.diff(strata[np.argsort(y, kind="stable")]) >= 0).all()


def test_a_column_that_orders_the_rows_like_the_target_is_reported():
    frame = pl.DataFrame({"x": X, "known": np.exp(2 * X), "goal": 3 * X})
    findings = check_table(infer_table(frame, target="goal"))
    found = [one for one in findings if one.code == "GRD001"]
    assert [one.column for one in found] == ["x", "known"]
    assert "(R² 1.0000)" in str(found[1])


def test_a_skewed_positive_target_is_reported():
    frame = pl.DataFrame({"x": X, "goal": np.exp(2 * RNG.normal(size=N))})
    codes = [one.code for one in check_table(infer_table(frame, target="goal"))]
    assert codes == ["GRD028"]


def test_a_data_set_of_numbers_says_so():
    data = source_from_arrays(pl.DataFrame({"x": X, "goal": X**3}), target="goal").load()
    assert data.task == Regression()
    assert "a number as target" in repr(data)
    assert "target: least" in repr(data)
    assert "<table" in data._repr_html_()
