"""The number of threads of a plan, as users give it."""

from __future__ import annotations

import os
import re

from graduel.duel.plan.budget import validate_count
from graduel.errors import UserError

AUTO = 0
"""The number of threads in a protocol that leaves the choice to the machine it runs on."""
MAX_THREADS = 8
"""The most threads of a fit, or the number of cores where that is larger."""


def parse_threads(value: int | str | None) -> int:
    """Return a number of threads, or :data:`AUTO` for None and ``auto``.

    Raises
    ------
    UserError
        If it is neither ``auto`` nor a whole number in the range of this machine.

    Examples
    --------
    >>> parse_threads("2"), parse_threads("auto")
    (2, 0)
    """
    text = "auto" if value is None else str(value).strip().lower()
    if text == "auto":
        return AUTO
    if not re.fullmatch(r"[+-]?\d{1,99}", text, re.ASCII):
        raise UserError(f"threads must be a whole number or auto; got {value!r}")
    return validate_count("threads", int(text), max(MAX_THREADS, os.cpu_count() or 1))
