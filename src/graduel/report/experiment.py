"""What an experiment leaves for people: one picture of all curves, and its table as Markdown."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from graduel.duel.result.outcome import Run
from graduel.report.draw.style import PAPER
from graduel.report.sections import tables
from graduel.report.sections.curves_figure import learning

PICTURE, TABLE = "experiment.png", "experiment.md"
INCHES, DPI = 6.4, 160


def write_experiment(run: Run) -> Path:
    """Write ``experiment.png`` and ``experiment.md`` into the run's folder; return the picture."""
    picture = run.path / PICTURE
    figure = learning(run, width=INCHES)
    figure.savefig(picture, dpi=DPI, facecolor=PAPER.light, metadata={"Software": None})
    (run.path / TABLE).write_text(markdown(run), encoding="utf-8")
    return picture


def markdown(run: Run) -> str:
    """Return the experiment's table in Markdown, under the command that made it."""
    table = tables.experiment(run)
    lines = [f"`{run.result['environment']['command']}`", "", _row(table.head)]
    lines.append(_row(["---"] + ["---:"] * (len(table.head) - 1)))
    for i, row in enumerate(table.rows):
        lines.append(_row(f"**{t}**" if (i, j) in table.best else t for j, t in enumerate(row)))
    scopes = {one["scope"] for one in run.result["comparisons"]}
    return "\n".join([*lines, "", *sorted(scopes)]).rstrip() + "\n"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
