"""Workbooks of Excel and OpenDocument: sheet, header row, types, and hostile archives."""

from __future__ import annotations

import re
import sys
import zipfile
from datetime import datetime

import pandas as pd
import polars as pl
import pytest

from graduel.cli.app import main
from graduel.data.read import read_source
from graduel.data.read.file_checks import memory_check
from graduel.data.read.row_stream import open_stream
from graduel.errors import UserError

pytest.importorskip("fastexcel")
xlsxwriter = pytest.importorskip("xlsxwriter")

COLUMNS = {
    "size": [1.5, None, 3.0],
    "n": [1, 2, 3],
    "town": ["Ulm", "Köln \u2028", None],
    "open": [True, False, None],
    "since": [datetime(2001, 2, 3), None, datetime(1999, 12, 31, 23, 59)],
}


def write(path, sheets):
    """Write a workbook: sheets of rows, None for an empty cell."""
    with xlsxwriter.Workbook(str(path), {"strings_to_formulas": False}) as book:
        dates = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    if isinstance(value, datetime):
                        sheet.write_datetime(i, j, value, dates)
                    elif value is not None:
                        sheet.write(i, j, value)
    return path


def rows_of(columns):
    return [list(columns), *zip(*columns.values(), strict=True)]


def refuse(path, **options):
    with pytest.raises(UserError) as error:
        read_source(path, **options)
    assert "\n" not in str(error.value)
    assert str(path).partition("::")[0] in str(error.value)
    return str(error.value)


def test_a_workbook(tmp_path):
    path = write(tmp_path / "book.xlsx", {"One": rows_of(COLUMNS)})
    source = read_source(path)
    assert source.content.to_dict(as_series=False) == COLUMNS
    assert source.content.dtypes == [
        pl.Float64, pl.Int64, pl.String, pl.Boolean, pl.Datetime("ms")
    ]  # fmt: skip
    assert (source.name, source.notes) == ("book", ("sheet 'One', column names in row 1",))
    # The bytes tell, not the name.
    assert read_source(path.rename(tmp_path / "book.bin")).content.equals(source.content)


def test_an_open_document(tmp_path):
    pytest.importorskip("odf")
    path = tmp_path / "book.ods"
    pd.DataFrame({"a": [1.5, 2.0], "b": ["x", "y"]}).to_excel(path, index=False, engine="odf")
    source = read_source(path)
    assert source.content.to_dict(as_series=False) == {"a": [1.5, 2.0], "b": ["x", "y"]}
    assert source.notes == ("sheet 'Sheet1', column names in row 1",)


def test_the_first_sheet_with_cells_unless_one_is_named(tmp_path, capsys):
    sheets = {"Empty": [], "Data": [["a"], [1], [2]], "More data": [["b"], ["x"], ["y"]]}
    path = write(tmp_path / "book.xlsx", sheets)
    source = read_source(path)
    assert source.content.columns == ["a"]
    assert source.notes == (
        "other sheets are not read: 'More data'. Name one of them as book.xlsx::More data",
        "sheet 'Data', column names in row 1",
    )
    source = read_source(f"{path}::more data")
    assert source.content.to_dict(as_series=False) == {"b": ["x", "y"]}
    assert source.name == "book-more data"
    assert source.notes == ("sheet 'More data', column names in row 1",)
    assert read_source(path, part="More data").content.columns == ["b"]
    assert (
        "expected the name of a sheet after ::, 'Empty', 'Data', 'More data'; got 'Dat'. Did"
        in (refuse(f"{path}::Dat"))
    )
    assert "sheet 'Empty' is empty" in refuse(f"{path}::Empty")
    assert "expected the name of a table after ::" in refuse(f"{path}:: ")
    assert "every sheet is empty" in refuse(write(tmp_path / "empty.xlsx", {"A": [], "B": []}))
    assert main(["data", f"{path}::More data"]) == 0
    assert "sheet 'More data'" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rows", "names", "where"),
    [
        ([["Sales of 2024"], [], ["town", "year"], ["Ulm", 1999]], ["town", "year"], "row 3"),
        ([[1, 2], [3, 4]], ["column_1", "column_2"], "no header"),
        ([["country", 1990, 1991], ["x", 1, 2], ["y", 2, 3]], None, "no header"),
        ([["id", None, "a", "a"], ["x", 1, 2, 3]], ["id", "column_2", "a", "a_2"], "row 1"),
        ([["a", "b"], ["x", "y"]], ["a", "b"], "row 1"),
    ],
)
def test_the_header_row(tmp_path, rows, names, where):
    source = read_source(write(tmp_path / "book.xlsx", {"S": rows}))
    assert where in source.notes[0]
    assert names is None or source.content.columns == names


def test_the_header_row_as_told(tmp_path):
    path = write(tmp_path / "book.xlsx", {"S": [["country", 1990, 1991], ["x", 1, 2], ["y", 2, 3]]})
    assert read_source(path, header=True).content.columns == ["country", "1990", "1991"]
    path = write(tmp_path / "words.xlsx", {"S": [["a", "b"], ["x", "y"]]})
    assert read_source(path, header=False).content.rows() == [("a", "b"), ("x", "y")]


def test_cells_of_several_types_and_missing_words(tmp_path):
    rows = [["a", "b", "c"], [1, "NA", 2**40], ["x", " ", 3], [None, None, None], [2.5, "y", 4]]
    source = read_source(write(tmp_path / "book.xlsx", {"S": rows}))
    assert source.content.to_dict(as_series=False) == {
        "a": ["1", "x", "2.5"],
        "b": [None, None, "y"],
        "c": [2**40, 3, 4],
    }
    assert "1 empty rows are left out" in source.notes


def test_a_cell_far_away_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 10 << 20)
    path = tmp_path / "far.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet().write(1_048_575, 16_383, 1)
    assert "needs about 549.8 GB of memory" in refuse(path)


def rewrite(path, name, old, new):
    """Replace bytes in a member of a workbook."""
    with zipfile.ZipFile(path) as archive:
        members = {one: archive.read(one) for one in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, content in members.items():
            archive.writestr(one, content.replace(old, new) if one == name else content)


def test_a_repeated_cell_does_not_fill_the_memory(tmp_path, monkeypatch):
    pytest.importorskip("odf")
    path = tmp_path / "book.ods"
    pd.DataFrame({"a": [1.5, 2.0]}).to_excel(path, index=False, engine="odf")
    repeated = b'<table:table-cell table:number-columns-repeated="999999999"'
    rewrite(path, "content.xml", b"<table:table-cell", repeated)
    assert "of memory" in refuse(path)


def test_a_zip_bomb(tmp_path, monkeypatch):
    path = write(tmp_path / "book.xlsx", {"S": [["a"], [1]]})
    rewrite(path, "xl/styles.xml", b"<styleSheet", b"<styleSheet" + b" " * (64 << 20))
    assert path.stat().st_size < 1 << 20
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 32 << 20)
    assert "needs about 67.1 MB of memory; 33.6 MB are free" in refuse(path)


def test_a_directory_that_lies_about_sizes(tmp_path):
    path = write(tmp_path / "book.xlsx", {"S": [["a"], [1]]})
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    raw = path.read_bytes()
    at = raw.rfind(b"PK\x01\x02", 0, raw.rfind(b"xl/worksheets/sheet1.xml"))
    assert raw[at + 24 : at + 28] == size.to_bytes(4, "little")
    path.write_bytes(raw[: at + 24] + (9).to_bytes(4, "little") + raw[at + 28 :])
    assert "its archive cannot be unpacked" in refuse(path)


def test_damaged_workbooks(tmp_path, capsys):
    path = write(tmp_path / "book.xlsx", {"S": [["a"], [1]]})
    raw = path.read_bytes()
    path.write_bytes(raw[:-40])
    refuse(path)
    path.write_bytes(b"a,b\n1,2\n")
    assert "expected a workbook; got a file that begins with b'a,b\\n1,'" in refuse(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    refuse(path)
    assert main(["data", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1


def test_without_the_package(tmp_path, monkeypatch):
    path = write(tmp_path / "book.xlsx", {"S": [["a"], [1]]})
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    assert re.search(r"Run python -m pip install 'graduel\[excel\]'$", _refusal(path))


def _refusal(path):
    with pytest.raises(UserError) as error:
        read_source(path)
    return str(error.value)


def test_a_part_of_a_file_with_one_table(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match="holds one table, not several"):
        read_source(f"{path}::x")
    with pytest.raises(UserError, match="holds one table"):
        open_stream(f"{path}::x")
    odd = tmp_path / "a::b.csv"
    odd.write_text("a,b\n1,2\n")
    assert read_source(odd).content.rows() == [(1, 2)]
