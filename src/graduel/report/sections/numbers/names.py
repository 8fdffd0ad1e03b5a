"""What to call the contenders."""

from __future__ import annotations

from collections import Counter

from graduel.duel.result.outcome import Run


def contenders(run: Run) -> tuple[str, ...]:
    """Return the contenders' names, in the order of the result."""
    return tuple(run.result["contenders"])


def titles(run: Run) -> dict[str, str]:
    """Return what to call each contender; where two would read the same, with their names."""
    found = {
        name: "".join(filter(str.isprintable, str(entry.get("title") or name)))
        for name, entry in run.result["contenders"].items()
    }
    often = Counter(found.values())
    return {
        name: title if often[title] == 1 else f"{title} ({name})" for name, title in found.items()
    }


def phrase(title: str) -> str:
    """Return what to call a contender within a sentence: a title of several words gets a "the".

    >>> phrase("NumPy network"), phrase("XGBoost as it comes"), phrase("my net")
    ('the NumPy network', 'XGBoost as it comes', 'my net')
    """
    first, *more = title.split() or [""]
    own = first.lower() in ("the", "a", "an", "my", "our", "your", "xgboost")
    return f"the {title}" if more and not own else title


def known(run: Run, name: str) -> str:
    """Return `name`, or raise a ValueError that lists the contenders there are."""
    if name not in run.result["contenders"]:
        names = ", ".join(map(repr, contenders(run)))
        raise ValueError(f"contender must be one of {names}; got {name!r}")
    return name
