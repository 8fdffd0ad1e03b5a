"""Errors that a user can fix, worded as: expected, got, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(ValueError):
    """An error in the user's input. The command line prints its message without a traceback."""


def unknown(
    what: str, got: str, options: Iterable[str], suggestion: str | None = None
) -> UserError:
    """Return the error for an unknown name; it lists the valid names and suggests one.

    Without a `suggestion` it is the closest name.

    >>> print(unknown("activation", "rleu", ["relu", "tanh"]))
    activation must be one of 'relu', 'tanh'; got 'rleu'. Did you mean 'relu'?
    """
    names = list(options)
    hint = suggest(got, names) if suggestion is None else f". Did you mean '{suggestion}'?"
    listed = ", ".join(f"'{name}'" for name in names)
    return UserError(f"{what} must be one of {listed}; got '{got}'{hint}")


def suggest(got: str, names: list[str]) -> str:
    """Return the end of a message that suggests the name closest to `got`; "" if none is close.

    >>> suggest("rleu", ["relu", "tanh"])
    ". Did you mean 'relu'?"
    """
    near = get_close_matches(got.lower(), names, n=1)
    return f". Did you mean '{near[0]}'?" if near else ""
