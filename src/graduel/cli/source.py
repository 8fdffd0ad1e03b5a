"""Data of the user's own on the command line."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console

from graduel.data import DATASETS
from graduel.data.description import Own, own
from graduel.data.table import told as set_aside_told
from graduel.duel.protocol import Protocol
from graduel.duel.settle import remarks
from graduel.errors import UserError


def source(text: str, options: dict[str, Any]) -> str | Own:
    """Return a known name as it is, and describe anything else.

    Raises
    ------
    UserError
        If there is no such source, or an option does not fit it.
    """
    if text in DATASETS:
        if options:
            raise UserError(f"--{next(iter(options))} goes with a table; {text} is known by name")
        return text
    if size := options.get("size"):
        match = re.fullmatch(r"(\d{1,5})[x×](\d{1,5})", size)
        if match is None or not (int(match[1]) and int(match[2])):
            raise UserError(f"--size must be HEIGHTxWIDTH such as 32x32; got '{size}'")
        options = options | {"size": (int(match[1]), int(match[2]))}
    return own(text, **options)


def say(data: Own, protocol: Protocol, console: Console) -> None:
    """Say what was understood and what is to be known before anything is fitted."""
    found = data.load()
    split, metric, rope = protocol.split, protocol.metric, protocol.rope
    told: list[str] = []
    if found.understood is not None:
        told += [*found.understood.notes, *set_aside_told(found.understood.set_aside)]
    for line in told:
        console.out(f"note: {line}", highlight=False)
    for line in remarks(found, split, metric, rope, len(protocol.contenders)):
        console.out(f"warning: {line}", highlight=False)
