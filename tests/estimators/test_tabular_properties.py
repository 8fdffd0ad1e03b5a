"""Property tests: any small table gives valid predictions or a UserError, reproducibly."""

from __future__ import annotations

import datetime
import string

import numpy as np
import pandas as pd
import polars as pl
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from table_mixed import quick

from graduel.errors import UserError

TINY = "layers=4 epochs=2 batch_size=8 lr=0.02"
WORDS = st.text(string.ascii_letters + " .,0é?", max_size=6)
CELLS = {
    "number": st.floats(width=32) | st.integers(-(2**40), 2**40).map(float),
    "whole": st.integers(-(2**62), 2**62),
    "few": st.sampled_from([0.0, 1.0, 2.0]),
    "word": st.sampled_from(["a", "b", "B", " c", "1.50", "yes", "no", "?"]),
    "any word": WORDS,
    "flag": st.booleans(),
    "date": st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1)),
    "code": st.sampled_from(["007", "08", "1", "2.0", "2"]),
}


@st.composite
def tables(draw, least=2):
    n = draw(st.integers(least, 30))
    kinds = draw(st.lists(st.sampled_from(sorted(CELLS)), min_size=1, max_size=5))
    columns = {}
    for i, kind in enumerate(kinds):
        cells = st.none() | CELLS[kind] if draw(st.booleans()) else CELLS[kind]
        columns[f"{kind} {i}"] = draw(st.lists(cells, min_size=n, max_size=n))
    return columns


def labels(n, draw):
    y = draw(st.lists(st.sampled_from(["u", "v", "w"]), min_size=n, max_size=n))
    assume(len(set(y)) > 1)
    return np.array(y)


def frame(columns):
    return pl.DataFrame([pl.Series(name, cells, strict=False) for name, cells in columns.items()])


def fitted(X, y, **options):
    try:
        return quick(recipe=TINY, **options).fit(X, y)
    except UserError as error:
        assert "usable column" in str(error)
        assume(False)


def probabilities(net, X):
    p = net.predict_proba(X)
    assert p.shape == (len(X), len(net.classes_))
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    return p


FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


@FEW
@given(
    tables(),
    st.data(),
    st.booleans(),
    st.sampled_from(["", " category_embedding=2", " scaling=quantile"]),
)
def test_any_table_gives_equal_predictions_in_pandas_and_polars(columns, data, all_rows, more):
    n = len(next(iter(columns.values())))
    y = labels(n, data.draw)
    X = frame(columns)
    options = {"validation_fraction": 0.0 if all_rows else 0.3}
    net = fitted(X, y, **options)
    p = probabilities(net, X)
    assert (fitted(X, y, **options).predict_proba(X) == p).all()
    objects = pd.DataFrame({c: pd.Series(v, dtype=object) for c, v in columns.items()})
    if all(series.dtype != pl.Datetime for series in X):
        assert (net.predict_proba(objects) == p).all()
    order = data.draw(st.permutations(range(n)))
    np.testing.assert_allclose(net.predict_proba(X[order]), p[order], rtol=1e-9)


@FEW
@given(st.data())
def test_other_values_give_predictions_or_an_error(data):
    columns = data.draw(tables(8))
    n = len(next(iter(columns.values())))
    net = fitted(frame(columns), labels(n, data.draw))
    other = {}
    for name in columns:
        cells = st.none() | CELLS[data.draw(st.sampled_from([name.rpartition(" ")[0], "word"]))]
        other[name] = data.draw(st.lists(cells, min_size=3, max_size=3))
    try:
        probabilities(net, frame(other))
    except UserError as error:
        assert "column '" in str(error)


@FEW
@given(tables(8), st.data())
def test_every_column_can_be_categorical(columns, data):
    n = len(next(iter(columns.values())))
    X = frame(columns)
    net = fitted(X, labels(n, data.draw), categorical_features=list(range(X.width)))
    assert {column.kind for column in net.columns_} <= {"categorical"}
    probabilities(net, X)
    probabilities(net, X.with_columns(pl.all().cast(pl.String)))
