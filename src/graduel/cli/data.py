"""``graduel data``: what is known by name, and what is in a table or a folder of images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.source import source
from graduel.cli.table import WIDTH
from graduel.data import DATASETS, Dataset, load_dataset
from graduel.data.columns import Column
from graduel.data.description import Own
from graduel.data.read.names import shown
from graduel.data.read.toy import TOYS
from graduel.data.table import told

if TYPE_CHECKING:
    import polars as pl

MOST_CLASSES = 20
"""Of more classes, the largest are shown."""


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    return console


def listing() -> None:
    """List the data sets that are known by name."""
    console, table = _console(), Table()
    for heading in ("Name", "Where from"):
        table.add_column(heading)
    for name in DATASETS:
        table.add_row(name, "comes with graduel")
    for name, origin in TOYS.items():
        table.add_row(name, escape(origin))
    table.add_row("openml:NAME", "OpenML; fetched once, then kept")
    console.print(table)
    hint = "Or a file of your own: graduel data mytable.csv"
    console.print(hint, highlight=False, markup=False)


def show(text: str, options: dict[str, Any]) -> None:
    """Show columns, classes, what was set aside, and what is suspicious."""
    found = source(text, options)
    data = found.load() if isinstance(found, Own) else load_dataset(found)
    console = _console()
    size = f"{len(data.y):,} rows, {data.n_features:,} features, {len(data.classes):,} classes"
    console.print(f"{data.name}: {size}", highlight=False, markup=False)
    if data.image is not None:
        height, width, channels = data.image
        console.print(f"images of {height} × {width} pixels, {channels} channels", highlight=False)
    if data.n_train is not None:
        given = f"given split: {data.n_train:,} to learn from, {len(data.test_rows):,} to test on"
        console.print(given, highlight=False)
    if data.columns:
        console.print(_columns(data))
    console.print(_classes(data))
    for line in _remarks(data):
        console.print(line, highlight=False, markup=False)


def _columns(data: Dataset) -> Table:
    table = Table(title="Columns")
    for heading in ("Name", "Kind", "Why", "Values", "Missing"):
        table.add_column(heading, justify="right" if heading == "Missing" else "left")
    for column in data.columns:
        values = data.X[column.name]
        gone = values.null_count()
        share = f"{gone:,} ({100 * gone / len(values):.2g} %)" if gone else ""
        cells = (column.name, column.kind, column.reason, _values(column, values), share)
        table.add_row(*map(escape, cells))
    return table


def _values(column: Column, values: pl.Series) -> str:
    """Return the range of numbers and dates, the number of categories and the most frequent."""
    if column.kind in ("numeric", "date"):
        low, middle, high = values.min(), values.median(), values.max()
        return f"{_short(low)} to {_short(high)}, median {_short(middle)}"
    counts = values.drop_nulls().value_counts(sort=True, name="rows")
    often = shown(counts[column.name][0])
    return f"{len(counts):,}, most often {often} ({counts['rows'][0]:,})"


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else str(value)


def _classes(data: Dataset) -> Table:
    counts = np.bincount(data.y, minlength=len(data.classes))
    table = Table(title="Classes")
    table.add_column("Class")
    table.add_column("Rows", justify="right")
    table.add_column("Share", justify="right")
    many = len(counts) > MOST_CLASSES
    order = np.argsort(-counts, kind="stable")[:MOST_CLASSES] if many else range(len(counts))
    for code in order:
        share = f"{100 * counts[code] / counts.sum():.1f} %"
        table.add_row(escape(data.classes[code]), f"{counts[code]:,}", share)
    if many:
        table.add_row(f"{len(counts) - MOST_CLASSES:,} more", "", "")
    return table


def _remarks(data: Dataset) -> Iterator[str]:
    from graduel.data.warn import warnings_for

    if data.understood is None:
        return
    yield from (f"note: {note}" for note in data.understood.notes)
    yield from (f"note: {line}" for line in told(data.understood.set_aside))
    yield from (f"warning: {warning}" for warning in warnings_for(data.understood))
