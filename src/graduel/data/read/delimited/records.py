"""Splitting of lines of delimited text into records of cells, with quotes."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO

from graduel.data.read.delimited.dialect import BLANK
from graduel.data.read.delimited.syntax import CellSyntax
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


def iter_records(source: BlockLines, syntax: CellSyntax, path: Path) -> Iterator[list[str]]:
    """Yield the cells of each record; [] for a blank line.

    Raises
    ------
    UserError
        If a quote is not closed or is closed inside a cell of another line, or the cells suggest
        another quote than the detected one.
    """
    reader = syntax.read(source)
    is_plain = syntax.quote and not (syntax.escape or syntax.is_given)
    escaped = f"\\{syntax.quote}" if is_plain else None
    while source.todo > 0:
        source.record.clear()
        try:
            record = next(reader)
            # A stray quote (5" pipe) is allowed in a line, but not in a cell over several lines.
            if len(source.record) > 1:
                list(syntax.read(source.record, strict=True))
        except csv.Error as error:
            inside = "expected after" in str(error)
            how = "it is closed inside a cell of" if inside else "it stays open until"
            raise UserError(
                f"{path}: line {source.first:,}: expected a quote to be closed; {how} line "
                f"{source.line:,}. Close it, double quotes inside a cell, or read quotes as text "
                "with --quote none"
            ) from None
        lines = source.record
        if (escaped and escaped in lines[0]) or (len(lines) > 1 and not syntax.is_given):
            _reject_other_quotes(source, syntax, path)
        blank = not record[0].strip(BLANK) if len(record) == 1 else not record
        yield [] if blank else record


def _reject_other_quotes(source: BlockLines, syntax: CellSyntax, path: Path) -> None:
    """Raise if a record looks as if quotes had a backslash before them, or were text."""
    lines = source.record
    if len(lines) > 1 and syntax.separator == "\t":
        # A cell with line breaks and tabs is less likely than two quotes that are text.
        counts = {line.count("\t") for line in lines}
        if len(counts) == 1 and counts != {0}:
            raise UserError(
                f"{path}: line {source.first:,}: expected a row in each line; a quote makes one "
                f"row of lines {source.first:,} to {source.line:,}. Read quotes as text with "
                "--quote none, or confirm that they enclose cells with --quote '\"'"
            )
    escaped = f"\\{syntax.quote}"
    if not syntax.escape and escaped in lines[0]:
        try:
            list(syntax.read(lines, strict=True))
        except csv.Error:
            raise UserError(
                f"{path}: line {source.first:,}: expected quotes inside a cell to be doubled; got "
                f"{escaped}. If backslashes escape quotes, give --quote '{escaped}'"
            ) from None
