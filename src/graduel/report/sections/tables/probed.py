"""What disturbed rows do, and what each contender looks at."""

from __future__ import annotations

import numpy as np

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers
from graduel.report.sections.tables.base import Table


def robustness(run: Run, ways: list[numbers.Way]) -> Table:
    """Return the test error of every contender at each strength."""
    titles = numbers.titles(run)
    return Table(
        "Test error on disturbed rows",
        ("Disturbed by", *(titles[name] for name in ways[0].errors)),
        tuple(
            (
                f"{way.title}, {strength:.3g} ({way.unit})" if strength else "As they are",
                *(units.percent(errors[i], 1) for errors in way.errors.values()),
            )
            for number, way in enumerate(ways)
            for i, strength in enumerate(way.strengths)
            if strength or not number
        ),
    )


def importance(run: Run, found: numbers.Importance) -> Table:
    """Return the rise of log loss and error, a row for each column or block."""
    titles = numbers.titles(run)
    if found.block is None:
        labels = list(found.labels)
    else:
        shape = next(iter(found.rises.values())).shape
        side = found.block
        labels = [f"rows from {i * side}, columns from {j * side}" for i, j in np.ndindex(*shape)]
    whole = {
        name: (rises.ravel(), found.errors[name].ravel()) for name, rises in found.rises.items()
    }
    order = np.argsort(-np.max([rises for rises, _ in whole.values()], axis=0), kind="stable")

    pairs = list(whole.values())

    def told(place: int) -> tuple[str, ...]:
        return tuple(
            f"{units.number(float(loss[place]))} ({units.points(float(error[place]), 1)})"
            for loss, error in pairs
        )

    return Table(
        "Rise of the log loss (and of the error, in points) when permuted",
        ("Column" if found.block is None else "Pixels", *(titles[name] for name in whole)),
        tuple((labels[place], *told(place)) for place in map(int, order)),
    )
