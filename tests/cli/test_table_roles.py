"""Tables that look like one: training and test rows, or slices in a folder."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graduel.cli import main

SMALL = ["--contenders", "textbook", "--threads", "1", "--no-probes", "--target", "y"]


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_table(path, n=60, seed=0, names=("a", "b", "y")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        values = np.random.default_rng(seed).normal(size=(n, 2)).round(3)
        columns = dict(zip(names, [values[:, 0], values[:, 1], np.arange(n) % 2], strict=True))
        pl.DataFrame(columns).write_csv(tmp_path / path)

    return write_table


def run(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["graduel", *args])
    return main(list(args))


def commands_in(message):
    """Return the commands that a message writes out, as words."""
    return [
        shlex.split(part.split(". For a duel on each")[0].strip())[1:]
        for part in message.strip().split(": ")
        if part.startswith("graduel duel")
    ]


@pytest.mark.parametrize(
    ("names", "flip"),
    [
        (("train.csv", "test.csv"), 0),
        (("test_set.csv", "myTrain.csv"), 1),
        (("X-train.csv", "X-eval.csv"), 0),
    ],
)
def test_training_and_test_rows_are_not_a_suite(write, monkeypatch, capsys, names, flip):
    for seed, name in enumerate(names):
        write(name, seed=seed)
    assert run(monkeypatch, "duel", *names, *SMALL) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    first, second = commands_in(message)
    assert run(monkeypatch, *first, "--plan-only", "--out", "one") == 0
    assert json.loads(Path("one/duel.json").read_text())["source"]["test"] == names[1 - flip]
    assert run(monkeypatch, *second, "--plan-only", "--out", "two") == 0
    assert len(json.loads(Path("two/suite.json").read_text())["datasets"]) == 2


def test_a_folder_of_slices_is_not_a_suite(write, monkeypatch, capsys):
    for month in range(3):
        write(f"months/m{month}.csv", n=40 + month, seed=month)
    assert run(monkeypatch, "duel", "months", *SMALL) == 2
    message = capsys.readouterr().err
    assert "got 3 with the same" in message
    first, second = commands_in(message)
    assert "--suite" in second
    assert run(monkeypatch, *first, "--split", "holdout", "--out", "one") == 0
    data = json.loads(Path("one/result.json").read_text())["dataset"]
    assert data["rows"] == 40 + 41 + 42
    assert data["name"] == "months"


def test_tables_of_other_columns_are_a_suite(write, monkeypatch, tmp_path):
    write("tables/train.csv")
    write("tables/test.csv", names=("a", "c", "y"))
    assert run(monkeypatch, "duel", "tables", *SMALL, "--plan-only", "--out", "run") == 0
    assert (tmp_path / "run" / "suite.json").exists()


def test_files_of_a_table_that_differ_are_not_joined(write, monkeypatch, capsys):
    write("a.csv")
    write("b.csv", names=("a", "c", "y"))
    assert run(monkeypatch, "duel", "a.csv", "b.csv", "--concat", *SMALL) == 2
    assert "b.csv must have the columns of a.csv; it lacks 'b'" in capsys.readouterr().err
    assert run(monkeypatch, "duel", "a.csv", "--concat", *SMALL) == 2
    assert "--concat: expected a folder of tables" in capsys.readouterr().err


def test_a_suite_has_no_single_test_table(write, monkeypatch, capsys):
    for name in ("a.csv", "b.csv", "c.csv"):
        write(name)
    assert run(monkeypatch, "duel", "a.csv", "b.csv", "--test", "c.csv", *SMALL) == 2
    assert "--test: expected one data set; got 2" in capsys.readouterr().err


def test_a_model_is_trained_with_a_test_table(write, monkeypatch, capsys):
    write("train.csv")
    write("test.csv", n=17, seed=1)
    args = ["train", "train.csv", "--test", "test.csv", "--target", "y", "--threads", "1"]
    assert run(monkeypatch, *args, "--epochs", "2", "--out", "m.safetensors", "--json") == 0
    assert json.loads(capsys.readouterr().out)["test_rows"] == 17
