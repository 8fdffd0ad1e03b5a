"""What is typed wrong gets one line that says what to type."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.main import get_command

from graduel.cli.app import app, main
from graduel.cli.option_check import check_lists
from graduel.duel.argument_check import SYNONYMS
from graduel.errors import UserError

COMMANDS = get_command(app).commands
OPTIONS = {
    name: {text: one for one in command.params for text in one.opts if text.startswith("--")}
    for name, command in COMMANDS.items()
}
LISTS = [
    (name, text)
    for name, options in OPTIONS.items()
    for text, one in options.items()
    if one.multiple and one.name not in ("net", "vary", "contender")
]


def get_error(capsys, *args):
    """Return the error line of a command that fails."""
    assert main(list(args)) == 2
    err = capsys.readouterr().err
    assert err.startswith("graduel: ")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["duel", "--tagret", "y"], "No such option: --tagret. Did you mean '--target'?"),
        (["duel", "-target", "y"], "No such option: -target. Did you mean '--target'?"),
        (["duel", "--cv", "5"], "No such option: --cv. Did you mean '--split'?"),
        (["duel", "--learning-rate", "5"], "Did you mean '--lr'?"),
        (["train", "--contenders", "net"], "Did you mean '--contender'?"),
        (["predict", "m", "x", "--zzz"], "No such option: --zzz\n"),
        (["duel", "--seeds", "two"], "'--seeds': expected a whole number; got 'two'"),
        (["duel", "--rope=1%"], "'--rope': expected a number; got '1%'"),
        (["serve", "--port", "80000"], "'--port': expected at most 65535; got '80000'"),
        (["predict"], "Missing argument 'MODEL'. Write graduel predict MODEL ROWS"),
        (["serve", "a", "b"], "extra argument(s) (b). Write graduel serve SOURCE"),
        (["export", "m"], "No such command 'export'. Networks are exported in Python: graduel.exp"),
        (["duel", "--drop", "a", "b"], "--drop: expected a list with commas; got 'b' as a word"),
        (["duel", "--drop", "a,", "b"], "Write --drop a,b\n"),
        (["duel", "--contenders", "net", "xgboost"], "Write --contenders net,xgboost"),
        (["duel", "iris", "--lr", "fast"], "--lr must be a number above 0; got 'fast'"),
        (
            ["duel", "iris", "--epochs", "1.5"],
            "--epochs must be an integer of at least 1; got '1.5'",
        ),
        (["duel", "iris", "--net", "epochs=1.5"], "epochs in --net must be an integer"),
        (["recipes", "net-best"], "graduel recipes lists the names. Run graduel contenders net-b"),
        (["parts", "f1"], "graduel parts lists the names. Run graduel metrics f1"),
        (["train", "--out", "m.onnx"], "expected a name ending in .safetensors, the format of th"),
    ],
)
def test_the_message_says_what_to_type(capsys, monkeypatch, tmp_path, args, message):
    monkeypatch.chdir(tmp_path)
    assert message in get_error(capsys, *args)


def test_a_table_after_the_model_is_the_option_data(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a\n1\n")
    assert "Did you mean --data x.csv?" in get_error(capsys, "inspect", "m.safetensors", "x.csv")


def test_rows_before_the_model_are_told(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.csv").write_text("a\n1\n")
    (tmp_path / "m.safetensors").write_bytes(b"")
    message = "Write graduel predict m.safetensors x.csv"
    assert message in get_error(capsys, "predict", "x.csv", "m.safetensors")


def test_a_data_set_after_a_list_is_no_part_of_it(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert "column" in get_error(capsys, "duel", "--drop", "a", "iris", "--contenders", "textbook")


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from(sorted(name for name, options in OPTIONS.items() if options)), st.data())
def test_a_suggested_option_exists(capsys, command, data):
    names = sorted(OPTIONS[command])
    option = data.draw(st.sampled_from(names) | st.sampled_from(sorted(SYNONYMS)))
    cut = data.draw(st.integers(3, max(3, len(option) - 1)))
    typed = "--" + option.strip("-").replace("_", "-")[:cut] + "q"
    line = get_error(capsys, command, typed)
    assert typed in line
    for suggestion in re.findall("Did you mean '(.*?)'", line):
        assert suggestion in names


@given(st.sampled_from(LISTS), st.lists(st.from_regex("[a-z]{3,8}q", fullmatch=True), min_size=2))
@settings(deadline=None, max_examples=25)
def test_a_list_without_commas_is_written_with_them(name, words):
    command, option = name
    parameters = COMMANDS[command].params
    with pytest.raises(UserError, match=f"Write {option} {','.join(words)}$"):
        check_lists(parameters, ["x.csv", option, *words, "--quick"])
    check_lists(parameters, [option, ",".join(words), "data/x.csv", "--quick"])
    check_lists(parameters, [option, words[0], "iris"])
