"""Column names: uniqueness, lookup, and quoting in messages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from graduel.errors import UserError

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
LONGEST = 60
"""Maximum number of characters of a name or value in a message."""


def quote_name(value: object) -> str:
    r"""Quote a name or value from a file for a message, on one line.

    >>> print(quote_name("two\nlines"), quote_name(3.5))
    'two\nlines' 3.5
    """
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 2] + "…" + text[-1]


def join_names(values: Iterable[object], max_names: int = 5) -> str:
    """Join the first few of many names into a text.

    >>> join_names(["a", "b", "c"], max_names=2)
    "'a', 'b' and 1 more"
    """
    every = list(values)
    text = ", ".join(quote_name(value) for value in every[:max_names])
    return text + (f" and {len(every) - max_names:,} more" if len(every) > max_names else "")


def sanitize_names(names: Sequence[object]) -> tuple[list[str], list[str]]:
    r"""Return unique single-line column names, and notes on the changes.

    Blank names become ``column_N``, a second ``x`` becomes ``x_2``.

    >>> sanitize_names(["x", "", "x", "two\n lines"])[0]
    ['x', 'column_2', 'x_2', 'two lines']
    """
    plain = [
        "" if name is None else " ".join(strip_control(str(name), " ").split()) for name in names
    ]
    plain = [name or f"column_{i}" for i, name in enumerate(plain, 1)]
    taken, used, changed = set(plain), set[str](), []
    for i, name in enumerate(plain):
        n = 1
        while plain[i] in used or (n > 1 and plain[i] in taken):
            n += 1
            plain[i] = f"{name}_{n}"
        used.add(plain[i])
        # Removed surrounding blanks need no note.
        if str(names[i]).strip() != plain[i]:
            changed.append(f"{quote_name(names[i])} is now {quote_name(plain[i])}")
    more = f" and {len(changed) - 5:,} more" if len(changed) > 5 else ""
    notes = [f"columns renamed: {', '.join(changed[:5])}{more}"] if changed else []
    return plain, notes


def split_words(name: str) -> set[str]:
    """Return the lower-case words of a name in snake case or camel case.

    >>> sorted(split_words("YearBuilt")), sorted(split_words("yr_sold2"))
    (['built', 'year'], ['sold', 'yr'])
    """
    spaced = re.sub(r"([a-z])([A-Z])", r"\1 \2", name)
    return set(re.findall(r"[^\W\d_]+", spaced.lower())) or {name}


def strip_control(text: str, instead: str = "�") -> str:
    """Replace control characters, which a terminal could interpret as commands."""
    return CONTROL.sub(instead, text)


def find(name: str, names: Sequence[str], what: str) -> str:
    """Return the column with a name that a user typed; surrounding blanks are ignored.

    Raises
    ------
    UserError
        If there is no column of that name; the message suggests the closest.
    """
    if name in names:
        return name
    plain = " ".join(name.split())
    if plain in names:
        return plain
    lower = {n.lower(): n for n in reversed(names)}
    near = get_close_matches(plain.lower(), lower, n=1)
    hint = f". Did you mean {quote_name(lower[near[0]])}?" if near else ""
    raise UserError(
        f"{what} must name a column of the table ({join_names(names)}); got "
        f"{quote_name(name)}{hint}"
    )
