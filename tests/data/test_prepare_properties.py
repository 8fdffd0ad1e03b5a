"""Properties of preparation: independent rows, finite numbers, exact round trips."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graduel.data.column import Column
from graduel.data.prepare.preparation import NetPreparation, TreePreparation

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
FLOATS = st.one_of(
    st.floats(),
    st.floats(-5, 5),
    st.sampled_from([0.0, -0.0, 1.0, np.inf, -np.inf, 5e-324, 1.7e308, -1.7e308]),
)
INTS = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 3)
WHEN = st.datetimes() | st.datetimes(datetime.datetime(2024, 1, 1), datetime.datetime(2024, 1, 2))
VARIANTS = {
    # kind → Polars types and values of such a column
    "numeric": [
        (pl.Float64, FLOATS),
        (pl.Float32, st.floats(width=32)),
        (pl.Float64, st.just(2.5)),
        (pl.Int64, INTS),
        (pl.UInt8, st.integers(0, 255)),
        (pl.Boolean, st.booleans()),
        (pl.Decimal(12, 2), st.decimals(-1000, 1000, places=2)),
        (pl.String, FLOATS.map(str)),
        (pl.Duration("us"), st.timedeltas(datetime.timedelta(-99), datetime.timedelta(99))),
        (pl.Null, st.none()),
    ],
    "categorical": [
        (pl.String, st.sampled_from(["a", "b", "c", "é\n", "", "3"])),
        (pl.String, st.sampled_from(["a", "b"])),
        (pl.String, TEXT),
        (pl.Categorical, st.sampled_from(["a", "b", "c"])),
        (pl.Enum(["a", "b", "q"]), st.sampled_from(["a", "b", "q"])),
        (pl.Int64, INTS),
        (pl.Float64, FLOATS),
        (pl.Boolean, st.booleans()),
        (pl.Date, st.dates()),
        (pl.Null, st.none()),
    ],
    "boolean": [
        (pl.Boolean, st.booleans()),
        (pl.Int8, st.integers(0, 1)),
        (pl.Float64, st.sampled_from([0.0, 1.0, np.nan])),
        (pl.String, st.sampled_from(["yes", "No", " TRUE", "f", "0"])),
    ],
    "date": [
        (pl.Date, st.dates()),
        (pl.Datetime("us"), WHEN),
        (pl.Datetime("ms"), WHEN),
        (pl.Datetime("us", "Europe/Berlin"), WHEN.map(lambda w: w.replace(tzinfo=datetime.UTC))),
        (pl.String, WHEN.map(lambda w: w.isoformat(" "))),
        (pl.String, st.dates().map(str)),
        (pl.Time, st.times()),
    ],
    "text": [(pl.String, TEXT)],
}


@st.composite
def tables(draw):
    """Draw columns, a table, one of the same types, and one of the same kinds."""
    n = draw(st.integers(0, 5))
    names = draw(st.lists(TEXT, unique=True, min_size=1, max_size=4))
    columns, frames = [], ([], [], [])
    for name in names:
        kind = draw(st.sampled_from(sorted(VARIANTS)))
        columns.append(Column(name, kind))
        first, second = (draw(st.sampled_from(VARIANTS[kind])) for _ in range(2))
        for frame, (dtype, values) in zip(frames, (first, first, second), strict=True):
            cells = values | st.none() if draw(st.booleans()) else values
            drawn = draw(st.lists(cells, min_size=n, max_size=n))
            frame.append(pl.Series(name, drawn, dtype))
    tables_ = [pl.DataFrame({column.name: column for column in frame}) for frame in frames]
    rows = draw(st.lists(st.integers(0, n - 1), unique=True)) if n else []
    return columns, *tables_, np.array(sorted(rows), np.intp)


def same(a, b):
    """Return whether two matrices or preparations are equal bit for bit."""
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    return a == b and json.dumps(a.to_spec()) == json.dumps(b.to_spec())


def check(make, table):
    """Check the properties of any preparation."""
    columns, frame, garbage, other, rows = table
    before = frame.clone()
    fitted = make(frame, columns, rows=rows)
    matrix = fitted.transform(frame)
    assert matrix.dtype == np.float32
    assert matrix.shape == (len(frame), len(fitted.names))
    assert frame.equals(before)

    # The fit depends on the given rows only.
    assert same(make(frame[rows], columns), fitted)
    mask = np.isin(np.arange(len(frame)), rows)
    assert same(make(frame, columns, rows=mask), fitted)
    keep = pl.Series(mask, dtype=pl.Boolean)
    mixed = {c.name: c.zip_with(keep, garbage[c.name]) for c in frame}
    assert same(make(pl.DataFrame(mixed), columns, rows=rows), fitted)

    # Row by row, with reordered and additional columns, and after a round trip: the same bits.
    singles = [fitted.transform(frame[i : i + 1]) for i in range(len(frame))]
    assert same(np.concatenate([*singles, matrix[:0]]), matrix)
    wider = pl.DataFrame(
        {"one more column": ["x"] * len(frame)} | {c.name: c for c in list(frame)[::-1]}
    )
    assert same(fitted.transform(wider), matrix)
    again = type(fitted).from_spec(json.loads(json.dumps(fitted.to_spec(), allow_nan=False)))
    assert same(again, fitted)
    assert same(again.transform(frame), matrix)
    return fitted, [matrix, *map(fitted.transform, (garbage, other))]


def net(table):
    columns = table[0]
    wide, matrices = check(NetPreparation.fit, table)
    for matrix in matrices:
        assert (np.abs(matrix) <= 3).all()
    assert wide.categorical == ()

    def embedded(*args, **options):
        return NetPreparation.fit(*args, **options, embed=True)

    fitted, matrices = check(embedded, table)
    p = fitted.numeric
    assert [c.name for c in columns if c.kind == "categorical"] == list(fitted.names[p:])
    for matrix in matrices:
        codes = matrix[:, p:]
        assert (np.abs(matrix[:, :p]) <= 3).all()
        assert ((codes >= 0) & (codes < fitted.categorical) & (codes == codes.round())).all()


def tree(table):
    from xgboost import DMatrix

    fitted, matrices = check(TreePreparation.fit, table)
    assert len(fitted.feature_types) == len(fitted.names)
    for matrix in matrices:
        assert not np.isinf(matrix).any()
        if matrix.size:
            DMatrix(
                matrix,
                feature_names=fitted.feature_names,
                feature_types=fitted.feature_types,
                enable_categorical=True,
                nthread=1,
            )


SLOW = [HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.data_too_large]


@settings(max_examples=80, deadline=None, suppress_health_check=SLOW)
@given(tables())
def test_any_table_is_prepared_for_networks_and_trees(table):
    net(table)
    tree(table)


@pytest.mark.long
@settings(max_examples=5000, deadline=None, suppress_health_check=SLOW)
@given(tables())
def test_five_thousand_tables(table):
    net(table)
    tree(table)


def test_a_value_gives_the_same_result_in_any_type():
    columns = [Column("n", "numeric"), Column("c", "categorical"), Column("b", "boolean")]
    columns += [Column("d", "date")]
    day = datetime.date(2024, 2, 29)
    frame = pl.DataFrame({"n": [1, 2, 5], "c": [3, 4, 5], "b": [True, False, True]})
    frame = frame.with_columns(d=pl.Series([day, datetime.date(2023, 1, 1), None]))
    forms = [
        {"n": [2.0], "c": [4.0], "b": [0], "d": [datetime.datetime(2024, 2, 29)]},
        {"n": ["2"], "c": ["4"], "b": ["no"], "d": ["2024-02-29"]},
        {"n": [Decimal(2)], "c": [Decimal(4)], "b": ["FALSE "], "d": ["2024-02-29T00:00:00"]},
    ]
    for make in (NetPreparation, TreePreparation):
        fitted = make.fit(frame, columns)
        want = fitted.transform(frame.with_columns(d=pl.lit(day)))[1]
        for form in forms:
            np.testing.assert_array_equal(fitted.transform(pl.DataFrame(form))[0], want)
