"""Tables written by other programs' conventions and read back: the same columns and values.

Reasons for differences, which the generated tables avoid or the comparison allows:

- A row without a value is not told from an empty line or row, so the first column is complete.
- An empty text, and words such as ``NA``, mean a missing value in files of text and workbooks.
- pandas writes JSON with 15 decimals, which may round the largest numbers up to infinity.
- Names that are numbers, above columns of numbers, are not told from a row of data.
- A workbook holds numbers of about 15 digits and no infinity, and does not tell 2.0 from 2.
- A column of one word, true or false, is categorical in files of text.
- openpyxl takes a text that begins with = for a formula.
- Text is compared without surrounding blanks; in a workbook, control characters are not allowed.
"""

from __future__ import annotations

import csv
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.cli.views.prediction_file import PredictedBlocks, make_writer
from graduel.data.column_inference import infer_features
from graduel.data.read import read_source
from graduel.data.read.delimited.cells import MISSING_NUMBER

pytest.importorskip("fastexcel")
pytest.importorskip("xlsxwriter")
duckdb = pytest.importorskip("duckdb")

LETTERS = st.characters(categories=("L", "S", "P", "N"), include_characters=" ")
NAMES = st.text(LETTERS, max_size=5).map(lambda name: " ".join(f"x{name}".split()))
WORDS = st.text(LETTERS, min_size=1, max_size=8).filter(
    lambda text: (
        text.strip()
        and text[0] != "="
        and text.strip().lower() not in {w.lower() for w in MISSING_NUMBER}
    )
)
ZONE = timezone(timedelta(hours=-5, minutes=-30))
DAYS = st.dates(date(1902, 1, 1), date(2199, 12, 31))
MOMENTS = st.datetimes(datetime(1902, 1, 1), datetime(2199, 12, 31)).map(
    lambda when: when.replace(microsecond=0)
)
COLUMNS = (
    (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    (pl.Int64, st.integers(-99, 99)),
    (pl.Float64, st.floats(-1e300, 1e300)),
    (pl.Float64, st.floats(-9, 9).map(lambda value: round(value, 3))),
    (pl.Boolean, st.booleans()),
    (pl.String, st.sampled_from(["red", "Grün", "it's", 'a "b"', "a,b;c", "x\ty"])),
    (pl.String, WORDS),
    (pl.Date, DAYS),
    (pl.Datetime("us"), MOMENTS),
    (pl.Datetime("us", "UTC"), MOMENTS.map(lambda when: when.replace(tzinfo=UTC))),
)


@st.composite
def tables(draw):
    """Draw a table of two to five columns, some with gaps; the first one is complete."""
    n = draw(st.integers(2, 25))
    columns = []
    for name in draw(st.lists(NAMES, min_size=2, max_size=5, unique_by=str.lower)):
        dtype, values = draw(st.sampled_from(COLUMNS))
        cells = draw(st.lists(values, min_size=n, max_size=n))
        gaps = draw(st.lists(st.integers(0, n - 1), max_size=n // 3)) if columns else ()
        if dtype == pl.Boolean:
            cells[:2], gaps = [True, False], [i for i in gaps if i > 1]
        columns.append(
            pl.Series(name, [None if i in gaps else cell for i, cell in enumerate(cells)], dtype)
        )
    return pl.DataFrame(columns)


def to_pandas(table):
    return pd.DataFrame(
        {column.name: pd.Series(column.to_list(), dtype=object) for column in table}
    )


def by_pandas_csv(table, path):
    to_pandas(table).to_csv(path, index=False)


def by_polars_csv(table, path):
    table.write_csv(path)


def by_csv_module(table, path):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=";", quoting=csv.QUOTE_MINIMAL)
        writer.writerows([table.columns, *table.rows()])


def by_r(table, path):
    """Write as R's ``write.csv(row.names = FALSE)`` does."""

    def cell(value):
        if value is None:
            return "NA"
        if isinstance(value, bool):
            return str(value).upper()
        if isinstance(value, int | float):
            return repr(value)
        return '"' + str(value).replace('"', '""') + '"'

    lines = [",".join(map(cell, row)) for row in [table.columns, *table.rows()]]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def by_pandas_json(table, path):
    to_pandas(table).to_json(path, orient="records", date_format="iso", double_precision=15)


def by_polars_json(table, path):
    table.write_ndjson(path)


def by_pandas_excel(table, path):
    without_zones = to_pandas(table).map(
        lambda cell: cell.isoformat() if getattr(cell, "tzinfo", None) else cell
    )
    without_zones.to_excel(path, index=False, engine="openpyxl")


def by_sqlite(table, path):
    names = ", ".join('"' + name.replace('"', '""') + '"' for name in table.columns)
    with closing(sqlite3.connect(path)) as connection:
        kinds = [" BOOLEAN" if dtype == pl.Boolean else "" for dtype in table.dtypes]
        declared = ", ".join(map("".join, zip(names.split(", "), kinds, strict=False)))
        connection.execute(f"CREATE TABLE t ({declared})")
        connection.executemany(
            f"INSERT INTO t VALUES ({', '.join('?' * table.width)})",
            [[str(c) if isinstance(c, date) else c for c in row] for row in table.rows()],
        )
        connection.commit()


class ArrowTable:
    """A table as nothing but Arrow data: of a Polars DataFrame, DuckDB would ask for PyArrow."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


def by_duckdb(table, path):
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET timezone = 'UTC'")
        connection.register("written", ArrowTable(table))
        connection.execute("CREATE TABLE t AS SELECT * FROM written")


def by_graduel(table, path):
    """Write as ``graduel predict --out`` does."""
    make_writer(path)(PredictedBlocks(dict(table.schema), iter([table])))


WRITERS = {
    "pandas.csv": by_pandas_csv,
    "polars.csv": by_polars_csv,
    "module.csv": by_csv_module,
    "r.csv": by_r,
    "pandas.json": by_pandas_json,
    "polars.jsonl": by_polars_json,
    "polars.parquet": lambda table, path: table.write_parquet(path),
    "polars.arrow": lambda table, path: table.write_ipc(path),
    "pandas.xlsx": by_pandas_excel,
    "graduel.xlsx": by_graduel,
    "sqlite.db": by_sqlite,
    "duckdb.db": by_duckdb,
}


def write(table, path):
    WRITERS[path.name](table, path)


def plain(column):
    """Return the cells of a feature in a form to compare: numbers as floats, dates in UTC."""
    cells = column.to_list()
    return [float(c) if isinstance(c, int) and not isinstance(c, bool) else c for c in cells]


def check(table, folder, name):
    with tempfile.TemporaryDirectory(dir=folder) as place:
        path = Path(place) / name
        write(table, path)
        source = read_source(path)
    assert source.content.width == table.width, source.notes
    names = dict(zip(source.content.columns, table.columns, strict=True))
    expected = infer_features(table)
    features = infer_features(source.content, decimal=source.decimal)
    kinds = {names[one.name]: one.kind for one in features.columns}
    wanted = {one.name: one.kind for one in expected.columns}
    assert kinds == wanted
    for column in features.frame:
        cells, wish = plain(column), plain(expected.frame[names[column.name]])
        if kinds[names[column.name]] == "numeric":
            np.testing.assert_allclose(
                np.array(cells, float),
                np.array(wish, float),
                rtol=1e-14,
                atol=1e-14 if name == "pandas.json" else 0,
            )
        else:
            assert cells == wish


every = pytest.mark.parametrize("name", WRITERS)


@every
@settings(max_examples=6)
@given(table=tables())
def test_written_and_read_back(tmp_path_factory, name, table):
    check(table, tmp_path_factory.getbasetemp(), name)


@pytest.mark.long
@every
@settings(max_examples=500)
@given(table=tables())
def test_many_tables_written_and_read_back(tmp_path_factory, name, table):
    check(table, tmp_path_factory.getbasetemp(), name)
