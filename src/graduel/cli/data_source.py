"""Data of the user's own on the command line."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from graduel.data import DATASETS
from graduel.data.finding import Finding
from graduel.data.read.column_names import find, strip_control
from graduel.data.read.parquet_check import check_parquet
from graduel.data.read.reader import detect_format
from graduel.data.source import DataSource, open_source, sample_if_large
from graduel.data.table import explain_dropped
from graduel.data.target import NoTargetError
from graduel.duel.plan.defaults import QUICK_ROWS
from graduel.errors import UserError


def is_interactive() -> bool:
    """Tell whether there is someone to ask."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask_target(data: DataSource) -> DataSource:
    """Ask on a terminal what is predicted, where nobody said so; elsewhere leave it as it is."""
    if data.description.target is not None or not is_interactive():
        return data
    try:
        data.load()
    except NoTargetError as lacking:
        names = [name for name, _ in lacking.likely]
        for i, (name, why) in enumerate(lacking.likely, 1):
            typer.echo(f"  {i}  {strip_control(name)} ({why})", err=True)
        answer = typer.prompt("Which column is predicted? (a number or a name)", err=True)
        place = int(answer) if answer.isdecimal() else 0
        chosen = names[place - 1] if 1 <= place <= len(names) else answer
        chosen = find(chosen, lacking.columns, "target")
        return replace(data, description=replace(data.description, target=chosen))
    return data


def resolve_source(data: str | DataSource, options: dict[str, Any]) -> str | DataSource:
    """Ask for the target where it lacks; hold a sample of a large table, where that is enough.

    Raises
    ------
    UserError
        If the data would not go into memory.
    """
    if not isinstance(data, DataSource):
        return data
    rows = options.get("rows") or (QUICK_ROWS if options.get("quick") else None)
    return sample_if_large(ask_target(data), rows)


def parse_source(text: str, options: dict[str, Any]) -> str | DataSource:
    """Return a known name as it is, and describe anything else.

    Raises
    ------
    UserError
        If there is no such source, or an option does not fit it.
    """
    if text in DATASETS:
        if options:
            option = next(iter(options)).replace("sample", "rows")
            raise UserError(f"--{option} goes with a table; {text} is known by name")
        return text
    if size := options.get("size"):
        match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", size)
        if match is None or not (int(match[1]) and int(match[2])):
            raise UserError(f"--size must be HEIGHTxWIDTH such as 32x32; got '{size}'")
        options = options | {"size": (int(match[1]), int(match[2]))}
    path = Path(text)
    if path.is_file() and detect_format(path) == "parquet":
        check_parquet(path)
    return open_source(text, **options)


def print_notes(data: DataSource, console: Console) -> None:
    """Print what was decided when the data were read, and which columns are not used."""
    table = data.load().understood
    if table is not None:
        for line in (*table.notes, *explain_dropped(table.set_aside)):
            console.out(f"note: {line}", highlight=False)


def print_findings(findings: Iterable[Finding], console: Console) -> None:
    """Print a line for each finding of a check."""
    for finding in findings:
        console.out(strip_control(str(finding)), highlight=False)
