"""Reading of Parquet files with Polars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.column_names import find, sanitize_names
from graduel.data.read.file_checks.memory_check import HEAD, estimate_bytes
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.stratified_sample import sampled_note, stratified_sample
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"PAR1"
"""The first bytes of every Parquet file."""
STRIDE = 1 << 18
"""Rows decoded at a time; any slice of a row group decodes the whole group."""


def parquet_errors(path: Path) -> AbstractContextManager[None]:
    """Turn Polars' errors into a UserError with the file's name."""
    return reading_errors(path, "a complete Parquet file")


def read_parquet(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Read a table; return it and notes."""
    import polars as pl

    with parquet_errors(path):
        frame = pl.read_parquet(path, glob=False)
    if not frame.width:
        raise UserError(f"{path}: expected a table; it has no columns")
    names, notes = sanitize_names(frame.columns)
    frame.columns = names
    return frame, notes


def parquet_rows(path: Path) -> int:
    """Return the number of rows from the file's footer."""
    import polars as pl

    with parquet_errors(path):
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Return the names and types of the columns from the file's footer."""
    import polars as pl

    with parquet_errors(path):
        return dict(pl.read_parquet_schema(path))


def scan_parquet(path: Path, column: str | None = None) -> Iterator[pl.DataFrame]:
    """Yield a table, or one column by its name in the file, in blocks of rows."""
    import polars as pl

    for start in range(0, parquet_rows(path), STRIDE):
        with parquet_errors(path):
            table = pl.scan_parquet(path, glob=False)
            part = table if column is None else table.select(pl.col([column]))
            block = part.slice(start, STRIDE).collect()
        if column is None:
            block.columns = sanitize_names(block.columns)[0]
        yield block


def sample_parquet(path: Path, target: str, size: int) -> tuple[pl.DataFrame, list[str]]:
    """Read a stratified sample of the rows, block by block; return it and notes."""
    import polars as pl

    with parquet_errors(path):
        file_names = pl.scan_parquet(path, glob=False).collect_schema().names()
    names, notes = sanitize_names(file_names)
    column = file_names[names.index(find(target, names, "target"))]

    def targets() -> Iterator[pl.Series]:
        return (block.to_series() for block in scan_parquet(path, column))

    frame, total = stratified_sample(lambda: scan_parquet(path), targets, size)
    return frame, [*notes, sampled_note(len(frame), total)]


def parquet_bytes(path: Path) -> int:
    """Estimate the size of a table in memory, in bytes, from its first rows."""
    import polars as pl

    with parquet_errors(path):
        head = pl.scan_parquet(path, glob=False).head(HEAD).collect()
    return estimate_bytes(head, parquet_rows(path))
