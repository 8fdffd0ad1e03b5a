"""Inference of the kind of each column; columns that no model can use are dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from graduel.data.checks.row_numbers import describe_row_numbers, is_whole
from graduel.data.coerce import FALSE, TRUE, RowNumbers, row_number, to_kind
from graduel.data.column import Column, Kind
from graduel.data.read.column_names import find, quote_name
from graduel.data.read.delimited.cells import blank_to_null, is_all_missing, to_dates, to_numbers
from graduel.data.table import DroppedColumn, Why
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MIN_ROWS = 20
"""Minimum number of rows for conclusions from the number of distinct values."""
MIN_NUMBERS = 20
"""Numbers per other cell from which a note reports the cells that are not numbers."""
LONG = 50
"""Mean number of characters per cell from which a column is text."""
LIKE_AN_ID = re.compile(
    r"(^|[_\W])(id|ids|uuid|guid|index|idx|key|rownames?|row_?(id|number|nr|no)|unnamed: 0)$", re.I
)
CAMEL_ID = re.compile(r"[a-z]I[dD]$")


def is_named_identifier(name: str) -> bool:
    """Return whether a column is named like an identifier.

    >>> [is_named_identifier(name) for name in ("user_id", "userId", "valid")]
    [True, True, False]
    """
    return bool(LIKE_AN_ID.search(name) or CAMEL_ID.search(name))


@dataclass(frozen=True, slots=True, eq=False)
class InferredFeatures:
    """The features of a table, with or without a target; see :class:`Table`."""

    frame: pl.DataFrame
    columns: tuple[Column, ...]
    set_aside: tuple[DroppedColumn, ...]
    notes: tuple[str, ...]
    formats: Mapping[str, str]


def infer_features(
    frame: pl.DataFrame,
    requested: Mapping[str, str] | None = None,
    decimal: str = ".",
    rows: RowNumbers = 0,
) -> InferredFeatures:
    """Infer the kind of each column.

    Parameters
    ----------
    frame : the table, without its target
    requested : kinds set by the user, by column name: numeric, categorical or dropped; or time for
        the column that orders the rows, which is a feature although it numbers them
    decimal : decimal sign of columns of text
    rows : row numbers in the source table, for messages
    """
    import polars as pl

    features: list[tuple[Column, pl.Series]] = []
    set_aside, notes = list[DroppedColumn](), list[str]()
    formats: dict[str, str] = {}
    for series in frame:
        request = (requested or {}).get(series.name)
        if request == "dropped":
            set_aside.append(DroppedColumn(series.name, "dropped", "dropped as requested"))
            continue
        feature = _infer_column(series, request, decimal, formats, rows)
        if request is None and series.dtype == pl.String and series.name not in formats:
            kind = feature[0].kind if isinstance(feature, tuple) else feature.why
            if kind in ("categorical", "text", "identifier"):
                notes += _explain_text(series, rows)
        if isinstance(feature, DroppedColumn):
            set_aside.append(feature)
            continue
        features.append(feature)
        n_infinite = int(series.is_infinite().sum()) if series.dtype.is_float() else 0
        if n_infinite and feature[0].kind == "numeric":
            notes.append(
                f"column {quote_name(series.name)}: {n_infinite:,} infinite numbers are read as "
                "missing"
            )
    return InferredFeatures(
        pl.DataFrame([series for _, series in features]),
        tuple(column for column, _ in features),
        tuple(set_aside),
        tuple(notes),
        {column.name: formats[column.name] for column, _ in features if column.name in formats},
    )


def _explain_text(column: pl.Series, rows: RowNumbers) -> list[str]:
    """Return a note on the cells that keep a column from being numeric, if they are few."""
    import polars as pl

    text = blank_to_null(column)
    n_cells = len(text) - text.null_count()
    numbers = text.str.replace(",", ".").cast(pl.Float64, strict=False)
    is_other = text.is_not_null() & numbers.is_null()
    count = int(is_other.sum())
    if n_cells < MIN_ROWS or not 0 < count * MIN_NUMBERS <= n_cells:
        return []
    row = int(is_other.arg_true()[0])
    cells = "1 of its cells is" if count == 1 else f"{count:,} of its cells are"
    return [
        f"column {quote_name(column.name)} is text because {cells} not a number (first: row "
        f"{row_number(rows, row):,}); correct or empty {'it' if count == 1 else 'them'} to make "
        "the column numeric"
    ]


def requested_kinds(
    names: Sequence[str],
    *,
    categorical: Iterable[str] = (),
    numeric: Iterable[str] = (),
    drop: Iterable[str] = (),
) -> dict[str, str]:
    """Return the kinds set by the user, by column name: categorical, numeric or dropped."""
    kinds: dict[str, str] = {}
    options = (("categorical", categorical), ("numeric", numeric), ("dropped", drop))
    for kind, texts in options:
        option = "drop" if kind == "dropped" else kind
        for text in [texts] if isinstance(texts, str) else texts:
            name = find(text, names, option)
            if kinds.setdefault(name, kind) != kind:
                raise UserError(
                    f"column {quote_name(name)} cannot be both {kinds[name]} and {kind}. "
                    "Name it in one option only"
                )
    return kinds


def _infer_column(
    column: pl.Series,
    request: str | None,
    decimal: str,
    formats: dict[str, str],
    rows: RowNumbers,
) -> tuple[Column, pl.Series] | DroppedColumn:
    """Return a column with its kind and its converted cells, or the reason why it is dropped."""
    import polars as pl

    name = column.name
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        return DroppedColumn(name, "nested", f"cells of {column.dtype} are not single values")
    is_declared = column.dtype in (pl.Categorical, pl.Enum)
    if is_declared:
        column = column.cast(pl.String)
    is_empty = column.null_count() == len(column)
    if is_all_missing(column) if column.dtype == pl.String else is_empty:
        return DroppedColumn(name, "missing", "every cell is missing")
    kind: Kind
    if request not in (None, "time"):
        kind, reason = ("categorical" if request == "categorical" else "numeric"), "as requested"
    elif column.dtype == pl.String:
        kind, reason = _kind_of_text(column, decimal, formats, is_declared)
    else:
        kind, reason = _kind_of_type(column)
    series = to_kind(column, kind, formats.get(name), decimal, rows).alias(name)
    dropped = _drop_useless(series, kind, reason, is_requested=request is not None)
    return dropped or (Column(name, kind, reason), series)


def _drop_useless(
    series: pl.Series, kind: Kind, reason: str, *, is_requested: bool
) -> DroppedColumn | None:
    """Return the reason why no model can use a column; None if it is usable."""
    name, values = series.name, series.drop_nulls()
    if not len(values):
        return DroppedColumn(name, "missing", "every cell is missing or infinite")
    if len(values) == len(series) and values.min() == values.max():
        return DroppedColumn(name, "constant", f"every row holds {quote_name(values[0])}")
    if kind in ("numeric", "date") and not is_requested:
        if row_numbers := describe_row_numbers(series):
            why: Why = "identifier" if kind == "numeric" else "time stamp"
            return DroppedColumn(name, why, row_numbers)
        if _is_identifier(series):
            return DroppedColumn(name, "identifier", "whole numbers, every cell distinct")
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


IDENTIFIER = "every cell is distinct"


def _kind_of_text(
    column: pl.Series, decimal: str, formats: dict[str, str], is_declared: bool
) -> tuple[Kind, str]:
    """Return the kind of a column of text and the reason.

    `is_declared`: whether the source declared the column categorical.
    """
    distinct = column.drop_nulls().unique()
    if not is_declared and to_numbers(distinct, decimal) is not None:
        return "numeric", "text; every cell is a number"
    n, k = len(column) - column.null_count(), len(distinct)
    words = set(distinct.str.strip_chars().str.to_lowercase()) if k <= 4 else set()
    if any(words == {t, f} for t, f in zip(TRUE, FALSE, strict=True)):
        return "boolean", " and ".join(sorted(words))
    if not is_declared and (dates := to_dates(blank_to_null(distinct))) is not None:
        formats[column.name] = dates[1]
        return "date", f"text; every cell is a date ({dates[1]})"
    lengths = distinct.str.len_chars().to_numpy()
    if n >= MIN_ROWS and k == n and lengths.mean() < LONG:
        return "text", IDENTIFIER
    if not is_declared and n >= MIN_ROWS and (2 * k > n or (lengths.mean() > LONG and 10 * k > n)):
        return "text", f"text, {k:,} distinct in {n:,} cells"
    return (
        "categorical",
        f"categories, {k:,} distinct" if is_declared else f"text, {k:,} distinct",
    )


def _is_identifier(series: pl.Series) -> bool:
    """Return whether a column has distinct whole numbers and is named like an identifier."""
    values = series.drop_nulls()
    if len(values) < MIN_ROWS or not is_named_identifier(series.name):
        return False
    return is_whole(values) and values.n_unique() == len(values)
