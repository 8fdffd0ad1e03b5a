"""Words of boolean columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

TRUE = ("true", "t", "yes", "y", "on")
FALSE = ("false", "f", "no", "n", "off")
"""Words of boolean columns, in pairs: true and false, t and f, …"""
FLAGS = {
    **dict.fromkeys((*TRUE, "1", "1.0"), True),
    **dict.fromkeys((*FALSE, "0", "0.0"), False),
}
"""Values of text in a boolean column, regardless of case."""
MOST_WORDS = 16
"""Maximum number of distinct cells of a column of boolean words in any case."""


def to_booleans(text: pl.Series) -> pl.Series:
    """Return the values of boolean words; null for other cells.

    >>> import polars as pl
    >>> to_booleans(pl.Series(["Yes", "f", "0", "maybe"])).to_list()
    [True, False, False, None]
    """
    import polars as pl

    words = text.str.strip_chars().str.to_lowercase()
    return words.replace_strict(
        list(FLAGS), list(FLAGS.values()), default=None, return_dtype=pl.Boolean
    )


def boolean_pair(cells: Iterable[str]) -> tuple[str, ...]:
    """Return the words, in lower case, of cells that are booleans; nothing for other cells.

    The cells are two words such as yes and no in any case; 0 and 1 may stand for one of them. True
    or false alone is enough.

    >>> boolean_pair(["Yes", "YES", "no"]), boolean_pair(["True", "0"]), boolean_pair(["yes", "f"])
    (('no', 'yes'), ('0', 'true'), ())
    """
    words = {cell.strip().lower() for cell in cells}
    if words and words <= {"true", "false"}:
        return tuple(sorted(words))
    named = words - {"0", "0.0", "1", "1.0"}
    for pair in zip(TRUE, FALSE, strict=True):
        if named and named <= set(pair) and len({FLAGS[word] for word in words}) == 2:
            return tuple(sorted(words))
    return ()
