"""Streaming of a table in blocks of rows, for predictions on tables of any size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read import parquet
from graduel.data.read.column_names import sanitize_names
from graduel.data.read.delimited import csv
from graduel.data.read.delimited.dialect import detect_dialect
from graduel.data.read.reader import detect_format
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive rows of a table.

    Attributes
    ----------
    written : the rows as in the file; every cell of a text file is text
    read : the same rows with missing cells as null
    """

    written: pl.DataFrame
    read: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Stream:
    """A table that can be read once, block by block.

    Attributes
    ----------
    schema : names and types of the columns in the file
    decimal : decimal sign of a text file
    blocks : iterator over the rows in order
    """

    schema: dict[str, pl.DataType]
    decimal: str
    blocks: Iterator[Block]


def open_stream(
    path: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
) -> Stream:
    """Open a table (CSV or other delimited text, Parquet) for reading in blocks.

    Parameters
    ----------
    separator, decimal, encoding : the format of a text file; detected by default

    Raises
    ------
    UserError
        If the file is not a table or cannot be read; for a damaged file possibly at a later block.
    """
    import polars as pl

    path = Path(path)
    kind = detect_format(path)
    if kind == "parquet":
        types = parquet.parquet_schema(path)
        names = sanitize_names(list(types))[0]
        blocks = (Block(block, block) for block in parquet.scan_parquet(path))
        return Stream(dict(zip(names, types.values(), strict=True)), ".", blocks)
    if kind != "text":
        raise UserError(
            f"{path}: expected a table (CSV or Parquet); got "
            + ("a folder" if kind == "folder" else "a file of arrays")
        )
    dialect = detect_dialect(path, separator=separator, decimal=decimal, encoding=encoding)
    names = sanitize_names(dialect.names)[0]
    pairs = csv.scan_csv(path, dialect, as_text=True)
    schema: dict[str, pl.DataType] = {name: pl.String() for name in names}
    return Stream(schema, dialect.decimal, (Block(*pair) for pair in pairs))
