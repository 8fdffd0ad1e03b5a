"""What a table's columns are: kinds told apart with a reason, useless columns set aside."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from graduel.data.coerce import FALSE, TRUE, Places, row_number, to_kind
from graduel.data.column import Column, Kind
from graduel.data.read.column_names import find, quote_name
from graduel.data.read.delimited.cells import blank_to_null, is_all_missing, to_dates, to_numbers
from graduel.data.table import DroppedColumn, Table
from graduel.data.target import NoTargetError, encode, numeric_if_possible
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

ENOUGH = 20
"""Rows from which all being different means something."""
ODD = 20
"""Of so many cells, one that is no number is told of."""
LONG = 50
"""Characters of a cell, on average, that make it text."""
LIKE_AN_ID = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|index|idx|key|rownames?|row_?(id|number|nr|no)|unnamed: 0)$", re.I
)
CAMEL_ID = re.compile(r"[a-z]I[dD]$")


def is_named_identifier(name: str) -> bool:
    """Return whether a column's name says that it holds identifiers.

    >>> [is_named_identifier(name) for name in ("user_id", "userId", "valid")]
    [True, True, False]
    """
    return bool(LIKE_AN_ID.search(name) or CAMEL_ID.search(name))


def infer_table(
    frame: pl.DataFrame,
    *,
    name: str = "table",
    target: str | None = None,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    drop: Iterable[str] = (),
    bins: int | None = None,
    decimal: str = ".",
) -> Table:
    """Tell what each column is, and what is predicted.

    Numbers are numeric, however few are different (0 and 1, too: nothing is lost if a 2 turns
    up); text that reads as numbers throughout as well, but for codes with leading zeros.
    Two words such as yes and no are boolean, dates are dates. Other text is categorical, or text
    if it is long or more than half of its cells are different. Columns of one value, of
    none, of text, and identifiers (all different, and counting up or called so) are set aside.

    Parameters
    ----------
    frame : the table, as ``read_source`` gives it
    target : the column that is predicted
    categorical, numeric : columns whose kind the user decides
    drop : columns to leave out
    bins : cut a target of numbers at its quantiles into so many classes
    decimal : the decimal sign of columns of text

    Raises
    ------
    UserError
        If there is no such column, no target (the likely ones are shown), a column cannot be what
        the user wants, or nothing is left to learn from.

    Examples
    --------
    >>> from graduel.data.read import read_source
    >>> table = infer_table(read_source("iris").content, target="target")
    >>> table.columns[0]
    Column(name='sepal length (cm)', kind='numeric', reason='numbers')
    >>> table.classes
    ('setosa', 'versicolor', 'virginica')
    """
    if target is None:
        raise NoTargetError(frame)
    names = frame.columns
    target = find(target, names, "target")
    wanted = requested_kinds(names, categorical=categorical, numeric=numeric, drop=drop)
    if wanted.get(target) == "dropped":
        raise UserError(f"the target {quote_name(target)} cannot be dropped")
    answers = numeric_if_possible(frame[target].alias(target))
    kept = answers.is_not_null()
    rows = kept.arg_true().to_numpy().astype(np.int64)
    notes = []
    if len(rows) < frame.height:
        notes.append(f"{frame.height - len(rows):,} rows without a target are left out")
        frame, answers = frame.filter(kept), answers.filter(kept)
    if len(rows) < 2:
        raise UserError(
            f"expected two rows or more with a target; got {len(rows)} in column "
            f"{quote_name(target)}"
        )
    y, classes, more = encode(answers, bins, as_is=wanted.get(target) == "categorical")
    notes += more
    features = infer_features(frame.drop(target), wanted, decimal, rows)
    if not features.columns:
        if frame.width == 1:
            raise UserError(
                f"expected columns to learn from; the table has one alone, {quote_name(target)}. "
                "If its "
                "cells are parted by an unusual character, name it with --separator"
            )
        why = ", ".join(f"{quote_name(one.name)} ({one.why})" for one in features.set_aside[:5])
        raise UserError(
            f"expected columns to learn from beside the target; got {why}. "
            "Keep one with --numeric or --categorical"
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
    )


@dataclass(frozen=True, slots=True, eq=False)
class InferredFeatures:
    """Columns that can be learned from, with or without a target; see :class:`Table`."""

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    set_aside: tuple[DroppedColumn, ...]
    notes: tuple[str, ...]
    formats: Mapping[str, str]


def infer_features(
    frame: pl.DataFrame,
    wanted: Mapping[str, str] | None = None,
    decimal: str = ".",
    rows: Places = 0,
) -> InferredFeatures:
    """Tell what each column is.

    Parameters
    ----------
    frame : the table, without its target
    wanted : for columns that the user decides about: numeric, categorical or dropped
    decimal : the decimal sign of columns of text
    rows : where these rows stood in the table that was read, for messages
    """
    import polars as pl

    found: list[tuple[Column, pl.Series]] = []
    aside, notes = list[DroppedColumn](), list[str]()
    formats: dict[str, str] = {}
    for column in frame:
        asked = (wanted or {}).get(column.name)
        if asked == "dropped":
            aside.append(DroppedColumn(column.name, "dropped", "left out as asked"))
            continue
        one = _column(column, asked, decimal, formats, rows)
        if asked is None and column.dtype == pl.String and column.name not in formats:
            kind = one[0].kind if isinstance(one, tuple) else one.why
            if kind in ("categorical", "text", "identifier"):
                notes += _nearly_numbers(column, rows)
        if isinstance(one, DroppedColumn):
            aside.append(one)
            continue
        found.append(one)
        infinite = int(column.is_infinite().sum()) if column.dtype.is_float() else 0
        if infinite and one[0].kind == "numeric":
            notes.append(
                f"column {quote_name(column.name)}: {infinite:,} infinite numbers are missing"
            )
    return InferredFeatures(
        pl.DataFrame([series for _, series in found]),
        tuple(column for column, _ in found),
        tuple(aside),
        tuple(notes),
        {column.name: formats[column.name] for column, _ in found if column.name in formats},
    )


def _nearly_numbers(column: pl.Series, rows: Places) -> list[str]:
    """Say where the few cells are that keep a column from being numbers."""
    import polars as pl

    text = blank_to_null(column)
    cells = len(text) - text.null_count()
    odd = text.is_not_null() & text.str.replace(",", ".").cast(pl.Float64, strict=False).is_null()
    count = int(odd.sum())
    if cells < ENOUGH or not 0 < count * ODD <= cells:
        return []
    row = int(odd.arg_true()[0])
    some = "1 of its cells is" if count == 1 else f"{count:,} of its cells are"
    return [
        f"column {quote_name(column.name)} is text because {some} no number (the first: row "
        f"{row_number(rows, row):,}); mend or empty {'it' if count == 1 else 'them'} to have "
        "numbers"
    ]


def requested_kinds(
    names: Sequence[str],
    *,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    drop: Iterable[str] = (),
) -> dict[str, str]:
    """Collect what the user decides for each column: categorical, numeric or dropped.

    Raises
    ------
    UserError
        If there is no such column, or two options name it.
    """
    found: dict[str, str] = {}
    options = (("categorical", categorical), ("numeric", numeric), ("dropped", drop))
    for kind, given in options:
        option = "drop" if kind == "dropped" else kind
        for text in [given] if isinstance(given, str) else given:
            name = find(text, names, option)
            if found.setdefault(name, kind) != kind:
                raise UserError(
                    f"column {quote_name(name)} cannot be both {found[name]} and {kind}"
                )
    return found


def _column(
    column: pl.Series, wanted: str | None, decimal: str, formats: dict[str, str], rows: Places
) -> tuple[Column, pl.Series] | DroppedColumn:
    """Decide about one column."""
    import polars as pl

    name = column.name
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return DroppedColumn(name, "nested", f"cells of {column.dtype} are no single values")
    declared = column.dtype in (pl.Categorical, pl.Enum)
    if declared:
        column = column.cast(pl.String)
    gone = (
        is_all_missing(column) if column.dtype == pl.String else column.null_count() == len(column)
    )
    if gone:
        return DroppedColumn(name, "missing", "every cell is missing")
    kind: Kind
    if wanted is not None:
        kind, reason = ("categorical" if wanted == "categorical" else "numeric"), "as asked"
    elif column.dtype == pl.String:
        kind, reason = _kind_of_text(column, decimal, formats, declared)
    else:
        kind, reason = _kind_of_type(column)
    series = to_kind(column, kind, formats.get(name), decimal, rows).alias(name)
    useless = _useless(series, kind, reason, wanted is not None)
    return useless or (Column(name, kind, reason), series)


def _useless(series: pl.Series, kind: Kind, reason: str, asked: bool) -> DroppedColumn | None:
    """Tell columns that nothing can be learned from."""
    name, values = series.name, series.drop_nulls()
    if not len(values):
        return DroppedColumn(name, "missing", "every cell is missing or infinite")
    if len(values) == len(series) and values.min() == values.max():
        return DroppedColumn(name, "constant", f"every row holds {quote_name(values[0])}")
    if kind == "numeric" and not asked and _counts_up(series):
        return DroppedColumn(name, "identifier", "whole numbers, different in every row")
    if kind == "text":
        return DroppedColumn(name, "identifier" if reason == IDENTIFIER else "text", reason)
    return None


def _kind_of_type(column: pl.Series) -> tuple[Kind, str]:
    import polars as pl

    if column.dtype == pl.Boolean:
        return "boolean", "true and false"
    if column.dtype in (pl.Date, pl.Datetime):
        return "date", "dates"
    if column.dtype in (pl.Duration, pl.Time):
        return "numeric", "times, in seconds"
    return "numeric", "whole numbers" if column.dtype.is_integer() else "numbers"


IDENTIFIER = "different in every row"


def _kind_of_text(
    column: pl.Series, decimal: str, formats: dict[str, str], declared: bool
) -> tuple[Kind, str]:
    """Tell a column of text; `declared` if its type says that they are categories."""
    distinct = column.drop_nulls().unique()
    if not declared and to_numbers(distinct, decimal) is not None:
        return "numeric", "text that reads as numbers throughout"
    n, k = len(column) - column.null_count(), len(distinct)
    words = set(distinct.str.strip_chars().str.to_lowercase()) if k <= 4 else set()
    if any(words == {t, f} for t, f in zip(TRUE, FALSE, strict=True)):
        return "boolean", " and ".join(sorted(words))
    if not declared and (dates := to_dates(blank_to_null(distinct))) is not None:
        formats[column.name] = dates[1]
        return "date", f"text that reads as dates ({dates[1]})"
    lengths = distinct.str.len_chars().to_numpy()
    if n >= ENOUGH and k == n and lengths.mean() < LONG:
        return "text", IDENTIFIER
    if not declared and n >= ENOUGH and (2 * k > n or (lengths.mean() > LONG and 10 * k > n)):
        return "text", f"text, {k:,} different in {n:,} cells"
    return "categorical", f"categories, {k:,} different" if declared else f"text, {k:,} different"


def _counts_up(series: pl.Series) -> bool:
    """Tell an identifier: whole, none missing, all different, without gaps or called so."""
    n = len(series)
    if not series.dtype.is_integer() or series.null_count() or n < ENOUGH:
        return False
    low, high = int(series.min()), int(series.max())  # type: ignore[arg-type]
    consecutive = high - low == n - 1
    return (consecutive or is_named_identifier(series.name)) and series.n_unique() == n
