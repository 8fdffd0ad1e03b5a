"""Every encoder writes every cell it is given, whatever stood there before."""

from __future__ import annotations

import datetime

import numpy as np
import polars as pl
import pytest

from graduel.data.prepare import net_encoders, numeric_encoders, tree_encoders
from graduel.data.prepare.preparation import NetPreparation, TreePreparation

DAY = datetime.datetime(2024, 1, 31, 6)
COLUMNS = {
    "numbers": ("Numeric", [1.5, -2.0, 7.0, 4.0]),
    "a constant": ("Numeric", [3.0] * 4),
    "two categories": ("Category", ["a", "b", "a", "b"]),
    "categories": ("Category", ["a", "b", "c", "d"]),
    "one category": ("Category", ["a"] * 4),
    "booleans": ("Boolean", [True, False, True, True]),
    "dates": ("Date", [DAY + datetime.timedelta(days=40 * i, hours=i) for i in range(4)]),
    "one date": ("Date", [DAY] * 4),
    "nothing but missing numbers": ("Numeric", pl.Series([None] * 4, dtype=pl.Float64)),
    "nothing but missing dates": ("Date", pl.Series([None] * 4, dtype=pl.Datetime("us"))),
}
ENCODERS = {
    "net": {
        "Numeric": [numeric_encoders.Numeric, numeric_encoders.Quantile, numeric_encoders.Both],
        "Category": [net_encoders.OneHot, net_encoders.CategoryCode],
        "Boolean": [net_encoders.Boolean],
        "Date": [net_encoders.Date],
    },
    "tree": {
        "Numeric": [tree_encoders.Numeric],
        "Category": [tree_encoders.Category],
        "Boolean": [tree_encoders.Boolean],
        "Date": [tree_encoders.Date],
    },
}
CASES = [
    pytest.param(encoder, values, side, id=f"{side} {encoder.__name__}, {what}")
    for side, kinds in ENCODERS.items()
    for what, (kind, values) in COLUMNS.items()
    for encoder in kinds[kind]
]


def filled(fitted, column, before):
    """Let an encoder fill the middle of a matrix that holds one number everywhere."""
    n = len(fitted.names)
    matrix = np.full((len(column), n + 2), before, np.float32)
    fitted.fill(column, matrix[:, 1 : n + 1])
    np.testing.assert_array_equal(matrix[:, [0, -1]], np.float32(before))
    return matrix[:, 1 : n + 1]


@pytest.mark.parametrize(("encoder", "values", "side"), CASES)
@pytest.mark.parametrize("missed", [False, True], ids=["all there", "some missing"])
def test_every_cell_is_written(encoder, values, side, missed):
    whole = pl.Series("x", values)
    holes = whole.scatter([0, 2], [None, None])
    # One category of four is told apart from the others, too.
    for limit in (9, 1) if hasattr(encoder, "categories") else (None,):
        fitted = encoder.fit(holes if missed else whole, *() if limit is None else (limit,))
        for column in (whole, holes, whole.clear(), pl.Series("x", [None] * 3, whole.dtype)):
            got = filled(fitted, column, np.nan)
            for before in (-7.0, 0.0, 1.0):  # NaN is also what a tree takes as missing
                np.testing.assert_array_equal(filled(fitted, column, before), got)
            assert side == "tree" or np.isfinite(got).all()


def test_no_encoder_is_left_out():
    for side, preparation in (("net", NetPreparation), ("tree", TreePreparation)):
        assert {e for kind in ENCODERS[side].values() for e in kind} == set(preparation.PARTS)
