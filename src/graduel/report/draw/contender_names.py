"""Titles and drawing styles of the contenders of a run or a suite."""

from __future__ import annotations

from collections import Counter

from graduel.duel.result.outcome import Run, Suite
from graduel.errors import suggest
from graduel.report.draw.style import Look, assign_looks


def list_titles(run: Run | Suite) -> dict[str, str]:
    """Return the title of each contender; equal titles get the contender's name appended."""
    titles = {
        name: "".join(filter(str.isprintable, entry.title or name))
        for name, entry in run.result.contenders.items()
    }
    counts = Counter(titles.values())
    return {
        name: title if counts[title] == 1 else f"{title} ({name})" for name, title in titles.items()
    }


def list_looks(run: Run | Suite) -> dict[str, Look]:
    """Return the color, marker and line style of each contender."""
    return assign_looks(run.result.contenders)


def check_contender(run: Run, name: str) -> str:
    """Return `name`, or raise a ValueError that lists the contenders of the run."""
    if name not in run.result.contenders:
        names = ", ".join(map(repr, run.result.contenders))
        hint = suggest(str(name), list(run.result.contenders))
        raise ValueError(f"contender must be one of {names}; got {name!r}{hint}")
    return name
