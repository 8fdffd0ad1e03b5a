"""Parsing and validation of a user's numbers: budgets, trials, seeds, threads."""

from __future__ import annotations

import operator
import re
from typing import Any

from graduel.errors import UserError

MOST_TRIALS = 10_000
LEAST_SECONDS, MOST_SECONDS = 1.0, 30 * 24 * 3600.0
UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def parse_budget(budget: Any) -> float | None:
    """Return the seconds of a budget such as ``2m``; None without one.

    Raises
    ------
    UserError
        If it is not a time.

    Examples
    --------
    >>> parse_budget("none"), parse_budget("90s"), parse_budget("2m"), parse_budget(30)
    (None, 90.0, 120.0, 30.0)
    """
    if budget is None or str(budget).strip().lower() == "none":
        return None
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,3})?)\s*(s|m|min|h|)", str(budget).strip().lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise UserError(
            f"budget must be none, or a time of a second or more such as 90s, 2m or 1h; "
            f"got '{budget}'"
        )
    return seconds


def validate_trials(trials: Any, seconds: float | None) -> int | None:
    """Return a number of trials; raise if it is out of range, or if there are seconds too."""
    if trials is None:
        return None
    if seconds is not None:
        raise UserError("a budget is a number of trials or a time; got both. Leave one out")
    return validate_count("trials", trials, MOST_TRIALS)


def validate_count(name: str, value: int, most: int | None) -> int:
    """Return a whole number from 1 to `most`; with None the caller checks the range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UserError(f"{name} must be a whole number; got {value!r}") from None
    if most is not None and not 1 <= number <= most:
        raise UserError(f"{name} must be at least 1 and at most {most}; got {number}")
    return number
