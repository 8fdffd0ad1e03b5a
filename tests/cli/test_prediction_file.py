"""Files of predictions in each format that ``graduel predict --out`` writes."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from graduel.cli.app import main
from graduel.cli.views import prediction_file
from graduel.cli.views.prediction_file import WRITERS, PredictedBlocks, make_writer
from graduel.data.read import read_source
from graduel.errors import UserError

FRAME = pl.DataFrame(
    {
        "n": [1, None, 2**60],
        "x": [0.5, float("nan"), float("inf")],
        "word": ["=1+1", "https://a.b\u2028é", None],
        "yes": [True, None, False],
        "day": [date(2020, 1, 2), None, date(1850, 3, 4)],
        "at": [datetime(2020, 1, 2, 3, 4, 5), datetime(2021, 1, 1), None],
        "there": [datetime(2020, 1, 2, 3, tzinfo=UTC), None, datetime(2021, 1, 1, tzinfo=UTC)],
        "clock": [time(1, 2, 3), None, time(4, 5)],
        "took": [timedelta(hours=1), None, timedelta(days=2)],
        "price": [Decimal("1.50"), None, Decimal("2.25")],
        "p": pl.Series([0.25, 0.5, 1.0], dtype=pl.Float32),
    }
)


def blocks(frame=FRAME):
    parts = iter([frame[:1], frame[1:1], frame[1:]])
    return PredictedBlocks(dict(frame.schema), parts)


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_holds_all_rows(tmp_path, ending):
    out = tmp_path / f"out{ending}"
    assert make_writer(out)(blocks()) == 3
    content = read_source(out).content
    assert content.columns == FRAME.columns
    assert content["word"].to_list() == FRAME["word"].to_list()
    if ending in (".parquet", ".arrow", ".feather"):
        assert content.equals(FRAME)
    if ending == ".xlsx":
        assert content["n"].to_list() == ["1", None, str(2**60)]
        assert content["x"].to_list() == ["0.5", None, "inf"]
        assert content["yes"].to_list() == [True, None, False]
        assert content["at"].to_list() == FRAME["at"].to_list()
        assert content["p"].to_list() == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("ending", WRITERS)
def test_no_rows(tmp_path, ending):
    out = tmp_path / f"out{ending}"
    assert make_writer(out)(PredictedBlocks(dict(FRAME.schema), iter([]))) == 0
    assert out.exists()


def test_the_limits_of_excel_are_errors(tmp_path, monkeypatch):
    out = tmp_path / "out.xlsx"
    long = pl.DataFrame({"a": ["x" * 40_000]})
    with pytest.raises(UserError, match="expected at most 32,767 characters in a cell for Excel"):
        make_writer(out)(blocks(long))
    monkeypatch.setattr(prediction_file, "SHEET_ROWS", 3)
    with pytest.raises(UserError, match="expected at most 2 rows for Excel"):
        make_writer(out)(blocks())
    wide = pl.DataFrame([pl.Series(str(i), [1]) for i in range(16_385)])
    with pytest.raises(UserError, match=r"expected at most 16,384 columns for Excel; got 16,385"):
        make_writer(out)(blocks(wide))
    assert not out.exists()
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(UserError, match=r"pip install 'graduel\[excel\]'"):
        make_writer(out)


def test_a_sheet_of_a_workbook_is_predicted(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    table = pl.DataFrame({"x": [i / 4 for i in range(60)], "y": ["ab"[i > 30] for i in range(60)]})
    make_writer(tmp_path / "rows.xlsx")(PredictedBlocks(dict(table.schema), iter([table])))
    net = ["--threads", "1", "--net", "layers=4 epochs=2 batch_size=16 lr=0.01"]
    assert main(["train", "rows.xlsx", "--target", "y", *net, "--out", "net"]) == 0
    assert main(["predict", "net", "rows.xlsx::predictions", "-o", "out.jsonl"]) == 0
    assert "note: sheet 'predictions', column names in row 1" in capsys.readouterr().err
    content = read_source("out.jsonl").content
    assert content["x"].to_list() == table["x"].to_list()
    assert content.columns[2:] == ["predicted y", "probability of a", "probability of b"]
