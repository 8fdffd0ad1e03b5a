"""``graduel verdict``: two sets of predictions from files, and the verdict on the screen."""

from __future__ import annotations

import csv
import json
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.data.read.array_file import ArrayFile, read_array
from graduel.duel.verdict.predictions import class_names, compare_predictions
from graduel.duel.verdict.sentences import (
    format_difference,
    format_interval,
    format_metric,
    format_p,
)
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError
from graduel.metrics.metric import Metric, get_metric
from graduel.serialize import to_plain

WIDTH = 80
"""Of the text where the output is no terminal."""


def run(
    a: str,
    b: str,
    y: str,
    *,
    metric: str,
    rope: float | None,
    names: str | None,
    classes: str | None,
    as_json: bool,
) -> None:
    """Read the three, compare, show."""
    measure = get_metric(metric)
    one, other, true = read_array(a), read_array(b), read_array(y)
    if true.columns is not None:
        raise UserError(f"{y}: expected one column of true labels; name one: {y}:COLUMN")
    listed = None if classes is None else _listed(classes)
    known = listed
    if known is None and (one.columns or other.columns):
        known = list(class_names(true.array))
    found = compare_predictions(
        _in_order(one, known),
        _in_order(other, known),
        true.array,
        metric=measure,
        rope=rope,
        names=_names(names, one.name, other.name),
        classes=listed,
    )
    if as_json:
        sys.stdout.write(json.dumps(to_plain(found), indent=2, allow_nan=False) + "\n")
    else:
        show(found, measure, Console())


def _listed(text: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]


def _names(text: str | None, one: str, other: str) -> tuple[str, str]:
    if text is None:
        return (one, other) if one != other else ("A", "B")
    listed = _listed(text)
    if len(listed) != 2 or not all(listed):
        raise UserError(f"--names: expected two names with a comma between them; got '{text}'")
    return listed[0], listed[1]


def _in_order(x: ArrayFile, classes: list[str] | None) -> NDArray[Any]:
    """Bring the columns of a table that are named as the classes into the classes' order."""
    if x.columns is None or classes is None or set(x.columns) != set(classes):
        return x.array
    return np.asarray(x.array[:, [x.columns.index(name) for name in classes]])


def show(found: Comparison, metric: Metric, console: Console) -> None:
    """Print the sentence, the numbers, the test and why it is this one."""
    if not console.is_terminal:
        console.width = WIDTH
    console.print(f"[bold]{escape(found.sentence)}[/]", highlight=False)
    table = Table()
    table.add_column("")
    for heading in (found.a, found.b, "Difference"):
        table.add_column(escape(heading), justify="right")
    seen = f"{'+' if found.difference > 0 else ''}{format_difference(found.difference, metric)}"
    values = (format_metric(metric.shown(loss), metric) for loss in (found.error_a, found.error_b))
    title = metric.title[:1].upper() + metric.title[1:]
    table.add_row(escape(title), *values, seen)
    console.print(table)
    better = "a positive one is for " + found.b
    pairs = [
        ("Difference", f"loss of {found.a} less loss of {found.b}; {better}"),
        ("", format_interval(found.interval, found.interval_level, 1, metric)),
        (
            "Equality",
            f"{format_interval(found.equivalence_interval, found.equivalence_level, 1, metric)}; "
            f"equal within ±{format_difference(found.rope, metric)}",
        ),
        ("Test", f"{found.test}, {format_p(found.p_value)}{_exact(found)}"),
        ("Why", found.why),
        ("Of", _counted(found)),
        ("Scope", found.scope),
    ]  # fmt: skip
    grid = Table.grid(padding=(0, 2))
    for name, text in pairs:
        grid.add_row(name, escape(text))
    console.print(grid, highlight=False)


def _exact(found: Comparison) -> str:
    return "" if found.p_exact is None else f" (exact {format_p(found.p_exact)})"


def _counted(found: Comparison) -> str:
    seeds = "" if found.seeds == 1 else f", {found.seeds} seeds"
    return f"{found.rows:,} test rows{seeds}"
