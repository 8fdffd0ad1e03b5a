"""Data sources on the command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console

from graduel.cli.advice import fit_advice
from graduel.data.finding import Finding
from graduel.data.read.column_names import find, strip_control
from graduel.data.read.file_checks.file_check import check_file
from graduel.data.read.file_checks.memory_check import free_bytes
from graduel.data.read.file_names import split_part
from graduel.data.read.table_folder import list_tables
from graduel.data.row_groups.parquet_shards import ParquetShards, is_glob, is_parquet, open_shards
from graduel.data.source import (
    DUEL_COPIES,
    DataSource,
    open_source,
    sample_if_large,
    source_from_arrays,
)
from graduel.data.target import NoTargetError
from graduel.duel.plan.defaults import QUICK_ROWS
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


def is_interactive() -> bool:
    """Return whether the user can be prompted."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_target(data: DataSource) -> DataSource:
    """Prompt for the target column if none is given, and stdin is a terminal."""
    if data.is_builtin or data.spec.target is not None or not is_interactive():
        return data
    try:
        data.load()
    except NoTargetError as error:
        names = [name for name, _ in error.likely]
        for i, (name, why) in enumerate(error.likely, 1):
            typer.echo(f"  {i}  {strip_control(name)} ({why})", err=True)
        answer = typer.prompt("Target column (number or name)", err=True)
        number = int(answer) if answer.isdecimal() else 0
        name = names[number - 1] if 1 <= number <= len(names) else answer
        target = find(name, error.columns, "target")
        return replace(data, spec=replace(data.spec, target=target))
    return data


def parse_source(text: str, source: dict[str, Any]) -> DataSource:
    """Return the data source for a name or path, with the options for reading it.

    Raises
    ------
    UserError
        If the source does not exist or an option does not apply to it.
    """
    if size := source.get("size"):
        match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", size)
        if match is None or not (int(match[1]) and int(match[2])):
            raise UserError(f"--size: expected HEIGHTxWIDTH such as 32x32; got '{size}'")
        source = source | {"size": (int(match[1]), int(match[2]))}
    check_file(text)
    return open_source(text, **source)


def open_table_files(text: str, *, stream: bool) -> ParquetShards | pl.DataFrame | None:
    """Return the table in Parquet files: row groups to stream, or a DataFrame if it is small.

    None if the text is neither a folder nor a pattern of Parquet files, and `stream` is not set. A
    table is small if its copies in a training fit into the free memory.

    Raises
    ------
    UserError
        If a file cannot be read, or the files do not form one table.
    """
    import polars as pl

    path, _ = split_part(text)
    has_files = is_glob(text) or (path.is_dir() and any(map(is_parquet, list_tables(path))))
    if not (stream or has_files):
        return None
    shards = open_shards(text)
    for file in shards.files:
        check_file(file)
    if stream or shards.memory_bytes() * DUEL_COPIES > free_bytes():
        return shards
    return pl.concat([frame for _, frame in shards.stream()])


def training_source(
    text: str,
    source: dict[str, Any],
    options: dict[str, Any],
    table: pl.DataFrame | None = None,
) -> DataSource:
    """Return the data source for training: with its target, and a sample of a large table.

    Parameters
    ----------
    table : the rows, if they are read from several files

    Raises
    ------
    UserError
        If the data do not fit into memory.
    """
    rows = options.get("rows") or (QUICK_ROWS if options.get("quick") else None)
    if table is None:
        return sample_if_large(ask_target(parse_source(text, source)), rows)
    data = source_from_arrays(table, **source)
    name = Path(text).name if Path(text).is_dir() else Path(text).parent.name
    return ask_target(replace(data, spec=replace(data.spec, name=name or data.name)))


def print_findings(findings: Iterable[Finding]) -> None:
    """Print the findings of data checks to stderr, a line each."""
    for finding in findings:
        Console(stderr=True).out(strip_control(fit_advice(str(finding))), highlight=False)
