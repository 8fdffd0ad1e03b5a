"""Search spaces: for each hyperparameter a range of numbers or a list of options, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from graduel.errors import UserError


@dataclass(frozen=True, slots=True)
class Real:
    """A number from `low` to `high`; with `log`, sampled log-uniformly."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer from `low` to `high`, both included; with `log`, sampled log-uniformly."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _is_number(value) and value == int(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several options: text, numbers, True, False, None, or tuples of these."""

    options: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        value = tuple(value) if isinstance(value, list) else value
        return any(type(value) is type(one) and value == one for one in self.options)


Dimension = Real | Integer | Choice
Space = Mapping[str, Dimension]
"""The range or options of each hyperparameter, by name."""


@dataclass(frozen=True, slots=True)
class RecipeSpace:
    """The search space of a family: hyperparameters of its recipe, for tables and for images.

    A hyperparameter whose value in the recipe lies outside its range was set on purpose and is not
    searched. With ``--quick``, numbers of rounds and epochs are not searched either.

    Attributes
    ----------
    table : the space for tables
    images : the space for images; None if it is the same
    lengths : the hyperparameters that set the length of a fit (epochs, rounds)

    Examples
    --------
    >>> from graduel.contenders.textbook import FAMILY, TextbookRecipe
    >>> list(FAMILY.space(TextbookRecipe(rate=9.0), image=True, quick=False))
    ['layers']
    """

    table: Space = field(default_factory=dict)
    images: Space | None = None
    lengths: tuple[str, ...] = ()

    def __call__(self, recipe: Any, *, image: bool, quick: bool) -> dict[str, Dimension]:
        """Return the ranges to search around a recipe."""
        values = asdict(recipe)
        return {
            name: dimension
            for name, dimension in self.of(image=image).items()
            if values[name] in dimension and not (quick and name in self.lengths)
        }

    def of(self, *, image: bool) -> Space:
        """Return the full space for images or for tables."""
        return self.images if image and self.images is not None else self.table


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def to_plain(space: Space) -> tuple[tuple[str, Any], ...]:
    """Convert a space to plain data for a plan, sorted by name.

    >>> to_plain({"C": Real(0.1, 10, log=True)})
    (('C', ['real', 0.1, 10, True]),)
    """
    return tuple(sorted((name, _to_list(one)) for name, one in space.items()))


def _to_list(one: Dimension) -> list[Any]:
    if isinstance(one, Choice):
        return ["choice", *[list(v) if isinstance(v, tuple) else v for v in one.options]]
    return ["real" if isinstance(one, Real) else "integer", one.low, one.high, one.log]


def from_plain(plain: Any) -> dict[str, Dimension]:
    """Convert plain data from :func:`to_plain`, or its copy from JSON, to a space."""
    space: dict[str, Dimension] = {}
    for name, (kind, *values) in plain:
        if kind == "choice":
            space[name] = Choice(tuple(tuple(v) if isinstance(v, list) else v for v in values))
        else:
            space[name] = (Real if kind == "real" else Integer)(*values)
    return space


def validate_space(space: Any) -> dict[str, Dimension]:
    """Validate a user's search space.

    A range is a `Real`, an `Integer` or a pair ``(low, high)``, which is a range of integers if
    both are integers; options are a `Choice` or a list.

    Raises
    ------
    UserError
        If `space` is not a valid search space.

    Examples
    --------
    >>> validate_space({"C": (0.1, 10.0), "max_depth": (2, 8), "criterion": ["gini", "entropy"]})
    {'C': Real(low=0.1, high=10.0, log=False), 'max_depth': Integer(low=2, high=8, log=False), \
'criterion': Choice(options=('gini', 'entropy'))}
    """
    checked: dict[str, Dimension] = {}
    if not isinstance(space, Mapping):
        raise UserError(
            f"a search space must be a mapping from names to ranges; got {type(space).__name__}"
        )
    for name, one in space.items():
        if isinstance(one, Dimension):
            dimension = one
        elif isinstance(one, list) and one:
            dimension = Choice(tuple(one))
        elif isinstance(one, tuple) and len(one) == 2 and all(map(_is_number, one)):
            is_integer = all(isinstance(v, int) for v in one)
            dimension = Integer(*one) if is_integer else Real(float(one[0]), float(one[1]))
        else:
            raise UserError(
                f"the search space of {name} must be (low, high), a list of options, or Real, "
                f"Integer or Choice; got {one!r}"
            )
        if not isinstance(dimension, Choice) and not (
            dimension.low < dimension.high and (dimension.low > 0 or not dimension.log)
        ):
            raise UserError(
                f"the range of {name} must have low < high, and low > 0 with log=True; "
                f"got {dimension.low} to {dimension.high}"
            )
        checked[str(name)] = dimension
    return checked
