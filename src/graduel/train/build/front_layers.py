"""The layers in front of the hidden ones where rows come from a prepared table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from graduel.errors import UserError
from graduel.nn import PBLD, Columns, Layer, Scale
from graduel.train.build import part_registry
from graduel.train.recipes import NetRecipe


class Inputs(Protocol):
    """The kinds of a matrix's columns; a ``NetPreparation`` has them."""

    @property
    def numeric(self) -> int:
        """The number of columns before the codes of categories."""
        ...

    @property
    def categorical(self) -> tuple[int, ...]:
        """The number of codes of each categorical column."""
        ...

    @property
    def numbers(self) -> tuple[int, ...]:
        """The columns that hold amounts, and not signs, ones or codes."""
        ...


@dataclass(frozen=True, slots=True)
class Amounts:
    """The inputs of a matrix that holds amounts alone."""

    numeric: int
    categorical: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """All columns."""
        return tuple(range(self.numeric))


def table_front_layers(
    recipe: NetRecipe, n_in: int, inputs: Inputs | None, image: bool
) -> Iterator[Layer]:
    """Yield the layers: embeddings of categories, periodic embeddings of numbers, column scales."""
    tables = recipe.numeric_embedding != "plain" or recipe.input_scale
    if image and (tables or recipe.scaling != "robust" or recipe.category_embedding):
        raise UserError(
            "category_embedding, numeric_embedding, input_scale and scaling are for the columns of "
            "tables; leave them out where rows are images"
        )
    inputs = Amounts(n_in) if inputs is None else inputs
    if inputs.categorical:
        yield Columns(inputs.numeric, inputs.categorical)
    embedding = part_registry.make("numeric_embedding", recipe.numeric_embedding)
    if isinstance(embedding, PBLD) and inputs.numbers:
        yield replace(embedding, columns=inputs.numbers)
    if recipe.input_scale:
        yield Scale()
