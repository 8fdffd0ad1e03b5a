"""A table's columns as the fields of a form, and a form's content as a row of the table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from graduel.data.column import Column
from graduel.web.http_error import ClientError

if TYPE_CHECKING:
    import polars as pl

MAX_CHOICES = 40
"""Categories that a form offers, the most frequent ones."""
MAX_TEXT = 200
"""Characters of a text that a form takes."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column as a form shows it.

    Attributes
    ----------
    name, kind : the column's
    low, high : of numbers, the smallest and the largest of the data
    choices : of categories, the most frequent
    whole : whether every number of the data is whole
    """

    name: str
    kind: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    whole: bool = False


def fields_of(frame: pl.DataFrame | None, columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return a table's columns as fields; without its rows only names and kinds are known.

    >>> import polars as pl
    >>> fields_of(pl.DataFrame({"age": [20, 40]}), [Column("age", "numeric")])[0]
    Field(name='age', kind='numeric', low=20.0, high=40.0, choices=(), whole=True)
    """
    return tuple(_make_field(None if frame is None else frame[c.name], c) for c in columns)


def _make_field(values: pl.Series | None, column: Column) -> Field:
    if values is None or values.null_count() == len(values):
        return Field(column.name, column.kind)
    if column.kind == "numeric":
        low, high = values.min(), values.max()
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        whole = bool((values.drop_nulls() % 1 == 0).all())
        return Field(column.name, column.kind, float(low), float(high), whole=whole)
    if column.kind == "categorical":
        counts = values.drop_nulls().value_counts(sort=True, name="rows")
        choices = tuple(str(v) for v in counts[column.name][:MAX_CHOICES])
        return Field(column.name, column.kind, choices=choices)
    return Field(column.name, column.kind)


def row_of(frame: pl.DataFrame, index: int) -> dict[str, Any]:
    """Return a row as a form holds it: numbers, text, booleans, dates in ISO 8601."""
    row = frame.row(index, named=True)
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


def frame_of(row: dict[str, Any], fields: Sequence[Field]) -> pl.DataFrame:
    """Return a form's content as a table of one row; an empty field is a missing value.

    ClientError 422 if a value is not of its column's kind.

    >>> frame_of({"age": 3}, [Field("age", "numeric"), Field("sex", "categorical")]).row(0)
    (3.0, None)
    """
    import polars as pl

    dtypes: dict[str, Any] = {
        "numeric": pl.Float64,
        "boolean": pl.Boolean,
        "date": pl.Datetime("us"),
    }
    columns = []
    for field in fields:
        dtype = dtypes.get(field.kind, pl.String)
        value = row.get(field.name)
        value = None if value == "" else value
        try:
            columns.append(pl.Series(field.name, [_parse_value(value, field)], dtype))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            expected = EXPECTED.get(field.kind, "text")
            raise ClientError(
                422, f"column {field.name!r}: expected {expected}; got {str(value)[:40]!r}"
            ) from None
    return pl.DataFrame(columns)


EXPECTED = {"numeric": "a number", "boolean": "true or false", "date": "a date such as 2024-05-31"}
"""What a field takes, by the column's kind; all others take text."""


def _parse_value(value: Any, field: Field) -> Any:
    if value is None:
        return None
    if field.kind == "numeric":
        number = float(value)
        if isinstance(value, bool) or not abs(number) <= 1e300:
            raise ValueError
        return number
    if field.kind == "boolean":
        if not isinstance(value, bool):
            raise ValueError
        return value
    if field.kind == "date":
        return datetime.fromisoformat(str(value)).replace(tzinfo=None)
    text = str(value)
    if len(text) > MAX_TEXT:
        raise ValueError
    text.encode()
    return text
