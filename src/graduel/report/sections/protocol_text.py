"""How a duel was judged, as a report says it: its splits, its metric."""

from __future__ import annotations

from statistics import stdev

from graduel.duel.result.outcome import Run


def judged_on(run: Run) -> str:
    """Say in words how test rows came about.

    After cross-validation, every row is judged on in one fold of each repeat.
    """
    split = str(run.result["protocol"]["split"])
    if split == "given":
        return "the data set’s own test split"
    if split == "holdout":
        return "a fifth of the rows, drawn by class; rows with equal features stay together"
    folds, _, repeats = split.partition("x")
    times = "" if repeats == "1" else f", {repeats} times"
    return (
        f"{folds}-fold cross-validation{times}: every row is judged on once in each round, by a "
        "model that has not seen it; rows with equal features stay in one fold"
    )


def fits(run: Run) -> str:
    """Return what counts the fits of a contender: seeds, or fits where there are folds."""
    return "Fit" if "x" in str(run.result["protocol"]["split"]) else "Seed"


def measured(run: Run) -> tuple[str, tuple[str, ...], list[float]] | None:
    """Return the metric that leads, where no other row of the main table tells it."""
    protocol, entries = run.result["protocol"], list(run.result["contenders"].values())
    if protocol["metric"] in ("error", "log_loss", "brier"):
        return None
    title, less = str(protocol["metric_title"]), bool(protocol["lower_is_better"])
    values = [float(entry["metric"]) for entry in entries]
    texts = tuple(
        f"{100 * v:.2f} %" if protocol["metric_unit"] == "%" else f"{v:.4f}" for v in values
    )
    title = title[0].upper() + title[1:] + ("" if less else " (more is better)")
    return title, texts, values if less else [-value for value in values]


def spreads(run: Run) -> tuple[str, ...] | None:
    """Return each contender's spread of test errors over the folds; None without folds."""
    if fits(run) == "Seed":
        return None
    entries = run.result["contenders"].values()
    return tuple(f"± {100 * stdev(entry['test_errors']):.2f}" for entry in entries)
