"""What a report says of data of the user's own; no row of them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from graduel.duel.result.outcome import Run
from graduel.report.sections.tables import Table

MOST_COLUMNS = 200
"""Of more columns, the first are listed."""


@dataclass(frozen=True, slots=True)
class About:
    """What the page tells of a table before its results."""

    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    columns: Table | None
    set_aside: Table | None
    classes: Table


def about(run: Run) -> About | None:
    """Return what was understood and warned of; None for data known by name."""
    data: dict[str, Any] = run.result["dataset"]
    if "classes" not in data:
        return None
    rows = sum(data["class_rows"])
    classes = Table(
        "Classes",
        ("Class", "Rows", "Share"),
        tuple(
            (name, f"{n:,}", f"{100 * n / rows:.1f} %")
            for name, n in zip(data["classes"], data["class_rows"], strict=True)
        ),
    )
    columns, aside = data.get("columns"), data.get("set_aside")
    return About(
        warnings=tuple(f"{one.title}: {one.message}" for one in data.get("warnings", ())),
        notes=tuple(data.get("notes", ())),
        columns=None if columns is None else _columns(columns),
        set_aside=None
        if not aside
        else Table(
            "Columns set aside",
            ("Column", "Why"),
            tuple((one["name"], one["reason"]) for one in aside),
        ),
        classes=classes,
    )


def _columns(found: list[dict[str, Any]]) -> Table:
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in Counter(c["kind"] for c in found).items())
    more = f"; the first {MOST_COLUMNS} of them" if len(found) > MOST_COLUMNS else ""
    return Table(
        f"Columns: {kinds}{more}",
        ("Column", "Kind", "Missing cells"),
        tuple((c["name"], c["kind"], f"{c['missing']:,}") for c in found[:MOST_COLUMNS]),
    )
