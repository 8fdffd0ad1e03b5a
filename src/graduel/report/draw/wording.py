"""What several pages say alike."""

from __future__ import annotations

from typing import Any

from graduel.report.draw import units
from graduel.report.sections.tables import Table, settings


def split_sentence(sentence: str, cost: str = "") -> dict[str, str]:
    """Part a verdict's sentence from its numbers, which follow the first colon.

    `cost` is the sentence on what the better answer costs.
    """
    said, colon, numbers = sentence.partition(": ")
    return {"said": said + colon.strip(), "numbers": numbers, "cost": cost}


def join_words(words: list[str]) -> str:
    """Return words as a sentence lists them.

    >>> join_words(["a", "b", "c"])
    'a, b and c'
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def describe_machine(environment: Any) -> Table:
    """Return with what and where it ran; the command stands elsewhere."""
    shown = {k: v for k, v in environment.items() if k not in ("command", "versions")}
    shown = {"python": shown.pop("python", ""), **environment["versions"], **shown}
    if isinstance(shown.get("memory_bytes"), int | float):
        shown = {
            ("memory" if key == "memory_bytes" else key): (
                units.bytes_(value) if key == "memory_bytes" else value
            )
            for key, value in shown.items()
        }
    return settings("Versions and machine", shown)
