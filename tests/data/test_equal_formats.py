"""One table in every format of files: equal schema, and equal cells in training and prediction."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.dataset import Dataset
from graduel.data.read import read_source
from graduel.data.read.row_stream import open_stream
from graduel.data.schema import Schema
from graduel.data.schema_inference import infer_table

N = 24
POOLS = {
    "flag": st.booleans(),
    "digit": st.integers(0, 1),
    "whole": st.integers(-(10**6), 10**6),
    "number": st.floats(-1e6, 1e6, allow_subnormal=False),
    "city": st.sampled_from(["Paris", "PARIS", "Rome", "São Paulo", "new york"]),
    "answer": st.sampled_from(["Yes", "no", "NO"]),
    "missing": st.sampled_from(["NA", "a", "b"]),
    "price": st.sampled_from(["$1,234.50", "($2.00)", "$7", "n.a."]),
    "share": st.sampled_from(["12%", "3.5 %", "7"]),
    "day": st.dates(date(1950, 1, 1), date(2050, 1, 1)),
    "moment": st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1)),
    "clock": st.times(time(0), time(23, 59)).map(lambda one: one.replace(microsecond=0)),
    "length": st.integers(0, 10**6).map(lambda one: timedelta(seconds=one)),
}


def write_text(frame: pl.DataFrame, path: Path, **options: str) -> None:
    """Write delimited text; durations as Python writes them."""
    for name in ("length",) if "length" in frame.columns else ():
        texts = [None if one is None else str(one) for one in frame[name]]
        frame = frame.with_columns(pl.Series(name, texts, pl.String))
    frame.write_csv(path, **options)


def write_spreadsheet(frame: pl.DataFrame, path: Path) -> None:
    """Write a CSV file as spreadsheets do: semicolons, decimal commas, TRUE and FALSE."""
    text = [
        pl.col(name).cast(pl.String).str.replace(".", ",", literal=True)
        if kind == pl.Float64
        else pl.col(name).cast(pl.String).str.to_uppercase()
        if kind == pl.Boolean
        else pl.col(name)
        for name, kind in frame.schema.items()
    ]
    write_text(frame.select(text), path, separator=";")


WRITERS = {
    "table.csv": write_text,
    "table.parquet": pl.DataFrame.write_parquet,
    "table.tsv": lambda frame, path: write_text(frame, path, separator="\t"),
    "table.txt": lambda frame, path: write_text(
        frame.with_columns(pl.col(pl.Boolean).cast(pl.String).str.to_titlecase()),
        path,
        null_value="NA",
    ),
    "sheet.csv": write_spreadsheet,
}


@st.composite
def frames(draw):
    names = draw(st.lists(st.sampled_from(sorted(POOLS)), min_size=2, max_size=6, unique=True))
    columns = {
        name: draw(st.lists(POOLS[name] | st.none(), min_size=N, max_size=N)) for name in names
    }
    rare = [pl.Series("code", [i % 3 for i in range(N)]), pl.Series("y", ["a", "b"] * (N // 2))]
    return pl.DataFrame(columns, strict=False).with_columns(*rare)


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.col(pl.Int64, pl.Float64, pl.UInt8).cast(pl.Float64).round(6))


def check_formats(frame: pl.DataFrame) -> None:
    with TemporaryDirectory() as name:
        paths = [Path(name) / file for file in WRITERS]
        for path in paths:
            WRITERS[path.name](frame, path)
        tables = [
            infer_table(source.content, target="y", categorical=["code"], decimal=source.decimal)
            for source in map(read_source, paths)
        ]
        kinds = [(column.name, column.kind) for column in tables[0].columns]
        for path, table in zip(paths, tables, strict=True):
            assert [(column.name, column.kind) for column in table.columns] == kinds, path
            assert table.classes == tables[0].classes
            assert table.folded == tables[0].folded
            assert plain(table.frame).equals(plain(tables[0].frame)), path
        schema = Schema.of(Dataset.from_table(tables[0]))
        for trained in (schema, Schema.of(Dataset.from_table(tables[-1]))):
            for path in paths:
                stream = open_stream(path)
                rows = [trained.conform(one.read, decimal=stream.decimal) for one in stream.blocks]
                assert plain(pl.concat(rows)).equals(plain(tables[0].frame)), path


@settings(max_examples=15, deadline=None)
@given(frames())
def test_every_format_gives_the_same_schema_and_cells(frame):
    check_formats(frame)


@pytest.mark.long
@settings(max_examples=200, deadline=None)
@given(frames())
def test_many_tables_in_every_format(frame):
    check_formats(frame)
