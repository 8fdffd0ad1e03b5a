"""A command that refuses options given twice and settings without quotes."""

from __future__ import annotations

import re
from collections import Counter
from itertools import takewhile
from pathlib import Path
from typing import Any

from typer.core import TyperArgument, TyperCommand, TyperOption

from graduel.cli.advice import add_command
from graduel.cli.options import SPACED
from graduel.errors import UserError

PAIR = re.compile(r"(\w+)=")
NAME = re.compile(r"[\w -]+(,[\w -]*)*")
"""A word that may be part of a list: no path and no address."""


class Command(TyperCommand):
    """A command whose options are checked while they are parsed.

    A list option adds up if it is repeated; any other option with a value may be given once. Words
    such as ``activation=relu`` after ``--net layers=64`` are refused as settings without quotes,
    and ``b`` after ``--drop a``, unless it is a file, as a list without a comma.
    The help lists arguments without the names of Python types.
    """

    def get_params(self, *args: Any, **options: Any) -> list[Any]:
        """Return the parameters."""
        parameters = list(super().get_params(*args, **options))
        for parameter in parameters:
            if isinstance(parameter, TyperArgument):
                vars(parameter)["display_type_rich"] = lambda ctx: ""
        return parameters

    def make_parser(self, ctx: Any) -> Any:
        """Return the parser, which raises `UserError` for such options."""
        parser = super().make_parser(ctx)
        parse = parser.parse_args
        add_command(str(self.name), [text for one in self.get_params(ctx) for text in one.opts])

        def parse_and_check(args: list[str]) -> Any:
            check_lists(self.get_params(ctx), args)
            values, rest, order = parse(args)
            _check_repeats(order)
            arguments = [values.get(one.name) for one in order if isinstance(one, TyperArgument)]
            _check_quotes(values, _flatten([*arguments, rest]))
            return values, rest, order

        parser.parse_args = parse_and_check  # type: ignore[method-assign]
        return parser


def check_lists(parameters: list[Any], args: list[str]) -> None:
    """Raise `UserError` if words follow the value of a list option that belong to the list."""
    lists = {text: one.name for one in parameters if _is_list(one) for text in one.opts}
    for i, option in enumerate(args):
        if option not in lists:
            continue
        words = list(takewhile(lambda word: not word.startswith("-"), args[i + 1 :]))
        if len(words) > 1 and all(map(_is_name, words)):
            parts = [part for word in words for part in word.split(",") if part]
            raise UserError(
                f"{option}: expected a list with commas; got '{words[1]}' as a word of its own. "
                f"Write {option} {','.join(parts)}"
            )


def _is_name(word: str) -> bool:
    """Return whether a word is no file and no data set."""
    if not NAME.fullmatch(word) or Path(word).exists():
        return False
    from graduel.data import DATASETS
    from graduel.data.read.named_data.toy_datasets import TOYS

    return word not in DATASETS and word not in TOYS


def _is_list(parameter: Any) -> bool:
    is_option = isinstance(parameter, TyperOption)
    return is_option and parameter.multiple and parameter.name not in SPACED


def _check_repeats(order: list[Any]) -> None:
    """Raise `UserError` if an option with a single value occurs twice."""
    for option, n in Counter(one for one in order if isinstance(one, TyperOption)).items():
        if n > 1 and not (option.multiple or option.is_flag):
            raise UserError(
                f"{option.opts[0]}: expected one value; the option is given {n} times. Give it once"
            )


def _check_quotes(values: dict[str, Any], words: list[str]) -> None:
    """Raise `UserError` if ``key=value`` words follow the settings of ``--net`` or ``--vary``."""
    name = next((one for one in SPACED if values.get(one)), None)
    pairs = [word for word in words if PAIR.match(word)]
    if name is None or not pairs:
        return
    from graduel.train.build.recipe_parser import KEYS

    if all(word.partition("=")[0] in KEYS for word in pairs):
        text = " ".join([*values[name], *pairs])
        raise UserError(
            f"--{name}: expected settings in one text; got '{pairs[0]}' as a word of its own. "
            f'Write quotes around them: --{name} "{text}"'
        )


def _flatten(values: list[Any]) -> list[str]:
    """Return the words of arguments, some of which are lists."""
    words: list[str] = []
    for value in values:
        words += [value] if isinstance(value, str) else [str(one) for one in value or ()]
    return words
