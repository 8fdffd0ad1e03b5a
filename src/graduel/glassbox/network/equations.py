"""The lines of ``nn/textbook.py`` that compute an equation, read from the file itself."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache

from graduel.glassbox.plain_data import PlainData
from graduel.nn import textbook

FILE = "nn/textbook.py"


@dataclass(frozen=True, slots=True)
class Line(PlainData):
    """A line of the source."""

    file: str
    number: int
    """From 1."""
    text: str
    """Without its indent and its comment."""
    comment: str
    """Its comment: the equation."""


@dataclass(frozen=True, slots=True)
class Equation(PlainData):
    """An equation in the notation of ``docs/derivation.md``, examples as columns."""

    text: str
    number: int | None = None
    """The number that it has there, (1) … (8); None for an equation that it does not have."""
    line: Line | None = None
    """The line that computes it."""


@cache
def find_lines() -> dict[int, Line]:
    """Return the line of each equation by the number in its comment.

    >>> find_lines()[4].text
    'dZ = A[-1] - Y'
    """
    lines: dict[int, Line] = {}
    for line_number, line in enumerate(inspect.getsource(textbook).splitlines(), 1):
        code, sign, comment = line.partition("  # ")
        for number in re.findall(r"\((\d)\)", comment) if sign and code.strip() else ():
            lines[int(number)] = Line(FILE, line_number, code.strip(), comment.strip())
    return lines


def make_equation(text: str, number: int | None = None) -> Equation:
    """Return an equation with its line."""
    return Equation(text, number, None if number is None else find_lines()[number])


def subscript(symbol: str, number: int | None) -> str:
    """Return a symbol with its number as an index.

    >>> subscript("W", 12)
    'W₁₂'
    """
    if number is None:
        return symbol
    return symbol + str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
