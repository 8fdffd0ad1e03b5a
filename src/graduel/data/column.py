"""What a column of a table is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal["numeric", "categorical", "boolean", "date", "text"]
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of features: its name, its kind, and why it was taken for that."""

    name: str
    kind: Kind
    reason: str = ""
