"""Terminal output of one example in a tree model."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from graduel.cli.views.inspect_text import (
    add_rows,
    build_table,
    print_heading,
    print_text,
)
from graduel.glassbox.inspection import Inspection, TreeInspection, rank_inputs
from graduel.glassbox.trees.tree_votes import Path
from graduel.number_format import format_quantity, format_term


def print_trees(inspection: Inspection, trees: TreeInspection, console: Console) -> None:
    """Print the votes of the rounds, the strongest trees and the SHAP values."""
    votes = trees.votes
    print_heading(
        console, f"Votes of {format_quantity(trees.rounds, 'round')}, {votes.kind}, in log-odds"
    )
    marks = sorted({0, 1, trees.rounds // 4, trees.rounds // 2, trees.rounds})
    table = build_table("class", *(f"after {n}" for n in marks))
    for k, name in enumerate(trees.groups):
        table.add_row(escape(name), *(format_term(float(votes.so_far[n, k])) for n in marks))
    console.print(table)
    for path in votes.strongest[:3]:
        _print_path(trees, path, console)
    if trees.shap is None:
        print_heading(console, "No SHAP values")
        print_text(console, trees.why_no_shap)
        return
    prediction = inspection.classes[inspection.prediction]
    k = 0 if len(trees.groups) == 1 else trees.groups.index(prediction)
    values = trees.shap.values[k]
    print_heading(
        console, f"SHAP: the contribution of each input to the log-odds of {trees.groups[k]}"
    )
    inputs = rank_inputs(values, inspection.top)
    rows = ([inspection.names[i], trees.inputs[i], format_term(float(values[i]))] for i in inputs)
    console.print(add_rows(build_table("input", "value", "contribution"), rows))
    rest = float(values.sum() - values[inputs].sum())
    print_text(
        console,
        f"expected {format_term(float(trees.shap.bias[k]))}, these {len(inputs)} "
        f"{format_term(float(values[inputs].sum()))}, all others {format_term(rest)}: "
        f"margin {format_term(float(trees.shap.margin[k]))}",
    )


def _print_path(trees: TreeInspection, path: Path, console: Console) -> None:
    most = f"{format_term(path.value)} for {trees.groups[path.strongest]}"
    also = ", less for the other classes" if path.group is None else ""
    print_heading(console, f"Tree {path.tree} (round {path.round}): {most}{also}")
    rows = ([f"{one.name} {one.condition}?", one.value_text, one.went] for one in path.splits)
    console.print(add_rows(build_table("condition", "value", "branch"), rows))
