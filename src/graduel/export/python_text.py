"""Python literals for arbitrary text and numbers, safely escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from graduel.export.export_graph import Array

WIDTH = 100
MAX_LITERAL = 100
"""The maximum size of an array that is written as a literal."""


def escape_docstring(text: str, width: int = WIDTH) -> list[str]:
    r"""Return the lines of `text`, escaped for a docstring.

    Unprintable characters become escape sequences; no text ends the docstring early.

    >>> escape_docstring('a "quote"\n')
    ['a \\"quote\\"\\\\n']
    """
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    # Wrapped before escaping, since a line break inside an escape sequence would change it.
    lines = wrap(shown, width, break_on_hyphens=False) or [""]
    return [line.replace("\\", "\\\\").replace('"', '\\"') for line in lines]


def format_array(name: str, value: Array) -> list[str]:
    """Return lines of code that assign an array, exact to the last bit.

    Small arrays are literals; larger ones are base64 of little-endian bytes, for the helper
    ``decode(shape, text)``.

    >>> format_array("b1", np.array([0.5, -1.25], np.float32))
    ['b1 = np.array([0.5, -1.25], dtype=np.float32)']
    """
    if value.size > MAX_LITERAL or not np.isfinite(value).all():
        text = b64encode(value.astype(value.dtype.newbyteorder("<")).tobytes()).decode()
        pieces = [text[i : i + WIDTH] for i in range(0, len(text), WIDTH)]
        return [f'{name} = decode({tuple(value.shape)}, """', *pieces, '""")']
    end = f"dtype=np.{value.dtype})"
    tokens = [format_float(x) for x in value.flat]
    if value.ndim == 2:
        return _format_matrix(name, tokens, value.shape[1], end)
    if value.ndim > 2:
        end += f".reshape({', '.join(map(str, value.shape))})"
    return format_bracketed(f"{name} = np.array([", tokens, f"], {end}")


def format_float(x: np.floating[Any]) -> str:
    """Return the shortest text from which Python and NumPy parse exactly this number.

    >>> format_float(np.float32(0.1)), format_float(np.float64(0.1))
    ('0.1', '0.1')
    """
    short = str(x)
    # Parsed as a double and rounded, it is nearly always the same number.
    return short if type(x)(float(short)) == x else repr(float(x))


def _format_matrix(name: str, tokens: Sequence[str], columns: int, end: str) -> list[str]:
    """Return the lines of a matrix, one per row, with aligned columns."""
    width = max(map(len, tokens)) + 1
    rows = [tokens[i : i + columns] for i in range(0, len(tokens), columns)]
    lines = []
    for row in rows:
        padded = [f"{token + ',':<{width}}" for token in row[:-1]]
        line = f"    [{' '.join([*padded, row[-1]])}],"
        lines += [line] if len(line) <= WIDTH else format_bracketed("    [", row, "],")
    return [f"{name} = np.array([", *lines, f"], {end}"]


def format_bracketed(start: str, tokens: Sequence[str], end: str) -> list[str]:
    """Return tokens with commas on one line, or on several indented lines if it is too long.

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
