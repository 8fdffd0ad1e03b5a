"""Range checks of hyperparameters."""

from __future__ import annotations

from math import inf


def check_range(name: str, value: float, *, below: float = inf) -> None:
    """Raise `ValueError` unless 0 ≤ `value` < `below`."""
    if not 0 <= value < below:
        bound = "" if below == inf else f" and below {below:g}"
        raise ValueError(f"{name} must be at least 0{bound}; got {value}")


def check_fields(rule: object, *names: str, below: float = inf) -> None:
    """Raise `ValueError` unless all fields `names` of an update rule are in [0, `below`)."""
    for name in names:
        check_range(name, getattr(rule, name), below=below)


def check_positive(name: str, value: float) -> None:
    """Raise `ValueError` unless `value` is above 0."""
    if not value > 0:
        raise ValueError(f"{name} must be above 0; got {value}")
