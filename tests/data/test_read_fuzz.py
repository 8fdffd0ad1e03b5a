"""Random tables from Hypothesis as files: read and inferred, or rejected in one line."""

from __future__ import annotations

import csv
import io

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.schema import Schema
from graduel.data.schema_inference import infer_table
from graduel.data.table_checks import check_table
from graduel.errors import UserError

PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
ODD = st.sampled_from(["a\nb", "a\r\nb", "\t", '"', '5" x', "'", ";", ",", " ", "\x1f", "\x00"])
TEXT = st.integers(0, 9).flatmap(lambda i: ODD if i == 0 else PLAIN)
WORDS = st.sampled_from(["red", "green", "blue", "Yes", "no", "t", "f", "true", "false"])
MISSING = st.sampled_from(["", "NA", "?", "nan", "-", "null", "None"])
NUMBERS = st.one_of(
    st.floats().map(repr),
    st.integers(-(10**20), 10**20).map(str),
    st.floats(-1e6, 1e6).map(lambda v: f"{v:,.2f}"),
    st.floats(-1e6, 1e6).map(lambda v: f"{v:.2f}".replace(".", ",")),
    st.integers(0, 999).map(lambda v: f"{v:05}"),
)
FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%dT%H:%M:%S")
CELLS = st.sampled_from(
    [
        NUMBERS,
        st.integers(0, 3).map(str),
        st.floats(-9, 9).map(lambda v: f"{v:.3f}"),
        WORDS,
        *(st.datetimes().map(lambda d, f=f: d.strftime(f)) for f in FORMATS),
        TEXT,
        st.one_of(NUMBERS, WORDS, TEXT),
    ]
)


@st.composite
def tables(draw):
    """Draw a table's names and rows; sometimes a row has another number of cells."""
    width, n = draw(st.integers(1, 5)), draw(st.integers(0, 30))
    names = draw(st.lists(st.one_of(TEXT, WORDS), min_size=width, max_size=width))
    columns = []
    for _ in range(width):
        cells = draw(CELLS)
        if draw(st.booleans()):
            cells = st.one_of(cells, MISSING)
        columns.append(draw(st.lists(cells, min_size=n, max_size=n)))
    rows = [list(row) for row in zip(*columns, strict=True)]
    if rows and draw(st.integers(0, 9)) == 0:
        odd = draw(st.sampled_from(rows))
        odd[:] = odd[: draw(st.integers(0, width))] + draw(st.lists(TEXT, max_size=2))
    return [names] * draw(st.integers(0, 1)) + rows


@st.composite
def files(draw):
    """Draw a table as the bytes of a file, with correct quotes or none."""
    separator = draw(st.sampled_from(",;\t| "))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = draw(tables())
    if draw(st.booleans()):
        file = io.StringIO()
        csv.writer(file, delimiter=separator, lineterminator=end).writerows(rows)
        text = file.getvalue()
    else:
        text = end.join(separator.join(row) for row in rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return text.encode(encoding, errors="replace")


def schema_of(table):
    return Schema(
        columns=table.columns,
        date_formats=table.formats,
        decimals=table.decimals,
        folded_categories=table.folded,
        missing=table.missing,
    )


def go_through(path, raw, data):
    """Read a file and infer its schema; an error must be one line."""
    path.write_bytes(raw)
    try:
        source = read_source(path)
        frame = source.content
        assert pl.concat([b.written for b in open_stream(path).blocks]).shape == frame.shape
        target = data.draw(st.sampled_from(frame.columns))
        bins = data.draw(st.sampled_from([None, None, 3]))
        table = infer_table(frame, target=target, bins=bins, decimal=source.decimal)
        conformed = schema_of(table).conform(frame[table.rows], decimal=source.decimal)
        findings = [finding.message for finding in check_table(table)]
    except UserError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 1500
    else:
        assert conformed.equals(table.frame)
        used = {c.name for c in table.columns} | {c.name for c in table.set_aside} | {target}
        assert used == set(frame.columns)
        assert set(table.y) == set(range(len(table.classes)))
        for column in table.frame:
            if column.dtype.is_float():
                assert np.isfinite(column.drop_nulls().to_numpy()).all()
        assert not any("\n" in text for text in (*findings, *table.notes, *source.notes))
    assert path.read_bytes() == raw


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "table.csv"


QUIET = (HealthCheck.too_slow, HealthCheck.data_too_large)


@settings(deadline=None, max_examples=80, suppress_health_check=QUIET)
@given(raw=files(), data=st.data())
def test_tables_are_inferred_or_rejected(path, raw, data):
    go_through(path, raw, data)


WRITTEN = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=9, max_size=9),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=9, max_size=9),
    st.lists(
        st.from_regex(r"[a-zé,;\t\"|][a-zé,;\t\"| 0-9]{0,9}[a-z]", fullmatch=True),
        min_size=9,
        max_size=9,
    ),
)


@settings(deadline=None, max_examples=80)
@given(
    columns=st.lists(WRITTEN, min_size=2, max_size=5),
    separator=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_round_trip_of_files_written_by_polars(path, columns, separator, encoding):
    frame = pl.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    frame = frame.with_columns(last=pl.lit("word"))
    path.write_bytes(frame.write_csv(separator=separator).encode(encoding))
    result = read_source(path, separator=separator).content
    assert result.columns == frame.columns
    for read, wrote in zip(result, frame, strict=True):
        if wrote.dtype == pl.String:
            assert read.to_list() == [cell.strip() for cell in wrote]
        elif wrote.null_count() < len(wrote):
            assert read.dtype.is_numeric()
            assert read.cast(wrote.dtype).equals(wrote)


@settings(deadline=None, max_examples=100)
@given(raw=st.binary(max_size=200), data=st.data())
def test_arbitrary_bytes_are_inferred_or_rejected(path, raw, data):
    go_through(path, raw, data)


@pytest.mark.long
@settings(deadline=None, max_examples=5000, suppress_health_check=QUIET)
@given(raw=files(), data=st.data())
def test_many_tables_are_inferred_or_rejected(path, raw, data):
    go_through(path, raw, data)


@settings(deadline=None, max_examples=100)
@given(
    columns=st.lists(
        st.one_of(
            st.lists(st.one_of(st.none(), st.integers(-9, 9)), min_size=25, max_size=25),
            st.lists(st.one_of(st.none(), st.floats()), min_size=25, max_size=25),
            st.lists(st.one_of(st.none(), st.booleans()), min_size=25, max_size=25),
            st.lists(st.one_of(st.none(), st.dates()), min_size=25, max_size=25),
            st.lists(st.one_of(st.none(), WORDS, TEXT), min_size=25, max_size=25),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_dataframes_are_inferred_or_rejected(columns):
    frame = pl.DataFrame({f"c{i}": column for i, column in enumerate(columns)})
    frame = frame.with_columns(y=pl.Series([0, 1, 2, 1, 0] * 5))
    try:
        table = infer_table(frame, target="y")
    except UserError as error:
        assert "\n" not in str(error)
    else:
        check_table(table)
        assert schema_of(table).conform(frame).equals(table.frame)
