"""Inference of the kind of each column; columns that no model can use are dropped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from graduel.data import finding
from graduel.data.checks.row_numbers import MIN_ROWS, describe_row_numbers, is_whole
from graduel.data.coerce import (
    CellRules,
    RowNumbers,
    find_other_dates,
    find_other_numbers,
    interpret_numbers,
    null_missing,
    row_number,
    to_kind,
)
from graduel.data.column import Column, Kind
from graduel.data.finding import Finding
from graduel.data.read.column_names import find, join_names, quote_name, split_words
from graduel.data.read.delimited.cells import MISSING, PROBE, blank_to_null, is_all_missing
from graduel.data.table import DroppedColumn, Why
from graduel.data.text.date_formats import (
    DIGITS,
    Order,
    infer_number_format,
    order_of,
    parse_order,
    read_dates,
)
from graduel.data.text.number_notation import describe_unclear, infer_decimal
from graduel.data.text.spellings import fold_case, list_spellings
from graduel.data.text.text_kinds import (
    IDENTIFIER,
    InferredKind,
    infer_text,
    note_numbers,
)
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

WIDE = 1000
"""Number of columns above which constant ones are searched for first."""
MIN_NUMBERS = 20
"""Numbers per other cell from which a note reports the cells that are not numbers."""
EPOCH_WORDS = frozenset(
    ("time", "timestamp", "ts", "date", "datetime", "epoch", "unix", "created", "updated", "utc")
)
"""Words in the name of a column whose whole numbers may be seconds since 1970."""
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
    decimals: Mapping[str, str] = field(default_factory=dict)
    folded: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _InferredColumn:
    """A column with its converted cells, or the reason why it is dropped."""

    column: Column | DroppedColumn
    series: pl.Series | None = None
    rules: CellRules = CellRules()
    findings: tuple[Finding, ...] = ()
    is_ambiguous: bool = False
    unclear_sign: tuple[str, str] | None = None


def infer_features(
    frame: pl.DataFrame,
    requested: Mapping[str, str] | None = None,
    decimal: str = ".",
    rows: RowNumbers = 0,
    *,
    missing: Iterable[str] = (),
    date_order: str | None = None,
) -> InferredFeatures:
    """Infer the kind of each column.

    Parameters
    ----------
    frame : the table, without its target
    requested : kinds set by the user, by column name: numeric, categorical or dropped; or time for
        the column that orders the rows, which is a feature although it numbers them
    decimal : decimal sign of columns of text
    rows : row numbers in the source table, for messages
    missing : further cells that mean a missing value
    date_order : whether the day (dmy) or the month (mdy) comes first in dates that do not show it;
        by default as in the other columns
    """
    import polars as pl

    requested, notes = requested or {}, list[str]()
    words, default_order = (*MISSING, *missing), parse_order(date_order)
    inferred: dict[str, _InferredColumn] = {}
    constant = _find_constant(frame) if frame.width > WIDE else {}
    for original in frame:
        name, request = original.name, requested.get(original.name)
        if request == "dropped":
            dropped = DroppedColumn(name, "dropped", "dropped as requested")
            inferred[name] = _InferredColumn(dropped)
            continue
        if request is None and name in constant:
            inferred[name] = _InferredColumn(constant[name])
            continue
        series = null_missing(original, words)
        notes += _explain_missing(original, series)
        one = inferred[name] = _infer_column(series, request, decimal, rows, default_order)
        kind = one.column.kind if isinstance(one.column, Column) else one.column.why
        is_text = series.dtype == pl.String and not one.is_ambiguous
        if request is None and is_text and kind in ("categorical", "text", "identifier"):
            notes += _explain_text(series, rows)
        n_infinite = int(series.is_infinite().sum()) if series.dtype.is_float() else 0
        if n_infinite and kind == "numeric":
            notes.append(
                f"column {quote_name(name)}: {n_infinite:,} infinite numbers are read as missing"
            )
    order = _common_order(inferred.values())
    for name, one in inferred.items():
        if one.is_ambiguous and order is not None:
            series = null_missing(frame[name], words)
            inferred[name] = _infer_column(series, requested.get(name), decimal, rows, order)
    for name, one in inferred.items():
        if one.unclear_sign is not None and not _shows_decimal(frame.drop(name)):
            message = describe_unclear([name], *one.unclear_sign, one.rules.decimal)
            result = finding.TWO_READINGS.report(message, name)
            inferred[name] = replace(one, findings=(*one.findings, result))
    return _collect(inferred.values(), notes)


def _find_constant(frame: pl.DataFrame) -> dict[str, DroppedColumn]:
    """Return the columns of one number in a wide table, which are many if the table was sparse.

    A single pass is much faster than the inference of each column.
    """
    import polars as pl

    plain = frame.select(pl.selectors.by_dtype(pl.Int64, pl.Int32, pl.Float64))
    plain = plain.drop([one for one in plain.columns if EPOCH_WORDS & set(split_words(one))])
    if not plain.width or not plain.height:
        return {}
    every = pl.all()
    is_constant = plain.select(
        every.is_finite().all() & (every.null_count() == 0) & (every.min() == every.max())
    )
    return {
        name: DroppedColumn(name, "constant", f"every row holds {quote_name(plain[name][0])}")
        for name, is_one in zip(plain.columns, is_constant.row(0), strict=True)
        if is_one
    }


def _shows_decimal(frame: pl.DataFrame) -> bool:
    """Return whether a column of a table shows the decimal sign."""
    import polars as pl

    for column in frame:
        if column.dtype.is_float() and not is_whole(column.drop_nulls()):
            return True
        if column.dtype == pl.String and infer_decimal(blank_to_null(column)) is not None:
            return True
    return False


def _common_order(columns: Iterable[_InferredColumn]) -> Order | None:
    """Return the order of day and month in a table, if all dates that show it agree."""
    orders = {order_of(one.rules.date_format) for one in columns if one.rules.date_format}
    orders.discard(None)
    return orders.pop() if len(orders) == 1 else None


def _collect(columns: Iterable[_InferredColumn], notes: list[str]) -> InferredFeatures:
    import polars as pl

    columns = list(columns)
    used = [one for one in columns if isinstance(one.column, Column)]
    return InferredFeatures(
        pl.DataFrame([one.series for one in used]),
        tuple(one.column for one in used if isinstance(one.column, Column)),
        tuple(one.column for one in columns if isinstance(one.column, DroppedColumn)),
        tuple(notes),
        {one.column.name: one.rules.date_format for one in used if one.rules.date_format},
        {one.column.name: one.rules.decimal for one in used if one.rules.decimal != "."},
        tuple(one.column.name for one in used if one.rules.is_folded),
        tuple(result for one in columns for result in one.findings),
    )


def _explain_missing(before: pl.Series, after: pl.Series) -> list[str]:
    """Return a note on the cells that mean a missing value."""
    import polars as pl

    if after.null_count() == before.null_count():
        return []
    cells = before.filter(after.is_null() & before.is_not_null()).cast(pl.String).str.strip_chars()
    counts = cells.filter(cells != "").rename("cell").value_counts(name="n")
    counts = counts.sort(["n", "cell"], descending=[True, False])
    kinds = ", ".join(f"{quote_name(cell)} ({n:,})" for cell, n in counts.iter_rows())
    return [f"column {quote_name(before.name)}: read as missing: {kinds}"] if kinds else []


def _explain_text(column: pl.Series, rows: RowNumbers) -> list[str]:
    """Return a note on the few cells that keep a column from being numeric or a date."""
    text = blank_to_null(column)
    n_cells = len(text) - text.null_count()
    probe = text.drop_nulls().head(PROBE)
    if n_cells < MIN_ROWS:
        return []
    for what, kind, find_other in (
        ("number", "numeric", find_other_numbers),
        ("date", "a date", find_other_dates),
    ):
        if 2 * len(find_other(probe)) > len(probe):
            continue
        others = find_other(text)
        if not 0 < len(others) * MIN_NUMBERS <= n_cells:
            continue
        cells = "1 of its cells is" if len(others) == 1 else f"{len(others):,} of its cells are"
        return [
            f"column {quote_name(column.name)} is text because {cells} not a {what} (first: row "
            f"{row_number(rows, others[0]):,}); correct or empty "
            f"{'it' if len(others) == 1 else 'them'} to make the column {kind}"
        ]
    return []


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
    column: pl.Series, request: str | None, decimal: str, rows: RowNumbers, order: Order | None
) -> _InferredColumn:
    """Return a column with its kind and its converted cells, or the reason why it is dropped."""
    import polars as pl

    name = column.name
    if column.dtype.is_nested() or column.dtype in (pl.Binary, pl.Object):
        reason = f"cells of {column.dtype} are not single values"
        return _InferredColumn(DroppedColumn(name, "nested", reason))
    is_declared = column.dtype in (pl.Categorical, pl.Enum)
    if is_declared:
        column = column.cast(pl.String)
    is_empty = column.null_count() == len(column)
    if is_all_missing(column) if column.dtype == pl.String else is_empty:
        return _InferredColumn(DroppedColumn(name, "missing", "every cell is missing"))
    if request not in (None, "time"):
        assert request is not None
        read = _read_requested(column, request, decimal)
    elif column.dtype == pl.String:
        read = infer_text(column, decimal, order, is_declared=is_declared)
        if read.numbers is not None and (dates := _infer_number_dates(read.numbers)):
            assert dates.date_format is not None
            if read_dates(blank_to_null(column), dates.date_format) is not None:
                read = dates
    else:
        read = _kind_of_type(column)
    remedy = f"or give --categorical {quote_name(name)}, or name what is missing with --missing"
    rules = CellRules(read.date_format, read.decimal, remedy=remedy)
    cells = column if read.numbers is None else read.numbers
    series, findings = to_kind(cells, read.kind, rules, rows).alias(name), read.findings
    if read.kind == "categorical":
        merged = _find_merged(series, is_requested=request is not None)
        if merged is not None:
            rules, findings = replace(rules, is_folded=True), (*findings, *merged)
            series = fold_case(series)
    dropped = _drop_useless(series, read.kind, read.reason, is_requested=request is not None)
    return _InferredColumn(
        dropped or Column(name, read.kind, read.reason),
        None if dropped else series,
        rules,
        findings if dropped is None or read.is_ambiguous else (),
        read.is_ambiguous,
        None if dropped else read.unclear_sign,
    )


def _read_requested(column: pl.Series, request: str, decimal: str) -> InferredKind:
    """Return the kind of a column that the user declares numeric or categorical."""
    import polars as pl

    reason = "as requested"
    if request == "categorical":
        return InferredKind("categorical", reason)
    if column.dtype == pl.String and (parsed := interpret_numbers(column, decimal, codes=True)):
        return note_numbers(column, *parsed, reason)
    return InferredKind("numeric", reason, decimal=decimal)


def _find_merged(categories: pl.Series, *, is_requested: bool) -> tuple[Finding, ...] | None:
    """Return a finding on the categories that differ by case only; None if no case is folded.

    True and false are folded as well, because every format writes booleans in another case.
    Categories of a column that the user declares categorical are not merged.
    """
    distinct = categories.drop_nulls().unique(maintain_order=True)
    spellings = list_spellings(distinct)
    if spellings and not is_requested:
        name, first = quote_name(categories.name), next(iter(spellings.values()))
        message = (
            f"column {name}: categories that differ by case only are merged, such as "
            f"{join_names(first)}. Give --categorical {name} to keep them apart"
        )
        return (finding.MERGED_SPELLINGS.report(message, categories.name),)
    has_boolean = distinct.str.contains(r"^(?i:true|false)$").any()
    return () if has_boolean and not spellings else None


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


def _kind_of_type(column: pl.Series) -> InferredKind:
    import polars as pl

    if column.dtype == pl.Boolean:
        return InferredKind("boolean", "true and false")
    if column.dtype in (pl.Date, pl.Datetime):
        return InferredKind("date", "dates")
    if column.dtype in (pl.Duration, pl.Time):
        return InferredKind("numeric", "times, in seconds")
    if dates := _infer_number_dates(column):
        return dates
    return InferredKind("numeric", "whole numbers" if column.dtype.is_integer() else "numbers")


def _infer_number_dates(numbers: pl.Series) -> InferredKind | None:
    """Return the kind of numbers that are dates in a column with such a name; None for others."""
    if EPOCH_WORDS.isdisjoint(split_words(numbers.name)):
        return None
    if (date_format := infer_number_format(numbers)) is None:
        return None
    what = "dates" if date_format == DIGITS else "times since 1970"
    name = quote_name(numbers.name)
    message = (
        f"column {name}: the numbers are read as {what} ({date_format}). Give --numeric {name} to "
        "read them as numbers"
    )
    findings = (finding.NOTATION.report(message, numbers.name),)
    reason = f"{what} ({date_format})"
    return InferredKind("date", reason, date_format, findings=findings)


def _is_identifier(series: pl.Series) -> bool:
    """Return whether a column has distinct whole numbers and is named like an identifier."""
    values = series.drop_nulls()
    if len(values) < MIN_ROWS or not is_named_identifier(series.name):
        return False
    return is_whole(values) and values.n_unique() == len(values)
