"""Lists of names with explanations, wrapped for a terminal of 80 columns."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from textwrap import wrap

MAX_WIDTH = 80
INDENT = 2


def format_entries(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Return a title and below it each name with its explanation.

    >>> print(format_entries("metrics", [("auc", "Area under the ROC curve.")]))
    metrics
      auc  Area under the ROC curve.
    """
    return f"{title}\n{format_pairs(pairs)}"


def format_pairs(pairs: Sequence[tuple[str, str]], max_term: int = 24) -> str:
    """Return pairs of a term and a text in two columns; a text wraps below its beginning."""
    width = min(MAX_WIDTH, shutil.get_terminal_size().columns)
    longest = max((len(term) for term, _ in pairs if len(term) <= max_term), default=0)
    start, lines = INDENT + longest + 2, []
    for term, text in pairs:
        first, *more = _wrap(text, max(width - start, 20)) or [""]
        if len(term) > max_term:
            lines += [" " * INDENT + term, " " * start + first]
        else:
            lines.append(f"{' ' * INDENT}{term:<{longest}}  {first}".rstrip())
        lines += [" " * start + line for line in more]
    return "\n".join(lines)


def _wrap(text: str, width: int) -> list[str]:
    """Wrap a text at blanks; a word that is longer than a line also after commas."""
    words: list[str] = []
    for word in text.split():
        line = ""
        for part in re.findall(r"[^,]*,?", word) if len(word) > width else [word]:
            if line and len(line) + len(part) > width:
                words.append(line)
                line = ""
            line += part
        words.append(line)
    return wrap(" ".join(words), width, break_on_hyphens=False)
