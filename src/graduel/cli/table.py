"""A duel's result on the screen: the table, then the verdict in words."""

from __future__ import annotations

from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from graduel.report.units import bytes_, interval, percent, seconds

WIDTH = 118
"""Of the table where the output is no terminal."""


def show(result: dict[str, Any], report: Path, console: Console) -> None:
    """Print the table, the answers to the claim, each verdict, and where the report is."""
    if not console.is_terminal:
        console.width = WIDTH
    data = result["dataset"]
    rows = next(iter(result["contenders"].values()))["batch_rows"]
    table = Table(
        title=f"{data['name']}: {data['n_train']:,} rows to learn from, {data['n_valid']:,} to "
        f"choose on, {data['n_test']:,} to be judged on"
    )
    table.add_column("")
    for heading in (
        "test error",
        "95 % interval",
        "log loss",
        "fitting",
        "1 row",
        f"{rows:,} rows",
        "memory",
        "model",
    ):
        table.add_column(heading, justify="right")
    for contender in result["contenders"].values():
        table.add_row(
            escape(contender["title"]),
            percent(contender["test_error"]),
            interval(contender["test_error_interval"]),
            f"{contender['log_loss']:.4f}",
            seconds(mean(contender["fit_seconds"])),
            seconds(contender["predict_row_seconds"]),
            seconds(contender["predict_batch_seconds"]),
            bytes_(contender["peak_memory_bytes"]),
            bytes_(contender["model_bytes"]),
        )
    console.print(table)
    for claim in result["claims"]:
        console.print(f"[bold]{escape(claim['sentence'])}[/]", highlight=False)
    if result["claims"]:
        console.print()
    for comparison in result["comparisons"]:
        console.print(f"• {escape(comparison['sentence'])}", highlight=False)
    if result["comparisons"]:
        console.print(escape(result["comparisons"][0]["scope"]), highlight=False)
    console.print(f"\nThe report: {escape(str(report))}", highlight=False, soft_wrap=True)
