"""Options of all commands: lists add up, single values are given once, quotes are recognized."""

from __future__ import annotations

from importlib import import_module

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.core import TyperArgument
from typer.main import get_command

from graduel.cli.app import app, main
from graduel.cli.options import CLUSTER_OPTIONS, NET_OPTIONS, READ_OPTIONS, SPACED

COMMANDS = get_command(app).commands
SHARED_FIXTURE = [HealthCheck.function_scoped_fixture]
words = st.text("abcdefgh", min_size=1, max_size=5)


def options_of(command):
    return [
        one
        for one in command.params
        if not isinstance(one, TyperArgument) and not one.is_flag and one.name != "help"
    ]


WORKING = [name for name, command in COMMANDS.items() if options_of(command)]


def value_of(option):
    """Return a value that an option accepts."""
    if option.name == "task":
        return "regression"
    return "3" if option.metavar in ("N", "RATE", "NUMBER", "LEVEL", "yes|no|N") else "word"


def arguments_of(command):
    return ["x" for one in command.params if isinstance(one, TyperArgument) and one.required]


@pytest.fixture
def calls():
    """The options with which actions are called, in place of running them."""
    received = []
    with pytest.MonkeyPatch.context() as patch:
        for name in COMMANDS:
            try:
                action = import_module(f"graduel.cli.actions.{name.replace('-', '_')}")
            except ModuleNotFoundError:
                continue
            patch.setattr(action, "run", lambda *values, **options: received.append(options))
        yield received


@settings(deadline=None, max_examples=80, suppress_health_check=SHARED_FIXTURE)
@given(st.sampled_from(WORKING), st.data())
def test_lists_add_up_in_any_order_and_form(calls, name, data):
    command = COMMANDS[name]
    calls.clear()
    used = data.draw(st.lists(st.sampled_from(options_of(command)), unique_by=id, max_size=6))
    texts, expected = [], {}
    for option in used:
        if not option.multiple:
            texts.append([option.opts[0], value_of(option)])
            continue
        values = data.draw(st.lists(words, min_size=1, max_size=4))
        if option.name in SPACED:
            values = [f"lr={value}" for value in values]
        cut = data.draw(st.integers(0, len(values) - 1))
        parts = [part for part in (values[:cut], values[cut:]) if part]
        separator = " " if option.name in SPACED else ","
        texts += [[option.opts[0], separator.join(part)] for part in parts]
        expected[option.name] = (option, values)
    order = data.draw(st.permutations(texts))
    assert main([name, *arguments_of(command), *(word for text in order for word in text)]) == 0
    [received] = calls
    merged = received | received.get("read_options", {})
    for key, (option, values) in expected.items():
        if key in NET_OPTIONS:
            assert sorted(merged["net"].split(f"{key}=")[1].split()[0].split(",")) == sorted(values)
        elif key in SPACED:
            assert sorted(w for w in merged[key].split() if w in values) == sorted(values)
        else:
            assert isinstance(merged[key], tuple), option
            assert sorted(merged[key]) == sorted(values)


@settings(deadline=None, max_examples=40, suppress_health_check=SHARED_FIXTURE)
@given(st.sampled_from(WORKING), st.data())
def test_a_single_value_that_is_given_twice_is_refused(calls, name, data):
    calls.clear()
    single = [one for one in options_of(COMMANDS[name]) if not one.multiple]
    if not single:
        return
    option = data.draw(st.sampled_from(single))
    others = data.draw(st.lists(st.sampled_from(single), unique_by=id, max_size=3))
    used = [option, option, *(one for one in others if one is not option)]
    used = data.draw(st.permutations(used))
    args = [word for one in used for word in (one.opts[0], value_of(one))]
    assert main([name, *arguments_of(COMMANDS[name]), *args]) == 2
    assert calls == []


def test_a_repeated_option_is_named(capsys):
    assert main(["duel", "--seeds", "3", "--rows", "500", "--seeds", "5"]) == 2
    message = capsys.readouterr().err
    assert message == (
        "graduel: --seeds: expected one value; the option is given 2 times. Give it once\n"
    )
    assert main(["predict", "a", "b", "-o", "x.csv", "--out", "y.csv"]) == 2
    assert "--out: expected one value" in capsys.readouterr().err


def test_a_list_keeps_its_order_and_quoted_names(calls):
    calls.clear()
    args = ["--drop", "a", "--drop", 'b,"c, d"', "--contenders", "net", "--contenders", "xgboost"]
    assert main(["duel", *args]) == 0
    assert calls[0]["read_options"]["drop"] == ("a", "b", "c, d")
    assert calls[0]["contenders"] == ("net", "xgboost")


def test_fields_of_a_network_are_options(calls):
    calls.clear()
    net = ["--epochs", "5", "--layers", "64", "--layers", "32", "--net", "dropout=0", "--lr", "0.1"]
    for command in ("duel", "train"):
        assert main([command, *net]) == 0
    for received in calls:
        assert set(received["net"].split()) == {"epochs=5", "layers=64,32", "dropout=0", "lr=0.1"}
    assert not set(NET_OPTIONS) & set(calls[0])


def test_every_field_option_is_one_of_the_recipe():
    from graduel.train.build.recipe_parser import PARSERS

    assert set(NET_OPTIONS) <= set(PARSERS)
    assert not set(NET_OPTIONS) & (set(READ_OPTIONS) | set(CLUSTER_OPTIONS))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (
            ["duel", "--net", "layers=64", "activation=relu"],
            "graduel: --net: expected settings in one text; got 'activation=relu' as a word of its "
            'own. Write quotes around them: --net "layers=64 activation=relu"\n',
        ),
        (["train", "mnist", "--net", "lr=1", "epochs=2"], '--net "lr=1 epochs=2"'),
        (["train", "--net", "layers=64", "epochs=2"], '--net "layers=64 epochs=2"'),
        (
            ["experiment", "--vary", "lr=1,2", "layers=3,4"],
            '--vary "lr=1,2 layers=3,4"',
        ),
        (["duel", "--epochs", "0"], "--epochs must be an integer of at least 1; got '0'"),
        (["duel", "--epochs", "3", "--net", "epochs=4"], "got 'epochs' twice"),
        (["duel", "--net", "loss=mse"], "Did you mean 'squared'?"),
        (["duel", "--net", "loss=cross_entropy"], "Did you mean 'softmax'?"),
        (["duel", "--optimizer", "sgd+momentum"], "Did you mean 'momentum'?"),
        (["duel", "--net", "lr_schedule=cosine"], "Did you mean 'schedule'?"),
        (["experiment", "--vary", "learning_rate=1,2"], "Did you mean 'lr'?"),
    ],
)
def test_mistakes_in_the_settings_of_a_network(capsys, args, message):
    assert main(args) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_every_synonym_suggests_a_name_that_exists():
    from graduel.errors import UserError
    from graduel.train.build import part_registry
    from graduel.train.build.recipe_parser import KEYS
    from graduel.train.build.synonyms import SYNONYMS, unknown_part

    for kind, names in SYNONYMS.items():
        known = KEYS if kind == "key" else part_registry.KINDS[kind]
        assert set(names.values()) <= set(known), kind
        assert not set(names) & {name.replace("_", "") for name in known}, kind
        for got, meant in names.items():
            error = unknown_part(kind, kind, got.upper(), known)
            assert isinstance(error, UserError)
            assert f"Did you mean '{meant}'?" in str(error)
