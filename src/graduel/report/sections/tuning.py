"""Hyperparameter search: all trials and the best so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from graduel.duel.result.outcome import Run
from graduel.number_format import format_number, format_quantity, format_seconds, format_setting
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.notebook_figure import create_axes
from graduel.report.draw.picture import Picture, TextTable, draw_picture
from graduel.report.draw.style import (
    INK,
    TEXT,
    WIDTH,
    Look,
    draw_legend,
    draw_marks,
    title_axes,
)
from graduel.report.sections.protocol_text import name_run

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from graduel.duel.result.duel_result import TrialResult

LOG_FROM = 4
"""Ratio of the highest to the lowest loss above which losses have a log scale."""
CUT = 1.6
"""Losses above this multiple of the median are drawn at the upper edge."""


@dataclass(frozen=True, slots=True)
class Search:
    """The hyperparameter search of one contender in one run."""

    run: int
    trials: tuple[TrialResult, ...]
    best_trial: int | None

    @property
    def losses(self) -> list[tuple[int, float]]:
        """Number and validation loss of each complete trial."""
        return [
            (trial.number, trial.loss)
            for trial in self.trials
            if trial.state == "complete" and trial.loss is not None
        ]

    def best_so_far(self) -> list[tuple[int, float]]:
        """Return the number of each complete trial and the lowest loss up to it."""
        lowest = float("inf")
        return [(number, lowest := min(loss, lowest)) for number, loss in self.losses]


def read_searches(run: Run) -> dict[str, list[Search]]:
    """Return the searches of each tuned contender, one for each run."""
    return {
        name: [
            Search(number, trials, best)
            for number, (trials, best) in enumerate(
                zip(entry.trials, entry.best_trial, strict=True)
            )
        ]
        for name, entry in run.result.contenders.items()
        if any(entry.trials)
    }


def trials(run: Run) -> Figure:
    """Draw the validation loss of each trial of run 0 and the best so far.

    A ring marks the selected trial; crosses at the lower edge are pruned or failed trials. Raises a
    ValueError for a run without a search.
    """
    searches = {name: runs[0] for name, runs in read_searches(run).items()}
    if not searches:
        raise ValueError(
            "expected a duel with a hyperparameter search, got one without; run it with --trials 20"
        )
    titles, looks = list_titles(run), list_looks(run)
    fig, ax = create_axes(WIDTH, 3.3 + 0.19 * len(searches), grid="y")
    losses = sorted(loss for search in searches.values() for _, loss in search.losses)
    top = min(losses[-1], CUT * losses[len(losses) // 2]) if losses else 1.0
    defaults = [search.losses[0][1] for search in searches.values() if search.losses]
    top = max(top, *defaults, 1e-12)
    for name, search in searches.items():
        _draw_search(ax, search, looks[name], top)
    low = losses[0] if losses else 0.0
    if low > 0 and top > LOG_FROM * low:
        ax.set_yscale("log")
    else:
        room = 0.12 * max(top - low, 1e-9)
        ax.set_ylim(max(low - room, 0.0) if low >= 0 else low - room, top + room / 3)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_xlabel("trial (0 is the default recipe)")
    title_axes(ax, "validation loss", size=TEXT)
    draw_legend(fig, ax, {name: titles[name] for name in searches}, looks)
    return fig


def _draw_search(ax: Axes, search: Search, look: Look, top: float) -> None:
    color, losses = look.color.light, search.losses
    numbers, drawn = [number for number, _ in losses], [min(loss, top) for _, loss in losses]
    draw_marks(ax, numbers, drawn, look, 4.5, 0.6, alpha=0.75, clip_on=False)
    if best := search.best_so_far():
        last = max(trial.number for trial in search.trials)
        ax.step(
            [number for number, _ in best] + [last],
            [loss for _, loss in best] + [best[-1][1]],
            where="post",
            color=color,
            linestyle=look.line,
            linewidth=1.6,
        )
    for number, loss in losses:
        if number == search.best_trial:
            at = (number, min(loss, top))
            ax.plot(*at, "o", ms=11, mfc="none", mec=INK.light, mew=1.2, clip_on=False)
    lost = [trial.number for trial in search.trials if trial.state != "complete"]
    transform = ax.get_xaxis_transform()
    ax.plot(lost, [0.02] * len(lost), "x", color=color, ms=4, transform=transform)


def build_table(run: Run) -> TextTable:
    """Return all trials of all contenders and runs."""
    titles, searches = list_titles(run), read_searches(run)
    several = max(map(len, searches.values())) > 1
    return TextTable(
        "All trials",
        (
            "Contender",
            *((name_run(run),) if several else ()),
            "Trial",
            "Validation loss",
            "Time",
            "State",
            "Hyperparameters",
        ),
        tuple(
            (
                titles[name],
                *((str(search.run),) if several else ()),
                str(trial.number),
                format_number(trial.loss, 5),
                format_seconds(trial.seconds),
                "selected" if trial.number == search.best_trial else trial.state,
                ", ".join(f"{key}={format_setting(value)}" for key, value in trial.params.items()),
            )
            for name, runs in searches.items()
            for search in runs
            for trial in search.trials
        ),
    )


def build_picture(run: Run) -> Picture | None:
    """Return the hyperparameter search for a page; None for a run without one."""
    searches = read_searches(run)
    if not searches:
        return None
    titles = list_titles(run)
    best = "; ".join(
        f"{titles[name]} {format_quantity(len(runs[0].trials), 'trial')}, best loss "
        f"{format_number(losses[-1][1], 5)}"
        for name, runs in searches.items()
        if (losses := runs[0].best_so_far())
    )
    several = max(map(len, searches.values())) > 1
    first = (
        f" Only the first {name_run(run).lower()} is drawn; the table lists all." if several else ""
    )
    return draw_picture(
        "trials",
        trials(run),
        f"Validation loss of each trial and the best so far. {best or 'No complete trial'}.",
        "Validation loss of each trial (markers) and the best so far (line). A ring marks the "
        "selected trial, crosses at the lower edge pruned or failed trials. Losses far above the "
        "others are drawn at the upper edge." + first,
        build_table(run),
    )
