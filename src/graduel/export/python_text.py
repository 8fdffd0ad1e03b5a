"""Literals of Python, safe for whatever text and numbers come in."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from graduel.export.export_graph import Array

WIDTH = 100
SMALL = 100
"""The most numbers of an array that is written out."""


def escape_docstring(text: str, width: int = WIDTH) -> list[str]:
    r"""Return lines of `text`, escaped for a docstring.

    What cannot be printed is shown as its escape; nothing ends the docstring early.

    >>> escape_docstring('a "quote"\n')
    ['a \\"quote\\"\\\\n']
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    # Broken into lines first: a break inside an escape would undo it.
    lines = wrap(shown, width, break_on_hyphens=False) or [""]
    return [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]


def format_array(name: str, value: Array) -> list[str]:
    """Return lines that assign an array, every number exact.

    Small ones are written out; larger ones are base64 of little-endian bytes, for a function
    ``numbers(shape, text)``.

    >>> format_array("b1", np.array([0.5, -1.25], np.float32))
    ['b1 = np.array([0.5, -1.25], dtype=np.float32)']
    """
    if value.size > SMALL or not np.isfinite(value).all():
        text = b64encode(value.astype(value.dtype.newbyteorder("<")).tobytes()).decode()
        pieces = [text[i : i + WIDTH] for i in range(0, len(text), WIDTH)]
        return [f'{name} = numbers({tuple(value.shape)}, """', *pieces, '""")']
    end = f"dtype=np.{value.dtype})"
    tokens = [format_float(x) for x in value.flat]
    if value.ndim == 2:
        return _format_matrix(name, tokens, value.shape[1], end)
    if value.ndim > 2:
        end += f".reshape({', '.join(map(str, value.shape))})"
    return format_bracketed(f"{name} = np.array([", tokens, f"], {end}")


def format_float(x: np.floating[Any]) -> str:
    """Return the shortest text that Python and NumPy read back as exactly this number.

    >>> format_float(np.float32(0.1)), format_float(np.float64(0.1))
    ('0.1', '0.1')
    """
    short = str(x)
    # Read as a double and then rounded, it is as good as always the same number.
    return short if type(x)(float(short)) == x else repr(float(x))


def _format_matrix(name: str, tokens: Sequence[str], columns: int, end: str) -> list[str]:
    """Write a matrix, a line for each row, the columns one below the other."""
    width = max(map(len, tokens)) + 1
    rows = [tokens[i : i + columns] for i in range(0, len(tokens), columns)]
    lines = []
    for row in rows:
        padded = [f"{token + ',':<{width}}" for token in row[:-1]]
        line = f"    [{' '.join([*padded, row[-1]])}],"
        lines += [line] if len(line) <= WIDTH else format_bracketed("    [", row, "],")
    return [f"{name} = np.array([", *lines, f"], {end}"]


def format_bracketed(start: str, tokens: Sequence[str], end: str) -> list[str]:
    """Return tokens with commas, on one line if it is short enough, else on indented ones.

    >>> format_bracketed("CLASSES = [", ["0", "1"], "]")
    ['CLASSES = [0, 1]']
    """
    line = start + ", ".join(tokens) + end
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(start) - len(start.lstrip()) + 4)
    lines = [start]
    line = indent
    for token in tokens:
        if len(line) + len(token) + 1 > WIDTH and line != indent:
            lines.append(line.rstrip())
            line = indent
        line += token + ", "
    lines.append(line.rstrip())
    return [*lines, start[: len(start) - len(start.lstrip())] + end]
