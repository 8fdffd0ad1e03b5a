"""Equations, each with the line of ``nn/textbook.py`` that computes it."""

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
    """A line of source code."""

    file: str
    number: int
    """Line number, from 1."""
    text: str
    """The code without indent and comment."""
    comment: str
    """The comment, which holds the equation."""


@dataclass(frozen=True, slots=True)
class Equation(PlainData):
    """An equation in the notation of ``docs/derivation.md``, with examples as columns."""

    text: str
    number: int | None = None
    """The equation's number in the derivation, 1 to 8; None if it is not part of it."""
    line: Line | None = None
    """The line of ``textbook.py`` that computes it."""


@cache
def find_lines() -> dict[int, Line]:
    """Return the line of each numbered equation, found by the number in its comment.

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
    """Return an equation with the line that computes it."""
    return Equation(text, number, None if number is None else find_lines()[number])


def subscript(symbol: str, number: int | None) -> str:
    """Return a symbol with a number as subscript.

    >>> subscript("W", 12)
    'W₁₂'
    """
    if number is None:
        return symbol
    return symbol + str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
