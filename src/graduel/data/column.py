"""A column of a table: its name and its kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["numeric", "categorical", "boolean", "date", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: its name, its kind, and the reason for the inferred kind."""

    name: str
    kind: Kind
    reason: str = ""
