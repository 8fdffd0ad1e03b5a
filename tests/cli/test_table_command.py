"""``graduel duel`` and ``graduel data`` on user files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from unittest import mock

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from graduel.cli.actions import data
from graduel.cli.app import main

NET = "layers=8 epochs=2 batch_size=16 lr=0.01"
SMALL = ["--threads", "1", "--contenders", "net", "--net", NET]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    lines = ["id;age;town;when;outcome"]
    for i in range(150):
        good = i % 3 > 0
        age = f"{20 + 10 * good + rng.normal():.1f}".replace(".", ",")
        town = ["Ulm", "Kiel"][int(rng.integers(2))]
        lines.append(f"{i};{age};{town};2024-01-{1 + i % 28:02};{'good' if good else 'bad'}")
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def complaint(capsys, *args):
    code = main(list(args))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("graduel: ")
    assert said.err.count("\n") == 1
    return code, said.err


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mine.csv"], "Likely: --target outcome"),
        (["mine.csv", "--target", "outcom"], "Did you mean 'outcome'?"),
        (["mine.csv", "--target", "age", "--contenders", "logistic"], "--bins 3"),
        (["mine.csv", "--target", "outcome", "--split", "half"], "split must be given, shuffle"),
        (["mine.csv", "--target", "outcome", "--split", "given"], "has none"),
        (["mine.csv", "--target", "outcome", "--metric", "acuracy"], "Did you mean 'accuracy'?"),
        (["mine.csv", "--target", "outcome", "--rope", "2"], "rope must be at least 0 and below 1"),
        (["mine.csv", "--target", "outcome", "--rows", "500"], "rows must be between 2 and 120"),
        (["mine.csv", "--target", "outcome", "--drop", "towm"], "Did you mean 'town'?"),
        (
            ["mine.csv", "--target", "outcome", "--group", "town"],
            "at least 5 groups for --split 5x2; got one with 2",
        ),
        (["mine.csv", "--target", "outcome", "--time", "town"], "expected dates"),
        (["mine.csv", "--target", "outcome", "--numeric", "town"], "expected numbers"),
        (["mine.csv", "--target", "outcome", "--size", "big"], "--size: expected HEIGHTxWIDTH"),
        (["mine.csv", "--target", "outcome", "--encoding", "klingon"], "klingon"),
        (["none.csv", "--target", "outcome"], "there is no such path"),
        (["mnist", "--target", "digit"], "--target applies to tables only"),
        (["mnist", "--split", "half"], "split must be given, shuffle"),
        (["irs"], "Did you mean 'iris'?"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(capsys, folder, args, message):
    code, line = complaint(capsys, "duel", *args)
    assert code == 2
    assert message in line
    assert sorted(path.name for path in folder.iterdir()) == ["mine.csv"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.csv", b""),
        ("binary.csv", bytes(range(256)) * 8),
        ("two.csv", b"x,y\n1,a\n2,b\n"),
        ("one.csv", b"x,y\n" + b"1,a\n" * 40),
        ("missing.csv", b"x,y\n" + b",a\n,b\n" * 40),
        ("broken.parquet", b"PAR1 and no more"),
        ("broken.npz", b"PK\x03\x04"),
    ],
)
def test_files_that_cannot_be_duelled_on(capsys, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    code, _ = complaint(capsys, "duel", str(path), "--target", "y", "--out", str(tmp_path / "run"))
    assert code == 2
    assert path.read_bytes() == content


def test_a_table_from_the_file_to_the_report(folder):
    args = ["--target", "outcome", "--drop", "when", "--split", "3x1", *SMALL, "--out", "run"]
    before = (folder / "mine.csv").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "graduel", "duel", str(folder / "mine.csv"), *args],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "info GRD026: column 'id' is dropped" in done.stderr
    assert "in the first fold (3x1)" in " ".join(done.stdout.split())
    assert "SD over folds" in done.stdout
    result = json.loads((folder / "run" / "result.json").read_text())
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert result["environment"]["command"].startswith("graduel duel mine.csv --target outcome")
    assert len(result["contenders"]["net"]["test_errors"]) == 3
    for told in (json.dumps(result), page):
        assert str(folder) not in told
        assert "Ulm" not in told
    assert "Columns: 1 numeric, 1 categorical" in page
    assert (folder / "mine.csv").read_bytes() == before


def test_data_lists_the_named_data_sets(capsys):
    assert main(["data"]) == 0
    said = capsys.readouterr().out
    for name in ("mnist", "iris", "openml:NAME"):
        assert name in said


def test_data_shows_a_table(capsys, folder):
    assert main(["data", "mine.csv", "--target", "outcome"]) == 0
    said = capsys.readouterr().out
    for text in ("150 rows", "age", "numeric", "town", "categorical", "good", "66.7 %"):
        assert text in said
    assert "column 'id' is dropped" in said
    assert "mine.csv" in said
    assert "1 of 150 rows (0.7 %) repeat" in said


def test_data_asks_for_the_target_with_the_candidates_shown(capsys, folder):
    assert main(["data", "mine.csv"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "150 rows, 5 columns" in said
    assert "column 'id' is dropped" in said
    assert "Target column? Likely: --target outcome (2 values, last column" in said
    code, line = complaint(capsys, "data", "mine.csv", "--drop", "towm")
    assert code == 2
    assert "Did you mean 'town'?" in line


@pytest.mark.parametrize("answer", ["1", "outcome"])
def test_a_duel_asks_on_a_terminal(capsys, folder, monkeypatch, answer):
    from graduel.cli import data_source

    asked = []
    monkeypatch.setattr(data_source, "is_interactive", lambda: True)
    monkeypatch.setattr(data_source.typer, "prompt", lambda text, err: asked.append(text) or answer)
    args = ["mine.csv", "--quick", "--split", "2x1", *SMALL, "--out", "run"]
    assert main(["duel", *args]) == 0
    assert len(asked) == 1
    assert "1  outcome (2 values, last column" in capsys.readouterr().err
    assert json.loads((folder / "run" / "result.json").read_text())["dataset"]["target"] == (
        "outcome"
    )


def test_data_shows_the_distribution_of_each_column(capsys, tmp_path):
    rows = [f"{i % 3},{'ab'[i % 4 == 0]},{'xy'[i % 2]}" for i in range(60)]
    path = tmp_path / "table.csv"
    path.write_text("n,word,target\n" + "\n".join(rows), encoding="utf-8")
    assert main(["data", str(path), "--target", "target"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "███" in next(line for line in lines if "│ n " in line)
    assert "█▃" in next(line for line in lines if "│ word " in line)
    assert "██████████ │" in next(line for line in lines if "│ x " in line)
    assert "54 of 60 rows" in " ".join(lines)


@pytest.mark.parametrize("target", [[], ["--target", "label"]])
def test_data_shows_years_without_and_other_numbers_with_commas(capsys, tmp_path, target):
    mixed = [i * 7 % 101 for i in range(202)]
    rows = [f"{1900 + i},{1200 + i * 50},{i / 8 + 1200},{'ab'[i % 2]}" for i in mixed]
    path = tmp_path / "houses.csv"
    path.write_text("built,price,area,label\n" + "\n".join(rows), encoding="utf-8")
    assert main(["data", str(path), *target]) == 0
    output = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for text in ("1900 to 2000", "median 1950", "1,200 to 6,200", "median 3,700", "median 1,206"):
        assert text in output


def test_data_prints_no_control_sequences(capsys, tmp_path):
    path = tmp_path / "table.csv"
    rows = ["[b]x[/b],\x1b[31mred,1", *["y,green,2"] * 300]
    path.write_text("c,\x1b]0;title\x07 name,target\n" + "\n".join(rows), encoding="utf-8")
    for target in ([], ["--target", "target"], ["--target", "]0;title name"]):
        assert main(["data", str(path), *target]) == 0
        said = capsys.readouterr().out
        assert "\x1b" not in said
        assert "\x07" not in said


def test_only_some_of_very_many_columns_are_listed(capsys, tmp_path):
    path = tmp_path / "wide.csv"
    names = ",".join(f"f{i}" for i in range(3000))
    rows = [",".join(str(i * j % 7) for j in range(3000)) + f",{i % 2}" for i in range(40)]
    path.write_text(f"{names},target\n" + "\n".join(rows), encoding="utf-8")
    assert main(["data", str(path), "--target", "target"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "429 columns are dropped (constant): 'f0', 'f7'" in said
    assert "2,471 more" in said


def test_data_downloads_from_openml_once(capsys, server, tmp_path):
    made, asked = server
    assert main(["data", "openml:small"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "openml:7 (small): downloaded from http://127.0.0.1" in said
    assert str(tmp_path / "cache") in said
    assert "license: Public" in said
    assert len(asked) == 3
    made.shutdown()
    made.server_close()
    assert main(["data", "openml:7"]) == 0
    assert "openml:7 (small): cached" in " ".join(capsys.readouterr().out.split())
    assert main(["data"]) == 0
    assert "small, downloaded from OpenML" in " ".join(capsys.readouterr().out.split())
    kept = tmp_path / "cache" / "openml" / "7.parquet"
    kept.write_bytes(kept.read_bytes() + b"x")
    code, line = complaint(capsys, "data", "openml:7")
    assert (code, "has changed since it was downloaded" in line) == (2, True)


def test_data_shows_images(capsys):
    assert main(["data", "digits"]) == 0
    assert "images of 8 × 8 pixels" in capsys.readouterr().out


def test_data_samples_rows_only_of_a_table_in_a_file(capsys, folder):
    assert main(["data", "mine.csv", "--target", "outcome", "--rows", "30"]) == 0
    assert "30 of 150 rows" in " ".join(capsys.readouterr().out.split())
    for name, message in (("iris", "a table in a file"), ("mnist", "table")):
        code, line = complaint(capsys, "data", name, "--rows", "30")
        assert code == 2
        assert message in line


@pytest.mark.parametrize("terminal", ["1", ""])
def test_a_search_shows_its_progress(capsys, folder, monkeypatch, terminal):
    monkeypatch.setenv("FORCE_COLOR", terminal)  # empty: no terminal
    args = ["duel", "iris", "--split", "holdout", "--trials", "2", "--contenders", "logistic"]
    assert main([*args, "--quick", "--no-probes", "--out", str(folder / "run")]) == 0
    assert "finished" in capsys.readouterr().err


@settings(max_examples=4, deadline=None)
@given(names=st.lists(st.text("abc _", min_size=1, max_size=150), min_size=3, max_size=3))
def test_no_cell_has_more_than_five_lines_in_80_columns(tmp_path_factory, names):
    path = tmp_path_factory.getbasetemp() / "wide.parquet"
    names = [f"{name}{i}" for i, name in enumerate(names)]
    word = names[0] * 2
    cells = [[word, "x"] * 20, [1.23456e-7 * i for i in range(40)], [None, 2**62] * 20]
    pl.DataFrame(dict(zip(names, cells, strict=True))).write_parquet(path)
    output = io.StringIO()
    with mock.patch.object(data, "_console", return_value=Console(file=output, width=80)):
        assert main(["data", str(path)]) == 0
    lines = output.getvalue().split("Distribution")[1].split("└")[0].splitlines()[2:]
    cell = longest = 0
    for line in lines:
        first = line.split("│")[2].strip() if line.count("│") > 3 else ""
        cell = 1 if first else cell + 1
        longest = max(longest, cell)
    assert 1 <= longest <= 5
