"""The report of an experiment: a figure of the training curves and a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from statistics import mean, stdev

from matplotlib.figure import Figure

from graduel.atomic_io import atomic_write
from graduel.duel.result.outcome import Run
from graduel.number_format import NONE
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.picture import TextTable
from graduel.report.draw.style import PAPER, WIDTH
from graduel.report.sections.cost import format_time, list_notes
from graduel.report.sections.race import Racer, draw_curves, read_racers

FIGURE_FILE, TABLE_FILE = "experiment.png", "experiment.md"
INCHES, DPI = 6.4, 160


def write_experiment(run: Run) -> Path:
    """Write ``experiment.png`` and ``experiment.md`` to the run's folder; return the PNG's path."""
    path, png = run.path / FIGURE_FILE, BytesIO()
    figure = training_curves(run, width=INCHES)
    figure.savefig(png, format="png", dpi=DPI, facecolor=PAPER.light, metadata={"Software": None})
    atomic_write(path, png.getvalue())
    atomic_write(run.path / TABLE_FILE, render_markdown(run))
    return path


def read_epoch_curves(run: Run) -> list[Racer]:
    """Return each contender's test error by epoch or round, and the selected epoch of each run."""
    racers = []
    for racer in read_racers(run):
        curves = tuple([(i + 1.0, error) for i, (_, error) in enumerate(c)] for c in racer.curves)
        details = run.result.contenders[racer.name].details
        epochs = tuple(
            float(one.get("best_epoch") or len(curve))
            for one, curve in zip(details, curves, strict=True)
        )
        racers.append(Racer(racer.name, curves, epochs, racer.test_errors, racer.test_error))
    return racers


def training_curves(run: Run, *, width: float = WIDTH) -> Figure:
    """Plot the test error of each contender, on a log scale, over training epochs.

    Lines and markers are those of the race; a marker is at the selected epoch.
    """
    return draw_curves(
        run, read_epoch_curves(run), width, "training epochs", lambda t: f"at epoch {t:.0f}"
    )


def build_table(run: Run) -> TextTable:
    """Return a row for each variant: test error, its SD over seeds, epoch, seconds and verdict.

    The verdict is against the variant with the lowest mean error.
    """
    titles, scale = list_titles(run), curve_scale(run)
    entries, protocol = run.result.contenders, run.result.protocol
    best = min(entries, key=lambda name: entries[name].curve_loss)
    verdicts = {
        one.b if one.a == best else one.a: one.verdict
        for one in run.result.comparisons
        if best in (one.a, one.b)
    }
    rows, several = [], protocol.seeds > 1
    for name, entry in entries.items():
        epochs = [float(one.get("best_epoch") or 0) for one in entry.details]
        row = [titles[name], scale.text(mean(entry.curve_losses))]
        if several:
            errors = entry.curve_losses
            spread = scale.text(stdev(errors)) if len(errors) > 1 else NONE
            row.append(f"± {spread}")
        verdict = verdicts.get(name, "")
        row += [
            f"{mean(epochs):.0f}" if any(epochs) else NONE,
            format_time(run, name, mean(entry.fit_seconds)),
            "best" if name == best else "worse" if "better" in verdict else verdict,
        ]
        rows.append(tuple(row))
    head = (
        ", ".join(protocol.varies) or "Contender",
        scale.title,
        *(("SD over seeds",) if several else ()),
        "Best epoch",
        "Training time",
        f"Against {titles[best]}",
    )
    index = list(entries).index(best)
    return TextTable("Variants", head, tuple(rows), frozenset({(index, 1)}))


def render_markdown(run: Run) -> str:
    """Return the experiment's table in Markdown, below its command."""
    table = build_table(run)
    lines = [f"`{run.result.environment.command}`", "", _render_row(table.head)]
    lines.append(_render_row(["---"] + ["---:"] * (len(table.head) - 1)))
    for i, row in enumerate(table.rows):
        cells = (f"**{text}**" if (i, j) in table.best else text for j, text in enumerate(row))
        lines.append(_render_row(cells))
    scopes = {one.scope for one in run.result.comparisons}
    for note in list_notes(run):
        lines += ["", note.replace("* ", "\\* ", 1)]
    if run.result.missing is not None:
        lines = [*lines, "", run.result.missing.sentence]
    return "\n".join([*lines, "", *sorted(scopes)]).rstrip() + "\n"


def _render_row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"
