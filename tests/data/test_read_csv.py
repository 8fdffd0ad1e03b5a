"""The CSV reader on files as found in practice, and its one-line errors."""

from __future__ import annotations

import csv
import gzip
import zipfile

import numpy as np
import polars as pl
import pytest

from graduel.data.read import read_source
from graduel.data.read.delimited import csv as reader
from graduel.data.read.delimited.cells import to_numbers
from graduel.data.read.delimited.dialect import detect_dialect
from graduel.data.read.row_stream import open_stream
from graduel.data.text.date_formats import to_dates
from graduel.errors import UserError


def table(path, **options):
    return read_source(path, **options).content


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,x\n2,y\n", [(1, "x"), (2, "y")]),
        ("a;b\n1,5;x\n2;y\n", [(1.5, "x"), (2.0, "y")]),
        ("1,5;2,5\n3,5;4,5\n", [(1.5, 2.5), (3.5, 4.5)]),
        ("a\tb\n1.5\tx, y\n2\ty\n", [(1.5, "x, y"), (2.0, "y")]),
        ("a|b\n1|x\n", [(1, "x")]),
        ("a b\n1   x\n22  y\n", [(1, "x"), (22, "y")]),
        ("a;b\n1.234,5;x\n2;y\n", [(1234.5, "x"), (2.0, "y")]),
        ('a,b\n"1,234.5",x\n"12",y\n', [(1234.5, "x"), (12.0, "y")]),
        ('a,b\n"1,234.5",x\n"1,2.5",y\n', [("1,234.5", "x"), ("1,2.5", "y")]),
        ("a,b\n007,x\n12,y\n", [("007", "x"), ("12", "y")]),
        ("a,b\ninf,x\n-inf,y\n", [(np.inf, "x"), (-np.inf, "y")]),
        ("a,b\nNA,x\n1,?\n,y\n", [(None, "x"), (1, None), (None, "y")]),
        ("a,b\n-,x\n1.5,-\n", [(None, "x"), (1.5, "-")]),
        ("a,b\r\n1,x\n2,y\r3,z\r\n", [(1, "x"), (2, "y"), (3, "z")]),
        ('a,b\n1,"x\ny"\n2,"he said ""no"""\n', [(1, "x y"), (2, 'he said "no"')]),
        ('a,b\n1,5" pipe\n2,y\n', [(1, '5" pipe'), (2, "y")]),
        ('a,b\n1, "x, y"\n2, z \n', [(1, "x, y"), (2, "z")]),
        ("a,b,c\n1,x,2\n3\n4,y,\n", [(1, "x", 2), (3, None, None), (4, "y", None)]),
        ("a,b\n1,x,\n2,y,\n", [(1, "x", None), (2, "y", None)]),
        ("\n\na,b\n\n1,x\n\n", [(1, "x")]),
        ("a,b\n1,x", [(1, "x")]),
        ("a,b\n1,x\x1fy\n", [(1, "x y")]),
        ("a,b\n99999999999999999999,x\n", [(1e20, "x")]),
    ],
)
def test_cells(write, content, rows):
    assert table(write(content)).rows() == rows


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("a,b\n1,2\n", ["a", "b"]),
        ("1,2\n3,4\n", ["column_1", "column_2"]),
        ("T,2,8\nI,5,12\n", ["column_1", "column_2", "column_3"]),
        ("x,y\nred,blue\ngreen,red\n", ["x", "y"]),
        ("a,a,a_2,\n1,2,3,4\n", ["a", "a_3", "a_2", "column_4"]),
        ('"two\nlines",größe 😀\n1,2\n', ["two lines", "größe 😀"]),
        ("x,y\nr1,1,2\nr2,3,4\n", ["column_1", "x", "y"]),
        (",x\n0,1.5\n1,2.5\n", ["column_1", "x"]),
    ],
)
def test_headers(write, content, names):
    assert table(write(content)).columns == names


@pytest.mark.parametrize(
    ("encoding", "note"),
    [("utf-8", ""), ("utf-8-sig", ""), ("utf-16", "utf-16"), ("cp1252", "cp1252")],
)
def test_encodings(write, encoding, note):
    source = read_source(write("größe,€\n1,süß\n2,“q”\n".encode(encoding)))
    assert source.content.columns == ["größe", "€"]
    assert source.content["€"].to_list() == ["süß", "“q”"]
    assert note in " ".join(source.notes)
    assert bool(source.notes) == bool(note)


def test_compressed_files(write, tmp_path):
    rows = [(1, "x"), (2, "y")]
    raw = b"a,b\n1,x\n2,y\n"
    assert table(write(gzip.compress(raw), "a.csv.gz")).rows() == rows
    with zipfile.ZipFile(tmp_path / "one.zip", "w") as archive:
        archive.writestr("folder/one.csv", raw)
        archive.writestr("__MACOSX/one.csv", b"junk")
    assert table(tmp_path / "one.zip").rows() == rows
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("one.csv", raw)
        archive.writestr("two.csv", raw)
    with pytest.raises(UserError, match=r"one file in it; got 2 files \('one.csv', 'two.csv'\)"):
        table(tmp_path / "two.zip")
    with pytest.raises(UserError, match="damaged or cut short"):
        table(write(gzip.compress(raw * 100)[:-9], "cut.csv.gz"))


def test_options_override(write):
    path = write("a;b\n1,5;2,5\n3,5;4,5\n")
    assert table(path, separator=",", header=False).shape == (3, 3)
    assert table(path, decimal=".").rows()[0] == ("1,5", "2,5")
    assert table(path, header=False).rows()[0] == ("a", "b")
    assert table(write("1,2\n3,4\n"), header=True).columns == ["1", "2"]
    assert table(write("é,b\n1,2\n".encode("cp1252")), encoding="cp437").columns[0] != "é"
    assert table(write("a\tb\n1\t2\n"), separator="tab").columns == ["a", "b"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"separator": "::"}, "separator must be one character"),
        ({"decimal": ";"}, r"decimal must be '.' or ','; got ';'"),
        ({"separator": ",", "decimal": ","}, "must differ"),
        ({"encoding": "klingon"}, "encoding must be one that Python knows"),
        ({"encoding": "ascii"}, "is not in the encoding ascii"),
    ],
)
def test_invalid_options(write, option, message):
    with pytest.raises(UserError, match=message):
        read_source(write("ä,b\n1,2\n"), **option)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n \n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"a,b\n", "expected rows under the header; got only the header"),
        (b"a,b,c\n1,2,3\n4,5,6,7\n", r"line 3: expected 3 cells, as the header has; got 4 .*'7'"),
        (b'a,b\n1,"x\n2,y\n3,z\n', r"line 2: expected a quote to be closed; .* until line 4"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "expected a table of text; got an image"),
        (bytes(range(256)) * 4, "got binary data"),
        (b"a\0b,c\n1,2\n", "got binary data.*--encoding"),
        (
            b'a,b\n1,"x,y\n2,"x,y\n',
            "line 2: expected a quote to be closed; it is closed inside .* line 3",
        ),
        (b"a,b,c,d\n1,2\n3,4\n", r"line 2: expected 4 cells.*more than 2 \(column 3: 'c'"),
        (b"My title\n\na,b,c\n1,2,3\n4,5,6\n", "line 1: expected 3 cells.*got one .'My title'"),
        (b"# why\n\n# how\na,b\n1,2\n4,5,6\n", "line 6: expected 2 cells.*got 3"),
        (b"[[1, 2], [3, 4]]", "got JSON. Save it as CSV"),
        (b"<!DOCTYPE html><html></html>", "got HTML or XML"),
        (b"@relation a\n@attribute b real\n@data\n1\n", "got an ARFF file"),
        (b"SQLite format 3\0" + bytes(90), "expected a complete SQLite database"),
        (b"BZh91AY&SY" + bytes(90), "got a bzip2 file. Unpack it first"),
        (b"\x80\x04\x95" + bytes(50), "got a Python pickle, which is never loaded"),
    ],
)
def test_files_that_are_not_tables(write, content, message):
    path = write(content)
    with pytest.raises(UserError, match=message) as error:
        read_source(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"a,b\n1,x\n2,y\n".decode().encode("utf-16-le"),
        b"a,b\n1,x\n2,y\n".decode().encode("utf-16-be"),
        "a,b\n1,x\n2,y\n".encode("utf-32"),
        b"sep=;\na;b\n1;x\n2;y\n",
        b"# made by hand\n\n# twice\na,b\n1,x\n2,y\n",
        b"a,b\n1,x\n2,y\n\x1a",
        b"\n\na,b\n1,x\n\n2,y\n\n",
    ],
)
def test_one_table_in_several_notations(write, content):
    result = table(write(content))
    assert result.rows() == [(1, "x"), (2, "y")]
    assert result.columns == ["a", "b"]


def test_a_header_may_begin_with_the_comment_sign(write):
    assert table(write("#a,b\n1,x\n")).columns == ["#a", "b"]
    assert table(write("color,b\n#fff,x\n#000,y\n"))["color"].to_list() == ["#fff", "#000"]
    assert len(table(write("#fff,x\n#000,y\n#aaa,z\n"))) == 2


def test_cells_of_a_million_characters(write):
    long = "word, " * 200_000
    result = table(write(f'a,b\n1,"{long}"\n2,y\n'))
    assert result["b"].to_list() == [long.strip(), "y"]
    assert csv.field_size_limit() == 131072


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["5%", "7.5 %", None], [5, 7.5, None]),
        (["$1,000.50", "-$3", "$-4"], [1000.5, -3, -4]),
        (["3 €", "2.5€", "-"], [3, 2.5, None]),
        (["1\u00a0000", "12\u202f345.5", "7"], [1000, 12345.5, 7]),
        (["1'000'000", "2"], [1e6, 2]),
        (["5%", "7"], [5, 7]),
        (["5%", "$7"], None),
        (["1\u00a00", "2"], None),
        (["12345678901234567890123", "12345678901234567890124"], None),
        (["100000000000000000000", "0.5"], [1e20, 0.5]),
    ],
)
def test_numbers_with_currency_signs_and_thousands_separators(cells, numbers):
    result = to_numbers(pl.Series(cells))
    assert (result if result is None else result.to_list()) == numbers


def test_missing_files_and_unknown_names(tmp_path):
    with pytest.raises(UserError, match="expected a file or a folder; there is no such path"):
        read_source(tmp_path / "none.csv")
    with pytest.raises(UserError, match="Did you mean 'iris'"):
        read_source("irsi")
    with pytest.raises(UserError, match=r"a folder of images \(PNG, JPEG"):
        read_source(tmp_path)


def test_notes(write):
    source = read_source(write("a;b\n1,5;?\n2,5\nNA;x\nNA;y\n"))
    text = " | ".join(source.notes)
    for part in ("separated by ';'", "decimal comma", "'NA' (2), '?' (1)", "1 line has too few"):
        assert part in text
    assert "(first: line 3)" in text
    assert source.decimal == ","


def test_a_column_with_late_text_is_text_from_its_first_row(write, monkeypatch):
    from graduel.data.read.delimited import csv as module

    monkeypatch.setattr(module, "BLOCK", 100)
    lines = [f"{i},{i}.50,{i},x" for i in range(60)]
    path = write("\n".join(["a,b,c,d", *lines, "1.5,1.50,late,?"]))
    read = table(path)
    assert read.dtypes == [pl.Float64, pl.Float64, pl.String, pl.String]
    assert read["c"].to_list() == [*map(str, range(60)), "late"]
    assert read["b"].to_list() == [*(i + 0.5 for i in range(60)), 1.5]
    assert "'?' (1)" in read_source(path).notes[0]


def test_quoted_cells_may_span_blocks(write, monkeypatch):
    from graduel.data.read.delimited import csv as module

    monkeypatch.setattr(module, "BLOCK", 20)
    rows = [(i, f"text {i}\nsecond, {i}\n", "z") for i in range(50)]
    path = write("")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("a", "b", "c"), *rows])
    read = table(write(path.read_bytes()))
    assert read["a"].to_list() == list(range(50))
    assert read["b"].to_list() == [f"text {i} second, {i}" for i in range(50)]


def test_blocks_concatenate_to_the_table(write, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK", 2000)
    path = write("a,b\n" + "".join(f"{i},w{i}\n" for i in range(1000)))
    blocks = [block.read for block in open_stream(path).blocks]
    assert len(blocks) > 4
    assert pl.concat(blocks).equals(table(path).cast(pl.String))


def test_wide_tables(write):
    rng = np.random.default_rng(0)
    wide = rng.normal(size=(20, 3000)).round(3)
    text = ",".join(f"f{i}" for i in range(3000)) + "\n"
    text += "\n".join(",".join(map(str, row)) for row in wide)
    np.testing.assert_array_equal(table(write(text)).to_numpy(), wide)


@pytest.mark.long
def test_a_million_rows(tmp_path):
    resource = pytest.importorskip("resource")
    rng = np.random.default_rng(0)
    n, path = 1_000_000, tmp_path / "big.csv"
    frame = pl.DataFrame({f"f{i}": rng.normal(size=n) for i in range(29)})
    frame = frame.with_columns(y=pl.Series(rng.choice(["yes", "no"], n)))
    frame.write_csv(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert table(path).equals(frame)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_500_000


@pytest.mark.parametrize("decimal", [".", ","])
def test_numbers_agree_with_python(decimal):
    rng = np.random.default_rng(1)
    values = [float(v) for v in rng.normal(size=200) * 10.0 ** rng.integers(-8, 8, 200)]
    text = pl.Series([repr(v).replace(".", decimal) for v in values])
    assert to_numbers(text, decimal).to_list() == values
    grouped = [f"{v:,.2f}" for v in values]
    swap = str.maketrans(",.", ".,") if decimal == "," else {}
    read = to_numbers(pl.Series([g.translate(swap) for g in grouped]), decimal)
    assert read.to_list() == [float(g.replace(",", "")) for g in grouped]


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2024-01-31", None], "%Y-%m-%d"),
        (["2024-01-31 10:20", "2024-02-01 00:00"], "%Y-%m-%d %H:%M"),
        (["2024-01-31T10:20:30Z"], "%Y-%m-%dT%H:%M:%SZ"),
        (["31.12.2023"], "%d.%m.%Y"),
        (["5 Jan 2020", "6 Feb 2021"], "%d %b %Y"),
        (["12/31/2023", "1/2/2024"], "%m/%d/%Y"),
        (["01/02/2024", "03/04/2024"], None),
        (["2024-13-01"], None),
        (["1-2-3"], None),
        (["2024-01-01", "soon"], None),
        ([None], None),
    ],
)
def test_dates(cells, form):
    result = to_dates(pl.Series(cells, dtype=pl.String))
    assert (result and result[1]) == form
    if form:
        assert result[0].null_count() == cells.count(None)


def test_dialect(write):
    result = detect_dialect(write("a;b\n1,5;x\n"))
    assert (result.separator, result.decimal, result.encoding) == (";", ",", "utf-8-sig")
    assert result.header
    assert result.names == ("a", "b")
