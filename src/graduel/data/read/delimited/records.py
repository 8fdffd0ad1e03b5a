"""Splitting of lines of delimited text into records of cells, with quotes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from graduel.data.read.delimited.dialect import BLANK
from graduel.errors import UserError


class BlockLines:
    """The lines of one block, and later lines that continue a quoted cell, with a line count."""

    def __init__(self, lines: list[str], file: IO[str], before: int) -> None:
        self.todo = len(lines)
        self.source = chain(lines, file)
        self.line = before
        self.record = list[str]()

    @property
    def first(self) -> int:
        """The number of the record's first line."""
        return self.line - len(self.record) + 1

    def __iter__(self) -> BlockLines:
        return self

    def __next__(self) -> str:
        text = next(self.source)
        self.line += 1
        self.todo -= 1
        self.record.append(text)
        return text


def iter_records(source: BlockLines, separator: str, path: Path) -> Iterator[list[str]]:
    """Yield the cells of each record; [] for a blank line.

    Raises
    ------
    UserError
        If a quote is not closed, or is closed inside a cell of another line.
    """
    options: dict[str, Any] = {"delimiter": separator, "skipinitialspace": True}
    reader = csv.reader(source, **options)
    while source.todo > 0:
        source.record.clear()
        try:
            record = next(source).split() if separator == " " else next(reader)
            # A stray quote (5" pipe) is allowed in a line, but not in a cell over several lines.
            if len(source.record) > 1:
                list(csv.reader(source.record, strict=True, **options))
        except csv.Error as error:
            inside = "expected after" in str(error)
            how = "it is closed inside a cell of" if inside else "it stays open until"
            raise UserError(
                f"{path}: line {source.first:,}: expected a quote to be closed; {how} line "
                f"{source.line:,}. Close it, or double quotes inside a cell"
            ) from None
        blank = not record[0].strip(BLANK) if len(record) == 1 else not record
        yield [] if blank else record
