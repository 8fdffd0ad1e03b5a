"""Schema inference: the kinds of a table's features, and the classes of its target."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from graduel.data.coerce import null_missing
from graduel.data.column_inference import infer_features, requested_kinds
from graduel.data.finding import Finding
from graduel.data.read.column_names import find, quote_name
from graduel.data.read.delimited.cells import MISSING
from graduel.data.table import Table
from graduel.data.target import (
    NoTargetError,
    encode,
    has_units,
    merge_spellings,
    numeric_if_possible,
)
from graduel.data.task import TaskKind
from graduel.errors import UserError
from graduel.number_format import agree, format_quantity

if TYPE_CHECKING:
    import polars as pl


UNLABELLED = "without a target"
"""What a note on rows without a target contains."""


def describe_unlabelled(n: int) -> str:
    """Return the note on rows without a target.

    >>> describe_unlabelled(1)
    '1 row without a target is dropped'
    """
    return f"{format_quantity(n, 'row')} {UNLABELLED} {agree(n, 'is', 'are')} dropped"


def infer_table(
    frame: pl.DataFrame,
    *,
    name: str = "table",
    target: str | None = None,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    drop: Iterable[str] = (),
    bins: int | None = None,
    task: TaskKind | None = None,
    time: str | None = None,
    decimal: str = ".",
    missing: Iterable[str] = (),
    date_order: str | None = None,
) -> Table:
    """Infer the schema of a table: the kind of each column, and the classes or numbers to predict.

    Numbers are numeric, even with two distinct values (0 and 1 are numeric so that a later 2 is
    not lost). Text is numeric if every cell is a number, except for codes with leading zeros. Two
    words such as yes and no are boolean; dates are dates; times of day and durations are numbers.
    Other text is categorical, or text if it is long or more than half of its cells are distinct.
    Columns with one value or none, columns of text, identifiers, and columns that number the rows
    (see :mod:`graduel.data.checks`) are dropped.

    Parameters
    ----------
    frame : the table, as returned by ``read_source``
    target : the target column
    categorical, numeric : columns that get this kind regardless of their values
    drop : columns to drop
    bins : number of classes into which a numeric target is cut, at its quantiles
    task : "classification" or "regression"; None to infer it from the target
    time : the column that orders the rows
    decimal : decimal sign of columns of text
    missing : further cells that mean a missing value
    date_order : whether the day or the month comes first in dates that do not show it

    Raises
    ------
    UserError
        If a named column does not exist, no target is named (the message lists likely ones), a
        column cannot have the requested kind, or no feature remains.

    Examples
    --------
    >>> from graduel.data.read import read_source
    >>> table = infer_table(read_source("iris").content, target="target")
    >>> table.columns[0]
    Column(name='sepal length (cm)', kind='numeric', reason='numbers')
    >>> table.classes
    ('setosa', 'versicolor', 'virginica')
    """
    import polars as pl

    if target is None:
        raise NoTargetError(frame)
    names = frame.columns
    target = find(target, names, "target")
    requested = requested_kinds(names, categorical=categorical, numeric=numeric, drop=drop)
    if time is not None:
        requested.setdefault(time, "time")
    if requested.get(target) == "dropped":
        raise UserError(f"--drop must name other columns than the target; got {quote_name(target)}")
    missing = tuple(missing)
    column = null_missing(frame[target].alias(target), missing)
    if bins is not None and task == "regression":
        raise UserError(
            "--bins makes classes of the target, which conflicts with --task regression. Leave one "
            "of them out"
        )
    is_number = bins is not None or task == "regression"
    labels = numeric_if_possible(column, units=is_number, decimal=decimal)
    if task is None and has_units(labels, decimal):
        labels = numeric_if_possible(column, units=True, decimal=decimal)
    has_label = labels.is_not_null()
    rows = has_label.arg_true().to_numpy().astype(np.int64)
    notes = []
    if labels.dtype == pl.Boolean and column.dtype != pl.Boolean:
        notes.append("the classes are written true and false")
    if len(rows) < frame.height:
        notes.append(describe_unlabelled(frame.height - len(rows)))
        frame, labels = frame.filter(has_label), labels.filter(has_label)
    if len(rows) < 2:
        raise UserError(
            f"expected two rows or more with a target; got {len(rows)} in column "
            f"{quote_name(target)}"
        )
    as_is = requested.get(target) == "categorical"
    findings: tuple[Finding, ...] = ()
    if not as_is:
        labels, findings = merge_spellings(labels)
    y, classes, target_notes = encode(labels, bins, as_is, task)
    notes += target_notes
    features = infer_features(
        frame.drop(target), requested, decimal, rows, missing=missing, date_order=date_order
    )
    if not features.columns:
        if frame.width == 1:
            raise UserError(
                f"expected features; the table has one column, {quote_name(target)}. If its cells "
                "are separated by an unusual character, name it with --separator"
            )
        why = ", ".join(f"{quote_name(one.name)} ({one.why})" for one in features.set_aside[:5])
        raise UserError(
            f"expected features besides the target; all columns are dropped: {why}. "
            "Use one of them with --numeric or --categorical"
        )
    return Table(
        name=name,
        frame=features.frame,
        columns=features.columns,
        target=target,
        y=y,
        classes=classes,
        rows=rows,
        set_aside=features.set_aside,
        notes=(*notes, *features.notes),
        formats=features.formats,
        decimals=features.decimals,
        folded=features.folded,
        missing=(*MISSING, *missing),
        merges_classes=bool(findings),
        findings=(*findings, *features.findings),
    )
