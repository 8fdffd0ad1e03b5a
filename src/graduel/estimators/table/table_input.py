"""Input of TabularMLPClassifier: conversion of X to a Polars DataFrame, and its schema."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, validate_data

from graduel.data.read.column_names import find, quote_name, sanitize_names
from graduel.data.read.dataframe import from_series, from_values, is_frame
from graduel.data.read.delimited.cells import MISSING
from graduel.data.schema import Schema, find_numeric_categories
from graduel.data.table import DroppedColumn
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

Array = NDArray[Any]


def to_frame(
    estimator: Any, X: Any, *, names: Sequence[str] | None = None, least: int = 1
) -> pl.DataFrame:
    """Return X as a Polars DataFrame.

    Columns are compared with those of the fit as in scikit-learn: by their names if both have
    names, and by their number.

    Parameters
    ----------
    estimator : a stand-in that has the number and names of the columns, or receives them in a fit
    X : a pandas or Polars DataFrame, an array, or a list of rows
    names : names of the columns of the result, in order; None in a fit: the names of X
    least : minimum number of rows
    """
    import polars as pl

    if isinstance(X, pl.LazyFrame):
        X = X.collect()
    options = {"estimator": estimator, "ensure_min_samples": least, "input_name": "X"}
    if is_frame(X):
        check_array(np.broadcast_to(False, X.shape), dtype=None, **options)  # checks the shape only
    else:
        if isinstance(X, list | tuple) and np.asarray(X).dtype.kind in "US":
            X = np.asarray(X, dtype=object)  # otherwise numbers would become text
        X = check_array(X, dtype=None, ensure_all_finite=False, **options)
    validate_data(estimator, X, reset=names is None, skip_check_array=True)
    if names is None:
        names = _fit_names(X)
    if isinstance(X, pl.DataFrame):
        return X.rename(dict(zip(X.columns, names, strict=True)))
    if is_frame(X):
        return pl.DataFrame([from_series(X.iloc[:, i], name) for i, name in enumerate(names)])
    return pl.DataFrame([_to_series(X[:, i], name) for i, name in enumerate(names)])


def _fit_names(X: Any) -> list[str]:
    """Return the column names of X in a fit; scikit-learn's names for an array."""
    if not is_frame(X):
        return [f"x{i}" for i in range(X.shape[1])]
    labels = [" ".join(map(str, c)) if isinstance(c, tuple) else c for c in X.columns]
    return sanitize_names(labels)[0]


def _to_series(values: Array, name: str) -> pl.Series:
    """Return a column of an array as a series, with None for missing values of pandas."""
    if values.dtype.kind == "O":
        cells = [None if type(v).__name__ in ("NAType", "NaTType") else v for v in values]
        values = np.empty(len(cells), object)
        values[:] = cells
    return from_values(values, name)


def resolve_columns(features: Any, X: Any, names: Sequence[str]) -> tuple[str, ...]:
    """Return the column names for ``categorical_features``: names, indices, or a mask."""
    if isinstance(features, str):  # 'auto'
        return ()
    labels = [str(label) for label in X.columns] if is_frame(X) else list(names)
    features = list(features)
    if features and all(isinstance(one, bool | np.bool_) for one in features):
        if len(features) != len(names):
            raise UserError(
                f"categorical_features as a mask must have {len(names)} entries, one for each "
                f"column; got {len(features)}"
            )
        return tuple(name for name, is_chosen in zip(names, features, strict=True) if is_chosen)
    return tuple(_resolve_column(one, labels, names) for one in features)


def _resolve_column(one: Any, labels: list[str], names: Sequence[str]) -> str:
    if isinstance(one, str):
        return names[labels.index(find(one, labels, "categorical_features"))]
    if isinstance(one, int | np.integer) and type(one) is not bool and 0 <= one < len(names):
        return names[int(one)]
    raise UserError(
        "categorical_features must hold column names, indices from 0 to "
        f"{len(names) - 1}, or True or False for each column; got {quote_name(one)}"
    )


def infer_schema(
    frame: pl.DataFrame, categorical: Sequence[str] = ()
) -> tuple[Schema, tuple[DroppedColumn, ...], pl.DataFrame]:
    """Return the schema of a table, the unused columns, and the DataFrame of the used ones.

    The columns `categorical` are treated as categories.
    """
    from graduel.data.column_inference import infer_features

    features = infer_features(frame, dict.fromkeys(categorical, "categorical"))
    if not features.columns:
        why = ", ".join(f"{quote_name(one.name)} ({one.why})" for one in features.set_aside[:5])
        raise UserError(
            f"expected at least one usable column; got {why}. Give columns that vary, or name "
            "categories in categorical_features"
        )
    schema = Schema(
        columns=features.columns,
        date_formats=dict(features.formats),
        numeric_categories=find_numeric_categories(features.frame, features.columns),
        decimals=dict(features.decimals),
        folded_categories=features.folded,
        missing=MISSING,
    )
    return schema, features.set_aside, schema.normalize_categories(features.frame)
