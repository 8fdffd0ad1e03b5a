"""The curves over seconds and epochs of training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.duel.result.outcome import Curve, Run


@dataclass(frozen=True, slots=True)
class Racer:
    """One contender in the race: a curve for each seed, and the model it chose."""

    name: str
    curves: tuple[Curve, ...]
    fit_seconds: tuple[float, ...]
    test_errors: tuple[float, ...]
    test_error: float

    @property
    def mean_seconds(self) -> float:
        """Seconds of a fit, the mean over the seeds."""
        return float(np.mean(self.fit_seconds))

    def at(self, seconds: float) -> float | None:
        """Return the first seed's test error at its last checkpoint up to `seconds`."""
        found = [error for time, error in self.curves[0] if time <= seconds] if self.curves else []
        return found[-1] if found else None


def race(run: Run) -> list[Racer]:
    """Return every contender's curves of test error (a share) over seconds of training."""
    return [
        Racer(
            name,
            tuple([(float(s), float(e)) for s, e in curve] for curve in run.curves.get(name, [])),
            _ends(entry),
            tuple(map(float, entry["test_errors"])),
            float(entry["test_error"]),
        )
        for name, entry in run.result["contenders"].items()
    ]


def _ends(entry: dict[str, Any]) -> tuple[float, ...]:
    """Return when each fit handed in its model; a tuned one at the end of its search."""
    tuning = entry.get("tuning_seconds") or [None] * len(entry["fit_seconds"])
    return tuple(float(s or fit) for s, fit in zip(tuning, entry["fit_seconds"], strict=True))


def learning(run: Run) -> list[Racer]:
    """Return the same curves over epochs (or rounds); a racer ends at the epoch that it chose."""
    racers = []
    for racer in race(run):
        curves = tuple([(i + 1.0, error) for i, (_, error) in enumerate(c)] for c in racer.curves)
        details = run.result["contenders"][racer.name].get("details") or []
        chosen = tuple(
            float(one.get("best_epoch") or len(curve))
            for one, curve in zip(details, curves, strict=True)
        )
        racers.append(Racer(racer.name, curves, chosen, racer.test_errors, racer.test_error))
    return racers


def race_moments(racers: list[Racer]) -> list[float]:
    """Return the moments at which a table of the race looks at it: 1, 2, 5, 10, … seconds."""
    times = [time for racer in racers for curve in racer.curves[:1] for time, _ in curve]
    if not times:
        return []
    moments = [step * 10.0**power for power in range(-3, 7) for step in (1, 2, 5)]
    return [moment for moment in moments if min(times) <= moment <= max(times)]


def smallest_drawn(run: Run) -> float:
    """Return where a test error of zero is drawn on a log scale: half of one row."""
    return 0.5 / max(len(run.y_test), 1)
