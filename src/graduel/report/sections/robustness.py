"""Robustness: test error under noise, rotation, missing values and other perturbations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from graduel.duel.result.outcome import Run
from graduel.number_format import format_count, format_exact
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.notebook_figure import create_figure
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    INK,
    PAPER,
    TEXT,
    WIDTH,
    Look,
    draw_legend,
    style_axes,
    title_axes,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PERTURBATIONS = {
    "noise": ("Noise", "SD of the noise, % of brightness", 100, "Noise with SD {} % of brightness"),
    "rotation": ("Rotation", "degrees in either direction", 1, "Rotation by {}° left or right"),
    "shift": ("Shift", "pixels in any direction", 1, "Shift by {} px in any direction"),
    "occlusion": ("Occlusion", "side of the square, pixels", 1, "Occlusion by a square of {} px"),
    "missing": ("Missing values", "% of the cells removed", 100, "{} % of the cells missing"),
    "permuted": ("Permuted columns", "% of the columns", 100, "{} % of the columns permuted"),
}
"""By perturbation its title, the unit of its strength, the factor to that unit, and a phrase."""


@dataclass(frozen=True, slots=True)
class Perturbation:
    """A perturbation of test rows with increasing strength."""

    title: str
    unit: str
    phrase: str
    """The perturbation in words, with {} in place of its strength."""
    strengths: tuple[float, ...]
    """Strengths in `unit`; the first is 0, the unchanged rows."""
    errors: dict[str, tuple[float | None, ...]]
    """By contender, its test error at each strength; None if it cannot predict the rows."""
    n_rows: int

    def describe(self, strength: float) -> str:
        """Return the perturbation at a strength in words; "None" at 0."""
        return self.phrase.format(format_exact(strength)) if strength else "None"


def read_perturbations(run: Run) -> list[Perturbation]:
    """Return the test errors on perturbed rows; empty for a run without probes."""
    probes = {name: one.probes for name, one in run.result.contenders.items() if one.probes}
    if not probes:
        return []
    first, perturbations = next(iter(probes.values())), []
    for number, stored in enumerate(first.robustness):
        title, unit, factor, phrase = PERTURBATIONS[stored.name]
        errors = {name: (one.error, *one.robustness[number].errors) for name, one in probes.items()}
        strengths = (0.0, *(factor * float(strength) for strength in stored.strengths))
        perturbations.append(Perturbation(title, unit, phrase, strengths, errors, first.rows))
    return perturbations


def robustness(run: Run) -> Figure:
    """Draw the test error of each contender over the strength of each perturbation.

    Raises a ValueError for a run without probes.
    """
    perturbations = read_perturbations(run)
    if not perturbations:
        raise ValueError(
            "robustness needs a run with probes; this one has none. Run it without --no-probes"
        )
    titles, looks, scale = list_titles(run), list_looks(run), curve_scale(run)
    lines = -(-len(perturbations) // 2)
    fig = create_figure(WIDTH, 2.25 * lines + 0.19 * len(titles))
    panels = np.atleast_1d(fig.subplots(lines, 2, sharey=True, squeeze=False)).ravel()
    errors = [e for one in perturbations for errors in one.errors.values() for e in errors]
    most = max(error for error in errors if error is not None)
    for number, (ax, one) in enumerate(zip(panels, perturbations, strict=False)):
        style_axes(ax, grid="y")
        for name, values in one.errors.items():
            _draw_line(ax, one.strengths, values, looks[name], scale.factor)
        ax.set_xticks(one.strengths, [format_exact(strength) for strength in one.strengths])
        ax.set_ylim(0, 1.05 * scale.factor * max(most, 0.01 if scale.unit else scale.lowest))
        title_axes(ax, one.title, INK.light, TEXT, None)
        ax.set_xlabel(one.unit)
        if number % 2 == 0:
            ax.set_ylabel(scale.axis)
    for ax in panels[len(perturbations) :]:
        ax.set_axis_off()
    tested = perturbations[0].errors
    draw_legend(fig, panels[0], {n: titles[n] for n in titles if n in tested}, looks)
    return fig


def _draw_line(
    ax: Axes,
    strengths: tuple[float, ...],
    errors: tuple[float | None, ...],
    look: Look,
    factor: float,
) -> None:
    points = [(x, factor * e) for x, e in zip(strengths, errors, strict=True) if e is not None]
    ax.plot(
        [x for x, _ in points],
        [y for _, y in points],
        marker=look.mark,
        color=look.color.light,
        linestyle=look.line,
        linewidth=1.6,
        ms=5.5,
        mec=PAPER.light,
    )


def build_table(run: Run) -> TextTable:
    """Return the test error of each contender at each strength of each perturbation."""
    titles, perturbations = list_titles(run), read_perturbations(run)
    scale = curve_scale(run)
    return TextTable(
        f"{scale.title} on perturbed rows",
        ("Perturbation", *(titles[name] for name in perturbations[0].errors)),
        tuple(
            (
                one.describe(strength),
                *(scale.text(errors[i], 1) for errors in one.errors.values()),
            )
            for number, one in enumerate(perturbations)
            for i, strength in enumerate(one.strengths)
            if strength or not number
        ),
    )


def build_picture(run: Run) -> Picture | None:
    """Return the robustness for a page; None for a run without probes."""
    perturbations = read_perturbations(run)
    if not perturbations:
        return None
    titles, scale = list_titles(run), curve_scale(run)
    strongest = ". ".join(
        f"{one.describe(one.strengths[-1])}: "
        + ", ".join(f"{titles[n]} {scale.text(e[-1], 1)}" for n, e in one.errors.items())
        for one in perturbations
    )
    return draw_picture(
        "robustness",
        robustness(run),
        f"Line charts of the {scale.name} over the strength of each perturbation. {strongest}.",
        f"{scale.title} on a sample of {format_count(perturbations[0].n_rows)} test rows under "
        "perturbations of increasing strength. All contenders get the same rows; none was trained "
        "on perturbed rows.",
        build_table(run),
    )
