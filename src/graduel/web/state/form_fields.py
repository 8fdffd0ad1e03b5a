"""Conversion between table columns and form fields, and between table rows and form values."""

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
"""Maximum number of categories that a form offers; the most frequent are chosen."""
MAX_TEXT = 200
"""Maximum length of a text value."""


@dataclass(frozen=True, slots=True)
class Field:
    """One column as a form field.

    Attributes
    ----------
    name, kind : name and type of the column
    low, high : of a numeric column, the smallest and the largest value
    choices : of a categorical column, the most frequent categories
    integer : whether all values of a numeric column are integers
    """

    name: str
    kind: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    integer: bool = False


def fields_of(frame: pl.DataFrame | None, columns: Sequence[Column]) -> tuple[Field, ...]:
    """Return the columns of a table as fields; without rows, only names and types are set.

    >>> import polars as pl
    >>> fields_of(pl.DataFrame({"age": [20, 40]}), [Column("age", "numeric")])[0]
    Field(name='age', kind='numeric', low=20.0, high=40.0, choices=(), integer=True)
    """
    return tuple(_make_field(None if frame is None else frame[c.name], c) for c in columns)


def _make_field(values: pl.Series | None, column: Column) -> Field:
    if values is None or values.null_count() == len(values):
        return Field(column.name, column.kind)
    if column.kind == "numeric":
        low, high = values.min(), values.max()
        assert isinstance(low, int | float)
        assert isinstance(high, int | float)
        integer = bool((values.drop_nulls() % 1 == 0).all())
        return Field(column.name, column.kind, float(low), float(high), integer=integer)
    if column.kind == "categorical":
        counts = values.drop_nulls().value_counts(sort=True, name="rows")
        choices = tuple(str(v) for v in counts[column.name][:MAX_CHOICES])
        return Field(column.name, column.kind, choices=choices)
    return Field(column.name, column.kind)


def row_of(frame: pl.DataFrame, index: int) -> dict[str, Any]:
    """Return a row as form values: numbers, text, booleans, dates in ISO 8601."""
    row = frame.row(index, named=True)
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in row.items()}


def frame_of(row: dict[str, Any], fields: Sequence[Field]) -> pl.DataFrame:
    """Return form values as a DataFrame of one row; an empty field is a missing value.

    ClientError 422 if a value does not match the type of its column.

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
"""Descriptions of valid values by column type; other types accept text."""


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
