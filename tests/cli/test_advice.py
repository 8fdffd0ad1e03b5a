"""No command advises an option that it does not have."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import graduel
from graduel.cli.advice import OPTION, add_command, fit_advice, foreign_options
from graduel.cli.app import GROUPS, list_options, main

ROOT = Path(graduel.__file__).parent
COMMANDS = [
    one.__name__.removeprefix("show_").replace("_", "-")
    for group in GROUPS.values()
    for one in group
]
OPTIONS = {command: list_options(command) for command in COMMANDS}
OF_OTHER_PROGRAMS = {"--no-deps"}


def messages():
    """Return the texts of the package that name an option, with 0 for values, by module."""
    texts = []
    for path in sorted(ROOT.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        inner = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in node.values
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.JoinedStr):
                text = "".join(
                    part.value if isinstance(part, ast.Constant) else "0" for part in node.values
                )
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = "" if id(node) in documented | inner else node.value
            else:
                continue
            if OPTION.search(text):
                texts.append((path.relative_to(ROOT).as_posix(), text))
    return texts


MESSAGES = messages()


def test_every_option_in_a_message_is_one_of_some_command():
    assert len(MESSAGES) > 100
    known = set().union(*OPTIONS.values()) | OF_OTHER_PROGRAMS | {"--version"}
    for module, text in MESSAGES:
        assert set(OPTION.findall(text)) <= known, (module, text)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_message_advises_only_options_of_its_command(command):
    add_command(command, OPTIONS[command])
    for module, text in MESSAGES:
        *_, own = module.split("cli/actions/") if "cli/actions/" in module else ("",)
        if own.removesuffix(".py") == command:
            assert not foreign_options(text), (module, text)
        _, *rest = re.split(r"(?<=[.;!?])\s+", fit_advice(text))
        assert not foreign_options(" ".join(rest)), (module, text)


@given(st.sampled_from(COMMANDS), st.lists(st.sampled_from([t for _, t in MESSAGES]), min_size=1))
def test_advice_is_fitted_once_and_for_all(command, texts):
    add_command(command, OPTIONS[command])
    message = fit_advice("It failed. " + ". ".join(texts))
    assert fit_advice(message) == message
    assert not foreign_options(message)


@pytest.mark.parametrize(
    ("command", "message", "expected"),
    [
        ("predict", "bad cell. Correct it, or give --categorical 'x'", "bad cell. Correct it"),
        ("data", "bad cell. Correct it, or give --categorical 'x'", None),
        ("predict", "cells are separated by ; (--separator to change)", None),
        ("report", "cells are separated by ; (--separator to change)", "cells are separated by ;"),
        ("duel", "Planned. Run the fits: graduel cells run --shard 1/N", None),
        ("duel", "Use one of them with --numeric or --categorical", None),
        ("verdict", "It is wrong. Use --numeric or --classes a,b", "It is wrong. --classes a,b"),
        ("report", "no '--what' here. Done", None),
    ],
)
def test_examples(command, message, expected):
    add_command(command, OPTIONS[command])
    assert fit_advice(message) == (message if expected is None else expected)


def test_a_command_without_the_option_does_not_advise_it(capsys, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("a,b\n" + "".join(f"{i % 7},{i * 1.37}\n" for i in range(40)))
    command = ["--target", "b", "--contenders", "logistic"]
    assert main(["duel", str(table), *command]) == 2
    assert "--bins 3" in capsys.readouterr().err
    assert main(["serve", str(table), "--target", "b", "--port", "0"]) == 2
    message = capsys.readouterr().err
    assert "is a number" in message
    assert "--bins" not in message
