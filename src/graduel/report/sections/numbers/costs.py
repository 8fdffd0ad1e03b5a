"""What each contender costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from graduel.duel.result.outcome import Run
from graduel.report.draw import units


@dataclass(frozen=True, slots=True)
class Cost:
    """One kind of cost, for every contender; None where it was not measured."""

    key: str
    label: str
    unit: Literal["seconds", "bytes"]
    values: dict[str, float | None]


def cost(run: Run) -> list[Cost]:
    """Return what each contender costs: time to fit and to answer, memory, size."""
    entries = run.result["contenders"]
    rows = {int(entry.get("batch_rows") or 0) for entry in entries.values()}
    batch = f"{units.rows(rows.pop())}" if len(rows) == 1 else "a batch"
    tuned = any(any(entry.get("tuning_seconds") or ()) for entry in entries.values())
    search: list[tuple[str, str, Literal["seconds", "bytes"]]] = [
        ("tuning_seconds", "Tune and fit", "seconds")
    ]
    kinds: list[tuple[str, str, Literal["seconds", "bytes"]]] = [
        *(search if tuned else []),
        ("fit_seconds", "Fit the chosen setting" if tuned else "Fit", "seconds"),
        ("predict_row_seconds", "Predict one row", "seconds"),
        ("predict_batch_seconds", f"Predict {batch}", "seconds"),
        ("peak_memory_bytes", "Peak memory", "bytes"),
        ("model_bytes", "Model size", "bytes"),
    ]
    return [
        Cost(key, label, unit, {name: _mean(entry.get(key)) for name, entry in entries.items()})
        for key, label, unit in kinds
    ]


def _mean(value: Any) -> float | None:
    """Return a number, or the mean of a list over seeds."""
    there = [v for v in np.atleast_1d(value) if v is not None] if value is not None else []
    return float(np.mean(there)) if there else None
