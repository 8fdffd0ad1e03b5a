"""Every trial of the tuning."""

from __future__ import annotations

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import numbers, protocol_text
from graduel.report.sections.tables.base import Table


def trials(run: Run, found: list[numbers.Search]) -> Table:
    """Return every trial of every contender and run."""
    titles = numbers.titles(run)
    several = max(len(one.runs) for one in found) > 1
    return Table(
        "Every trial",
        (
            "Contender",
            *((protocol_text.fits(run),) if several else ()),
            "Trial",
            "Validation loss",
            "Seconds",
            "State",
            "Setting",
        ),
        tuple(
            (
                titles[one.name],
                *((str(trial.run),) if several else ()),
                str(trial.number),
                units.NONE if trial.loss is None else f"{trial.loss:.5f}",
                units.seconds(trial.seconds),
                "chosen" if trial.chosen else trial.state,
                ", ".join(f"{key}={units.plain(value)}" for key, value in trial.params.items()),
            )
            for one in found
            for part in one.runs
            for trial in part
        ),
    )
