"""Several tables on the command line: training and test rows, slices of a table, or a suite."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from graduel.cli.data_source import ask_target
from graduel.cli.options import TEXT_FORMAT
from graduel.data.read.column_names import split_words
from graduel.data.read.dataframe import append_rows
from graduel.data.read.reader import detect_table, read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.read.table_folder import list_tables
from graduel.data.source import DataSource, source_from_arrays
from graduel.errors import UserError

TEST = {"test", "testing", "tests", "holdout", "evaluation", "eval"}
TRAIN = {"train", "training"}


def check_roles(datasets: Sequence[str], read_options: dict[str, Any]) -> None:
    """Raise if several tables look like one table: training and test rows, or slices of it.

    Parameters
    ----------
    datasets : the data sets as the user named them, files or folders
    read_options : the options for reading them

    Raises
    ------
    UserError
        If their columns are the same, and two are named like training and test rows or all are in
        one folder; the message has the command for either meaning.
    """
    for text in datasets:
        tables = list_tables(Path(text))
        if len(tables) > 1 and _have_same_columns(tables, read_options):
            _refuse_pair(datasets, tables)
            raise UserError(
                f"{text}: expected tables with different columns; got {len(tables)} with the same, "
                "which may be slices of one table. For one duel on all of their rows: "
                f"{_write_command(datasets, datasets, '--concat')}. For a duel on each of them: "
                f"{_write_command(datasets, datasets, '--suite')}"
            )
    files = [Path(text) for text in datasets if Path(text).is_file()]
    tables = [path for path in files if detect_table(path) is not None]
    if len(tables) > 1 and _find_pair(tables) and _have_same_columns(tables, read_options):
        _refuse_pair(datasets, tables)


def _refuse_pair(datasets: Sequence[str], tables: Sequence[Path]) -> None:
    """Raise if one of the tables is named like training rows and another like test rows."""
    pair = _find_pair(tables)
    if pair is None:
        return
    train, test = map(str, pair)
    raise UserError(
        f"{train} and {test} have the same columns and are named like training and test rows. To "
        f"train on the one and test on the other: "
        f"{_write_command(datasets, [train], f'--test {shlex.quote(test)}')}. For a duel on each "
        f"of them: {_write_command(datasets, datasets, '--suite')}"
    )


def _find_pair(tables: Sequence[Path]) -> tuple[Path, Path] | None:
    """Return the tables that are named like training rows and like test rows."""
    words = {path: split_words(path.name.partition(".")[0]) for path in tables}
    train = [path for path in tables if words[path] & TRAIN]
    test = [path for path in tables if words[path] & TEST]
    return (train[0], test[0]) if train and test and train[0] != test[0] else None


def _have_same_columns(tables: Sequence[Path], read_options: dict[str, Any]) -> bool:
    """Return whether all tables have the same named columns."""
    options = _select_format(read_options)
    try:
        headers = [sorted(open_stream(path, **options).schema) for path in tables]
    except UserError:  # reported where the table is read
        return False
    has_names = any(not re.fullmatch(r"column_\d+", name) for name in headers[0])
    return has_names and all(header == headers[0] for header in headers[1:])


def _select_format(read_options: dict[str, Any]) -> dict[str, Any]:
    """Return the options for the format of a text file."""
    return {name: read_options[name] for name in TEXT_FORMAT if name in read_options}


def _write_command(datasets: Sequence[str], instead: Sequence[str], option: str) -> str:
    """Return the user's command with other data sets and a further option."""
    rest = sys.argv[2:] if sys.argv[1:2] == ["duel"] else []
    for text in datasets:
        if text in rest:
            rest.remove(text)
    return " ".join(["graduel duel", shlex.join(instead), option, shlex.join(rest)]).strip()


def concat_tables(datasets: Sequence[str], read_options: dict[str, Any]) -> DataSource:
    """Return the data source of the rows of several tables with the same columns.

    Raises
    ------
    UserError
        If there is only one table, or a table lacks a column of the first.
    """
    tables = [one for text in datasets for one in list_tables(Path(text)) or [Path(text)]]
    if len(tables) < 2:
        raise UserError(
            f"--concat: expected a folder of tables, or several tables; got {tables[0]}. Leave it "
            "out"
        )
    options = _select_format(read_options)
    sources = []
    for path in tables:
        if detect_table(path) is None:
            raise UserError(f"--concat: expected tables; {path} holds images or arrays")
        sources.append(read_source(path, **options))
    frame = sources[0].content
    for path, source in zip(tables[1:], sources[1:], strict=True):
        frame = append_rows(frame, source.content, str(path), str(tables[0]))
    if "," in {source.decimal for source in sources}:
        read_options = {"decimal": ","} | read_options
    data = source_from_arrays(frame, **read_options)
    first = Path(datasets[0])
    name = first.resolve().name if first.is_dir() else first.name.partition(".")[0]
    return ask_target(replace(data, spec=replace(data.spec, name=name)))
