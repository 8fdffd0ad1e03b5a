"""Parquet files, by Polars."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graduel.data.read.column_names import find, sanitize_names
from graduel.data.read.stratified_sample import sampled_note, stratified_sample
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

MAGIC = b"PAR1"
"""The first bytes of every Parquet file."""
LOOK = 10_000
"""Rows by which the size of all is estimated."""
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
    if not frame.width:
        raise UserError(f"{path}: expected a table; it has no columns")
    names, notes = sanitize_names(frame.columns)
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


def scan_parquet(path: Path, column: str | None = None) -> Iterator[pl.DataFrame]:
    """Yield a table, or one column of it by its name in the file, in blocks of rows."""
    import polars as pl

    for start in range(0, parquet_rows(path), STRIDE):
        with _explained(path):
            table = pl.scan_parquet(path, glob=False)
            part = table if column is None else table.select(pl.col([column]))
            block = part.slice(start, STRIDE).collect()
        if column is None:
            block.columns = sanitize_names(block.columns)[0]
        yield block


def sample_parquet(path: Path, target: str, size: int) -> tuple[pl.DataFrame, list[str]]:
    """Read a stratified sample of the rows, a block at a time, and the notes on it.

    Raises
    ------
    UserError
        If the file is damaged, or has no such target.
    """
    import polars as pl

    with _explained(path):
        written = pl.scan_parquet(path, glob=False).collect_schema().names()
    names, notes = sanitize_names(written)
    column = written[names.index(find(target, names, "target"))]

    def targets() -> Iterator[pl.Series]:
        return (block.to_series() for block in scan_parquet(path, column))

    frame, total = stratified_sample(lambda: scan_parquet(path), targets, size)
    return frame, [*notes, sampled_note(len(frame), total)]


def parquet_bytes(path: Path) -> int:
    """Estimate how much memory the whole table takes, by its first rows."""
    import polars as pl

    with _explained(path):
        head = pl.scan_parquet(path, glob=False).head(LOOK).collect()
    return int(head.estimated_size() / max(len(head), 1) * parquet_rows(path))
