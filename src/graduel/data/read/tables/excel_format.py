"""The format of workbooks: Excel (.xlsx, .xlsm, .xlsb, .xls) and OpenDocument (.ods)."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from graduel.data.read.column_names import join_names, quote_name, sanitize_names
from graduel.data.read.delimited.cells import MISSING
from graduel.data.read.delimited.header import is_number
from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.file_checks.workbook_check import check_workbook, workbook_bytes
from graduel.data.read.file_names import SIGN
from graduel.data.read.named_tables import find_table
from graduel.data.read.optional_package import import_package
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.tables.streamed_format import stream_frame, streamed_format
from graduel.data.read.tables.table_format import ReadOptions, Stream
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl

ENDINGS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of a workbook, and of one of Excel 97 to 2003."""
CONTENTS = {"xl/workbook.xml", "xl/workbook.bin"}
OPEN_DOCUMENT = b"application/vnd.oasis.opendocument.spreadsheet"
TOP = 50
"""Rows in which the header is searched."""
EXACT = 2.0**53
"""Whole numbers below this are exact as floating-point numbers, as Excel stores them."""
Rows = list[list[str | None]]


def _recognize(path: Path, head: bytes) -> bool:
    if head.startswith(OLE):
        return True
    if not head.startswith(ZIP):
        if path.suffix.lower() in ENDINGS:
            raise UserError(
                f"{path}: expected a workbook; got a file that begins with {head[:6]!r}. Name it "
                "after its format"
            )
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "mimetype" in names:
                with archive.open("mimetype") as file:
                    return file.read(len(OPEN_DOCUMENT)) == OPEN_DOCUMENT
            return not CONTENTS.isdisjoint(names)
    except Exception:  # zipfile raises many types for damaged files
        return path.suffix.lower() in ENDINGS


def _scan(path: Path, options: ReadOptions) -> Stream:
    fastexcel = import_package("fastexcel", "Excel and OpenDocument files", "excel")
    check_workbook(path)
    with reading_errors(path, "a workbook", "Get the file again, or save it without a password"):
        book = fastexcel.read_excel(path.read_bytes())  # with a path, it relies on the ending
        sheet, notes = _find_sheet(book, path, options.part)
        top = _load(book, sheet, 0, n_rows=TOP, dtypes="string").rows()
        header = _choose_header([list(row) for row in top], options.header)
        first = 0 if header is None else header + 1
        frame = _load(book, sheet, first)
    if not frame.width:
        raise UserError(f"{path}: expected a table; sheet {quote_name(sheet)} is empty")
    names = [None] * frame.width if header is None else list(top[header])
    where = "no header" if header is None else f"column names in row {header + 1}"
    notes.append(f"sheet {quote_name(sheet)}, {where}")
    unique, renamed = sanitize_names(names)
    frame = frame.select(
        _plain(column).alias(name) for column, name in zip(frame, unique, strict=True)
    )
    return stream_frame(_drop_empty(frame, notes), path, (*notes, *renamed))


def _load(book: Any, sheet: str, first: int, **options: Any) -> pl.DataFrame:
    return book.load_sheet(
        sheet, header_row=None, skip_rows=first, schema_sample_rows=None, **options
    ).to_polars()


def _find_sheet(book: Any, path: Path, part: str | None) -> tuple[str, list[str]]:
    """Return the sheet that is named, or the first with cells, and notes on the others."""
    names = list(book.sheet_names)
    if part is not None:
        return find_table(path, part, names, "sheet"), []
    filled = [name for name in names if _load(book, name, 0, n_rows=1, dtypes="string").width]
    if not filled:
        raise UserError(f"{path}: expected a sheet with a table; every sheet is empty")
    if len(filled) == 1:
        return filled[0], []
    others = f"other sheets are not read: {join_names(filled[1:])}. Name one of them as"
    return filled[0], [f"{others} {path.name}{SIGN}{filled[1]}"]


def _choose_header(rows: Rows, header: bool | int | None) -> int | None:
    """Return the row that the user named as the header, counted from 1, or the detected one."""
    if header is not None and not isinstance(header, bool):
        return header - 1
    return find_header(rows, header)


def find_header(rows: Rows, has_header: bool | None = None) -> int | None:
    """Return the number of the row with the column names, from 0; None without a header.

    Rows above the table, such as a title, have cells in less than half of the columns. A text
    above a column of numbers is a name; without such a column, the first row is the header unless
    it has a number.

    >>> find_header([["Sales", None, None], ["town", "year", "sum"], ["Ulm", "1999", "1"]])
    1
    >>> find_header([["1", "2"], ["3", "4"]]) is None
    True
    """
    counts = [sum(_is_filled(cell) for cell in row) for row in rows]
    width = max(counts, default=0)
    first = next((i for i, count in enumerate(counts) if 2 * count > width), None)
    if has_header is not None or first is None:
        return first if has_header else None
    against = False
    for i, name in enumerate(rows[first]):
        below = [row[i] for row in rows[first + 1 :] if _is_filled(row[i])]
        if not _is_filled(name):
            continue
        if below and all(is_number(str(cell), ".") for cell in below):
            if not is_number(str(name), "."):
                return first
            against = True
        against |= is_number(str(name), ".")
    return None if against else first


def _is_filled(cell: str | None) -> bool:
    return cell is not None and bool(cell.strip())


def _plain(column: pl.Series) -> pl.Series:
    """Return a column with whole numbers as such, and missing cells as null."""
    import polars as pl

    if column.dtype == pl.String:
        return column.set(column.str.strip_chars().is_in(MISSING), None)
    if column.dtype == pl.Float64 and column.null_count() < len(column):
        values = column.drop_nulls()
        if ((values == values.round()) & (values.abs() < EXACT)).all():
            return column.cast(pl.Int64)
    return column


def _drop_empty(frame: pl.DataFrame, notes: list[str]) -> pl.DataFrame:
    """Return the rows that are not empty; a note has the number of the others."""
    import polars as pl

    filled = frame.filter(~pl.all_horizontal(pl.all().is_null()))
    if n_empty := len(frame) - len(filled):
        notes.append(f"{n_empty:,} empty rows are left out")
    return filled


EXCEL = streamed_format(
    title="Excel",
    endings=ENDINGS,
    recognize=_recognize,
    scan=_scan,
    memory_bytes=lambda path, _: workbook_bytes(path),
    check=lambda path, options: check_isolated(path, options.part, "workbook"),
    parts="sheet",
)
