"""``graduel verdict``: compare two files of predictions, print the verdict."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.atomic_io import atomic_write
from graduel.cli.verdicts.gate import check_condition, parse_condition, write_junit
from graduel.cli.verdicts.score_table import compare_columns
from graduel.data.read.arrays.array_file import ArrayFile, read_array
from graduel.data.read.tables.table_format import ReadOptions
from graduel.duel.verdict.predictions import class_names, compare_predictions, resolve_metric
from graduel.duel.verdict.sentences import format_interval, format_rope, name_unit
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError
from graduel.metrics.metric import Metric, get_metric
from graduel.number_format import (
    decimals_of,
    format_difference,
    format_equals_p,
    format_quantity,
    format_rows,
    format_score,
)
from graduel.serialize import to_plain

WIDTH = 80
"""Characters in a line if the output is not a terminal."""
NAMES_ADVICE = " or --names"
"""In a note about a table: the names of its columns; here the option names the models."""


def run(
    a: str | None,
    b: str | None,
    y: str | None,
    *,
    scores: str | None,
    rows: int | None,
    repeats: int | None,
    metric: str | None,
    positive: str | None,
    rope: float | None,
    names: tuple[str, ...] | None,
    classes: tuple[str, ...] | None,
    fail_unless: str | None,
    junit: Path | None,
    as_json: bool,
    read_options: dict[str, Any],
) -> None:
    """Read predictions and labels, or scores by fold, compare them, print the verdict."""
    measure = get_metric("error" if metric is None else metric)
    accepted = None if fail_unless is None else parse_condition(fail_unless)
    if scores is not None:
        if a is not None or classes is not None:
            raise UserError(
                "--scores: expected no other files and no --classes, since a table of scores has "
                "no predictions. Leave them out"
            )
        if positive is not None:
            raise UserError(
                "--positive: expected predictions; a table of scores has none. Leave it out"
            )
        if metric is None:
            raise UserError(
                "--metric: expected the metric of the scores, such as accuracy; got none. Scores "
                "do not show whether higher is better"
            )
        comparison = compare_columns(
            scores, metric, rows, repeats, rope, names, ReadOptions(**read_options)
        )
    else:
        if rows is not None or repeats is not None:
            option = "--rows" if rows is not None else "--repeats"
            raise UserError(f"{option}: expected --scores with it. Leave it out, or set both")
        if a is not None and b is None and Path(a).is_dir():
            raise UserError(
                f"expected a file of predictions; {a} is a folder. If it is that of a duel, "
                f"graduel report {a} shows its verdicts"
            )
        if a is None or b is None or y is None:
            missing = "A" if a is None else "B" if b is None else "Y"
            raise UserError(
                f"missing argument '{missing}': expected the files A, B and Y, two predictions and "
                "the true labels; or --scores with a table of scores by fold"
            )
        comparison, measure = _compare_files(
            (a, b, y), ReadOptions(**read_options), measure, positive, rope, names, classes
        )
    failure = "" if accepted is None else check_condition(comparison, accepted)
    if junit is not None:
        atomic_write(junit, write_junit(comparison, failure))
    if as_json:
        sys.stdout.write(json.dumps(to_plain(comparison), indent=2, allow_nan=False) + "\n")
    else:
        show(comparison, measure, Console())
    if failure:
        typer.echo(f"graduel: {failure}", err=True)
        raise typer.Exit(1)


def _compare_files(
    files: tuple[str, str, str],
    options: ReadOptions,
    metric: Metric,
    positive: str | None,
    rope: float | None,
    names: tuple[str, ...] | None,
    classes: tuple[str, ...] | None,
) -> tuple[Comparison, Metric]:
    """Compare the predictions in two files; return the metric with its positive class too."""
    one, other, true = (read_array(text, options) for text in files)
    if true.columns is not None:
        raise UserError(
            f"{files[2]}: expected one column of true labels; got a table of "
            f"{format_quantity(len(true.columns), 'column')}. Name one: {files[2]}:COLUMN"
        )
    class_list = None if classes is None else list(classes)
    order = class_list
    if order is None and (one.columns or other.columns):
        order = list(class_names(true.array))
    arrays = _order_columns(one, order), _order_columns(other, order), true.array
    labels: dict[str, Any] = {
        "names": _names(names, one.name, other.name),
        "classes": class_list,
    }
    metric = resolve_metric(*arrays, metric, positive, **labels)
    comparison = compare_predictions(*arrays, metric=metric, rope=rope, **labels)
    for note in dict.fromkeys((*one.notes, *other.notes, *true.notes, *comparison.notes)):
        Console(stderr=True).out(f"note: {note.replace(NAMES_ADVICE, '')}", highlight=False)
    return comparison, metric


def _names(titles: tuple[str, ...] | None, one: str, other: str) -> tuple[str, str]:
    if titles is None:
        return (one, other) if one != other else ("A", "B")
    if len(titles) != 2 or not all(titles):
        raise UserError(
            f"--names: expected two names separated by a comma; got '{','.join(titles)}'"
        )
    return titles[0], titles[1]


def _order_columns(x: ArrayFile, classes: list[str] | None) -> NDArray[Any]:
    """Return the columns of a table in the order of `classes`, if they are its columns."""
    if x.columns is None or classes is None or set(x.columns) != set(classes):
        return x.array
    return np.asarray(x.array[:, [x.columns.index(name) for name in classes]])


def show(pair: Comparison, metric: Metric, console: Console) -> None:
    """Print the verdict, the numbers, the test and the reason for its choice."""
    if not console.is_terminal:
        console.width = WIDTH
    console.print(f"[bold]{escape(pair.sentence)}[/]", highlight=False)
    table = Table()
    table.add_column("")
    for heading in (pair.a, pair.b, f"Loss, {pair.a} minus {pair.b}"):
        table.add_column(escape(heading), justify="right")
    decimals = decimals_of(metric.unit, pair.rows, min(pair.error_a, pair.error_b))
    worse, better, sign = pair.a, pair.b, 1
    if pair.error_b >= pair.error_a:  # intervals are those of the sentence, with its sign
        worse, better, sign = better, worse, -1
    difference = format_difference(pair.difference, metric.unit, decimals)
    if metric.is_share:
        difference += f" {name_unit(metric)}s"
    losses = (pair.error_a, pair.error_b)
    values = (format_score(metric.shown(loss), metric.unit, decimals) for loss in losses)
    is_word = "_" not in metric.title  # f1_macro is a name
    title = metric.title[:1].upper() + metric.title[1:] if is_word else metric.title
    table.add_row(escape(title), *values, difference)
    console.print(table)
    equivalence = (pair.equivalence_interval, pair.equivalence_level)
    rows = [
        ("Interval", f"loss of {worse} minus loss of {better}; positive: {better} is better"),
        ("", format_interval(pair.interval, pair.interval_level, sign, metric, decimals)),
        (
            "Equivalence",
            f"{format_interval(*equivalence, sign, metric, decimals)}; "
            f"ROPE ±{format_rope(pair.rope, metric)}",
        ),
        ("Test", f"{pair.test}, {format_equals_p(pair.p_value)}{_exact(pair)}"),
        ("Reason", pair.why),
        ("Sample", _count_rows(pair)),
        ("Scope", pair.scope),
    ]  # fmt: skip
    grid = Table.grid(padding=(0, 2))
    for name, text in rows:
        grid.add_row(name, escape(text))
    console.print(grid, highlight=False)


def _exact(pair: Comparison) -> str:
    return "" if pair.p_exact is None else f" (exact {format_equals_p(pair.p_exact)})"


def _count_rows(pair: Comparison) -> str:
    if pair.folds is not None:
        repeats = f" with {pair.repeats} repeats" if pair.repeats != 1 else ""
        return f"{format_rows(pair.rows)}, {pair.folds} folds{repeats}"
    seeds = "" if pair.seeds == 1 else f", {pair.seeds} seeds"
    return f"{format_quantity(pair.rows, 'test row')}{seeds}"
