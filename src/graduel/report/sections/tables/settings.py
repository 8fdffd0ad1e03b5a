"""Settings, and what fits chose."""

from __future__ import annotations

from typing import Any

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.sections import protocol_text
from graduel.report.sections.tables.base import Table


def settings(caption: str, found: dict[str, Any]) -> Table:
    """Return a table of names and values."""
    return Table(
        caption,
        ("Setting", "Value"),
        tuple((str(key), units.plain(value)) for key, value in found.items()),
    )


def details(run: Run, name: str, title: str) -> Table | None:
    """Return what each fit of one contender chose, a column a seed; None where nothing is told."""
    found: list[dict[str, Any]] = run.result["contenders"][name].get("details") or []
    keys = list(dict.fromkeys(key for one in found for key in one))
    if not keys:
        return None
    seeds = (
        ("Value",)
        if len(found) == 1
        else tuple(f"{protocol_text.fits(run)} {number}" for number in range(len(found)))
    )
    return Table(
        f"What the {'fit' if len(found) == 1 else 'fits'} of {title} found",
        ("Chosen or measured", *seeds),
        tuple(
            (key, *(units.plain(one[key]) if key in one else units.NONE for one in found))
            for key in keys
        ),
    )
