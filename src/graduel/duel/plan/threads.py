"""The number of threads of a plan, and the matrix products that they compute."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

from graduel.cores import SHAPE
from graduel.duel.plan.budget import validate_count
from graduel.errors import UserError

if TYPE_CHECKING:
    from graduel.duel.plan.protocol import Protocol

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


def validate_workers(value: int, threads: int) -> int:
    """Validate the number of processes that share a fit, each with a thread of its own at least.

    Raises
    ------
    UserError
        If it is out of range, or larger than the number of threads.

    Examples
    --------
    >>> validate_workers(2, AUTO), validate_workers(2, 4)
    (2, 2)
    """
    workers = validate_count("workers", value, max(MAX_THREADS, os.cpu_count() or 1))
    if threads != AUTO and workers > threads:
        raise UserError(
            f"--workers: expected at most the number of --threads, which they share ({threads}); "
            f"got {workers}. Set --threads {workers}"
        )
    return workers


def largest_product(protocol: Protocol) -> tuple[int, int, int]:
    """Return rows, inputs and outputs of the largest product in the networks of a duel.

    Only layers whose width the recipe names count. Without any, it is :data:`SHAPE`.
    """
    shapes = []
    for spec in protocol.contenders.values():
        recipe = spec["recipe"]
        units = [layer for layer in recipe.get("layers", ()) if isinstance(layer, int)]
        if units:
            rows = recipe.get("batch_size", SHAPE[0]) * recipe.get("members", 1)
            shapes.append((rows, *max(pairwise([units[0], *units]), key=prod)))
    return max(shapes, key=prod, default=SHAPE)
