"""Files whose cells are easily shifted: escaped quotes, single quotes, unquoted commas, blanks."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from graduel.data.read import read_source
from graduel.data.read.delimited import csv as reader
from graduel.data.read.row_stream import open_stream
from graduel.errors import UserError


def lines(head, row, n=60):
    return "\n".join([head, *(row(i) for i in range(n))]) + "\n"


@pytest.mark.parametrize(
    ("head", "row", "first"),
    [
        ("x,note,y", lambda i: rf'{i % 7},"said \"hi, {i}\" twice",a', 'said "hi, 0" twice'),
        ("x,note,y", lambda i: rf'{i % 7},"5\" pipe",a', '5" pipe'),
        ("x,note,y", lambda i: f"{i % 7},'Doe, J {i}',a", "Doe, J 0"),
        ("x,note,y", lambda i: f"{i % 7},'it''s, {i}',a", "it's, 0"),
        ("x,note,y", lambda i: rf"{i % 7},'it\'s, {i}',a", "it's, 0"),
        ("x\tnote\ty", lambda i: f"{i % 7}\t{chr(34) * (i == 0)}Lost {i}\ta", '"Lost 0'),
        ("x\tnote\ty", lambda i: f"{i % 7}\t{chr(34) * (i in (0, 9))}Lost {i}\ta", '"Lost 0'),
        ("x\tnote\ty", lambda i: f'{i % 7}\t"Lost" {i}\ta', '"Lost" 0'),
    ],
)
def test_another_quote_is_used_if_only_it_fits_all_lines(write, head, row, first):
    source = read_source(write(lines(head, row)))
    assert source.content.columns == ["x", "note", "y"]
    assert source.content.height == 60
    assert source.content["note"][0] == first
    assert "--quote" in " ".join(source.notes)


def test_null_of_mysql_is_missing_in_files_with_backslashes(write):
    path = write(lines("x,note,y", lambda i: rf'{i % 7 or chr(92) + "N"},"a \"{i}\"",{i % 2}'))
    column = read_source(path).content["x"]
    assert column.dtype.is_integer()
    assert column.null_count() == 9


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ("price,z,y", lambda i: f"{i % 9 + 1},{100 + i},{i % 5},a"),
        ("price,z,y", lambda i: f"{i + 1},{100 + i},{i % 5},a"),
        ("z,price,y", lambda i: f"{i},{i % 9 + 1},{100 + i},a"),
        ("name,z,y", lambda i: f"Doe{i}, J,{i % 5},a"),
        ("z,name,y", lambda i: f"{i},Doe{i}, J,a"),
        ("name age y", lambda i: f"John Doe{i} {i % 9} a"),
    ],
)
def test_a_first_column_that_may_hold_parts_of_cells_is_refused(write, head, row):
    path = write(lines(head, row))
    with pytest.raises(UserError, match=r"line 2: expected 3 cells.*got 4.*--names") as error:
        read_source(path, separator=" " if "," not in head else None)
    assert "\n" not in str(error.value)
    if "," in head:
        read = read_source(path, names=("a", "b", "c", "d")).content
        assert read.columns == ["a", "b", "c", "d"]
        assert read.height == 60


@pytest.mark.parametrize(
    ("head", "row"),
    [
        ('"x","word"', lambda i: f'"{i + 1}",{i % 7},"red"'),
        ('"x" "word"', lambda i: f'"{i + 1}" {i % 7} "red"'),
        ("x\tword", lambda i: f"gene{i}\t{i % 7}\tred"),
        ("x;word", lambda i: f"r{i};{i % 7};red"),
    ],
)
def test_row_names_as_r_writes_them(write, head, row):
    source = read_source(write(lines(head, row)))
    assert source.content.columns == ["column_1", "x", "word"]
    assert source.content["x"].dtype.is_integer()
    assert "row name" in source.findings[0].message


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ('1.5  2   3\t"a b"\n2.5  4   5\t"c d"\n', [(1.5, 2, 3, "a b"), (2.5, 4, 5, "c d")]),
        ("1.5  2\t'a b'\n2.5  4\t'c d'\n", [(1.5, 2, "a b"), (2.5, 4, "c d")]),
        ('  1   "a b"\n 22  "c d"\n', [(1, "a b"), (22, "c d")]),
        ("x y\tz\n1 2.5\ta\n3 4.5\tb\n", [(1, 2.5, "a"), (3, 4.5, "b")]),
        ("1,5 2,5\n3,5 4,5\n", [(1.5, 2.5), (3.5, 4.5)]),
        ("John Smith\t5\nJane Doe\t6\n", [("John Smith", 5), ("Jane Doe", 6)]),
    ],
)
def test_blanks_and_tabs(write, content, rows):
    assert read_source(write(content)).content.rows() == rows
    assert read_source(write("1 200\t5\n3 400\t6\n")).content.width == 2  # thousands


def test_blanks_with_missing_cells_and_one_tab(write):
    """The form of auto-mpg.data."""
    power = ["?" if i % 7 == 3 else f"{130 + i}.0" for i in range(60)]
    rows = [f'{18 + i % 9}.0   8   {power[i]}    3504.\t"ford {i} x"' for i in range(60)]
    read = read_source(write("\n".join(rows))).content
    assert read.shape == (60, 5)
    assert [dtype.is_numeric() for dtype in read.dtypes] == [True] * 4 + [False]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "-1 qid:3 7:1 \n+1 3:nan # c\n1\n" * 9,
            "expected qid in each row or in none; got it in 9",
        ),
        ("% 1. Title\n%\n@RELATION p\n\n@ATTRIBUTE a NUMERIC\n@DATA\n1\n", "got an ARFF file"),
    ],
)
def test_other_formats_are_named(write, content, message):
    with pytest.raises(UserError, match=message):
        read_source(write(content))


def test_rows_of_libsvm_are_numbers(write):
    read = read_source(write("0 1:0.5 2:1\n1 2:0.5 3:1e-3\n+1 3:nan # c\n1\n" * 9)).content
    assert read.height == 36
    assert all(dtype.is_numeric() for dtype in read.dtypes)


def test_quotes_after_the_examined_lines(write, monkeypatch):
    from graduel.data.read.delimited import dialect

    monkeypatch.setattr(dialect, "LINES", 20)
    path = write(lines("x,note,y", lambda i: r'1,"a \"b\" c",d' if i == 40 else "1,b,c"))
    with pytest.raises(UserError, match=r"line 42: expected quotes inside a cell to be doubled"):
        read_source(path)
    assert read_source(path, quote='"').content.height == 60
    path = write(
        lines("x\tnote\ty", lambda i: f"{i}\t{chr(34) * (i == 40)}b{chr(34) * (i == 42)}\tc")
    )
    with pytest.raises(UserError, match=r"line 42: .*lines 42 to 44.*--quote none"):
        read_source(path)
    assert read_source(path, quote="none").content.height == 60


def test_invalid_quote(write):
    with pytest.raises(UserError, match="quote must be one of"):
        read_source(write("a,b\n1,2\n"), quote="`")


CELLS = st.text(st.sampled_from("abc ,\"'\\;\t0159.\n"), min_size=1, max_size=9)


@st.composite
def dialects(draw):
    """Draw a table with a header of words, and the text that a csv writer makes of it."""
    quote, escape = draw(st.sampled_from([('"', None), ('"', "\\"), ("'", None), ("'", "\\")]))
    separator = draw(st.sampled_from(",;\t|"))
    n, width = draw(st.integers(3, 12)), draw(st.integers(2, 4))
    rows = draw(
        st.lists(
            st.lists(CELLS.map(str.strip).filter(bool), min_size=width, max_size=width),
            min_size=n,
            max_size=n,
        )
    )
    table = [
        [f"name {i}" for i in range(width + 1)],
        *([str(i), *row] for i, row in enumerate(rows)),
    ]
    file = io.StringIO()
    writer = csv.writer(
        file,
        delimiter=separator,
        quotechar=quote,
        escapechar=escape,
        doublequote=escape is None,
        quoting=csv.QUOTE_NONNUMERIC,
        lineterminator="\n",
    )
    writer.writerows([[*table[0]], *([int(row[0]), *row[1:]] for row in table[1:])])
    return table, file.getvalue(), separator


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(case=dialects())
def test_written_cells_are_read_or_refused(tmp_path_factory, case):
    table, text, separator = case
    path = tmp_path_factory.mktemp("syntax") / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    try:
        read = read_source(path, separator=separator).content
    except UserError as error:
        assert "\n" not in str(error)
        assert "line " in str(error)
        return
    assert read.columns == table[0]
    assert read["name 0"].to_list() == [int(row[0]) for row in table[1:]]


THOUSANDS = st.integers(1000, 999_999).map(lambda v: f"{v:,}")
NAMES = st.sampled_from(["Doe, J", "Roe, K", "Poe, E A", "Moe, L"])


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(
    cells=st.lists(st.tuples(THOUSANDS, NAMES), min_size=3, max_size=30),
    kind=st.integers(0, 1),
    place=st.integers(0, 2),
)
@example(cells=[("1,100", "Doe, J"), ("2,100", "Roe, J"), ("3,100", "Poe, J")], kind=0, place=0)
def test_unquoted_commas_never_shift_cells(tmp_path_factory, cells, kind, place):
    """One column of cells with a comma: refused, or set aside as row names with a finding."""
    path = tmp_path_factory.mktemp("shift") / "table.csv"
    rows = [[f"{i % 3}.5", "ab"[i % 2]] for i in range(len(cells))]
    for row, pair in zip(rows, cells, strict=True):
        row.insert(place, pair[kind])
    text = "\n".join(",".join(row) for row in [["p", "q", "r"], *rows])
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"line \d+: expected 3 cells"):
        read_source(path)


def test_streams_read_the_same_cells(write, monkeypatch):
    monkeypatch.setattr(reader, "BLOCK", 100)
    path = write(lines("x,note,y", lambda i: rf'{i % 7},"said \"hi, {i}\"",a'))
    blocks = [block.read for block in open_stream(path, names=("a", "b", "c")).blocks]
    assert sum(map(len, blocks)) == 60
    assert blocks[0].columns == ["a", "b", "c"]
    assert blocks[-1]["b"][-1] == 'said "hi, 59"'
