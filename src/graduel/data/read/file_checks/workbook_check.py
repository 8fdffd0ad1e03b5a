"""Check of a workbook's zip archive before a library unpacks it into memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from graduel.data.read.file_checks.memory_check import check_memory
from graduel.data.read.reading_errors import describe_error
from graduel.errors import UserError

PIECE = 1 << 20
LONGEST_TAG = 1 << 16
CELL = 32
"""Bytes of a cell in memory; a reader holds every cell of the rectangle around the cells."""
EXCEL_CELL = re.compile(rb'<c\b[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
DOCUMENT_TAG = re.compile(
    rb"<table:(table(?=[ >])|table-row|table-cell|covered-table-cell)\b[^>]*>"
)
REPEATED = re.compile(rb'-repeated="(\d{1,9})"')


def check_workbook(path: Path) -> None:
    """Raise if a workbook's content does not fit into memory, or differs from its directory.

    A small file can hold gigabytes: by compression, by one distant cell, or by a cell
    that is repeated. Workbooks of Excel 97 to 2003 are not archives, and pass.

    Raises
    ------
    UserError
        If the archive is damaged or too large.
    """
    if not zipfile.is_zipfile(path):
        return
    try:
        with zipfile.ZipFile(path) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            check_memory(path, sum(one.file_size for one in members), 1)
            for one in members:
                with archive.open(one) as file:
                    n_cells = _count_cells(one.filename, _iter_tags(file))
                check_memory(path, n_cells * CELL, 1)
    except UserError:
        raise
    except Exception as error:  # zipfile raises many types for damaged files
        raise UserError(
            f"{path}: expected a complete workbook; its archive cannot be unpacked "
            f"({describe_error(error)}). Get the file again, or save it without a password"
        ) from None


def _iter_tags(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the content of a member in pieces that end between two tags."""
    rest = b""
    while piece := file.read(PIECE):
        text = rest + piece
        end = text.rfind(b"<")
        rest = text[end:] if end >= 0 and len(text) - end < LONGEST_TAG else b""
        yield text[: len(text) - len(rest)]
    yield rest


def _count_cells(name: str, pieces: Iterator[bytes]) -> int:
    """Return the number of cells of the rectangle around the cells of a member; 0 for no sheet."""
    if name == "content.xml":
        return _count_document_cells(pieces)
    columns = rows = 0
    for piece in pieces:
        if name.startswith("xl/worksheets/"):
            for letters, number in EXCEL_CELL.findall(piece):
                columns, rows = max(columns, _column_number(letters)), max(rows, int(number))
    return columns * rows


def _count_document_cells(pieces: Iterator[bytes]) -> int:
    """Return the number of cells of the largest rectangle in an OpenDocument's content."""
    columns = rows = row = column = height = 0
    for piece in pieces:
        for tag in DOCUMENT_TAG.finditer(piece):
            match = REPEATED.search(tag[0])
            repeated = int(match[1]) if match else 1
            if tag[1] == b"table":
                row = column = height = 0
            elif tag[1] == b"table-row":
                row, column, height = row + height, 0, repeated
            else:
                column += repeated
                if b"office:value" in tag[0]:
                    columns, rows = max(columns, column), max(rows, row + height)
    return columns * rows


def _column_number(letters: bytes) -> int:
    """Return the number of a column from 1.

    >>> _column_number(b"A"), _column_number(b"AB")
    (1, 28)
    """
    number = 0
    for letter in letters:
        number = 26 * number + letter - ord("A") + 1
    return number


def workbook_bytes(path: Path) -> int:
    """Return the size of a workbook's content as its archive states it."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(one.file_size for one in archive.infolist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return path.stat().st_size
