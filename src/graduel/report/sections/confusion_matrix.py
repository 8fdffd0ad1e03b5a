"""Confusion matrices: counts of predicted classes by true class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from graduel.duel.result.outcome import Run
from graduel.number_format import format_count
from graduel.report.draw.contender_names import check_contender, list_looks, list_titles
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    GRID,
    INK,
    LARGE,
    MUTED,
    NARROW,
    SMALL,
    WIDTH,
    escape_text,
    title_axes,
)
from graduel.report.sections.protocol_text import describe_predictions

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 30
"""Most classes in a confusion matrix; of more, those with the most errors are shown."""
CLASSES_WITH_COUNTS = 12
"""Most classes with which the counts are written into the cells."""
MOST_ERRORS = 12
"""Rows in the table of the most frequent errors."""


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """Counts of predicted classes (columns) by true class (rows), summed over all runs."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    n_runs: int

    @property
    def total(self) -> int:
        """The number of test rows, summed over runs."""
        return int(self.counts.sum())

    @property
    def wrong(self) -> int:
        """The number of misclassified test rows, summed over runs."""
        return self.total - int(np.trace(self.counts))

    @property
    def errors(self) -> NDArray[np.int64]:
        """The counts of errors: the matrix with a diagonal of zeros."""
        errors = self.counts.copy()
        np.fill_diagonal(errors, 0)
        return errors

    def most_frequent(self, limit: int = 10) -> list[tuple[str, str, int]]:
        """Return the most frequent errors as (true class, predicted class, count)."""
        errors = self.errors
        order = np.argsort(-errors, axis=None, kind="stable")[:limit]
        cells = [divmod(int(cell), errors.shape[1]) for cell in order]
        return [
            (self.classes[i], self.classes[j], int(errors[i, j])) for i, j in cells if errors[i, j]
        ]


def count_confusions(run: Run, name: str) -> ConfusionMatrix:
    """Count the predictions of one contender by true class."""
    predictions = run.probabilities[check_contender(run, name)].argmax(axis=-1)
    n, n_runs = len(run.classes), len(predictions)
    cells = np.tile(run.y_test.astype(np.int64), n_runs) * n + predictions.ravel()
    counts = np.bincount(cells, minlength=n * n).reshape(n, n).astype(np.int64)
    return ConfusionMatrix(run.classes, counts, n_runs)


def confusion_matrix(run: Run, name: str, *, ax: Axes | None = None) -> Figure:
    """Draw the confusion matrix of `name`: true classes in rows, predicted classes in columns.

    Errors are shaded by their count. Correct predictions, on the diagonal, stay pale: they would
    hide the errors. Of more than 30 classes, the 30 with the most errors are shown.
    With `ax`, the matrix is drawn into those axes.
    """
    matrix = count_confusions(run, name)
    color = list_looks(run)[name].color.light
    errors = matrix.errors
    shown = np.arange(len(matrix.classes))
    if len(shown) > MOST_CLASSES:
        by_class = errors.sum(0) + errors.sum(1)
        shown = np.sort(np.argsort(-by_class, kind="stable")[:MOST_CLASSES])
    counts, errors = matrix.counts[np.ix_(shown, shown)], errors[np.ix_(shown, shown)]
    n, most = len(shown), max(int(errors.max()), 1)
    width = NARROW if n <= CLASSES_WITH_COUNTS else WIDTH
    fig, ax = create_axes(width, width, ax=ax)
    size = SMALL if n <= 10 else SMALL - 1
    for i in range(n):
        _draw_cell(ax, i, i, GRID.light, 0.6)
        if n <= CLASSES_WITH_COUNTS and counts[i, i]:
            _write_count(ax, i, i, int(counts[i, i]), MUTED.light, size - 1.5)
    for i, j in np.argwhere(errors):
        # At most 60 % of the hue: text stays legible on it in light and dark mode.
        _draw_cell(ax, i, j, color, 0.08 + 0.52 * float(errors[i, j]) / most)
        if n <= CLASSES_WITH_COUNTS:
            _write_count(ax, i, j, int(errors[i, j]), INK.light, size)
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_aspect("equal")
    labels = [escape_text(matrix.classes[k], 12) for k in shown]
    small = SMALL if n <= CLASSES_WITH_COUNTS else 6.5
    turn = 90 if max(map(len, labels)) > (3 if n <= CLASSES_WITH_COUNTS else 1) else 0
    ax.set_xticks(range(n), labels, rotation=turn)
    ax.set_yticks(range(n), labels)
    ax.tick_params(labelsize=small, labelcolor=INK.light, pad=2)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    title_axes(ax, escape_text(list_titles(run)[name], 40), color, LARGE, 6)
    return fig


def _draw_cell(ax: Axes, i: int, j: int, color: str, alpha: float) -> None:
    corner = (j - 0.47, i - 0.47)
    ax.add_patch(Rectangle(corner, 0.94, 0.94, facecolor=color, alpha=alpha, edgecolor="none"))


def _write_count(ax: Axes, i: int, j: int, count: int, color: str, size: float) -> None:
    ax.text(j, i, str(count), ha="center", va="center_baseline", color=color, fontsize=size)


def build_table(matrix: ConfusionMatrix, title: str) -> TextTable:
    """Return the most frequent errors of one contender."""
    return TextTable(
        f"Most frequent errors of {title}",
        ("True class", "Predicted class", "Test rows" if matrix.n_runs == 1 else "Predictions"),
        tuple(
            (truth, prediction, format_count(n))
            for truth, prediction, n in matrix.most_frequent(MOST_ERRORS)
        ),
    )


def build_pictures(run: Run) -> list[Picture]:
    """Return the confusion matrix of each contender for a page."""
    pictures = []
    for number, (name, title) in enumerate(list_titles(run).items()):
        matrix = count_confusions(run, name)
        errors = "; ".join(
            f"{n} times {truth} as {prediction}" for truth, prediction, n in matrix.most_frequent(3)
        )
        wrong = f"{format_count(matrix.wrong)} of {format_count(matrix.total)} rows misclassified"
        together = ""
        if matrix.n_runs > 1:
            wrong = (
                f"{format_count(matrix.wrong)} of {format_count(matrix.total)} predictions wrong"
            )
            together = f"; {describe_predictions(run, matrix.n_runs)}"
        pictures.append(
            draw_picture(
                f"confusion-{number}",
                confusion_matrix(run, name),
                f"Confusion matrix of {title}: {wrong}. Most frequent errors: {errors or 'none'}.",
                f"{title}: {wrong}{together}.",
                build_table(matrix, title),
            )
        )
    return pictures
