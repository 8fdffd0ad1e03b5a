"""The registry of table formats, with JSON Lines registered by these tests, in every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from graduel.cli.app import main
from graduel.cli.options import TABLES
from graduel.data.read import read_source
from graduel.data.read.arrays.array_file import read_array
from graduel.data.read.column_names import find, sanitize_names
from graduel.data.read.file_checks import memory_check
from graduel.data.read.reader import detect_table
from graduel.data.read.row_stream import open_stream
from graduel.data.read.stratified_sample import sampled_note, stratified_sample
from graduel.data.read.table_folder import is_table, list_tables
from graduel.data.read.tables import format_registry
from graduel.data.read.tables.delimited_format import DELIMITED
from graduel.data.read.tables.format_registry import TABLE_FORMATS
from graduel.data.read.tables.parquet_format import PARQUET
from graduel.data.read.tables.table_format import (
    Block,
    RawTable,
    ReadOptions,
    Stream,
    TableFormat,
    require_target,
)
from graduel.errors import UserError

LINES = 50
"""Lines of a block."""
NET = ["--threads", "1", "--net", "layers=8 epochs=3 batch_size=16 lr=0.01"]


def parse(path: Path, lines: list[str]) -> pl.DataFrame:
    try:
        frame = pl.DataFrame(list(map(json.loads, lines)))
    except ValueError as error:
        raise UserError(f"{path}: expected JSON in each line ({error})") from None
    frame.columns = sanitize_names(frame.columns)[0]
    return frame


def iter_blocks(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return (parse(path, lines[i : i + LINES]) for i in range(0, len(lines), LINES))


def read(path: Path, _: ReadOptions) -> RawTable:
    frame = parse(path, path.read_text(encoding="utf-8").splitlines())
    return RawTable(frame, ("read as JSON Lines",))


def scan(path: Path, _: ReadOptions) -> Stream:
    schema = dict(next(iter_blocks(path)).schema)
    return Stream(schema, ".", (Block(block, block) for block in iter_blocks(path)))


def sample(path: Path, _: ReadOptions, target: str | None, size: int) -> RawTable:
    first = next(iter_blocks(path))
    if target is None:
        require_target(first)
    column = find(target, first.columns, "target")
    part, total = stratified_sample(
        lambda: iter_blocks(path), lambda: (block[column] for block in iter_blocks(path)), size
    )
    return RawTable(part, (sampled_note(len(part), total),))


def check(path: Path, _: ReadOptions) -> None:
    if b"\0" in path.read_bytes():
        raise UserError(f"{path}: expected JSON Lines; it has null bytes")


JSON_LINES = TableFormat(
    title="JSON Lines",
    endings=(".jsonl", ".ndjson"),
    recognize=lambda _, head: head.startswith(b'{"'),
    read=read,
    scan=scan,
    sample=sample,
    memory_bytes=lambda path, _: path.stat().st_size,
    check=check,
)


def make_rows(n=150, seed=0):
    rng = np.random.default_rng(seed)
    good = np.arange(n) % 3 > 0
    return pl.DataFrame(
        {
            "age": (20 + 10 * good + rng.normal(size=n)).round(2),
            "town": rng.choice(["Ulm", "Kiel", "Bonn"], n),
            "outcome": ["good" if g else "bad" for g in good],
        }
    )


@pytest.fixture
def unregistered(tmp_path, monkeypatch):
    """Return the current folder, with one table as JSON Lines and as CSV."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(format_registry, "TABLE_FORMATS", (DELIMITED, PARQUET))
    make_rows().write_ndjson("mine.jsonl")
    make_rows().write_csv("mine.csv")
    return tmp_path


@pytest.fixture
def folder(unregistered, monkeypatch):
    """Return that folder with JSON Lines registered."""
    monkeypatch.setattr(format_registry, "TABLE_FORMATS", (DELIMITED, PARQUET, JSON_LINES))
    return unregistered


def run(capsys, *args, code=0):
    result = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert result == code, err
    return out, err


def refuse(capsys, *args):
    out, err = run(capsys, *args, code=2)
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_records_of_the_registry():
    endings = [ending for one in TABLE_FORMATS for ending in one.endings]
    assert len({*endings}) == len(endings)
    assert all(ending.startswith(".") and ending == ending.lower() for ending in endings)
    assert [one for one in TABLE_FORMATS if one.recognize is None] == [DELIMITED]


def test_help_names_every_table_format(capsys):
    assert ", ".join(one.title for one in TABLE_FORMATS) == TABLES
    for command in ("duel", "predict", "verdict"):
        out, _ = run(capsys, command, "--help")
        assert f"({TABLES})" in " ".join(out.split())


def test_every_path_refuses_an_unregistered_format(capsys, unregistered):
    message = "mine.jsonl: expected a table of text; got JSON. Save it as CSV"
    make_rows(5).write_ndjson("new.jsonl")
    for args in (
        ["duel", "mine.jsonl", "--target", "outcome"],
        ["train", "mine.jsonl", "--target", "outcome"],
        ["data", "mine.jsonl"],
        ["data", "mine.jsonl", "--rows", "20"],
    ):
        assert message in refuse(capsys, *args)
    run(capsys, "train", "mine.csv", "--target", "outcome", *NET, "--out", "net")
    assert "got JSON" in refuse(capsys, "predict", "net", "new.jsonl")
    for place in ("mine.jsonl:town", "mine.jsonl"):
        error = refuse(capsys, "verdict", place, "mine.csv:outcome", "mine.csv:outcome")
        assert message in error
    assert [path.name for path in list_tables(unregistered)] == ["mine.csv"]


def test_a_table_is_recognized_by_its_first_bytes(folder):
    make_rows().write_parquet("mine.parquet")
    formats = {"mine.csv": DELIMITED, "mine.parquet": PARQUET, "mine.jsonl": JSON_LINES}
    for name, table_format in formats.items():
        assert detect_table(Path(name)) is table_format
        assert detect_table(Path(name).rename(f"{name}.bin")) is table_format
    assert detect_table(folder) is None


def test_a_table_is_read_whole_and_in_blocks(folder):
    source = read_source("mine.jsonl")
    assert source.content.equals(make_rows())
    assert (source.name, source.notes) == ("mine", ("read as JSON Lines",))
    stream = open_stream("mine.jsonl")
    assert stream.schema == dict(make_rows().schema)
    blocks = [block.read for block in stream.blocks]
    assert list(map(len, blocks)) == [50, 50, 50]
    assert pl.concat(blocks).equals(make_rows())


def test_a_damaged_file_is_refused_by_name(capsys, folder):
    (folder / "bad.jsonl").write_text('{"a": 1}\n{"a":\n')
    assert "bad.jsonl: expected JSON in each line" in refuse(capsys, "data", "bad.jsonl")
    (folder / "bad.jsonl").write_bytes(b'{"a": 1}\n\0\n')
    for command in ("data", "duel", "train"):
        error = refuse(capsys, command, "bad.jsonl", "--target", "a")
        assert "bad.jsonl: expected JSON Lines; it has null bytes" in error


def test_data_shows_a_table_and_a_sample(capsys, folder):
    for more in ([], ["--target", "outcome"]):
        out, _ = run(capsys, "data", "mine.jsonl", *more)
        assert "150 rows" in out
        assert "read as JSON Lines" in out
    out, _ = run(capsys, "data", "mine.jsonl", "--target", "outcome", "--rows", "30")
    assert "read a stratified sample: 30 of 150 rows" in out
    assert "Likely: --target outcome" in refuse(capsys, "duel", "mine.jsonl")
    error = refuse(capsys, "data", "iris", "--rows", "30")
    assert "expected a table in a file, CSV, Parquet or JSON Lines; got iris" in error
    with pytest.raises(UserError, match="Likely: --target outcome"):
        read_source("mine.jsonl", sample=30)


def test_a_table_larger_than_memory_is_refused(capsys, folder, monkeypatch):
    monkeypatch.setattr(memory_check, "SMALL", 0)
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 1000)
    for command in ("data", "duel", "train"):
        error = refuse(capsys, command, "mine.jsonl", "--target", "outcome")
        assert "mine.jsonl: needs about" in error


def test_a_duel_gives_the_same_result_as_on_csv(capsys, folder):
    errors = {}
    for name in ("mine.csv", "mine.jsonl"):
        args = ["--target", "outcome", "--contenders", "net", "--split", "holdout", *NET]
        run(capsys, "duel", name, *args, "--quick", "--no-probes", "--out", f"run-{name}")
        result = json.loads((folder / f"run-{name}" / "result.json").read_text())
        errors[name] = result["contenders"]["net"]["test_errors"]
    assert errors["mine.jsonl"] == errors["mine.csv"]
    # The same command resumes the finished run.
    run(capsys, "duel", name, *args, "--quick", "--no-probes", "--out", f"run-{name}")


def test_train_and_predict_give_the_same_predictions_as_on_csv(capsys, folder):
    for name in ("mine.csv", "mine.jsonl"):
        args = ["train", name, "--target", "outcome", *NET, "--out", f"{name}.net"]
        run(capsys, *args)
    predictions = [
        run(capsys, "predict", f"{trained}.net", rows)[0]
        for trained in ("mine.csv", "mine.jsonl")
        for rows in ("mine.csv", "mine.jsonl")
    ]
    tables = [pl.read_csv(text.encode()) for text in predictions]
    assert all(table[:, :4].equals(tables[0][:, :4]) for table in tables)
    for table in tables:
        np.testing.assert_allclose(table[:, 4:], tables[0][:, 4:], atol=1e-6)
    np.savez("rows.npz", X=np.zeros((3, 2)))
    error = refuse(capsys, "predict", "mine.csv.net", "rows.npz")
    assert "rows.npz: expected a table (CSV, Parquet or JSON Lines)" in error


def test_a_folder_of_tables_is_a_suite(capsys, folder):
    (folder / "tables").mkdir()
    make_rows(seed=1).write_ndjson("tables/a.jsonl")
    make_rows(seed=2).write_csv("tables/b.csv")
    assert is_table("A.JSONL")
    assert [path.name for path in list_tables(folder / "tables")] == ["a.jsonl", "b.csv"]
    args = ["--target", "outcome", "--contenders", "net", "--split", "holdout", *NET, "--quick"]
    run(capsys, "duel", "tables", "--suite", *args, "--no-probes", "--out", "run")
    result = json.loads((folder / "run" / "suite-result.json").read_text())
    assert [one["name"] for one in result["datasets"]] == ["a", "b"]


def test_verdict_reads_columns(capsys, folder):
    y = np.arange(300) % 2
    columns = {"y": y, "a": np.where(y < 2, y, 0), "b": np.where(np.arange(300) % 5, y, 1 - y)}
    pl.DataFrame(columns).write_ndjson("all.jsonl")
    pl.DataFrame(columns).write_csv("all.csv")
    outputs = [
        run(capsys, "verdict", *(f"all.{ending}:{name}" for name in "aby"), "--json")[0]
        for ending in ("csv", "jsonl")
    ]
    assert outputs[0] == outputs[1]
    np.testing.assert_array_equal(read_array("all.jsonl").array, pl.DataFrame(columns).to_numpy())
    error = refuse(capsys, "verdict", "y.txt", "all.csv:a", "all.csv:y")
    assert "expected a file" in error
    np.savez("y.npz", y=y)
    error = refuse(capsys, "verdict", "y.npz", "all.csv:a", "all.csv:y")
    assert "or a table (CSV, Parquet or JSON Lines); got '.npz'" in error


def test_the_page_takes_only_csv(folder):
    from graduel.web.http_error import ClientError
    from graduel.web.limits import Limits
    from graduel.web.routes.upload import read_table

    for name in ("mine.jsonl", "mine.parquet"):
        make_rows().write_parquet("mine.parquet")
        with pytest.raises(ClientError) as error:
            read_table(Path(name).read_bytes(), "mine", None, Limits())
        assert error.value.status == 415
        assert "expected a CSV file: text with column names in the first line" in str(error.value)
    assert len(read_table(Path("mine.csv").read_bytes(), "mine", None, Limits())) == 3
