"""Messages on an uploaded table in the words of the page: no path of the server, no option."""

from __future__ import annotations

import re
from pathlib import Path

OPTION = re.compile(r"--[a-z][a-z-]*")
SENTENCE = re.compile(r"(?<=[.!?]) +(?=[^a-z ])")
BRACKET = re.compile(r" ?\([^()]*--[a-z][^()]*\)")
REMEDY = "Correct the file and upload it again"


def to_page(text: str, path: Path, name: str) -> str:
    """Return a message without the file's path on the server and without command-line options.

    The parts that advise an option are left out; a remedy that the page has replaces them.

    >>> path = Path("/tmp/graduel-x1/table.csv")
    >>> to_page(f"{path}: line 3 has 2 cells. Name the separator with --separator", path, "a.csv")
    'a.csv: line 3 has 2 cells. Correct the file and upload it again'
    """
    text = _without_path(" ".join(text.split()), path, name)
    first, *others = SENTENCE.split(_without_brackets(text))
    others = [sentence for sentence in others if not OPTION.search(sentence)]
    clauses = [clause for clause in re.split("; ", first) if not OPTION.search(clause)]
    first = "; ".join(clauses) or OPTION.sub(lambda match: match[0][2:], first)
    if (has_option := OPTION.search(text) is not None) and not others:
        others = [REMEDY]
    result = " ".join([first if first.endswith((".", "!", "?")) or not others else f"{first}.",
                       *others])  # fmt: skip
    return result if has_option else text


def note_to_page(text: str) -> str:
    """Return a note of a table without command-line options, and without a remedy.

    >>> note_to_page("numbers have a decimal comma (--decimal to change)")
    'numbers have a decimal comma'
    """
    text = _without_brackets(text)
    sentences = [part for part in SENTENCE.split(text) if not OPTION.search(part)]
    return " ".join(sentences) or OPTION.sub(lambda match: match[0][2:], text)


def _without_brackets(text: str) -> str:
    return BRACKET.sub("", text)


def _without_path(text: str, path: Path, name: str) -> str:
    for form in (str(path), path.as_posix(), str(path.resolve())):
        text = text.replace(form, name)
    return text.replace(str(path.parent), "")
