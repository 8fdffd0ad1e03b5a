"""Advice in messages: a command does not advise an option that it does not have.

Messages about data come from functions that several commands share, and name the option that would
help. A command that prints one leaves out the parts that name options of other commands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*[a-z]\b")
COMMAND = re.compile(r"graduel ([a-z]+)\b(?! files)")
QUOTED = re.compile(r"(?<!\w)(?:'[^']*'|\"[^\"]*\")")
SENTENCES = re.compile(r"(?<=[.;!?])\s+")
PARENTHESES = re.compile(r" ?\([^()]*\)")
CLAUSES = re.compile(r",? or (?=[A-Za-z-])|, (?=(?:or|and) )")

_lookup: Callable[[str], frozenset[str] | None] | None = None
_options: dict[str, frozenset[str]] = {}
"""The options of each command whose parser was built, the running one last."""


def add_command(name: str, options: Iterable[str]) -> None:
    """Record the options of a command, which becomes the running one."""
    _options.pop(name, None)
    _options[name] = frozenset(options)


def set_lookup(lookup: Callable[[str], frozenset[str] | None]) -> None:
    """Set the function that returns the options of any command by name."""
    global _lookup  # noqa: PLW0603  # one set of commands in a process
    _lookup = lookup


def _get_options(command: str | None) -> frozenset[str] | None:
    """Return the options of a command, of the running one if it is None; None if unknown."""
    if command is None:
        return next(reversed(_options.values()), None)
    return None if _lookup is None else _lookup(command)


def fit_advice(message: str) -> str:
    """Return a message without advice to use an option that the running command does not have.

    Omit each sentence, alternative after "or" and text in brackets that names such an option.
    Options of a command that the text names (``graduel cells … --shard``) are that command's. The
    first sentence stays, since it says what is wrong.
    """
    if not _lacks(message):
        return message
    first, *rest = SENTENCES.split(PARENTHESES.sub(_keep_parenthesis, message))
    return " ".join([first, *(fitting for one in rest if (fitting := _fit_sentence(one)))])


def foreign_options(message: str) -> set[str]:
    """Return the options in a text that are not those of the command that it is about."""
    text = QUOTED.sub(lambda match: match[0] if COMMAND.search(match[0]) else " ", message)
    command, foreign, position = None, set(), 0
    for match in re.finditer(f"{COMMAND.pattern}|{OPTION.pattern}", text):
        if match[1]:
            command, position = match[1], match.start()
            continue
        if command is not None and SENTENCES.search(text[position : match.start()]):
            command = None
        options = _get_options(command)
        if options is not None and match[0] not in options:
            foreign.add(match[0])
    return foreign


def _lacks(text: str) -> bool:
    return bool(foreign_options(text))


def _keep_parenthesis(match: re.Match[str]) -> str:
    return "" if _lacks(match[0]) else match[0]


def _fit_sentence(sentence: str) -> str:
    """Return a sentence without the alternatives that name options of other commands."""
    if not _lacks(sentence):
        return sentence
    clauses = [clause for clause in CLAUSES.split(sentence) if not _lacks(clause)]
    text = " or ".join(clauses)
    return text[:1].upper() + text[1:]
