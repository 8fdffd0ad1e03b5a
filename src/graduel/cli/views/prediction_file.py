"""Files of predicted rows: CSV, Parquet, JSON Lines, Arrow or Excel, by the ending of the name."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graduel.atomic_io import atomic_path
from graduel.data.read.optional_package import import_package
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SHEET_ROWS, SHEET_COLUMNS = 1_048_576, 16_384
"""Most rows and columns of a sheet of Excel."""
CELL_CHARACTERS = 32_767
"""Most characters of a cell of Excel."""
FIRST_YEAR = 1901
"""Earlier dates are written as text: Excel has none, and a day that did not exist in 1900."""
CELL_TYPES = (type(None), bool, int, float, str, time, timedelta)
EXACT = 10**15
"""Whole numbers beyond this lose digits in Excel, and are written as text."""


@dataclass(frozen=True, slots=True)
class PredictedBlocks:
    """Rows with their predictions, in blocks, and the schema of the blocks."""

    schema: dict[str, Any]
    blocks: Iterator[pl.DataFrame]


def make_writer(out: Path | None) -> Callable[[PredictedBlocks], int]:
    """Return a function that writes predictions and returns the number of rows.

    Raises
    ------
    UserError
        If the file exists or cannot be written, or its ending is unknown.
    """
    if out is None:
        return lambda predictions: _write_csv(predictions, sys.stdout.write)
    if out.exists():
        raise UserError(f"--out: expected a new file; {out} exists. Choose another name")
    write = WRITERS.get(out.suffix.lower())
    if write is None:
        *endings, last = WRITERS
        raise UserError(
            f"--out: expected a name ending in {', '.join(endings)} or {last}; got {out.name}"
        )
    if not out.parent.is_dir():
        raise UserError(f"--out: the folder {out.parent} does not exist. Create it first")
    if write is _write_excel:
        _import_xlsxwriter()

    def write_whole(predictions: PredictedBlocks) -> int:
        with atomic_path(out) as path:
            return write(predictions, path)

    return write_whole


def _write_csv(predictions: PredictedBlocks, write: Callable[[str], Any]) -> int:
    import polars as pl
    from polars import selectors

    durations, n_rows = selectors.duration().dt.to_string("iso"), 0
    head = pl.DataFrame(schema=predictions.schema)
    try:
        write(head.with_columns(durations).write_csv())
        for block in predictions.blocks:
            write(block.with_columns(durations).write_csv(include_header=False))
            n_rows += len(block)
    except pl.exceptions.ComputeError as error:
        raise UserError(
            f"--out: expected columns that CSV can hold; {str(error).splitlines()[0]}. Write a "
            ".parquet file"
        ) from None
    return n_rows


def _write_csv_file(predictions: PredictedBlocks, path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        return _write_csv(predictions, file.write)


def _write_json_lines(predictions: PredictedBlocks, path: Path) -> int:
    n_rows = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        for block in predictions.blocks:
            file.write(block.write_ndjson())
            n_rows += len(block)
    return n_rows


def _write_parquet(predictions: PredictedBlocks, path: Path) -> int:
    counted = _CountedRows(predictions)
    counted.scan().sink_parquet(path)
    return counted.n_rows


def _write_arrow(predictions: PredictedBlocks, path: Path) -> int:
    counted = _CountedRows(predictions)
    counted.scan().sink_ipc(path)
    return counted.n_rows


class _CountedRows:
    """Predictions as a LazyFrame that is read once, and the number of rows read."""

    def __init__(self, predictions: PredictedBlocks) -> None:
        self.predictions, self.n_rows = predictions, 0

    def scan(self) -> pl.LazyFrame:
        from polars.io.plugins import register_io_source

        return register_io_source(self._source, schema=self.predictions.schema)

    def _source(
        self,
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_requested: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        for block in self.predictions.blocks:
            self.n_rows += len(block)
            yield block


def _import_xlsxwriter() -> Any:
    return import_package("xlsxwriter", "Excel files", "excel")


def _write_excel(predictions: PredictedBlocks, path: Path) -> int:
    """Write a sheet row by row; text is never a formula or a link."""
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    names = list(predictions.schema)
    if len(names) > SHEET_COLUMNS:
        raise UserError(
            f"--out: expected at most {SHEET_COLUMNS:,} columns for Excel; got {len(names):,}. "
            "Write a .parquet or .csv file"
        )
    n_rows = 0
    with _import_xlsxwriter().Workbook(str(path), options) as book:
        sheet = book.add_worksheet("predictions")
        sheet.write_row(0, 0, names)
        for block in predictions.blocks:
            if n_rows + len(block) >= SHEET_ROWS:
                raise UserError(
                    f"--out: expected at most {SHEET_ROWS - 1:,} rows for Excel; got more. Write "
                    "a .parquet or .csv file"
                )
            for row in block.iter_rows():
                n_rows += 1
                sheet.write_row(n_rows, 0, [_excel_cell(value) for value in row])
    return n_rows


def _excel_cell(value: Any) -> Any:
    """Return a value as a cell of Excel can hold it; others become text.

    >>> _excel_cell(2**60), _excel_cell(float("nan")), _excel_cell(0.5)
    ('1152921504606846976', None, 0.5)
    """
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    if isinstance(value, date):
        is_odd = value.year < FIRST_YEAR or getattr(value, "tzinfo", None) is not None
        return value.isoformat() if is_odd else value
    is_wide = isinstance(value, int) and abs(value) > EXACT
    if is_wide or not isinstance(value, CELL_TYPES):
        value = str(value)
    if isinstance(value, str) and len(value) > CELL_CHARACTERS:
        raise UserError(
            f"--out: expected at most {CELL_CHARACTERS:,} characters in a cell for Excel; got "
            f"{len(value):,}. Write a .parquet or .csv file"
        )
    return value


Writer = Callable[[PredictedBlocks, Path], int]
WRITERS: dict[str, Writer] = {
    ".csv": _write_csv_file,
    ".parquet": _write_parquet,
    ".jsonl": _write_json_lines,
    ".ndjson": _write_json_lines,
    ".arrow": _write_arrow,
    ".feather": _write_arrow,
    ".xlsx": _write_excel,
}
"""Functions that write a file, by the ending of its name."""
