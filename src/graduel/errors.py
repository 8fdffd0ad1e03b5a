"""Mistakes that a user can mend, and how they are worded: expected, got, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """A mistake in what the user asked for. The command line shows its one line, no traceback."""


def unknown(what: str, got: str, options: Iterable[str]) -> UserError:
    """Make the error for a name that does not exist, with the nearest one that does.

    >>> print(unknown("activation", "rleu", ["relu", "tanh"]))
    activation must be one of 'relu', 'tanh'; got 'rleu'. Did you mean 'relu'?
    """
    names = list(options)
    near = get_close_matches(got.lower(), names, n=1)
    hint = f". Did you mean '{near[0]}'?" if near else ""
    listed = ", ".join(f"'{name}'" for name in names)
    return UserError(f"{what} must be one of {listed}; got '{got}'{hint}")
