"""``graduel duel`` and ``graduel data`` on files of one's own."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

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
        (["mine.csv", "--target", "age"], "--bins 3"),
        (["mine.csv", "--target", "outcome", "--split", "half"], "split must be given, holdout"),
        (["mine.csv", "--target", "outcome", "--split", "given"], "has none"),
        (["mine.csv", "--target", "outcome", "--metric", "acuracy"], "Did you mean 'accuracy'?"),
        (["mine.csv", "--target", "outcome", "--rope", "2"], "rope must be at least 0 and below 1"),
        (["mine.csv", "--target", "outcome", "--rows", "500"], "rows must be between 2 and 120"),
        (["mine.csv", "--target", "outcome", "--drop", "towm"], "Did you mean 'town'?"),
        (["mine.csv", "--target", "outcome", "--group", "town"], "5 groups or more; it has 2"),
        (["mine.csv", "--target", "outcome", "--time", "town"], "expected dates"),
        (["mine.csv", "--target", "outcome", "--numeric", "town"], "expected numbers"),
        (["mine.csv", "--target", "outcome", "--size", "big"], "--size must be HEIGHTxWIDTH"),
        (["mine.csv", "--target", "outcome", "--encoding", "klingon"], "klingon"),
        (["none.csv", "--target", "outcome"], "there is none"),
        (["mnist", "--target", "digit"], "--target goes with a table"),
        (["mnist", "--split", "5x2"], "a test part of its own"),
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
    assert "note: column 'id' is set aside" in done.stderr
    assert "in each fold of 3x1" in " ".join(done.stdout.split())
    assert "Spread over folds" in done.stdout
    result = json.loads((folder / "run" / "result.json").read_text())
    page = (folder / "run" / "report.html").read_text(encoding="utf-8")
    assert result["environment"]["command"].startswith("graduel duel mine.csv --target outcome")
    assert len(result["contenders"]["net"]["test_errors"]) == 3
    for told in (json.dumps(result), page):
        assert str(folder) not in told
        assert "Ulm" not in told
    assert "Columns: 1 numeric, 1 categorical" in page
    assert (folder / "mine.csv").read_bytes() == before


def test_data_lists_what_is_known(capsys):
    assert main(["data"]) == 0
    said = capsys.readouterr().out
    for name in ("mnist", "iris", "openml:NAME"):
        assert name in said


def test_data_shows_a_table(capsys, folder):
    assert main(["data", "mine.csv", "--target", "outcome"]) == 0
    said = capsys.readouterr().out
    for text in ("150 rows", "age", "numeric", "town", "categorical", "good", "66.7 %"):
        assert text in said
    assert "column 'id' is set aside" in said
    code, line = complaint(capsys, "data", "mine.csv")
    assert code == 2
    assert "--target outcome" in line


def test_data_shows_images(capsys):
    assert main(["data", "digits"]) == 0
    assert "images of 8 × 8 pixels" in capsys.readouterr().out
