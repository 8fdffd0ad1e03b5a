"""What a parameter may be: a range of numbers or a choice, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from graduel.errors import UserError


@dataclass(frozen=True, slots=True)
class Real:
    """A number from `low` to `high`; with `log`, each power of ten is as likely as the next."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _number(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _number(value) and value == int(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values: text, numbers, True, False, None, or tuples of these."""

    options: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        value = tuple(value) if isinstance(value, list) else value
        return any(type(value) is type(one) and value == one for one in self.options)


Dimension = Real | Integer | Choice
Space = Mapping[str, Dimension]
"""What each parameter may be, by name."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def to_plain(space: Space) -> tuple[tuple[str, Any], ...]:
    """Return a space as plain data for a plan, sorted by name.

    >>> to_plain({"C": Real(0.1, 10, log=True)})
    (('C', ['real', 0.1, 10, True]),)
    """
    return tuple(sorted((name, _plain(one)) for name, one in space.items()))


def _plain(one: Dimension) -> list[Any]:
    if isinstance(one, Choice):
        return ["choice", *[list(v) if isinstance(v, tuple) else v for v in one.options]]
    return ["real" if isinstance(one, Real) else "whole", one.low, one.high, one.log]


def from_plain(plain: Any) -> dict[str, Dimension]:
    """Return the space of what :func:`to_plain` returned, perhaps by way of JSON."""
    found: dict[str, Dimension] = {}
    for name, (kind, *values) in plain:
        if kind == "choice":
            found[name] = Choice(tuple(tuple(v) if isinstance(v, list) else v for v in values))
        else:
            found[name] = (Real if kind == "real" else Integer)(*values)
    return found


def validate_space(space: Any) -> dict[str, Dimension]:
    """Read a space of the user's own: ``{"C": Real(…)}``, or ``(low, high)`` and lists of options.

    Whole numbers at both ends make a range of whole numbers.

    Raises
    ------
    UserError
        If it is none.

    Examples
    --------
    >>> validate_space({"C": (0.1, 10.0), "max_depth": (2, 8), "criterion": ["gini", "entropy"]})
    {'C': Real(low=0.1, high=10.0, log=False), 'max_depth': Integer(low=2, high=8, log=False), \
'criterion': Choice(options=('gini', 'entropy'))}
    """
    found: dict[str, Dimension] = {}
    if not isinstance(space, Mapping):
        raise UserError(f"a search space must map names to ranges; got {type(space).__name__}")
    for name, one in space.items():
        if isinstance(one, Dimension):
            made = one
        elif isinstance(one, list) and one:
            made = Choice(tuple(one))
        elif isinstance(one, tuple) and len(one) == 2 and all(map(_number, one)):
            whole = all(isinstance(v, int) for v in one)
            made = Integer(*one) if whole else Real(float(one[0]), float(one[1]))
        else:
            raise UserError(
                f"a parameter's space must be (low, high), a list of options, or Real, Whole or "
                f"Choice; got {one!r} for {name}"
            )
        if not isinstance(made, Choice) and not (
            made.low < made.high and (made.low > 0 or not made.log)
        ):
            raise UserError(
                f"a range must rise, and lie above 0 with log; got {made.low} to {made.high} "
                f"for {name}"
            )
        found[str(name)] = made
    return found
