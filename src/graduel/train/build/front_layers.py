"""The layers before the hidden ones for rows of a prepared table: embeddings, column scales."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from graduel.errors import UserError
from graduel.nn import PBLD, Columns, Layer, Scale
from graduel.train.build import part_registry
from graduel.train.recipes import NetRecipe


class Inputs(Protocol):
    """The column kinds of a prepared matrix, as a ``NetPreparation`` provides them."""

    @property
    def numeric(self) -> int:
        """The number of columns before the category codes."""
        ...

    @property
    def categorical(self) -> tuple[int, ...]:
        """The number of category codes of each categorical column."""
        ...

    @property
    def numbers(self) -> tuple[int, ...]:
        """The indices of numeric columns, without indicators and category codes."""
        ...


@dataclass(frozen=True, slots=True)
class NumericInputs:
    """The inputs of a matrix with numeric columns only."""

    numeric: int
    categorical: tuple[int, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """All columns."""
        return tuple(range(self.numeric))


def table_front_layers(
    recipe: NetRecipe, n_in: int, inputs: Inputs | None, image: bool
) -> Iterator[Layer]:
    """Yield category embeddings, periodic embeddings of numbers, and column scales."""
    tables = recipe.numeric_embedding != "plain" or recipe.input_scale
    if image and (tables or recipe.scaling != "robust" or recipe.category_embedding):
        raise UserError(
            "category_embedding, numeric_embedding, input_scale and scaling expect the columns of "
            "a table; got images. Leave them out"
        )
    inputs = NumericInputs(n_in) if inputs is None else inputs
    if inputs.categorical:
        yield Columns(inputs.numeric, inputs.categorical)
    embedding = part_registry.make("numeric_embedding", recipe.numeric_embedding)
    if isinstance(embedding, PBLD) and inputs.numbers:
        yield replace(embedding, columns=inputs.numbers)
    if recipe.input_scale:
        yield Scale()
