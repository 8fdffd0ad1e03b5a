"""Parquet files, by Polars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.names import usable_names
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"PAR1"
"""The first bytes of every Parquet file."""
STRIDE = 1 << 18
"""Rows that are decoded at a time, since a slice costs its whole group of rows."""


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    import polars as pl

    try:
        yield
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else "no reason given"
        raise UserError(
            f"{path}: expected a whole Parquet file; it cannot be read ({first}). "
            "Get the file again"
        ) from None


def read_parquet(path: Path) -> tuple[pl.DataFrame, list[str]]:
    """Read a whole table and the notes on it.

    Raises
    ------
    UserError
        If the file is damaged.
    """
    import polars as pl

    with _explained(path):
        frame = pl.read_parquet(path, glob=False)
    names, notes = usable_names(frame.columns)
    frame.columns = names
    return frame, notes


def parquet_rows(path: Path) -> int:
    """Return how many rows a file has, from its footer alone."""
    import polars as pl

    with _explained(path):
        return int(pl.scan_parquet(path, glob=False).select(pl.len()).collect().item())


def parquet_schema(path: Path) -> dict[str, pl.DataType]:
    """Return the names and types of the columns, from the file's footer alone."""
    import polars as pl

    with _explained(path):
        return dict(pl.read_parquet_schema(path))


def scan_parquet(path: Path) -> Iterator[pl.DataFrame]:
    """Yield a table in blocks of rows."""
    import polars as pl

    for start in range(0, parquet_rows(path), STRIDE):
        with _explained(path):
            block = pl.scan_parquet(path, glob=False).slice(start, STRIDE).collect()
        block.columns = usable_names(block.columns)[0]
        yield block
