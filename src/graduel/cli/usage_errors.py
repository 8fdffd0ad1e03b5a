"""The parser's errors with what was expected, what was typed and what to type instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

EXPECTED = (
    (r"Input should be a valid integer.*", "expected a whole number"),
    (r"Input should be a valid number.*", "expected a number"),
    (r"Input should be less than or equal to (\S+)", r"expected at most \1"),
    (r"Input should be greater than or equal to (\S+)", r"expected at least \1"),
)
"""Messages of the parser about a value, and the words for them."""
EXTRA = re.compile(r"Got unexpected extra argument\(s\) \((.*)\)")
NO_COMMAND = re.compile(r"No such command '([\w-]+)'")
ELSEWHERE = {
    "export": "Networks are exported in Python: graduel.export.to_onnx or to_python, and "
    "graduel.models.model_export for models; a page to play with is written by graduel export-page",
    "fit": "Did you mean 'train'?",
    "compare": "Did you mean 'duel', or 'verdict' for predictions of your own?",
    "tune": "Hyperparameters are searched by graduel duel --trials 20",
}
"""Commands that other tools have, with what to do instead."""


def describe_usage_error(error: Any, args: Sequence[str]) -> str:
    """Return the message of an error of the parser; `args` is what was typed."""
    format_message = getattr(error, "format_message", None)
    message = str(format_message() if format_message else error)
    command = None if error.ctx is None else error.ctx.command
    if getattr(error, "possibilities", None) is not None or message.startswith("No such option"):
        return _describe_option(error.option_name, command, args)
    if (param := getattr(error, "param", None)) is not None and param.param_type_name == "option":
        for pattern, words in EXPECTED:
            if match := re.search(pattern, message):
                start = message[: match.start()].rstrip(": ")
                return f"{start}: {match.expand(words)}; got '{_find_value(param.opts[0], args)}'"
    if match := EXTRA.match(message):
        return f"{message}. {_advise_extra(match[1], command)}"
    if message.startswith("Missing argument"):
        return f"{message.rstrip('.')}. Write {_usage(command)}"
    if (match := NO_COMMAND.match(message)) and match[1] in ELSEWHERE:
        return f"{match[0]}. {ELSEWHERE[match[1]]}"
    return message


def _describe_option(option: str, command: Any, args: Sequence[str]) -> str:
    """Return the error about an unknown option, with the closest option of the command."""
    from graduel.duel.argument_check import suggest_name

    names = [text for one in command.params for text in one.opts if text.startswith("--")]
    known = [name.removeprefix("--").replace("-", "_") for name in names]
    if not option.startswith("--"):  # the parser reads -target as -t -a -r …
        typed = next((word for word in args if word.startswith(option)), option)
        typed = typed.partition("=")[0]
        if f"-{typed}" in names:
            return f"No such option: {typed}. Did you mean '-{typed}'?"
        option = typed
    hint = suggest_name(option.strip("-"), known, "--")
    return f"No such option: {option}{hint}"


def _find_value(option: str, args: Sequence[str]) -> str:
    """Return the last value of an option as it was typed."""
    value = ""
    for word, following in zip(args, [*args[1:], ""], strict=True):
        if word == option:
            value = following
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
    return value


def _advise_extra(words: str, command: Any) -> str:
    """Return what to write instead of arguments that a command does not take."""
    has_data = any("--data" in one.opts for one in command.params)
    if has_data and Path(words).exists():
        return f"Did you mean --data {words}?"
    return f"Write {_usage(command)}"


def _usage(command: Any) -> str:
    """Return a command with its arguments."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    names = [str(one.metavar or one.name).upper().strip("[].") for one in arguments]
    return " ".join(["graduel", command.name, *names])
