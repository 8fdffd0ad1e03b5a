"""Perturbations of tables: missing values and permuted columns.

Columns and their types are preserved. A `strength` outside 0 … 1 or an unknown column name raises a
ValueError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from graduel.errors import unknown

if TYPE_CHECKING:
    import polars as pl


def missing(X: pl.DataFrame, strength: float, rng: np.random.Generator) -> pl.DataFrame:
    """Remove values from a table at random: each cell becomes null with probability `strength`.

    Examples
    --------
    >>> import polars as pl
    >>> missing(pl.DataFrame({"a": [1, 2]}), 1.0, np.random.default_rng(0))["a"].null_count()
    2
    """
    import polars as pl

    strength = _require_share(strength)
    is_missing = rng.random((X.width, X.height)) < strength
    return X.with_columns(
        pl.when(pl.Series(mask)).then(None).otherwise(pl.col(name)).alias(name)
        for name, mask in zip(X.columns, is_missing, strict=True)
    )


def permute(X: pl.DataFrame, column: str, rng: np.random.Generator) -> pl.DataFrame:
    """Permute the values of one column, so that it carries no information about its row.

    References
    ----------
    Breiman, *Random forests*, Machine Learning 45, 2001.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
    >>> sorted(permute(table, "a", np.random.default_rng(0))["a"])
    [1, 2, 3]
    """
    if column not in X.columns:
        raise unknown("column", column, X.columns)
    return X.with_columns(X[column].gather(rng.permutation(X.height)))


def scramble(X: pl.DataFrame, strength: float, rng: np.random.Generator) -> pl.DataFrame:
    """Permute a random share of the columns, each independently.

    `strength` is the share, rounded to whole columns; above 0 at least one column is permuted.

    Examples
    --------
    >>> import polars as pl
    >>> table = pl.DataFrame({"a": range(50), "b": range(50)})
    >>> scrambled = scramble(table, 0.5, np.random.default_rng(0))
    >>> sum(scrambled[name].equals(table[name]) for name in table.columns)
    1
    """
    strength = _require_share(strength)
    count = max(round(strength * X.width), 1) if strength and X.width else 0
    for index in rng.permutation(X.width)[:count]:
        X = permute(X, X.columns[int(index)], rng)
    return X


def _require_share(value: float) -> float:
    if not 0 <= value <= 1:
        raise ValueError(f"strength must be a share from 0 to 1; got {value}")
    return value
