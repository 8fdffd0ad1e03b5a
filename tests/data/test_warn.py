"""Warnings: each is given where it must be, and a harmless table has none."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from graduel.data.checks import check_table
from graduel.data.read import read_source
from graduel.data.schema_inference import infer_table

RNG = np.random.default_rng(0)
N = 1000
Y = RNG.integers(0, 3, N)
NOISE = RNG.normal(size=N)


def told(columns, y=Y, target="y", **options):
    """Return the warnings about a table of noise and these columns."""
    frame = pl.DataFrame({"noise": NOISE[: len(y)], **columns, target: y})
    return check_table(infer_table(frame, target=target, **options))


def test_a_harmless_table_has_none():
    assert told({"word": RNG.choice(["a", "b"], N), "weak": Y + RNG.normal(size=N)}) == ()


@pytest.mark.parametrize(
    "column",
    [
        Y * 2.5,
        np.array(["x", "y", "z"])[Y],
        Y + RNG.uniform(0, 0.5, N),
        np.where(Y > 1, np.nan, Y),
    ],
)
def test_a_column_that_gives_the_target_away(column):
    found = told({"known": pl.Series(column, nan_to_null=True)})
    assert len(found) == 1
    assert found[0].startswith("column 'known' alone predicts the target almost perfectly (0")
    assert "--drop known" in found[0]


def test_guessing_well_is_not_giving_away():
    y = (np.arange(N) % 200 == 0).astype(int)
    assert not any("alone predicts" in one for one in told({"x": RNG.normal(size=N)}, y))


@pytest.mark.parametrize(
    ("name", "target", "alike"),
    [
        ("churn_score", "churn", True),
        ("ChurnReason", "churn", True),
        ("churning", "churn", False),
        ("passenger class", "class", False),
        ("label code", "label", True),
    ],
)
def test_a_column_that_is_named_like_the_target(name, target, alike):
    found = told({name: RNG.normal(size=N)}, target=target)
    assert [("named like the target" in one) for one in found] == [True] * alike


def test_equal_and_contradicting_rows():
    x = np.arange(200) % 50 / 2
    y = np.where(np.arange(200) == 0, 1, x.astype(int) % 2)
    frame = pl.DataFrame({"x": x, "y": y})
    found = check_table(infer_table(frame, target="y"))
    text = "150 of 200 rows (75.0 %) repeat the features of an earlier row; 4 rows have equal"
    assert any(one.startswith(text) for one in found)


def test_numbers_that_look_like_an_identifier():
    found = told({"number": np.cumsum(RNG.integers(1, 9, N))})
    assert len(found) == 1
    assert "'number' looks like an identifier" in found[0]
    assert told({"number": RNG.permutation(np.cumsum(RNG.integers(1, 9, N)))}) == ()


def test_classes_with_few_rows():
    y = np.array(["a"] * 500 + ["b"] * 490 + ["c"] * 8 + ["d"] * 2)
    few, rare = told({}, y)
    assert few.startswith("classes with fewer than 10 rows: d (2), c (8)")
    assert rare.startswith("class 'd' has 0.2 % of the rows")
    assert told({}, np.array(["a"] * 500 + ["b"] * 20)) == ()


def test_rows_in_the_order_of_a_date():
    days = [date(2024, 1, 1) + timedelta(days=i // 2) for i in range(N)]
    assert "in the order of 'day'" in told({"day": days})[0]
    assert "--time day" in told({"day": days[::-1]})[0]
    assert told({"day": list(RNG.permutation(np.array(days)))}) == ()


def test_a_seed_decides_what_is_looked_at(monkeypatch):
    from graduel.data import checks

    monkeypatch.setattr(checks, "SAMPLE", 200)
    table = infer_table(pl.DataFrame({"noise": NOISE, "known": Y * 2.5, "y": Y}), target="y")
    assert check_table(table, seed=1) == check_table(table, seed=1)
    assert "'known' alone" in check_table(table)[0]


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_honest_tables_give_nothing_away(name):
    table = infer_table(read_source(name).content, target="target")
    assert not any("alone predicts" in one for one in check_table(table))
