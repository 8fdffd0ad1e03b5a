"""A figure of test images in groups, each group below a heading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.number_format import format_rows
from graduel.report.draw.notebook_figure import create_figure
from graduel.report.draw.style import INK, LARGE, MUTED, NARROW, SMALL, escape_text

HEAD, BETWEEN, GAP = 0.5, 0.16, 0.08
"""Inches above a group of images, after it, and below each image."""


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """A group of test images with a heading."""

    title: str
    color: str
    total: int
    """Number of test rows in the group; `images` are the first of them."""
    images: tuple[tuple[int, str, str], ...]
    """Test row, true class and predicted class of each image."""

    @property
    def note(self) -> str:
        """The number of rows, and of those shown if they are fewer."""
        shown = len(self.images)
        return format_rows(self.total) + (f", {shown} shown" if shown < self.total else "")


def check_images(run: Run, name: str) -> None:
    """Raise a ValueError if the run has no images for the figure `name`."""
    if run.images is None:
        raise ValueError(
            f"{name} draws test images; this run has none, but the report's tables list the rows"
        )


def draw_image_grid(
    run: Run, groups: Iterable[ImageGroup], width: float, *, longest: int = 2
) -> Figure:
    """Draw groups of test images, each image below its true class and its wrong prediction.

    Images are small if no class is longer than `longest` letters. One pair of axes, in inches,
    holds all images: making a pair for each takes longer than drawing them.
    """
    assert run.images is not None
    groups = list(groups)
    words = [word for group in groups for _, *classes in group.images for word in classes]
    short = max(map(len, words), default=1) <= longest
    columns = round((6 if short else 3) * width / NARROW)
    cell, caption = width / columns, 0.2 if short else 0.34
    side = cell - 0.1
    line_counts = [-(-len(group.images) // columns) for group in groups]
    line_height = caption + side + GAP
    height = sum(HEAD + lines * line_height for lines in line_counts) + BETWEEN
    fig = create_figure(width, height, layout=None)
    ax = fig.add_axes((0, 0, 1, 1))
    ax.set_axis_off()
    brightest = int(run.images.max(initial=1)) or 1
    top = height
    for group, lines in zip(groups, line_counts, strict=True):
        for text, drop, color, size, weight in (
            (group.title, 0.2, group.color, LARGE, "bold"),
            (group.note, 0.39, MUTED.light, SMALL, "normal"),
        ):
            at = (0.01, (top - drop) / height)
            fig.text(*at, text, color=color, fontsize=size, fontweight=weight)
        for number, (row, truth, prediction) in enumerate(group.images):
            down, across = divmod(number, columns)
            bottom = top - HEAD - down * line_height - caption - side
            left = across * cell + 0.05
            ax.imshow(
                run.images[row],
                extent=(left, left + side, bottom, bottom + side),
                cmap="gray_r",
                vmin=0,
                vmax=brightest,
                interpolation="none",
            )
            ax.annotate(
                f"{escape_text(truth, 15)}{' ' if short else chr(10)}not "
                + escape_text(prediction, 11),
                (left + side / 2, bottom + side),
                (0, 2.5),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL,
                color=INK.light,
            )
        top -= HEAD + lines * line_height + BETWEEN
    ax.set(xlim=(0, width), ylim=(0, height))
    return fig
