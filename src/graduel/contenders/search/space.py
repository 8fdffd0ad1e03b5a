"""Search spaces: what a hyperparameter may be, a range of numbers or a choice, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from math import isfinite
from typing import Any

from graduel.errors import UserError


@dataclass(frozen=True, slots=True)
class Real:
    """A number from `low` to `high`; with `log`, each power of ten is equally likely."""

    low: float
    high: float
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False

    def __contains__(self, value: Any) -> bool:
        return _is_number(value) and value == int(value) and self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some values: text, numbers, True, False, None, or tuples of these."""

    options: tuple[Any, ...]

    def __contains__(self, value: Any) -> bool:
        value = tuple(value) if isinstance(value, list) else value
        return any(type(value) is type(one) and value == one for one in self.options)


Dimension = Real | Integer | Choice
Space = Mapping[str, Dimension]
"""What each hyperparameter may be, by name."""


@dataclass(frozen=True, slots=True)
class RecipeSpace:
    """The search space of a family: fields of its recipe, for tables and for images.

    A hyperparameter whose value in the recipe lies outside of its dimension is the user's own
    choice and is not searched. With ``--quick`` neither are rounds and epochs.

    Attributes
    ----------
    table : for tables
    images : for images; None for the same
    lengths : names of those that set how long a fit may take (epochs, rounds)

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
        """Return the dimensions that are searched around a recipe."""
        values = asdict(recipe)
        return {
            name: dimension
            for name, dimension in self.of(image=image).items()
            if values[name] in dimension and not (quick and name in self.lengths)
        }

    def of(self, *, image: bool) -> Space:
        """Return the whole space for images or for tables."""
        return self.images if image and self.images is not None else self.table


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def to_plain(space: Space) -> tuple[tuple[str, Any], ...]:
    """Return a space as plain data for a plan, sorted by name.

    >>> to_plain({"C": Real(0.1, 10, log=True)})
    (('C', ['real', 0.1, 10, True]),)
    """
    return tuple(sorted((name, _to_list(one)) for name, one in space.items()))


def _to_list(one: Dimension) -> list[Any]:
    if isinstance(one, Choice):
        return ["choice", *[list(v) if isinstance(v, tuple) else v for v in one.options]]
    return ["real" if isinstance(one, Real) else "integer", one.low, one.high, one.log]


def from_plain(plain: Any) -> dict[str, Dimension]:
    """Return the space of what :func:`to_plain` returned, perhaps by way of JSON."""
    space: dict[str, Dimension] = {}
    for name, (kind, *values) in plain:
        if kind == "choice":
            space[name] = Choice(tuple(tuple(v) if isinstance(v, list) else v for v in values))
        else:
            space[name] = (Real if kind == "real" else Integer)(*values)
    return space


def validate_space(space: Any) -> dict[str, Dimension]:
    """Return a user's space: dimensions, or ``(low, high)`` and lists of options in their place.

    Whole numbers at both ends make a range of whole numbers.

    Raises
    ------
    UserError
        If it is not a search space.

    Examples
    --------
    >>> validate_space({"C": (0.1, 10.0), "max_depth": (2, 8), "criterion": ["gini", "entropy"]})
    {'C': Real(low=0.1, high=10.0, log=False), 'max_depth': Integer(low=2, high=8, log=False), \
'criterion': Choice(options=('gini', 'entropy'))}
    """
    checked: dict[str, Dimension] = {}
    if not isinstance(space, Mapping):
        raise UserError(f"a search space must map names to ranges; got {type(space).__name__}")
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
                f"the range of {name} must go from low to high, and lie above 0 with log=True; "
                f"got {dimension.low} to {dimension.high}"
            )
        checked[str(name)] = dimension
    return checked
