"""Every trial of the tuning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from graduel.duel.result.outcome import Run


@dataclass(frozen=True, slots=True)
class Trial:
    """One setting that was tried, in the order of trying."""

    run: int
    number: int
    params: dict[str, Any]
    loss: float | None
    """On the validation rows; None where there is none."""
    seconds: float
    state: str
    """"complete", "pruned" or "failed"."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class Search:
    """All trials of one contender, run by run."""

    name: str
    runs: tuple[tuple[Trial, ...], ...]
    seconds: tuple[float, ...]
    """Of the whole search, for each run."""

    def best_so_far(self, run: int = 0) -> list[tuple[int, float]]:
        """Return (number, lowest loss of complete trials up to it), one for each of them."""
        found: list[tuple[int, float]] = []
        for trial in self.runs[run]:
            if trial.state == "complete" and trial.loss is not None:
                lowest = min(trial.loss, found[-1][1]) if found else trial.loss
                found.append((trial.number, lowest))
        return found


def searches(run: Run) -> list[Search]:
    """Return the tuning of every contender that was tuned."""
    found = []
    for name, entry in run.result["contenders"].items():
        trials = entry.get("trials") or []
        if not any(trials):
            continue
        best = entry.get("best_trial") or [None] * len(trials)
        runs = tuple(
            tuple(
                Trial(
                    number,
                    int(one["number"]),
                    dict(one["params"]),
                    None if one["loss"] is None else float(one["loss"]),
                    float(one["seconds"]),
                    str(one["state"]),
                    one["number"] == best[number],
                )
                for one in part
            )
            for number, part in enumerate(trials)
        )
        seconds = tuple(float(s or 0) for s in entry.get("tuning_seconds") or ())
        found.append(Search(name, runs, seconds))
    return found
