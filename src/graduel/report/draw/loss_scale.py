"""The scale of the loss that curves show: the test error in percent, or the RMSE of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graduel.duel.result.outcome import Run
from graduel.number_format import (
    MINUS,
    NONE,
    count_decimals,
    decimals_of,
    format_interval,
    format_number,
    format_percent,
)
from graduel.report.draw.style import zero_error


@dataclass(frozen=True, slots=True)
class LossScale:
    """How the loss of a learning curve is drawn and written.

    Attributes
    ----------
    name : the name of the loss
    factor : 100 for shares that are drawn in percent
    unit : what follows a number
    decimals : decimals of a number
    lowest : what a loss of 0 is drawn at on a log scale, as a loss
    most : the largest number of the axis
    """

    name: str
    factor: float
    unit: str
    decimals: int
    lowest: float
    most: float

    @property
    def axis(self) -> str:
        """The label of an axis."""
        return f"{self.name}, %" if self.unit else self.name

    @property
    def title(self) -> str:
        """The name at the start of a sentence."""
        return self.name[:1].upper() + self.name[1:]

    def draw(self, loss: float) -> float:
        """Return the position of a loss on an axis."""
        return self.factor * max(loss, self.lowest)

    def text(self, loss: float | None, decimals: int | None = None) -> str:
        """Return a loss with its unit."""
        if loss is None:
            return NONE
        if self.unit:
            return format_percent(loss, self.decimals if decimals is None else decimals)
        return format_number(loss, self.decimals)

    def interval(self, bounds: Sequence[float]) -> str:
        """Return an interval without its unit."""
        return format_interval(bounds, self.decimals, scale=self.factor)

    def tick(self, position: float) -> str:
        """Return the label of a position on an axis."""
        return f"{position:,.6g}{self.unit}".replace("-", MINUS)


def curve_scale(run: Run) -> LossScale:
    """Return the scale of the loss that a run's curves show."""
    n = len(run.y_test)
    if run.result.dataset.n_classes:
        return LossScale("test error", 100.0, " %", count_decimals(n), zero_error(n), 100.0)
    losses = [entry.curve_loss for entry in run.result.contenders.values()]
    least = min(losses)
    decimals = decimals_of("target", n, least)
    return LossScale("RMSE", 1.0, "", decimals, max(1e-6 * least, 1e-300), float("inf"))
