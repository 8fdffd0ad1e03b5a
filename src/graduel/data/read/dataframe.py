"""Conversion of DataFrames and arrays in memory to Polars DataFrames or data sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.data.dataset import Dataset
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays
from graduel.data.read.column_names import join_names, quote_name, sanitize_names
from graduel.data.read.python_values import ValueTypes
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

TARGET = "target"


def from_frame(table: Any) -> tuple[pl.DataFrame, list[str]]:
    """Convert a Polars or pandas DataFrame to Polars, with notes; the input is not changed."""
    import polars as pl

    if isinstance(table, pl.LazyFrame):
        table = table.collect()
    if isinstance(table, pl.DataFrame):
        names, notes = sanitize_names(table.columns)
        return table.rename(dict(zip(table.columns, names, strict=True))), notes
    if not _is_pandas(table) or not hasattr(table, "columns"):
        raise UserError(
            "expected a DataFrame of Polars or pandas, or arrays X and y; got "
            f"{type(table).__name__}"
        )
    labels = [
        " ".join(map(str, label)) if isinstance(label, tuple) else label for label in table.columns
    ]
    names, notes = sanitize_names(labels)
    columns = [from_series(table.iloc[:, i], name) for i, name in enumerate(names)]
    return pl.DataFrame(columns), notes


def from_arrays(X: Any, y: Any) -> tuple[pl.DataFrame | Dataset, str, list[str]]:
    """Convert features and labels to a DataFrame, or images and labels to a data set.

    Returns
    -------
    The DataFrame or data set, the name of the target column, and notes.
    """
    import polars as pl

    if hasattr(X, "tocsr"):
        raise UserError("expected a dense X; got a sparse matrix. Give X.toarray()")
    if not is_frame(X):
        X = np.asarray(X)
        if X.ndim in (3, 4):
            return dataset_from_arrays("arrays", X, np.asarray(y)), TARGET, []
        if X.ndim != 2 or not X.size:
            raise UserError(
                f"expected X of shape (n, features) or images (n, height, width[, channels]), "
                f"with no dimension 0; got {X.shape}"
            )
        frame = pl.DataFrame([from_values(X[:, i], f"f{i}") for i in range(X.shape[1])])
        notes: list[str] = []
    else:
        frame, notes = from_frame(X)
    name = getattr(y, "name", None)
    target = next(
        c
        for c in (name, TARGET, *(f"{TARGET}_{i}" for i in range(2, frame.width + 4)))
        if isinstance(c, str) and c.strip() and c not in frame.columns
    )
    if isinstance(y, pl.Series):
        labels = y
    elif _is_pandas(y) and not hasattr(y, "columns"):
        import pandas as pd

        if isinstance(y, pd.MultiIndex):
            raise UserError(f"expected y with one label per row; got {y.nlevels} levels")
        labels = from_series(pd.Series(y), target)  # also of an Index or a Categorical
    else:
        flat = np.asarray(from_frame(y)[0] if is_frame(y) else y)
        if flat.ndim == 2 and flat.shape[1] == 1:
            flat = flat[:, 0]
        if flat.ndim != 1:
            raise UserError(f"expected y with one label per row; got shape {flat.shape}")
        labels = from_values(flat, target)
    if len(labels) != frame.height:
        raise UserError(
            f"X and y must have the same number of rows; got {frame.height} and {len(labels)}"
        )
    return frame.with_columns(labels.alias(target)), target, notes


def append_rows(
    data: pl.DataFrame | Dataset, other: pl.DataFrame | Dataset, name: str, first: str
) -> pl.DataFrame | Dataset:
    """Return data with the rows of `other` after them; columns are matched by name.

    The names of both are for messages.

    Raises
    ------
    UserError
        If the columns differ, a class is missing, or images differ in shape.
    """
    import polars as pl

    if isinstance(data, Dataset) and isinstance(other, Dataset):
        return _append_images(data, other, name, first)
    if isinstance(data, Dataset) or isinstance(other, Dataset):
        raise UserError(f"{name} must be like {first}: a table, or images of the same shape")
    missing = [column for column in data.columns if column not in other.columns]
    if missing or other.width > data.width:
        more = [column for column in other.columns if column not in data.columns]
        got = f"it lacks {join_names(missing)}" if missing else f"it also has {join_names(more)}"
        raise UserError(f"{name} must have the columns of {first}; {got}")
    other = other.select(data.columns)
    mixed = [
        column
        for column, kind in data.schema.items()
        if (new := other.schema[column]) != kind and not (kind.is_numeric() and new.is_numeric())
    ]
    as_text = [pl.col(column).cast(pl.String) for column in mixed]
    parts = [frame.with_columns(as_text) for frame in (data, other)]
    return pl.concat(parts, how="vertical_relaxed")


def _append_images(data: Dataset, other: Dataset, name: str, first: str) -> Dataset:
    """Return images with others of the same shape and classes after them."""
    if data.X.shape[1:] != other.X.shape[1:]:
        raise UserError(
            f"{name} must have images of the shape {data.X.shape[1:]}, as {first}; got "
            f"{other.X.shape[1:]}"
        )
    if unknown := [label for label in other.classes if label not in data.classes]:
        raise UserError(
            f"{name} must have the classes of {first} ({join_names(data.classes)}); got "
            f"{join_names(unknown)}"
        )
    codes = np.array([data.classes.index(label) for label in other.classes])
    X, y = np.concatenate([data.X, other.X]), np.concatenate([data.y, codes[other.y]])
    return replace(data, X=X, y=y)


def _is_pandas(table: Any) -> bool:
    return any(kind.__module__.partition(".")[0] == "pandas" for kind in type(table).__mro__)


def is_frame(table: Any) -> bool:
    """Return whether an object is a DataFrame of Polars or pandas."""
    import polars as pl

    return isinstance(table, pl.DataFrame | pl.LazyFrame) or (
        _is_pandas(table) and hasattr(table, "columns")
    )


def from_series(series: Any, name: str) -> pl.Series:
    """Convert a pandas Series to Polars without PyArrow."""
    import polars as pl

    kind = str(series.dtype)
    if kind == "category":
        codes = np.asarray(series.cat.codes)
        names = [str(v) for v in series.cat.categories]
        return pl.Series(name, [names[c] if c >= 0 else None for c in codes], pl.Categorical)
    if kind.startswith("datetime64"):
        if getattr(series.dt, "tz", None) is not None:
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return pl.Series(name, series.to_numpy().astype("datetime64[us]"))
    missing = series.isna().to_numpy()
    if isinstance(series.dtype, np.dtype) and series.dtype.kind != "O":
        return from_values(series.to_numpy(), name)
    # Nullable numbers, strings and mixed objects go through Python values, with None for missing.
    values = [
        None if is_missing else v for v, is_missing in zip(series.tolist(), missing, strict=True)
    ]
    return _from_objects(values, name)


def from_values(values: Any, name: str) -> pl.Series:
    """Convert a NumPy array to a Polars Series; NaN becomes null."""
    import polars as pl

    if values.dtype.kind in "biufMm":
        if values.dtype.kind == "f" and values.dtype.itemsize not in (4, 8):
            values = values.astype(np.float64)
        if values.dtype.kind in "Mm":
            values = values.astype(f"{values.dtype.kind}8[us]")
        return pl.Series(name, np.ascontiguousarray(values), nan_to_null=True)
    if values.dtype.kind in "US":
        return pl.Series(name, values.astype(str).tolist(), dtype=pl.String)
    if values.dtype.kind != "O":
        raise UserError(
            f"column {quote_name(name)}: expected numbers, text or dates; got {values.dtype}"
        )
    return _from_objects(values.tolist(), name)


def _from_objects(values: list[Any], name: str) -> pl.Series:
    plain = [v.item() if isinstance(v, np.generic) else v for v in values]
    plain = [str(v) if isinstance(v, bytes) else v for v in plain]
    types = ValueTypes()
    types.update(plain)
    return types.to_series(plain, name)
