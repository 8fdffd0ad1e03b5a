"""Parsing and validation of numeric options: budget, trials, seeds, threads."""

from __future__ import annotations

import operator
import re
from typing import Any

from graduel.errors import UserError

MAX_TRIALS = 10_000
MIN_SECONDS, MAX_SECONDS = 1.0, 30 * 24 * 3600.0
UNITS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def parse_budget(budget: Any) -> float | None:
    """Parse a time budget such as ``2m`` into seconds; None means no budget.

    Raises
    ------
    UserError
        If `budget` is not a time from 1 second to 30 days.

    Examples
    --------
    >>> parse_budget("none"), parse_budget("90s"), parse_budget("2m"), parse_budget(30)
    (None, 90.0, 120.0, 30.0)
    """
    if budget is None or str(budget).strip().lower() == "none":
        return None
    match = re.fullmatch(r"(\d{1,7}(?:\.\d{1,3})?)\s*(s|m|min|h|)", str(budget).strip().lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise UserError(
            f"budget must be none, or a time from 1 second to 30 days such as 90s, 2m or 1h; "
            f"got '{budget}'"
        )
    return seconds


def validate_trials(trials: Any, seconds: float | None) -> int | None:
    """Validate a number of trials; raise if it is out of range or a time budget is set as well."""
    if trials is None:
        return None
    if seconds is not None:
        raise UserError(
            "expected a number of trials or a time budget; got both. Leave out --trials or --budget"
        )
    return validate_count("trials", trials, MAX_TRIALS)


def validate_count(name: str, value: int, maximum: int | None) -> int:
    """Validate an integer from 1 to `maximum`; if that is None, the caller checks the range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UserError(f"{name} must be a whole number; got {value!r}") from None
    if maximum is not None and not 1 <= number <= maximum:
        raise UserError(f"{name} must be at least 1 and at most {maximum}; got {number}")
    return number
