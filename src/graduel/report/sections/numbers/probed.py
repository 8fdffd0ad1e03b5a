"""What disturbed rows do to each contender, and what each looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.result.outcome import Run

WAYS = {
    "noise": ("Noise", "noise, % of brightness", 100),
    "rotation": ("Rotation", "degrees to either side", 1),
    "shift": ("Shift", "pixels to any side", 1),
    "occlusion": ("Occlusion", "side of a square, pixels", 1),
    "missing": ("Missing values", "% of the cells taken out", 100),
    "permuted": ("Permuted columns", "% of the columns", 100),
}
"""For each way to disturb what it is called, its strength, and what that is multiplied by."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way to disturb test rows, ever more strongly."""

    title: str
    unit: str
    strengths: tuple[float, ...]
    """From 0, the rows as they are, in the unit."""
    errors: dict[str, tuple[float | None, ...]]
    """For each contender its test error at each strength; None where it had no answer."""
    rows: int


def robustness(run: Run) -> list[Way]:
    """Return the test error of every contender on disturbed rows; empty where none were tried."""
    probed = _probed(run)
    first = next(iter(probed.values()), None)
    if first is None:
        return []
    found = []
    for number, way in enumerate(first["robustness"]):
        title, unit, factor = WAYS[way["name"]]
        found.append(
            Way(
                title,
                unit,
                (0.0, *(factor * float(strength) for strength in way["strengths"])),
                {
                    name: (float(one["error"]), *one["robustness"][number]["errors"])
                    for name, one in probed.items()
                },
                int(first["rows"]),
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Importance:
    """By how much the log loss of each contender rises when a part of the rows is permuted."""

    labels: tuple[str, ...]
    """Names of columns, or of groups of neighbours; empty of images."""
    rises: dict[str, NDArray[np.float64]]
    """For each contender shape (columns,), or (blocks down, blocks across) of images."""
    errors: dict[str, NDArray[np.float64]]
    """The same of the test error."""
    block: int | None
    """The side of a block in pixels; None of a table."""
    rows: int


def importance(run: Run) -> Importance | None:
    """Return what each contender looks at; None where it was not tried."""
    parts = {name: one["importance"] for name, one in _probed(run).items() if one.get("importance")}
    first = next(iter(parts.values()), None)
    if first is None:
        return None
    return Importance(
        tuple(_label(names) for names in first.get("columns", ())),
        {name: np.array(one["log_loss"], np.float64) for name, one in parts.items()},
        {name: np.array(one["error"], np.float64) for name, one in parts.items()},
        None if "columns" in first else int(first["block"]),
        int(first["rows"]),
    )


def _label(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"


def _probed(run: Run) -> dict[str, dict[str, Any]]:
    entries = run.result["contenders"]
    return {name: entry["probes"] for name, entry in entries.items() if entry.get("probes")}
