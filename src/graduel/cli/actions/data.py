"""``graduel data``: list the named data sets, or show one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.cli.advice import fit_advice
from graduel.cli.data_source import parse_source
from graduel.cli.options import TEXT_FORMAT
from graduel.cli.views import sparklines
from graduel.cli.views.duel_table import WIDTH
from graduel.data import DATASETS, Dataset
from graduel.data.column import Column
from graduel.data.finding import DATA_READ
from graduel.data.load import build_dataset
from graduel.data.read.column_names import join_names, quote_name, strip_control
from graduel.data.read.named_data.database_url import is_url
from graduel.data.read.named_data.openml import fetch, list_fetched
from graduel.data.read.named_data.toy_datasets import TOYS
from graduel.data.read.reader import OPENML, detect_table, read_source
from graduel.data.read.tables.format_registry import list_titles
from graduel.data.source import DataSource
from graduel.data.table import report_dropped
from graduel.data.text.year_columns import thousands_separator
from graduel.errors import UserError
from graduel.number_format import (
    agree,
    format_bytes,
    format_percent,
    format_quantity,
    format_rows,
    format_value,
)

if TYPE_CHECKING:
    import polars as pl

MOST_CLASSES = 20
"""Most classes shown; of more, the largest."""
MOST_COLUMNS = 100
LEAST_WIDTH = 14
"""Characters per line in the cells of names and values in a narrow terminal."""
IMAGES, LINES, CHARACTERS = 8, 12, 22
"""Number of images drawn, one of a class, and their height and width in characters."""
KINDS = ("categorical", "numeric", "drop")
DRAWN_ROWS = 100_000
"""Most rows used for the histogram of a column."""


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    return console


def run(source: str | None, rows: int | None, read_options: dict[str, Any]) -> None:
    """List the data sets, or show one or a sample of its rows."""
    if source is None:
        list_datasets()
    else:
        show_dataset(source, read_options | ({} if rows is None else {"sample": rows}))


def list_datasets() -> None:
    """List the named data sets and those downloaded from OpenML."""
    console, table = _console(), Table()
    for heading in ("Name", "Source"):
        table.add_column(heading, overflow="fold")
    for name in DATASETS:
        table.add_row(name, "included")
    for name, origin in TOYS.items():
        table.add_row(name, escape(origin))
    for one in list_fetched():
        size = format_bytes(one.path.stat().st_size)
        table.add_row(
            f"{OPENML}{one.number}", escape(f"{one.name}, downloaded from OpenML; {size}")
        )
    table.add_row(f"{OPENML}NAME", "OpenML: graduel data openml:NAME downloads and caches it")
    console.print(table)
    hint = "For your own file: graduel data mytable.csv"
    console.print(hint, highlight=False, markup=False)


def show_dataset(text: str, options: dict[str, Any]) -> None:
    """Show the columns, classes and warnings of a data set; download it if it is of OpenML."""
    console = _console()
    if text.startswith(OPENML):
        _print_fetched(text, console)
    source = parse_source(text, options)
    is_table = is_url(text) or (source.place is not None and detect_table(source.place) is not None)
    if "sample" in options and not is_table:
        raise UserError(f"--rows: expected a table in a file, {list_titles()}; got {text}")
    if is_table and "target" not in options:
        _show_without_target(source, text, options, console)
    else:
        _show_loaded(source.load(), console)


def _show_loaded(data: Dataset, console: Console) -> None:
    """Show a data set with its target."""
    classes = format_quantity(len(data.classes), "class") if data.classes else "a number as target"
    counts = (len(data.y), "row"), (data.n_features, "feature")
    size = ", ".join([*(format_quantity(number, noun) for number, noun in counts), classes])
    console.print(f"{data.name}: {size}", highlight=False, markup=False)
    if data.source:
        console.print(f"source: {data.source}", highlight=False, markup=False)
    if data.n_train is not None:
        console.print(
            f"given split: {format_quantity(data.n_train, 'training row')}, "
            f"{format_quantity(len(data.test_rows), 'test row')}",
            highlight=False,
        )
    if data.image is not None:
        _images(data, console)
    if data.columns:
        _print_columns(data.columns, data.X, console)
    console.print(_classes(data) if data.classes else _target(data))
    for line in _notes(data):
        console.print(strip_control(fit_advice(line)), highlight=False, markup=False)


def _print_fetched(text: str, console: Console) -> None:
    """Download a data set if it is not cached, and print its path."""
    fetched = {one.number for one in list_fetched()}
    one = fetch(text.removeprefix(OPENML))
    size = format_bytes(one.path.stat().st_size)
    status = "cached" if one.number in fetched else f"downloaded from {one.url}"
    line = f"{OPENML}{one.number} ({one.name}): {status}, {size}, SHA-256 {one.sha256}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)
    where = f"Path: {one.path}. It can be used offline."
    console.print(where, highlight=False, markup=False, soft_wrap=True)


def _show_without_target(
    source: DataSource, text: str, options: dict[str, Any], console: Console
) -> None:
    """Show the columns of a table without a target, and list candidates for the target.

    A table of pixels needs no target, and is shown as images.
    """
    from graduel.data.column_inference import infer_features, requested_kinds
    from graduel.data.table_checks import check_row_numbers
    from graduel.data.target import NoTargetError, target_options

    reading = (*TEXT_FORMAT, "sample")
    read = read_source(text, **{key: options[key] for key in reading if key in options})
    if isinstance(read.content, Dataset):
        raise UserError(f"{text}: expected a table; got images or arrays")
    try:
        _show_loaded(build_dataset(source.spec, read), console)
        return
    except NoTargetError:
        pass
    frame = read.content
    kinds = requested_kinds(frame.columns, **{k: options.get(k, ()) for k in KINDS})
    features = infer_features(
        frame,
        kinds,
        read.decimal,
        missing=options.get("missing", ()),
        date_order=options.get("date_order"),
    )
    size = f"{format_quantity(frame.height, 'row')}, {format_quantity(frame.width, 'column')}"
    console.print(f"{read.name}: {size}", highlight=False, markup=False)
    if features.columns:
        _print_columns(features.columns, features.frame, console)
    decisions = (DATA_READ.report(note) for note in (*read.notes, *features.notes))
    for finding in (
        *decisions,
        *report_dropped(features.set_aside),
        *read.findings,
        *check_row_numbers(features.set_aside),
        *features.findings,
    ):
        console.print(strip_control(fit_advice(str(finding))), highlight=False, markup=False)
    console.print(f"Target column? {target_options(frame)}", highlight=False, markup=False)


def _plain(text: str) -> str:
    """Return a text from a file without control characters, with markup escaped."""
    return escape(strip_control(text))


def _print_columns(columns: Sequence[Column], frame: pl.DataFrame, console: Console) -> None:
    """Print a table of the columns; in a narrow terminal, the reasons for their types below it."""
    is_narrow = console.width < WIDTH
    console.print(_columns(columns, frame, with_reasons=not is_narrow))
    if not is_narrow:
        return
    by_reason: dict[tuple[str, str], list[str]] = {}
    for column in columns:
        by_reason.setdefault((column.kind, column.reason), []).append(column.name)
    for (kind, reason), names in by_reason.items():
        line = f"{kind} ({reason}): {join_names(names)}"
        console.print(strip_control(line), highlight=False, markup=False)


def _columns(columns: Sequence[Column], frame: pl.DataFrame, *, with_reasons: bool) -> Table:
    table = Table(title="Columns")
    least = None if with_reasons else LEAST_WIDTH
    table.add_column("Name", overflow="fold", min_width=least)
    table.add_column("Type", no_wrap=True)
    if with_reasons:
        table.add_column("Reason", overflow="fold")
    table.add_column("Values", overflow="fold", min_width=least)
    table.add_column("Distribution", no_wrap=True)
    table.add_column("Missing", justify="right", overflow="fold")
    for column in columns[:MOST_COLUMNS]:
        values = frame[column.name]
        missing = values.null_count()
        share = f"{missing:,} ({format_percent(missing / len(values), 1)})" if missing else ""
        reason = (column.reason,) if with_reasons else ()
        shown = (_shorten(one) for one in (column.name, _values(column, values)))
        cells = (next(shown), column.kind, *reason, *shown)
        table.add_row(*map(_plain, cells), _spread(column, values), share)
    if len(columns) > MOST_COLUMNS:
        table.add_row(f"{len(columns) - MOST_COLUMNS:,} more")
    return table


def _shorten(text: str) -> str:
    """Return a text that fits into five lines of a cell."""
    longest = 5 * LEAST_WIDTH
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _values(column: Column, values: pl.Series) -> str:
    """Return the range of numbers and dates, or the number of categories and the mode."""
    if column.kind in ("numeric", "date"):
        comma, numbers = thousands_separator(values), (values.min(), values.max(), values.median())
        low, high, middle = (format_value(number, comma) for number in numbers)
        return f"{low} to {high}, median {middle}"
    counts = values.drop_nulls().value_counts(sort=True, name="rows")
    top = quote_name(counts[column.name][0])
    return f"{len(counts):,}, most frequent {top} ({counts['rows'][0]:,})"


def _spread(column: Column, values: pl.Series) -> str:
    """Return a histogram of numbers and dates, or counts of the most frequent categories."""
    import polars as pl

    sample = values.drop_nulls()
    sample = sample.gather_every(max(1, len(sample) // DRAWN_ROWS))
    if column.kind in ("numeric", "date"):
        if sample.dtype.is_temporal():
            sample = sample.cast(pl.Int64)
        return sparklines.draw_histogram(sample.cast(pl.Float64).to_numpy())
    counts = sample.rename("value").value_counts(sort=True, name="rows")["rows"]
    return sparklines.draw_bars(counts.head(sparklines.BINS).to_numpy())


def _target(data: Dataset) -> Table:
    """Return the quantiles of a numeric target, and its histogram."""
    table = Table(
        title=f"Target {_plain(data.inferred_table.target)}" if data.inferred_table else ""
    )
    shares = (0.0, 0.01, 0.25, 0.5, 0.75, 0.99, 1.0)
    for heading in ("least", "1 %", "25 %", "median", "75 %", "99 %", "largest", "mean"):
        table.add_column(heading, justify="right")
    table.add_column("")
    values = [*np.quantile(data.y, shares), data.y.mean()]
    row = [format_value(float(value)) for value in values]
    table.add_row(*row, sparklines.draw_histogram(data.y))
    return table


def _classes(data: Dataset) -> Table:
    counts = np.bincount(data.y, minlength=len(data.classes))
    table = Table(title="Classes")
    table.add_column("Class", overflow="fold")
    table.add_column("Rows", justify="right")
    table.add_column("Share", justify="right")
    table.add_column("")
    many = len(counts) > MOST_CLASSES
    order = np.argsort(-counts, kind="stable")[:MOST_CLASSES] if many else range(len(counts))
    for code in order:
        share = counts[code] / counts.sum()
        name = _plain(data.classes[code])
        table.add_row(
            name, f"{counts[code]:,}", format_percent(share, 1), sparklines.draw_bar(share)
        )
    if many:
        table.add_row(f"{len(counts) - MOST_CLASSES:,} more", "", "", "")
    return table


def _images(data: Dataset, console: Console) -> None:
    """Print the first image of each class."""
    assert data.image is not None
    height, width, channels = data.image
    kind = {1: "gray", 3: "color"}.get(channels, f"{channels} channels")
    scale = "" if data.pixels is None else f", {data.pixels}"
    console.print(f"images of {height} × {width} pixels, {kind}{scale}", highlight=False)
    first = np.unique(data.y, return_index=True)[1][:IMAGES]
    drawn = [sparklines.draw_image(_bright(data.X[row]), LINES, CHARACTERS) for row in first]
    titles = [strip_control(data.classes[data.y[row]]) for row in first]
    for line in sparklines.join_side_by_side(drawn, titles, console.width):
        console.print(line, highlight=False, markup=False)


def _bright(pixels: Any) -> Any:
    """Return an image scaled to 0 to 255."""
    if pixels.dtype == np.uint8:
        return pixels
    plain = np.nan_to_num(pixels.astype(float))
    return (plain - plain.min()) / (np.ptp(plain) or 1) * 255


def _notes(data: Dataset) -> Iterator[str]:
    from graduel.data.finding import REPEATED_ROWS
    from graduel.data.table_checks import check_table, report_decisions

    yield from map(str, report_decisions(data))
    yield from map(str, data.findings)
    if data.inferred_table is None:
        hashes = {hash(row.tobytes()) for row in data.table}
        if n_repeated := len(data.y) - len(hashes):
            message = (
                f"{n_repeated:,} of {format_rows(len(data.y))} "
                f"{agree(n_repeated, 'repeats', 'repeat')} an earlier row"
            )
            yield str(REPEATED_ROWS.report(message))
        return
    findings = check_table(data.inferred_table)
    if not any(finding.code == REPEATED_ROWS.code for finding in findings):
        yield "note: no two rows have equal features"
    yield from map(str, findings)
