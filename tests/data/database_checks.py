"""What holds for every database server: refusals without passwords, and the commands."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.data.source import open_source
from graduel.errors import UserError

PASSWORD = "p:w@d"
QUOTED = "p%3Aw%40d"


def refuse(text: str) -> str:
    """Return the message of a refusal: one line without the password."""
    with pytest.raises(UserError) as error:
        read_source(text)
    assert "\n" not in str(error.value)
    assert QUOTED not in str(error.value)
    assert PASSWORD not in str(error.value)
    return str(error.value)


def run_commands(table: str, folder: Path, monkeypatch, capsys) -> None:
    """Show, train and predict a table of 60 rows with the columns a, r and b."""
    monkeypatch.chdir(folder)
    assert main(["data", table]) == 0
    assert "60 rows, 3 columns" in capsys.readouterr().out
    net = ["--threads", "1", "--net", "layers=4 epochs=2 batch_size=16 lr=0.01"]
    assert main(["train", table, "--target", "r", *net, "--out", "net"]) == 0
    assert main(["predict", "net", table, "-o", "out.csv"]) == 0
    assert pl.read_csv("out.csv")["a"].to_list() == list(range(1, 61))
    assert QUOTED.encode() not in Path("net").read_bytes()
    assert QUOTED not in str(open_source(table, target="r").spec)
