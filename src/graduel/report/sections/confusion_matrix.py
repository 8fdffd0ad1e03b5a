"""Confusion matrices: how often each true class is predicted as each class."""

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
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    GRID,
    INK,
    LARGE,
    MUTED,
    NARROW,
    SMALL,
    WIDTH,
    create_axes,
    escape_text,
    title_axes,
)
from graduel.report.sections.protocol_text import name_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CLASSES = 30
"""A confusion matrix of more classes shows those with the most mistakes."""
CLASSES_WITH_COUNTS = 12
MOST_MISTAKES = 12
"""Kinds of mistakes in a table."""


@dataclass(frozen=True, slots=True)
class ConfusionMatrix:
    """How often each true class (a row) was predicted as each class (a column), over all runs."""

    classes: tuple[str, ...]
    counts: NDArray[np.int64]
    n_runs: int

    @property
    def total(self) -> int:
        """The number of test rows, in all runs."""
        return int(self.counts.sum())

    @property
    def wrong(self) -> int:
        """The number of misclassified test rows."""
        return self.total - int(np.trace(self.counts))

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """The counts without the right answers on the diagonal."""
        mistakes = self.counts.copy()
        np.fill_diagonal(mistakes, 0)
        return mistakes

    def most_frequent(self, limit: int = 10) -> list[tuple[str, str, int]]:
        """Return the most frequent mistakes: (true class, predicted class, count)."""
        mistakes = self.mistakes
        order = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
        cells = [divmod(int(cell), mistakes.shape[1]) for cell in order]
        return [
            (self.classes[i], self.classes[j], int(mistakes[i, j]))
            for i, j in cells
            if mistakes[i, j]
        ]


def count_confusions(run: Run, name: str) -> ConfusionMatrix:
    """Count the predictions of one contender by true class."""
    answers = run.probabilities[check_contender(run, name)].argmax(axis=-1)
    n, n_runs = len(run.classes), len(answers)
    cells = np.tile(run.y_test.astype(np.int64), n_runs) * n + answers.ravel()
    counts = np.bincount(cells, minlength=n * n).reshape(n, n).astype(np.int64)
    return ConfusionMatrix(run.classes, counts, n_runs)


def confusion_matrix(run: Run, name: str) -> Figure:
    """Draw how often `name` predicted each class (columns) for each true class (rows).

    Mistakes are shaded by their number; right answers, on the diagonal, stay pale, so that they
    do not drown them. Of more than 30 classes it shows the 30 with the most mistakes.
    """
    matrix = count_confusions(run, name)
    color = list_looks(run)[name].color.light
    mistakes = matrix.mistakes
    shown = np.arange(len(matrix.classes))
    if len(shown) > MOST_CLASSES:
        by_class = mistakes.sum(0) + mistakes.sum(1)
        shown = np.sort(np.argsort(-by_class, kind="stable")[:MOST_CLASSES])
    counts, mistakes = matrix.counts[np.ix_(shown, shown)], mistakes[np.ix_(shown, shown)]
    n, most = len(shown), max(int(mistakes.max()), 1)
    width = NARROW if n <= CLASSES_WITH_COUNTS else WIDTH
    fig, ax = create_axes(width, width)
    size = SMALL if n <= 10 else SMALL - 1
    for i in range(n):
        _draw_cell(ax, i, i, GRID.light, 0.6)
        if n <= CLASSES_WITH_COUNTS and counts[i, i]:
            _write_count(ax, i, i, int(counts[i, i]), MUTED.light, size - 1.5)
    for i, j in np.argwhere(mistakes):
        # The darkest cell keeps 60 % of the hue: ink stays legible on it, in light and in dark.
        _draw_cell(ax, i, j, color, 0.08 + 0.52 * float(mistakes[i, j]) / most)
        if n <= CLASSES_WITH_COUNTS:
            _write_count(ax, i, j, int(mistakes[i, j]), INK.light, size)
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
    """Return the most frequent mistakes of one contender."""
    return TextTable(
        f"The most frequent mistakes of {title}",
        ("True class", "Predicted class", "Test rows"),
        tuple(
            (truth, answer, format_count(n))
            for truth, answer, n in matrix.most_frequent(MOST_MISTAKES)
        ),
    )


def build_pictures(run: Run) -> list[Picture]:
    """Return a confusion matrix for each contender, for a page."""
    pictures = []
    rounds = "seeds" if name_run(run) == "Seed" else "rounds"
    for number, (name, title) in enumerate(list_titles(run).items()):
        matrix = count_confusions(run, name)
        mistakes = "; ".join(
            f"{n} times {truth} as {answer}" for truth, answer, n in matrix.most_frequent(3)
        )
        wrong = f"{format_count(matrix.wrong)} wrong of {format_count(matrix.total)}"
        together = f", all {matrix.n_runs} {rounds} together" if matrix.n_runs > 1 else ""
        pictures.append(
            draw_picture(
                f"confusion-{number}",
                confusion_matrix(run, name),
                f"Confusion matrix of {title}: {wrong}. Most often: {mistakes or 'no mistakes'}.",
                f"{title}: {wrong}{together}.",
                build_table(matrix, title),
            )
        )
    return pictures
