"""Conversion of a table to the pandas DataFrame that a user's estimator takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.column import Column
from graduel.data.prepare import values
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


def to_pandas(X: pl.DataFrame, columns: Iterable[Column]) -> Any:
    """Return the columns, except text, as a pandas DataFrame.

    Numbers and booleans (0 and 1) become float64, categories text of dtype object, dates
    ``datetime64``; missing values become NaN.

    Raises
    ------
    UserError
        If pandas is not installed.
    """
    try:
        import pandas as pd
    except ImportError:
        raise UserError(
            "an estimator that takes a DataFrame needs pandas, which is not installed. "
            "Run python -m pip install pandas"
        ) from None
    return pd.DataFrame({c.name: _plain(X[c.name], c.kind) for c in columns if c.kind != "text"})


def _plain(column: pl.Series, kind: str) -> Any:
    if kind == "numeric":
        return values.to_numbers(column)
    if kind == "boolean":
        return values.to_flags(column)
    if kind == "date":
        return values.to_datetimes(column)
    text = np.array(values.to_labels(column).to_list(), object)
    text[[one is None for one in text]] = np.nan
    return text
