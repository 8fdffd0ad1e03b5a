"""Help, version, doctor, and the lists of names: explained from the code, in 80 columns."""

from __future__ import annotations

import json
import re
from importlib.metadata import version

import pytest

from graduel import kernels
from graduel.cli.app import GROUPS, command_name, main
from graduel.contenders.registry import contender_names
from graduel.errors import UserError
from graduel.metrics.metric import METRICS, get_metric
from graduel.train.build.part_registry import KINDS
from graduel.train.recipes import RECIPES

COMMANDS = [command_name(one) for group in GROUPS.values() for one in group]


def run_command(capsys, *args, code=0):
    assert main(list(args)) == code
    out = capsys.readouterr()
    return out.out if code == 0 else out.err


def test_graduel_alone_shows_the_help_by_task(capsys):
    text = run_command(capsys)
    assert text == run_command(capsys, "--help") == run_command(capsys, "help")
    assert [line[:-1] for line in text.splitlines() if re.match(r"[A-Z].*:$", line)] == [
        "Options",
        *GROUPS,
        "First steps",
    ]
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", text, re.MULTILINE), command


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_whole_sentences_in_80_columns(capsys, command):
    text = run_command(capsys, "help", command)
    assert text == run_command(capsys, command, "--help")
    assert text.startswith(f"Usage: graduel {command}")
    assert max(map(len, text.splitlines())) <= 80
    assert "..." not in text.replace("[NAME]...", "").replace("[DATASET]...", "")
    listed = re.search(rf"^  {command} .*\n(?: {{8,}}.*\n)*", run_command(capsys), re.MULTILINE)
    assert listed[0].strip().endswith(".")


def test_an_unknown_command_is_one_line_with_a_suggestion(capsys):
    for args in (["help", "dule"], ["dule"]):
        message = run_command(capsys, *args, code=2)
        assert message.count("\n") == 1
        assert "Did you mean 'duel'" in message


def test_the_version_names_the_kernels(capsys):
    text = run_command(capsys, "version")
    assert text == run_command(capsys, "--version")
    assert text == f"graduel {version('graduel')} ({kernels.describe()} kernels)\n"


def test_the_doctor_names_what_a_run_would_use(capsys, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    facts = json.loads(run_command(capsys, "doctor", "--json"))
    assert facts["kernels"]["in use"].split()[0] in ("numpy", "numba")
    assert {"numpy", "scipy", "scikit-learn", "polars"} <= set(facts["packages"])
    assert facts["BLAS"]["OPENBLAS_CORETYPE"] == "Haswell"
    assert any("thread" in text for text in facts["BLAS"].values())
    assert {"onnx", "tune", "web", "fast"} <= set(facts["extras"])
    assert not {"test", "lint"} & set(facts["extras"])
    assert set(facts) >= {"machine", "cache", "browser"}
    text = run_command(capsys, "doctor")
    assert {line for line in text.splitlines() if line[:1] != " "} == set(facts)
    for name in ("numpy", "scipy", "scikit-learn", "polars"):
        assert re.search(rf"^  {name} +\d", text, re.MULTILINE), name


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("contenders", contender_names()),
        ("metrics", [*METRICS, "f1", "f1_macro", "average_precision"]),
        ("recipes", list(RECIPES)),
        ("parts", [name for names in KINDS.values() for name in names]),
    ],
)
def test_every_name_is_listed_and_explained(capsys, command, names):
    text = run_command(capsys, command)
    assert max(map(len, text.splitlines())) <= 80
    for name in names:
        assert re.search(rf"^  {name}(\s|$)", text, re.MULTILINE), name
    everything = json.loads(run_command(capsys, command, "--json"))
    summaries = {one["name"]: one["summary"] for one in everything}
    assert set(names) <= set(summaries)
    assert all(summary.strip() for summary in summaries.values())
    for name in names[:3]:
        explained = run_command(capsys, command, name)
        assert name in explained
        assert len(explained.splitlines()) > 1
    message = run_command(capsys, command, "nosuchname", code=2)
    assert message.count("\n") == 1
    assert f"graduel {command} lists the names" in message


def test_details_are_those_of_the_code(capsys):
    assert re.search(r"beta2 +default 0\.999", run_command(capsys, "parts", "adamw"))
    assert re.search(r"epochs +64", run_command(capsys, "recipes", "tabular"))
    assert "--positive LABEL" in run_command(capsys, "metrics", "f1")
    assert "saved model" in run_command(capsys, "contenders", "xgboost")
    assert "schedule\n  constant" in run_command(capsys, "parts", "constant")
    with pytest.raises(UserError):
        get_metric("nosuchname")
