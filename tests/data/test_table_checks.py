"""Checks of a table: each reports its problem, and a table without problems has no findings."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from graduel.data import table_checks
from graduel.data.read import read_source
from graduel.data.schema_inference import infer_table
from graduel.data.table_checks import check_table

RNG = np.random.default_rng(0)
N = 1000
Y = RNG.integers(0, 3, N)
NOISE = RNG.normal(size=N)


def findings(columns, y=Y, target="y", **options):
    """Return the findings about a table with noise and these columns."""
    frame = pl.DataFrame({"noise": NOISE[: len(y)], **columns, target: y})
    return check_table(infer_table(frame, target=target, **options))


def codes(result):
    """Return the codes of findings."""
    return [finding.code for finding in result]


def test_a_table_without_problems_has_no_findings():
    assert findings({"word": RNG.choice(["a", "b"], N), "weak": Y + RNG.normal(size=N)}) == ()


@pytest.mark.parametrize(
    "column",
    [
        Y * 2.5,
        np.array(["x", "y", "z"])[Y],
        Y + RNG.uniform(0, 0.5, N),
        np.where(Y > 1, np.nan, Y),
    ],
)
def test_a_column_that_alone_predicts_the_target(column):
    (finding,) = findings({"known": pl.Series(column, nan_to_null=True)})
    assert (finding.code, finding.severity, finding.column) == ("GRD001", "warning", "known")
    start = "column 'known' alone predicts the target almost perfectly (0"
    assert finding.message.startswith(start)
    assert "--drop known" in finding.message


def test_a_small_baseline_error_is_not_leakage():
    y = (np.arange(N) % 200 == 0).astype(int)
    assert "GRD001" not in codes(findings({"x": RNG.normal(size=N)}, y))


@pytest.mark.parametrize(
    ("name", "target", "is_similar"),
    [
        ("churn_score", "churn", True),
        ("ChurnReason", "churn", True),
        ("churning", "churn", False),
        ("passenger class", "class", False),
        ("label code", "label", True),
    ],
)
def test_a_column_that_is_named_like_the_target(name, target, is_similar):
    result = findings({name: RNG.normal(size=N)}, target=target)
    assert [(one.code, one.column) for one in result] == [("GRD002", name)] * is_similar


def test_duplicate_and_contradictory_rows():
    x = np.arange(200) % 50 / 2
    y = np.where(np.arange(200) == 0, 1, x.astype(int) % 2)
    frame = pl.DataFrame({"x": x, "y": y})
    (finding,) = [f for f in check_table(infer_table(frame, target="y")) if f.code == "GRD003"]
    text = "150 of 200 rows (75.0 %) repeat the features of an earlier row; 4 rows have equal"
    assert finding.message.startswith(text)


def test_a_column_that_looks_like_an_identifier():
    steps = RNG.integers(1, 9, N)
    steps[::100] = 0
    for number in (np.cumsum(steps), np.cumsum(steps) * 1.0):
        (finding,) = findings({"number": number})
        assert finding.code == "GRD004"
        assert "'number' looks like an identifier" in finding.message
    (finding,) = findings({"number": RNG.permutation(np.cumsum(steps))})
    assert (finding.code, "more than by chance" in finding.message) == ("GRD004", True)
    hours = [datetime(2024, 1, 1) + timedelta(hours=int(i)) for i in RNG.permutation(N)]
    for even in (np.arange(N) / 100, RNG.permutation(N) / 7, hours):
        (finding,) = findings({"number": even})
        assert (finding.code, "evenly spaced" in finding.message) == ("GRD004", True)


def test_a_column_that_numbers_the_rows_is_set_aside():
    number = np.cumsum(RNG.integers(1, 9, N))
    for column in (number, RNG.permutation(number), number * 1.0, RNG.permutation(N) * 60):
        (finding,) = findings({"number": column})
        assert (finding.code, finding.severity) == ("GRD020", "info")
        assert "'number' is set aside because it numbers the rows" in finding.message
        assert "--numeric number" in finding.message
    assert findings({"number": RNG.choice(10**8, N, replace=False)}) == ()


def test_classes_with_few_rows():
    y = np.array(["a"] * 500 + ["b"] * 490 + ["c"] * 8 + ["d"] * 2)
    few, rare = findings({}, y)
    assert (few.code, rare.code) == ("GRD005", "GRD006")
    assert few.message.startswith("classes with fewer than 10 rows: d (2), c (8)")
    assert rare.message.startswith("class 'd' has 0.2 % of the rows")
    assert findings({}, np.array(["a"] * 500 + ["b"] * 20)) == ()


def test_rows_sorted_by_date():
    days = [date(2024, 1, 1) + timedelta(days=i // 2) for i in range(N)]
    assert codes(findings({"day": days})) == ["GRD007"]
    assert "--time day" in findings({"day": days[::-1]})[0].message
    assert findings({"day": list(RNG.permutation(np.array(days)))}) == ()


def test_the_seed_determines_the_sample(monkeypatch):
    monkeypatch.setattr(table_checks, "SAMPLE", 200)
    table = infer_table(pl.DataFrame({"noise": NOISE, "known": Y * 2.5, "y": Y}), target="y")
    assert check_table(table, seed=1) == check_table(table, seed=1)
    assert "'known' alone" in check_table(table)[0].message


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_toy_data_sets_have_no_leakage(name):
    table = infer_table(read_source(name).content, target="target")
    assert "GRD001" not in codes(check_table(table))
