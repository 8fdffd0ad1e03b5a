"""Errors and their differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections.numbers.names import known


@dataclass(frozen=True, slots=True)
class Level:
    """One contender's test error with its 95 % interval; shares."""

    name: str
    value: float
    interval: tuple[float, float] | None
    by_seed: tuple[float, ...]


def errors(run: Run) -> list[Level]:
    """Return every contender's test error and its interval."""
    return [
        Level(
            name,
            float(entry["test_error"]),
            _pair(entry.get("test_error_interval")),
            tuple(map(float, entry["test_errors"])),
        )
        for name, entry in run.result["contenders"].items()
    ]


@dataclass(frozen=True, slots=True)
class Difference:
    """The paired difference of two contenders' test errors, `a` − `b`; shares."""

    a: str
    b: str
    value: float
    interval: tuple[float, float] | None
    rope: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Scale:
    """How differences are told: shares in percentage points, log loss and the like as they are.

    A difference times `factor` is told as if it were a share, with `places` decimals.
    """

    of: str
    unit: str
    short: str
    factor: float
    places: int


def scale(run: Run) -> Scale:
    """Return how the differences of the leading metric are told."""
    protocol = run.result["protocol"]
    name = str(protocol.get("metric", "error"))
    title = str(protocol.get("metric_title", name))
    if not protocol.get("metric_unit", "%"):
        return Scale(title, title, "", 0.01, 4)
    of = "test errors" if name == "error" else title
    return Scale(of, "percentage points", "points", 1.0, units.decimals(len(run.y_test)))


def differences(run: Run, name: str | None = None) -> list[Difference]:
    """Return the paired difference of each comparison; with `name`, of each of that contender.

    They are told as :func:`scale` says.
    """
    if name is not None:
        known(run, name)
    factor = scale(run).factor
    return [
        Difference(
            entry["a"],
            entry["b"],
            factor * float(entry["difference"]),
            _pair(entry.get("interval"), factor),
            factor * float(entry.get("rope") or run.result["protocol"]["rope"]),
            entry["verdict"],
        )
        for entry in run.result.get("comparisons", [])
        if name in (None, entry["a"], entry["b"])
    ]


def _pair(bounds: Any, factor: float = 1.0) -> tuple[float, float] | None:
    return None if bounds is None else (factor * float(bounds[0]), factor * float(bounds[1]))
