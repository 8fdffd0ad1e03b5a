"""Test images that tell contenders apart, and those that all of them get wrong."""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.style import (
    INK,
    LARGE,
    MUTED,
    NARROW,
    SMALL,
    WIDTH,
    assign_looks,
    escape_text,
)
from graduel.report.sections import numbers

HEAD, BETWEEN, GAP = 0.5, 0.16, 0.08
"""Inches over a group of images, after it, and below each."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Some images under a heading: (test row, text over the image)."""

    title: str
    colour: str
    note: str
    cases: tuple[tuple[int, str], ...]


def only_one_right(run: Run, a: str, b: str) -> Figure:
    """Draw test images that only `a` got right, then those that only `b` did, twelve a side.

    Over each image stand the truth and the other's wrong answer. Raises a ValueError where the
    run has no images.
    """
    _check(run, "only_one_right")
    titles, look = numbers.titles(run), assign_looks(numbers.contenders(run))
    sides = numbers.only_one_right(run, a, b)
    short = _short([text for side in sides for c in side.cases for text in (c.truth, c.answer)])
    groups = [
        _Group(
            f"Only {escape_text(numbers.phrase(titles[side.right]), 28)} is right",
            look[side.right].colour.light,
            _shown(side.total, len(side.cases)),
            tuple((case.row, _not(case.truth, case.answer, short)) for case in side.cases),
        )
        for side in sides
    ]
    return _figure(run, groups, short, NARROW)


def doubts(run: Run) -> Figure:
    """Draw the test images that every contender gets wrong, those first of which all are surest.

    Over each image stand its label and what the contenders say. Raises a ValueError where the run
    has no images or a single contender.
    """
    _check(run, "doubts")
    found = numbers.doubts(run)
    if found is None:
        raise ValueError("doubts needs a run with two contenders or more; this one has one")
    said = [
        (
            case.row,
            case.truth,
            " ".join(dict.fromkeys(answer for answer, _ in case.answers.values())),
        )
        for case in found.cases
    ]
    short = _short([text for _, *texts in said for text in texts], most=3)
    group = _Group(
        "All are wrong",
        INK.light,
        _shown(found.total, len(said)),
        tuple((row, _not(truth, answer, short)) for row, truth, answer in said),
    )
    return _figure(run, [group], short, WIDTH)


def _check(run: Run, name: str) -> None:
    if run.images is None:
        raise ValueError(
            f"{name} draws test images, and this run has none; numbers.{name} names the rows"
        )


def _short(texts: list[str], most: int = 2) -> bool:
    return max(map(len, texts), default=1) <= most


def _not(truth: str, answer: str, short: bool) -> str:
    return (
        f"{escape_text(truth, 15)}{' not ' if short else chr(10) + 'not '}{escape_text(answer, 11)}"
    )


def _shown(total: int, shown: int) -> str:
    return units.rows(total) + (f", {shown} shown" if shown < total else "")


def _figure(run: Run, groups: list[_Group], short: bool, width: float) -> Figure:
    """Place the images. Fixed places are quicker than a layout engine with many axes, and exact."""
    assert run.images is not None
    columns = round((6 if short else 3) * width / NARROW)
    cell, caption = width / columns, 0.2 if short else 0.34
    picture = cell - 0.1
    lines = [-(-len(group.cases) // columns) for group in groups]
    row = caption + picture + GAP
    height = sum(HEAD + line * row for line in lines) + BETWEEN
    fig = Figure(figsize=(width, height))
    brightest = int(run.images.max(initial=1)) or 1
    top = height
    for group, line in zip(groups, lines, strict=True):
        for text, drop, colour, size, weight in (
            (group.title, 0.2, group.colour, LARGE, "bold"),
            (group.note, 0.39, MUTED.light, SMALL, "normal"),
        ):
            at = (0.01, (top - drop) / height)
            fig.text(*at, text, color=colour, fontsize=size, fontweight=weight)
        for number, (place, text) in enumerate(group.cases):
            down, across = divmod(number, columns)
            bottom = top - HEAD - down * row - caption - picture
            ax = fig.add_axes(
                (
                    (across * cell + 0.05) / width,
                    bottom / height,
                    picture / width,
                    picture / height,
                )
            )
            ax.imshow(
                run.images[place], cmap="gray_r", vmin=0, vmax=brightest, interpolation="none"
            )
            ax.set_axis_off()
            ax.set_title(text, fontsize=SMALL, color=INK.light, pad=2.5)
        top -= HEAD + line * row + BETWEEN
    return fig
