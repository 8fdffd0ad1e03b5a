"""Every encoder writes every cell of its output, whatever its previous content."""

from __future__ import annotations

import datetime
from typing import get_args, get_type_hints

import numpy as np
import polars as pl
import pytest

from graduel.data.prepare.encoders import Boolean, CategoryCode, Date, Number, OneHot
from graduel.data.prepare.preparation import Encoder
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift

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
FITS = {
    "net": {
        "Numeric": [(Number.fit, Robust), (Number.fit, Quantile), (Number.fit, Both)],
        "Category": [(fit, most) for fit in (OneHot.fit, CategoryCode.fit) for most in (9, 1)],
        "Boolean": [(Boolean.fit,)],
        "Date": [(Date.fit,)],
    },
    "tree": {
        "Numeric": [(Number.fit, Shift)],
        # With limit 1 the other categories share a code.
        "Category": [(CategoryCode.fit, 9), (CategoryCode.fit, 1)],
        "Boolean": [(Boolean.fit,)],
        "Date": [(Date.fit,)],
    },
}
CASES = [
    pytest.param(fit, arguments, values, side, id=f"{side} {fit.__qualname__} {arguments}, {what}")
    for side, kinds in FITS.items()
    for what, (kind, values) in COLUMNS.items()
    for fit, *arguments in kinds[kind]
]


def filled(fitted, column, before):
    """Fill the middle columns of a matrix in which every cell is `before`."""
    n = len(fitted.names)
    matrix = np.full((len(column), n + 2), before, np.float32)
    fitted.fill(column, matrix[:, 1 : n + 1])
    np.testing.assert_array_equal(matrix[:, [0, -1]], np.float32(before))
    return matrix[:, 1 : n + 1]


@pytest.mark.parametrize(("fit", "arguments", "values", "side"), CASES)
@pytest.mark.parametrize("missed", [False, True], ids=["complete", "some missing"])
def test_every_cell_is_written(fit, arguments, values, side, missed):
    whole = pl.Series("x", values)
    holes = whole.scatter([0, 2], [None, None])
    options = {"for_trees": True} if side == "tree" and fit != Number.fit else {}
    fitted = fit(holes if missed else whole, *arguments, **options)
    assert fitted.for_trees == (side == "tree")
    for column in (whole, holes, whole.clear(), pl.Series("x", [None] * 3, whole.dtype)):
        got = filled(fitted, column, np.nan)
        for before in (-7.0, 0.0, 1.0):  # NaN would be a valid result for trees
            np.testing.assert_array_equal(filled(fitted, column, before), got)
        assert side == "tree" or np.isfinite(got).all()


def test_all_encoders_and_scalers_are_tested():
    fits = {fit.__self__ for kinds in FITS.values() for some in kinds.values() for fit, *_ in some}
    assert fits == set(get_args(Encoder))
    scalers = {scaler for kinds in FITS.values() for _, scaler in kinds["Numeric"]}
    assert scalers == set(get_args(get_type_hints(Number)["scaler"]))
