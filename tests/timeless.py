"""Results without what differs between two runs of one plan, to compare them."""

from __future__ import annotations

from typing import Any

from graduel.duel.result.duel_result import Result
from graduel.serialize import to_plain

TIMES = (
    *("fit_seconds", "predict_row_seconds", "predict_batch_seconds"),
    *("predict_row_quartiles", "predict_batch_quartiles"),
    *("peak_memory_bytes", "missing_cores"),
)


def timeless(result: Result, *, same_environment: bool = False) -> dict[str, Any]:
    """Return a result without times and memory, and without the environment unless it is equal."""
    plain = to_plain(result)
    environment = plain.pop("environment")
    if same_environment:
        environment.pop("finished")
        plain["environment"] = environment
    for contender in plain["contenders"].values():
        for name in TIMES:
            contender.pop(name)
        contender["tuning_seconds"] = [seconds is None for seconds in contender["tuning_seconds"]]
        contender["curve"] = [error for _, error in contender["curve"]]
        for trials in contender["trials"]:
            for trial in trials:
                trial.pop("seconds")
    for comparison in plain["comparisons"]:
        comparison.pop("cost")  # a sentence with times
    for size in ((plain["learning_curve"] or {}).get("contenders") or {}).values():
        size.pop("fit_seconds")
    return plain
