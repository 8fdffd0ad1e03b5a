"""A table of test rows: read with the schema of the training rows, and appended to them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.coerce import category_text, null_missing
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.schema import Schema
from graduel.data.table import Table
from graduel.data.target import find_class, numeric_if_possible
from graduel.errors import UserError
from graduel.number_format import agree, format_rows

if TYPE_CHECKING:
    import polars as pl


def append_test_rows(
    table: Table,
    schema: Schema,
    test: pl.DataFrame,
    *,
    name: str,
    decimal: str = ".",
    edges: NDArray[np.float64] | None = None,
) -> Table:
    """Return the table with the rows of a test table after its own.

    The test rows get the columns, types and classes of the training rows; nothing is inferred from
    them. Their row numbers are those of the test table.

    Parameters
    ----------
    table : the table of the training rows
    schema : its schema
    test : the test table as read
    name : the name of the test table in messages
    decimal : decimal sign of its columns of text
    edges : the edges of the ranges into which the numbers of the target are cut, if they are

    Raises
    ------
    UserError
        If the target or a column is missing, a cell is invalid, or a class is not among those of
        the training rows.
    """
    import polars as pl

    if table.target not in test.columns:
        raise UserError(
            f"{name}: expected the target {quote_name(table.target)}, as in the training rows; got "
            f"the columns {join_names(test.columns)}"
        )
    labels = null_missing(test[table.target], table.missing)
    is_number = edges is not None or not table.classes
    labels = numeric_if_possible(labels, units=is_number, decimal=decimal)
    try:
        features = schema.conform(test, decimal=decimal)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    has_label = labels.is_not_null()
    features, labels = features.filter(has_label), labels.filter(has_label)
    if not len(labels):
        raise UserError(f"{name}: expected rows with a target; got none")
    codes = _encode(labels, table, name, edges)
    notes = list(_describe(table, test, features, name, test.height - len(labels)))
    return replace(
        table,
        frame=pl.concat([table.frame, features], how="vertical_relaxed").rechunk(),
        y=np.concatenate([table.y, codes]),
        rows=np.concatenate([table.rows, has_label.arg_true().to_numpy().astype(np.int64)]),
        notes=(*table.notes, *notes),
    )


def _encode(
    labels: pl.Series,
    table: Table,
    name: str,
    edges: NDArray[np.float64] | None,
) -> NDArray[Any]:
    """Return the class codes or numbers of the test rows."""
    if edges is not None or not table.classes:
        if not labels.dtype.is_numeric():
            raise UserError(f"{name}: expected a numeric target, as in the training rows")
        values = labels.to_numpy().astype(np.float64)
        if edges is None:
            return values
        return np.searchsorted(edges, values, side="right").astype(np.int64)
    text, classes = category_text(labels), table.classes
    codes = {
        label: find_class(label, classes)
        for label in text.unique().to_list()
        if table.merges_classes or label in classes
    }
    if unknown := sorted(label for label in text.unique() if codes.get(label) is None):
        raise UserError(
            f"{name}: expected the classes of the training rows, {join_names(classes)}; got "
            f"{join_names(unknown)}. Correct these labels, or remove their rows"
        )
    return np.array([codes[label] for label in text.to_list()], np.int64)


def _describe(
    table: Table, test: pl.DataFrame, features: pl.DataFrame, name: str, n_dropped: int
) -> Iterator[str]:
    """Yield a note on each difference between the test rows and the training rows."""
    yield f"{format_rows(features.height)} of {name} are the test rows"
    if n_dropped:
        verb = agree(n_dropped, "is", "are")
        yield f"{format_rows(n_dropped)} of {name} without a target {verb} dropped"
    names = {table.target, *table.frame.columns, *(one.name for one in table.set_aside)}
    if extra := [column for column in test.columns if column not in names]:
        yield f"columns of {name} that the training rows lack are ignored: {join_names(extra)}"
    for column in table.columns:
        if column.kind == "categorical":
            values = features[column.name].drop_nulls()
            new = values.filter(~values.is_in(table.frame[column.name].unique().to_list()))
            if len(new):
                yield (
                    f"column {quote_name(column.name)} of {name} has categories that the training "
                    f"rows lack, in {format_rows(len(new))}: {join_names(sorted(new.unique()))}"
                )
