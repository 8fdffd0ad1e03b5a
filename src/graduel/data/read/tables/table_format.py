"""The record of a table format: how its files are recognized, read, scanned and sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from graduel.data.finding import Finding

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How a file is read; None is detected. Binary formats ignore what they do not need.

    Attributes
    ----------
    separator, decimal, encoding, header, names, quote : the dialect of delimited text
    part : the table in a file of several tables: a sheet, a table of a database, or a query
    reject_blank : whether a blank line in a file of one column is an error; it is skipped otherwise
    """

    separator: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | int | None = None
    names: tuple[str, ...] = ()
    quote: str | None = None
    part: str | None = None
    reject_blank: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class RawTable:
    """A table as read, before its schema is inferred.

    Attributes
    ----------
    frame : the rows, with unique column names
    notes : decisions of the reader, one sentence each
    decimal : decimal sign of text columns
    findings : uncertain decisions of the reader
    target : the target column, if the format names it
    """

    frame: pl.DataFrame
    notes: tuple[str, ...] = ()
    decimal: str = "."
    findings: tuple[Finding, ...] = ()
    target: str | None = None


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
    decimal : decimal sign of a text file; None if it does not show one
    blocks : iterator over the rows in order
    notes : decisions of the reader, one sentence each
    target : the target column, if the format names it
    """

    schema: dict[str, pl.DataType]
    decimal: str | None
    blocks: Iterator[Block]
    notes: tuple[str, ...] = ()
    target: str | None = None


@dataclass(frozen=True, slots=True)
class TableFormat:
    """A format of files that hold one table each.

    Every function raises a :class:`graduel.errors.UserError` that names a file that it cannot read.

    Attributes
    ----------
    title : the name in messages, unique
    endings : lower-case endings of file names, with the dot
    recognize : whether a file has this format, by its path and first bytes; it may raise for a file
        that has the ending but not the content. None: any file that no other format recognizes
    read : read all rows
    scan : read all rows in blocks, with memory that does not grow with their number
    sample : read a stratified sample of the rows block by block, given the target and the size;
        without a target it calls :func:`require_target`
    memory_bytes : estimate the size of the table in memory, in bytes
    check : raise if the file cannot be read, without a risk to this process; None: reading a
        damaged file cannot crash the process
    parts : the name of one of several tables in a file, such as ``sheet``; empty: a file holds one
    """

    title: str
    endings: tuple[str, ...]
    recognize: Callable[[Path, bytes], bool] | None
    read: Callable[[Path, ReadOptions], RawTable]
    scan: Callable[[Path, ReadOptions], Stream]
    sample: Callable[[Path, ReadOptions, str | None, int], RawTable]
    memory_bytes: Callable[[Path, ReadOptions], int]
    check: Callable[[Path, ReadOptions], None] | None = None
    parts: str = ""


def require_target(first: pl.DataFrame) -> NoReturn:
    """Raise the error that no target is named, with likely targets from the first rows."""
    from graduel.data.target import NoTargetError

    raise NoTargetError(first)
