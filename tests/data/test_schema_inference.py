"""Schema inference: kinds, dropped columns, targets, and the errors."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data import column_inference
from graduel.data.column import Column
from graduel.data.column_inference import infer_features
from graduel.data.read import read_source
from graduel.data.schema import Schema
from graduel.data.schema_inference import infer_table
from graduel.errors import UserError

N = 60


def infer(cells, **options):
    """Infer the schema of a table with this column, an unrelated one and the target."""
    n = len(cells)
    frame = pl.DataFrame(
        {
            "column": cells,
            "beside": [i % 7 / 2 for i in range(n)],
            "target": ["a", "b"] * (n // 2) + ["a"] * (n % 2),
        },
        strict=False,
    )
    return infer_table(frame, target="target", **options)


def kind(table):
    for column in table.columns:
        if column.name == "column":
            return column.kind
    return next(one.why for one in table.set_aside if one.name == "column")


@pytest.mark.parametrize(
    ("cells", "inferred"),
    [
        ([1.5, 2.5, 3.5] * 20, "numeric"),
        ([0, 1] * 30, "numeric"),
        ([3, 1, 2] * 20, "numeric"),
        (["1", "2.5", "-"] * 20, "numeric"),
        (["01", "02", "13"] * 20, "categorical"),
        (["x", "y", None] * 20, "categorical"),
        (["Yes", "no"] * 30, "boolean"),
        (["t", "f", None] * 20, "boolean"),
        (["yes", "f"] * 30, "categorical"),
        (["yes", "no", "maybe"] * 20, "categorical"),
        ([True, False] * 30, "boolean"),
        (["2024-01-31", "2024-02-01"] * 30, "date"),
        (["01/02/2024", "02/01/2024"] * 30, "categorical"),
        ([date(2024, 1, 1), date(2024, 1, 2)] * 30, "date"),
        ([datetime(2024, 1, 1), datetime(2024, 1, 2)] * 30, "date"),
        ([timedelta(1), timedelta(2)] * 30, "numeric"),
        ([time(1), time(2)] * 30, "numeric"),
        ([f"w{i % 40}" for i in range(N)], "text"),
        ([f"{'long ' * 20}{i % 10}" for i in range(N)], "text"),
        ([f"id{i}" for i in range(N)], "identifier"),
        (list(range(100, 100 + N)), "identifier"),
        (list(range(N, 0, -1)), "identifier"),
        ([i * 10 for i in range(N)], "identifier"),
        ([i * 7 % N * 10 for i in range(N)], "identifier"),
        ([i * 7919 % 10007 for i in range(N)], "numeric"),
        ([None] * N, "missing"),
        (["?", "NA"] * 30, "missing"),
        ([float("nan")] * N, "missing"),
        ([7] * N, "constant"),
        (["x"] * N, "constant"),
        (["x", None] * 30, "categorical"),
        ([7, None] * 30, "numeric"),
        ([[1], [2]] * 30, "nested"),
        ([f"w{i}" for i in range(6)], "categorical"),
    ],
)
def test_kinds(cells, inferred):
    table = infer(cells)
    assert kind(table) == inferred
    assert all(column.reason for column in table.columns)
    assert all(one.reason for one in table.set_aside)


@pytest.mark.parametrize("name", ["id", "customer_id", "CustomerID", "Unnamed: 0", "row.id"])
def test_numbers_that_are_named_as_identifiers(name):
    frame = pl.DataFrame(
        {name: [i * 7919 % 10007 for i in range(N)], "x": [1.5, 2, 3] * 20, "y": [0, 1] * 30}
    )
    assert infer_table(frame, target="y").set_aside[0].why == "identifier"
    assert infer_table(frame, target="y", numeric=[name]).columns[0].name == name


def test_the_frame_has_the_types_of_the_kinds():
    frame = pl.DataFrame(
        {
            "number": ["1.5", "?", "inf"] * 2,
            "float": [1.0, float("nan"), float("inf")] * 2,
            "word": [" x", "y ", None] * 2,
            "code": pl.Series(["1", "2", None] * 2, dtype=pl.Categorical),
            "yes": ["Y", "n", None] * 2,
            "day": ["31.01.2024", None, "01.02.2024"] * 2,
            "y": [0, 1] * 3,
        }
    )
    table = infer_table(frame, target="y", categorical=["float"])
    assert table.frame.rows()[:3] == [
        (1.5, "1", "x", "1", True, datetime(2024, 1, 31)),
        (None, None, "y", "2", False, None),
        (None, "inf", None, None, None, datetime(2024, 2, 1)),
    ]
    kinds = ["numeric", "categorical", "categorical", "categorical", "boolean", "date"]
    assert [column.kind for column in table.columns] == kinds
    assert table.formats == {"day": "%d.%m.%Y"}
    assert list(table.y) == [0, 1] * 3
    assert list(table.counts) == [3, 3]


def test_overrides():
    assert kind(infer([1, 2, 3] * 20, categorical=["column"])) == "categorical"
    assert infer([1.0, 2.0, 3.0] * 2, categorical=["column"]).frame["column"][0] == "1"
    assert kind(infer(["007", "12"] * 30, numeric=["column"])) == "numeric"
    assert kind(infer([f"w{i}" for i in range(N)], categorical=["column"])) == "categorical"
    assert kind(infer([1, 2] * 30, drop=["column"])) == "dropped"
    assert kind(infer([1, 2] * 30, numeric="column")) == "numeric"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"numeric": ["column"]}, "column 'column': expected numbers; row 3 holds 'three'"),
        ({"numeric": ["colum"]}, r"numeric must name a column .* Did you mean 'column'\?"),
        ({"drop": ["column"], "numeric": ["column"]}, "cannot be both numeric and dropped"),
        ({"drop": ["target"]}, "--drop must name other columns than the target; got 'target'"),
        ({"drop": ["column", "beside"]}, r"expected features .* 'column' \(dropped\)"),
        ({"bins": 3}, "bins need a numeric target; 'target' holds String"),
    ],
)
def test_invalid_overrides(options, message):
    with pytest.raises(UserError, match=message) as error:
        infer(["1", "?", "three", "4"], **options)
    assert "\n" not in str(error.value)


def test_dates_cannot_be_numeric():
    with pytest.raises(UserError, match="column 'column': expected numbers; it holds Date"):
        infer([date(2024, 1, 1), date(2024, 1, 2)], numeric=["column"])


def target(cells, **options):
    frame = pl.DataFrame({"x": [i % 3 for i in range(len(cells))], "goal": cells})
    return infer_table(frame, target="goal", **options)


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["b", "a"] * 3, ("a", "b")),
        (["10", "9"] * 3, ("9", "10")),
        ([10, 9, -1] * 2, ("-1", "9", "10")),
        ([1.0, 2.0] * 3, ("1", "2")),
        ([True, False] * 3, ("false", "true")),
        (["x ", "x", "y"], ("x", "y")),
        ([0.5, 1.5] * 20, ("0.5", "1.5")),
        (list(range(300)) * 2, tuple(map(str, range(300)))),
        (["a", "b"], ("a", "b")),
        ([f"c{i}" for i in range(15)], tuple(sorted([f"c{i}" for i in range(15)]))),
    ],
)
def test_classes(cells, classes):
    table = target(cells)
    assert table.classes == classes
    plain = [str(c).strip().lower() for c in cells]
    assert [table.classes[code] for code in table.y] == [p.removesuffix(".0") for p in plain]


def test_rows_without_a_target_are_dropped():
    table = target(["a", None, "b", "NA", "", "a"])
    assert list(table.rows) == [0, 2, 5]
    assert table.frame["x"].to_list() == [0, 2, 2]
    assert table.notes == ("3 rows without a target are dropped",)


RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["a"] * 5, "two classes or more; every row holds 'a'"),
        (["a"], "expected two rows or more with a target; got 1"),
        ([None, None, "a"], "expected two rows or more with a target; got 1"),
        ([f"w{i}" for i in range(50)], "50 distinct values in 50 rows.* not classes"),
        ([date(2024, 1, 1), date(2024, 1, 2)], "must hold classes or numbers"),
    ],
)
def test_invalid_targets(cells, message):
    with pytest.raises(UserError, match=message) as error:
        target(cells)
    assert "\n" not in str(error.value)


def test_a_continuous_target_can_be_categorical():
    assert len(target(list(RNG.normal(size=50)), categorical=["goal"]).classes) == 50


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
@pytest.mark.parametrize("bins", [2, 3, 10])
def test_bins(bins, scale):
    values = np.random.default_rng(0).normal(size=500) * scale
    table = target(values.tolist(), bins=bins)
    assert len(table.classes) == bins
    assert table.counts.max() - table.counts.min() <= 0.15 * 500 / bins
    # The class names are the ranges.
    for value, code in zip(values, table.y, strict=True):
        name = table.classes[code].replace(",", "")
        low, high = -np.inf, np.inf
        if name.startswith("below "):
            high = float(name.removeprefix("below "))
        elif name.endswith(" or more"):
            low = float(name.removesuffix(" or more"))
        else:
            low, high = map(float, name.split(" to "))
        assert low <= value < high


def test_invalid_bins():
    with pytest.raises(UserError, match="bins must be a whole number, at least 2; got 1"):
        target([1.5, 2.5, 3.5], bins=1)
    with pytest.raises(UserError, match=r"most of its rows hold 0\.0"):
        target([0.0] * 9 + [1.0], bins=2)
    assert len(target([0.0] * 5 + [1.0, 2.0, 3.0, 4.0], bins=8).classes) < 8


def test_without_a_target_the_error_lists_likely_ones():
    frame = pl.DataFrame({"Species": ["a", "b"] * 5, "x": np.arange(10) / 3, "last": [0, 1] * 5})
    with pytest.raises(UserError, match=r"--target Species .*--target last .*last column") as error:
        infer_table(frame)
    assert "\n" not in str(error.value)
    assert "--target x" not in str(error.value)
    with pytest.raises(UserError, match=r"target must name a column .* Did you mean 'Species'\?"):
        infer_table(frame, target="specie")


def test_extreme_shapes():
    wide = pl.DataFrame({f"f{i}": [i, i + 1, i] for i in range(3000)} | {"y": ["a", "b", "a"]})
    assert len(infer_table(wide, target="y").columns) == 3000
    two = pl.DataFrame({"x": [1, 2], "y": ["a", "b"]})
    assert infer_table(two, target="y").frame.shape == (2, 1)
    with pytest.raises(UserError, match="expected features"):
        infer_table(two.select("y"), target="y")


def test_a_later_table_is_converted_to_the_schema():
    frame = pl.DataFrame(
        {
            "n": [1, 2] * 10,
            "c": ["a", "b"] * 10,
            "b": ["yes", "no"] * 10,
            "d": ["31/12/2023", "01/02/2023"] * 10,
            "y": [0, 1] * 10,
        }
    )
    table = infer_table(frame, target="y")
    schema = Schema(columns=table.columns, date_formats=table.formats)
    same = schema.conform(frame)
    assert same.equals(table.frame)
    later = pl.DataFrame(
        {
            "d": ["01/02/2024", None],
            "more": [1, 2],
            "b": ["no", "-"],
            "n": ["-", "1,234.5"],
            "c": [3.0, None],
        }
    )
    conformed = schema.conform(later)
    assert conformed.rows() == [
        (None, "3", False, datetime(2024, 2, 1)),
        (1234.5, None, None, None),
    ]


@pytest.mark.parametrize(
    ("cells", "column", "message"),
    [
        (["1", "x"], Column("a", "numeric"), "column 'a': expected numbers; row 12 holds 'x'"),
        (["2024-01-01", "x"], Column("a", "date"), "expected dates; row 12 holds 'x'"),
        ([1, 2], Column("b", "numeric"), "1 of them is not in the table: 'b'"),
        ([[1], [2]], Column("a", "numeric"), "column 'a': expected numbers; it holds List"),
    ],
)
def test_a_later_table_with_missing_columns_or_invalid_cells(cells, column, message):
    with pytest.raises(UserError, match=message):
        Schema(columns=(column,)).conform(pl.DataFrame({"a": cells}), first_row=10)


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer"])
def test_kinds_are_the_same_after_a_csv_round_trip(tmp_path, name):
    frame = read_source(name).content
    frame.write_csv(tmp_path / "table.csv")
    direct = infer_table(frame, target="target")
    back = infer_table(read_source(tmp_path / "table.csv").content, target="target")
    assert back.columns == direct.columns
    assert back.frame.equals(direct.frame)
    np.testing.assert_array_equal(back.y, direct.y)


def test_messages_have_the_row_numbers_of_the_file():
    cells = [None if i < 5 else "oops" if i == 50 else str(i % 9) for i in range(100)]
    labels = [None if i < 10 else i % 2 for i in range(100)]
    frame = pl.DataFrame({"x": cells, "y": labels, "z": [i % 7 for i in range(100)]})
    table = infer_table(frame, target="y")
    assert (
        "column 'x' is text because 1 of its cells is not a number (first: row 51); correct or "
        "empty it to make the column numeric" in table.notes
    )
    with pytest.raises(UserError, match=r"column 'x': expected numbers; row 51 holds 'oops'"):
        infer_table(frame, target="y", numeric=["x"])


@given(
    st.lists(
        st.one_of(
            st.integers(-2, 2).map(lambda value: [value] * 30),
            st.floats().map(lambda value: [value] * 30),
            st.lists(st.one_of(st.none(), st.floats()), min_size=30, max_size=30),
            st.just([None] * 30),
        ),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=40)
def test_constant_columns_of_wide_tables_are_dropped_as_in_others(columns):
    names = ["time", "a", "b", "c"]
    frame = pl.DataFrame(dict(zip(names, columns, strict=False)), strict=False)
    narrow = infer_features(frame)
    with mock.patch.object(column_inference, "WIDE", 0):
        wide = infer_features(frame)
    assert (wide.columns, wide.set_aside, wide.notes) == (
        narrow.columns,
        narrow.set_aside,
        narrow.notes,
    )
