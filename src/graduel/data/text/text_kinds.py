"""Inference of the kind of a column of text, and of how its cells are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from graduel.data import finding
from graduel.data.checks.row_numbers import MIN_ROWS
from graduel.data.coerce import interpret_numbers
from graduel.data.column import Kind
from graduel.data.finding import Finding
from graduel.data.read.column_names import quote_name
from graduel.data.read.delimited.cells import MISSING, MISSING_NUMBER, blank_to_null
from graduel.data.text.boolean_words import MOST_WORDS, boolean_pair
from graduel.data.text.date_formats import Order, is_ambiguous, order_of, to_dates
from graduel.data.text.durations import to_seconds
from graduel.data.text.number_notation import Notation, find_unclear_sign

if TYPE_CHECKING:
    import polars as pl

LONG = 50
"""Mean number of characters per cell from which a column is text."""
IDENTIFIER = "every cell is distinct"


@dataclass(frozen=True, slots=True, eq=False)
class InferredKind:
    """The kind of a column of text.

    Attributes
    ----------
    kind, reason : see :class:`graduel.data.column.Column`
    date_format : the format of dates
    decimal : the decimal sign of numbers
    findings : how cells are read, where it differs from plain numbers and ISO dates
    is_ambiguous : whether all cells are dates with the day or the month first
    numbers : the numbers of a numeric column of text
    unclear_sign : a sign that may separate decimals or thousands in all of them, and a number
    """

    kind: Kind
    reason: str
    date_format: str | None = None
    decimal: str = "."
    findings: tuple[Finding, ...] = ()
    is_ambiguous: bool = False
    numbers: pl.Series | None = None
    unclear_sign: tuple[str, str] | None = None


def infer_text(
    column: pl.Series, decimal: str, order: Order | None, *, is_declared: bool
) -> InferredKind:
    """Return the kind of a column of text.

    Parameters
    ----------
    decimal : the decimal sign, unless the cells show the other
    order : whether the day or the month comes first in dates that do not show it
    is_declared : whether the source declared the column categorical
    """
    if not is_declared and (parsed := interpret_numbers(column, decimal)) is not None:
        return note_numbers(column, *parsed, "text; every cell is a number")
    distinct = column.drop_nulls().unique(maintain_order=True)
    cells = blank_to_null(distinct)
    words = boolean_pair(cells.drop_nulls()) if len(distinct) <= MOST_WORDS else ()
    if words:
        spellings = sorted(cells.drop_nulls())
        parts = _missing_words(column)
        if len(spellings) > 2:
            parts.insert(0, f"booleans: {', '.join(map(quote_name, spellings))}")
        return InferredKind("boolean", " and ".join(words), findings=_notation(column, parts))
    if not is_declared:
        if to_seconds(cells) is not None:
            parts = ["times or durations are read as seconds", *_missing_words(column)]
            reason = "text; every cell is a time or a duration, in seconds"
            return InferredKind("numeric", reason, findings=_notation(column, parts))
        if (dates := to_dates(cells, order)) is not None:
            return _describe_dates(column, cells, *dates)
    if is_declared:
        return _infer_words(column, distinct, is_declared=True)
    return _infer_words(column, distinct, is_ambiguous=is_ambiguous(cells))


def note_numbers(
    column: pl.Series, numbers: pl.Series, notation: Notation, reason: str
) -> InferredKind:
    """Return the kind of a column of numbers, and a finding on their notation."""
    parts = [*notation.describe(), *_missing_words(column)]
    return InferredKind(
        "numeric",
        reason,
        decimal=notation.decimal,
        findings=_notation(column, parts),
        numbers=numbers,
        unclear_sign=find_unclear_sign(column),
    )


def _describe_dates(
    column: pl.Series, cells: pl.Series, dates: pl.Series, date_format: str
) -> InferredKind:
    parts = _missing_words(column)
    if order := order_of(date_format):
        differ = (dates.dt.day() != dates.dt.month()).fill_null(False).arg_true()
        row = int(differ[0]) if len(differ) else int(dates.is_not_null().arg_true()[0])
        first = "the day" if order == "dmy" else "the month"
        example = f"{quote_name(cells[row])} is {dates[row]:%Y-%m-%d}"
        parts.insert(0, f"{first} comes first ({example})")
    reason = f"text; every cell is a date ({date_format})"
    return InferredKind("date", reason, date_format, findings=_notation(column, parts))


def _infer_words(
    column: pl.Series, distinct: pl.Series, *, is_ambiguous: bool = False, is_declared: bool = False
) -> InferredKind:
    """Return whether a column holds categories or text."""
    findings: tuple[Finding, ...] = ()
    if is_ambiguous:
        message = (
            f"column {quote_name(column.name)} holds dates such as {quote_name(distinct[0])}, in "
            "which the day or the month may come first; they are read as text. Give --date-order "
            "dmy or --date-order mdy"
        )
        findings = (finding.TWO_READINGS.report(message, column.name),)
    n, k = len(column) - column.null_count(), len(distinct)
    lengths = distinct.str.len_chars().to_numpy()
    is_long = lengths.mean() > LONG and 10 * k > n
    kind: Kind = "categorical"
    reason = f"{'categories' if is_declared else 'text'}, {k:,} distinct"
    if n >= MIN_ROWS and k == n and lengths.mean() < LONG:
        kind, reason = "text", IDENTIFIER
    elif not is_declared and n >= MIN_ROWS and (2 * k > n or is_long):
        kind, reason = "text", f"text, {k:,} distinct in {n:,} cells"
    return InferredKind(kind, reason, findings=findings, is_ambiguous=is_ambiguous)


def _missing_words(column: pl.Series) -> list[str]:
    """Return a text on the cells that are missing in this kind of column only."""
    text = column.drop_nulls().str.strip_chars()
    words = text.filter(text.is_in(MISSING_NUMBER) & ~text.is_in(MISSING)).rename("word")
    counts = words.value_counts(sort=True, name="n").sort(["n", "word"], descending=[True, False])
    texts = [f"{quote_name(word)} ({n:,})" for word, n in counts.iter_rows()]
    return [f"{', '.join(texts)} counts as missing"] if texts else []


def _notation(column: pl.Series, parts: list[str]) -> tuple[Finding, ...]:
    """Return the finding on how the cells of a column are read, if there is anything to say."""
    if not parts:
        return ()
    message = f"column {quote_name(column.name)}: {'; '.join(parts)}"
    return (finding.NOTATION.report(message, column.name),)
