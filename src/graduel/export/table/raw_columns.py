"""The raw columns of a table that an exported network reads, with the encoder of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from graduel.data.prepare.encoders import Boolean, CategoryCode, Date, Number, OneHot
from graduel.data.prepare.preparation import Encoder, NetPreparation
from graduel.data.read.delimited.cells import MISSING_NUMBER
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.export.table.formulas import describe_encoder
from graduel.serialize import to_plain


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column of a table: how its cells are read, and how the network's inputs follow.

    Attributes
    ----------
    encoder : the fitted encoder of the column
    decimal : decimal sign of numbers in text
    date_format : format of dates in text or numbers; None for ISO 8601
    is_folded : whether categories are in lower case
    is_numeric : whether categories are numbers, where 1.50 and 1.5 are one
    missing : the cells of text that mean a missing value
    """

    encoder: Encoder
    decimal: str = "."
    date_format: str | None = None
    is_folded: bool = False
    is_numeric: bool = False
    missing: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name of the column."""
        return self.encoder.name

    @property
    def is_category(self) -> bool:
        """Whether the cells are categories."""
        return isinstance(self.encoder, OneHot | CategoryCode)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON: how cells are read, parameters, and a formula per input."""
        description = describe_encoder(self.encoder)
        reading: dict[str, Any] = {"missing_cells": list(self.missing)}
        if isinstance(self.encoder, Number):
            reading["decimal"] = self.decimal
        elif isinstance(self.encoder, Date):
            reading["date_format"] = self.date_format
        elif not isinstance(self.encoder, Boolean):
            reading |= {"lower_case": self.is_folded, "numbers": self.is_numeric}
        inputs = [
            {"name": name, "formula": formula}
            for name, formula in zip(self.encoder.names, description.formulas, strict=True)
        ]
        return {
            "name": self.name,
            "kind": description.kind,
            **reading,
            **to_plain(description.parameters),
            "inputs": inputs,
        }


@dataclass(frozen=True, slots=True)
class TableInput:
    """The raw columns that a network with a preparation reads, in the order of its inputs.

    Parameters
    ----------
    columns : the columns, one per encoder
    missing : the cells of text that mean a missing value in every column
    """

    columns: tuple[RawColumn, ...]
    missing: tuple[str, ...] = ()

    @classmethod
    def of(cls, schema: Schema, preparation: NetPreparation) -> TableInput:
        """Return the columns of a preparation, read by the rules of the schema."""
        return cls(tuple(_list_columns(schema, preparation)), schema.missing)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the raw columns."""
        return tuple(column.name for column in self.columns)

    @property
    def n_inputs(self) -> int:
        """The number of inputs of the network."""
        return sum(len(column.encoder.names) for column in self.columns)

    def require_fit(self, shape: tuple[int, ...]) -> None:
        """Raise `UserError` if a network with inputs of this shape does not take the columns."""
        if shape != (self.n_inputs,):
            raise UserError(
                f"a table of {self.n_inputs} prepared columns requires a network with inputs of "
                f"shape ({self.n_inputs},); got {shape}. Use the preparation of its training"
            )

    def as_list(self) -> list[dict[str, Any]]:
        """Return the columns as plain data for JSON; see :meth:`RawColumn.as_dict`."""
        return [column.as_dict() for column in self.columns]


def _list_columns(schema: Schema, preparation: NetPreparation) -> Iterator[RawColumn]:
    for encoder in preparation.encoders:
        name, missing = encoder.name, schema.missing
        if not isinstance(encoder, OneHot | CategoryCode):
            missing = tuple(dict.fromkeys((*missing, *MISSING_NUMBER)))
        yield RawColumn(
            encoder,
            schema.decimals.get(name, "."),
            schema.date_formats.get(name),
            name in schema.folded_categories,
            name in schema.numeric_categories,
            missing,
        )
