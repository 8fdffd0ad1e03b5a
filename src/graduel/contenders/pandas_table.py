"""Raw columns as a pandas DataFrame, for estimators that select columns by name."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.prepared_table import PreparedTable
from graduel.data.column import Column
from graduel.data.prepare import values
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


class PandasTable(PreparedTable):
    """Converts rows to pandas DataFrames.

    Numbers and booleans become float64, NaN where missing (booleans 0 and 1); categories become
    text of dtype object, NaN where missing; dates ``datetime64``. Text columns are dropped.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = tuple(column for column in columns if column.kind != "text")

    def __call__(self, X: Any) -> Any:
        """Return the pandas DataFrame of some rows of a Polars one."""
        try:
            import pandas as pd
        except ImportError:
            raise UserError(
                "an estimator that takes a data frame needs pandas, which is not installed. "
                "python -m pip install pandas"
            ) from None
        return pd.DataFrame({c.name: _plain(X[c.name], c.kind) for c in self._columns})

    def to_bytes(self) -> bytes:
        """Return the names and types of the columns."""
        return json.dumps([[c.name, c.kind] for c in self._columns], ensure_ascii=False).encode()


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
