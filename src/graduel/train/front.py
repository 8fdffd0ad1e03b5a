"""What stands in front of the hidden layers where the rows are those of a prepared table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from graduel.errors import UserError
from graduel.nn import PBLD, Columns, Layer, Scale
from graduel.recipes import NetRecipe
from graduel.train import parts


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the columns of a matrix are.

    Attributes
    ----------
    numeric : how many columns come before the codes of categories
    categorical : how many codes each of the others has
    numbers : which columns hold amounts, and not signs, ones or codes
    """

    numeric: int
    categorical: tuple[int, ...] = ()
    numbers: tuple[int, ...] = ()

    @classmethod
    def plain(cls, n_in: int) -> Inputs:
        """Return those of a matrix of amounts."""
        return cls(n_in, (), tuple(range(n_in)))


def front(recipe: NetRecipe, n_in: int, inputs: Inputs | None, image: bool) -> Iterator[Layer]:
    """Yield the layers: learned vectors of categories, waves of numbers, a factor a column.

    Raises
    ------
    UserError
        If the recipe asks for waves of pixels.
    """
    if image and (recipe.numbers != "plain" or recipe.front_scale):
        raise UserError(
            "numbers and front_scale are for the columns of tables; leave them out where rows are "
            "images"
        )
    inputs = Inputs.plain(n_in) if inputs is None else inputs
    if inputs.categorical:
        yield Columns(inputs.numeric, inputs.categorical)
    waves = parts.make("numbers", recipe.numbers)
    if isinstance(waves, PBLD) and inputs.numbers:
        yield replace(waves, columns=inputs.numbers)
    if recipe.front_scale:
        yield Scale()
