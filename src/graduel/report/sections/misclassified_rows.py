"""Test rows that all contenders misclassify; some of them may have a wrong label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.number_format import format_percent, format_rows
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.image_grid import ImageGroup, check_images, draw_image_grid
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.row_cells import (
    describe_numbering,
    find_row_number,
    format_cells,
    list_cell_names,
)
from graduel.report.draw.style import INK, WIDTH


@dataclass(frozen=True, slots=True)
class MisclassifiedRow:
    """A test row that all contenders misclassify."""

    row: int
    truth: str
    predictions: dict[str, tuple[str, float]]
    """By contender, its prediction and the probability of that class."""

    @property
    def distinct_predictions(self) -> tuple[str, ...]:
        """The distinct predictions, in the order of the contenders."""
        return tuple(dict.fromkeys(prediction for prediction, _ in self.predictions.values()))


@dataclass(frozen=True, slots=True)
class MisclassifiedRows:
    """The test rows that all contenders misclassify; the most confident errors first."""

    total: int
    rows: tuple[MisclassifiedRow, ...]


def find_misclassified(run: Run, limit: int = 28) -> MisclassifiedRows | None:
    """Return the rows that all contenders misclassify in run 0; None for one contender.

    Rows are sorted by the confidence of the least confident contender, descending: confident errors
    of all models indicate a wrong label (Northcutt, Athalye and Mueller, *Pervasive label errors in
    test sets destabilize machine learning benchmarks*, 2021).
    """
    names = list(run.result.contenders)
    if len(names) < 2:
        return None
    p = {name: run.probabilities[name][0] for name in names}
    predictions = {name: p[name].argmax(axis=-1) for name in names}
    rows = np.flatnonzero(np.all([predictions[name] != run.y_test for name in names], axis=0))
    least = np.min([p[name][rows].max(axis=-1) for name in names], axis=0)
    shown = rows[np.argsort(-least, kind="stable")[:limit]]
    first = tuple(
        MisclassifiedRow(
            int(row),
            run.classes[int(run.y_test[row])],
            {
                name: (run.classes[int(predictions[name][row])], float(p[name][row].max()))
                for name in names
            },
        )
        for row in shown
    )
    return MisclassifiedRows(len(rows), first)


def misclassified_rows(run: Run) -> Figure:
    """Draw the test images that all contenders misclassify, the most confident errors first.

    Above each image are its label and the predictions. Raises a ValueError if the run has no images
    or a single contender.
    """
    check_images(run, "misclassified_rows")
    misses = find_misclassified(run)
    if misses is None:
        raise ValueError(
            "misclassified_rows needs a run with two contenders or more; this one has one"
        )
    images = tuple((one.row, one.truth, " ".join(one.distinct_predictions)) for one in misses.rows)
    group = ImageGroup("All contenders are wrong", INK.light, misses.total, images)
    return draw_image_grid(run, [group], WIDTH, longest=3)


def build_table(run: Run) -> TextTable:
    """Return the shown rows that all contenders misclassify."""
    misses = find_misclassified(run)
    return TextTable(
        f"The rows shown ({describe_numbering(run)})",
        ("Row", "Label", *list_titles(run).values(), *list_cell_names(run)),
        tuple(
            (
                str(find_row_number(run, one.row)),
                one.truth,
                *(
                    f"{prediction}, {format_percent(p, 1)}"
                    for prediction, p in one.predictions.values()
                ),
                *format_cells(run, one.row),
            )
            for one in (() if misses is None else misses.rows)
        ),
    )


def build_picture(run: Run) -> Picture | None:
    """Return the images that all contenders misclassify; None without images or such rows."""
    misses = find_misclassified(run)
    if run.images is None or misses is None or not misses.rows:
        return None
    agreed = sum(len(one.distinct_predictions) == 1 for one in misses.rows)
    return draw_picture(
        "misclassified",
        misclassified_rows(run),
        f"Test images that all contenders misclassify, {format_rows(misses.total)}; their "
        f"predictions agree on {agreed} of the {len(misses.rows)} shown.",
        "Above each image are its label and the predictions. Images are sorted by the confidence "
        "of the least confident contender.",
        build_table(run),
    )
