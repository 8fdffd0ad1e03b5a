"""How far probabilities are to be believed, before and after temperature scaling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from graduel.duel.result.outcome import Run
from graduel.report.sections.numbers.names import contenders

Z95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
RANGES = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """The test rows whose most probable class has a probability in one range."""

    low: float
    high: float
    rows: int
    confidence: float
    right: float
    interval: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a contender is right as often as it says; all seeds together."""

    name: str
    bins: tuple[Bin, ...]
    ece: float | None = None
    """Corrected for what chance adds; None in results of before it was worked out."""
    plain: float | None = None
    """The same as it is usually reported."""
    interval: tuple[float, float] | None = None
    by_chance: float | None = None
    log_loss: float | None = None
    brier: float | None = None


def calibration(run: Run, when: Literal["before", "after"] = "before") -> list[Reliability]:
    """Return for every contender how often it is right, by how sure it is.

    `when` is before or after temperature scaling; after it, contenders without a temperature are
    left out. The ranges have equal width, their intervals are Wilson's, 95 %. What the ECE is, and
    how it was found, stands in ``docs/statistics.md``.
    """
    found = []
    for name in contenders(run):
        stored = run.result["contenders"][name].get("calibration")
        if stored is None and when == "before":
            found.append(Reliability(name, tuple(_ranges(run, name))))
        elif stored is not None and stored[when] is not None:
            found.append(_stored(name, stored[when]))
    return found


def temperatures(run: Run) -> dict[str, float]:
    """Return each contender's temperature, the geometric mean over its fits, where there are."""
    found = {}
    for name, entry in run.result["contenders"].items():
        if fitted := (entry.get("calibration") or {}).get("temperatures"):
            found[name] = float(np.exp(np.mean(np.log(fitted))))
    return found


def _stored(name: str, side: dict[str, Any]) -> Reliability:
    bins = tuple(
        Bin(**one, interval=_wilson(float(one["right"]), int(one["rows"])))
        for one in side["diagram"]
    )
    low, high = side["ece_interval"]
    return Reliability(
        name,
        bins,
        float(side["ece_corrected"]),
        float(side["ece"]),
        (float(low), float(high)),
        float(side["ece_by_chance"]),
        float(side["log_loss"]),
        float(side["brier"]),
    )


def _ranges(run: Run, name: str) -> Iterator[Bin]:
    """Yield the ranges of a result that does not hold them yet."""
    p = run.probabilities[name].astype(np.float64)
    confidence = p.max(axis=-1).ravel()
    right = (p.argmax(axis=-1) == run.y_test).ravel()
    place = np.clip(np.ceil(confidence * RANGES).astype(int) - 1, 0, RANGES - 1)
    for number in np.unique(place):
        inside = place == number
        rows, share = int(inside.sum()), float(right[inside].mean())
        yield Bin(
            int(number) / RANGES,
            (int(number) + 1) / RANGES,
            rows,
            float(confidence[inside].mean()),
            share,
            _wilson(share, rows),
        )


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson, 1927)."""
    z2 = Z95 * Z95
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * float(np.sqrt(share * (1 - share) / n + z2 / (4 * n * n)))
    return max(0.0, middle - half), min(1.0, middle + half)
