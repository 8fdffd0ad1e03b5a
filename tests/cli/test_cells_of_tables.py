"""How cells are read on the command line: the same in training, prediction, and every format."""

from __future__ import annotations

from io import StringIO

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from graduel.cli.actions import data
from graduel.cli.app import main

SMALL = ("--target", "label", "--net", "layers=4 epochs=2", "--threads", "1")


def rows(n, **columns):
    rng = np.random.default_rng(0)
    number = pl.Series("num", rng.normal(size=n).round(3))
    return pl.DataFrame([number]).with_columns(**columns)


def predict(tmp_path, frame, name, code=0):
    """Return the probabilities of rows in a file with this name."""
    out = tmp_path / f"{name}.out.parquet"
    if name.endswith("parquet"):
        frame.write_parquet(tmp_path / name)
    else:
        frame.write_csv(tmp_path / name)
    assert main(["predict", str(tmp_path / "m"), str(tmp_path / name), "-o", str(out)]) == code
    return None if code else pl.read_parquet(out).to_numpy()[:, -2:].tolist()


def train(tmp_path, frame, *options):
    frame.write_csv(tmp_path / "train.csv")
    args = ["train", str(tmp_path / "train.csv"), *SMALL, *options, "--out", str(tmp_path / "m")]
    assert main(args) == 0


@pytest.mark.parametrize("trained", [["True", "False"], ["yes", "no"], [1, 0]])
def test_booleans_are_the_same_in_every_spelling_and_format(tmp_path, capsys, trained):
    label = pl.Series("label", ["pos", "neg"] * 40)
    train(tmp_path, rows(80, flag=pl.Series(trained * 40), label=label))
    spellings = {
        "words.csv": ["True", "False"],
        "digits.csv": [1, 0],
        "flags.parquet": [True, False],
        "digits.parquet": [1, 0],
        "text.parquet": ["true", "false"],
    }
    answers = [
        predict(tmp_path, rows(4, flag=pl.Series(cells * 2)), name)
        for name, cells in spellings.items()
    ]
    assert all(one == answers[0] for one in answers)
    capsys.readouterr()
    predict(tmp_path, rows(4, flag=pl.Series(["maybe", "1"] * 2)), "maybe.csv", code=2)
    error = capsys.readouterr().err
    expected = "numbers" if trained == [1, 0] else "true or false"
    assert f"expected {expected}; rows 1, 3 hold 'maybe', 'maybe'. Correct the cells" in error
    assert "--categorical" not in error
    assert error.count("\n") == 1


def test_dates_and_times_are_features_and_order_the_rows(tmp_path):
    days = [f"{1 + i % 28:02}-{1 + i % 12:02}-{2010 + i % 10}" for i in range(84)]
    frame = rows(
        84,
        dmy=pl.Series(days),
        clock=pl.Series([f"{i % 24:02}:{i * 7 % 60:02}:00" for i in range(84)]),
        label=pl.Series(["a", "b"] * 42),
    )
    train(tmp_path, frame, "--time", "dmy")
    assert predict(tmp_path, frame, "a.csv") == predict(tmp_path, frame, "a.parquet")


def test_options_for_missing_cells_and_dates(tmp_path, capsys):
    cells = pl.Series(["1.5", "unknown", "2", "n/k"] * 20)
    when = pl.Series(["01/02/2024", "03/04/2024"] * 40)
    frame = rows(80, x=cells, when=when, label=pl.Series(["a", "b"] * 40))
    frame.write_csv(tmp_path / "t.csv")
    options = ["--missing", "unknown,n/k", "--date-order", "dmy"]
    assert main(["data", str(tmp_path / "t.csv"), "--target", "label", *options]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "column 'x': read as missing: 'n/k' (20), 'unknown' (20)" in out
    assert "the day comes first ('01/02/2024' is 2024-02-01)" in out
    assert main(["data", str(tmp_path / "t.csv")]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "warning GRD023: column 'when' holds dates such as '01/02/2024'" in out


def test_the_columns_fit_into_80_characters(tmp_path, monkeypatch):
    n = 60
    frame = rows(
        n,
        price=pl.Series([f"${i + 1},234.50" for i in range(n)]),
        year=pl.Series([1900 + 2 * i for i in range(n)]),
        label=pl.Series(["a", "b"] * 30),
    )
    frame.write_csv(tmp_path / "t.csv")
    monkeypatch.setattr(data, "_console", lambda: console)
    for width, reason in (
        (80, "numeric (text; every cell is a number): 'price'"),
        (100, "│ text;"),
    ):
        console = Console(file=StringIO(), width=width)
        data.show_dataset(str(tmp_path / "t.csv"), {"target": "label"})
        out = console.file.getvalue()
        assert reason in out
        assert max(map(len, out.splitlines())) <= width
        assert "1900 to 2018" in out
        rows_of_table = [line for line in out.splitlines() if line.startswith("│")]
        assert len(rows_of_table) <= 9
