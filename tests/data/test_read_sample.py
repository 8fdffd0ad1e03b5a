"""Tables larger than memory: rejected before they are read, or read as a sample of rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.cli.app import main
from graduel.data import source as source_module
from graduel.data.read import parquet, read_source
from graduel.data.read.delimited import csv
from graduel.data.read.file_checks import memory_check
from graduel.data.read.stratified_sample import allocate_rows, stratified_sample
from graduel.data.source import open_source, sample_if_large
from graduel.data.spec import SourceSpec
from graduel.errors import UserError

N = 20_000


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a table and a folder with it as CSV and as Parquet with several row groups."""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "row": np.arange(N),
            "x": rng.normal(size=N).round(3),
            "word": pl.Series(["a", "b", None]).gather(rng.integers(3, size=N)),
            "label": pl.Series(["often", "seldom", None]).gather(
                rng.choice(3, size=N, p=[0.85, 0.1, 0.05])
            ),
        }
    )
    folder = tmp_path_factory.mktemp("large")
    frame.write_csv(folder / "table.csv")
    frame.write_parquet(folder / "table.parquet", row_group_size=3000)
    return frame, folder


@pytest.fixture(autouse=True)
def blocks(monkeypatch):
    """Make blocks small, so that a table has several."""
    monkeypatch.setattr(parquet, "STRIDE", 1024)
    monkeypatch.setattr(csv, "BLOCK", 10_000)


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_a_sample_is_stratified_and_in_order(files, name):
    frame, folder = files
    source = read_source(folder / name, sample=1000, target="label")
    part = source.content
    assert len(part) == 1000
    rows = part["row"].to_list()
    assert rows == sorted(set(rows))
    assert part.equals(frame[rows])
    share = frame["label"].drop_nulls().eq("seldom").mean()
    assert part["label"].eq("seldom").sum() == round(1000 * share)
    assert "1,000 of 20,000 rows" in source.notes[-1]
    assert read_source(folder / name, sample=1000, target="label").content.equals(part)
    # The rows are spread over the whole table.
    assert np.histogram(rows, 4, (0, N))[0].min() > 200


def test_a_sample_larger_than_the_table_has_all_rows_with_a_target(files):
    frame, folder = files
    part = read_source(folder / "table.parquet", sample=10**9, target="label").content
    assert part.equals(frame.filter(pl.col("label").is_not_null()))


def test_a_sample_needs_a_target(files):
    _, folder = files
    for name in ("table.csv", "table.parquet"):
        with pytest.raises(UserError, match="Likely: --target label"):
            read_source(folder / name, sample=10)
        with pytest.raises(UserError, match="Did you mean 'label'"):
            read_source(folder / name, sample=10, target="labl")


@pytest.mark.parametrize("target", [[], ["--target", "b"]])
@pytest.mark.parametrize("name", ["empty.csv", "empty.parquet"])
def test_a_sample_of_a_table_without_rows_is_that_table(tmp_path, capsys, name, target):
    (tmp_path / "empty.csv").write_text("a,b\n")
    pl.DataFrame(schema={"a": pl.Int64, "b": pl.String}).write_parquet(tmp_path / "empty.parquet")
    results = []
    for rows in ([], ["--rows", "10"]):
        code = main(["data", str(tmp_path / name), *target, *rows])
        results.append((code, capsys.readouterr()))
    assert results[0] == results[1]
    assert results[0][0] == (0 if name == "empty.parquet" and not target else 2)
    assert results[0][1].err.count("\n") == (results[0][0] == 2)


def test_sampling_does_not_read_the_table_at_once(files, monkeypatch):
    _, folder = files
    whole = []
    monkeypatch.setattr(parquet, "read_parquet", whole.append)
    monkeypatch.setattr(pl, "read_parquet", whole.append)
    read_source(folder / "table.parquet", sample=50, target="label")
    assert whole == []


def test_a_target_with_very_many_values_is_not_stratified(files):
    _, folder = files
    part = read_source(folder / "table.parquet", sample=500, target="x").content
    assert len(part) == 500


@settings(deadline=None, max_examples=100)
@given(
    labels=st.lists(st.sampled_from(["a", "b", "c", None, "", "NA"]), min_size=1, max_size=60),
    cuts=st.lists(st.integers(0, 60), max_size=4),
    size=st.integers(1, 70),
)
def test_samples_of_any_table(labels, cuts, size):
    frame = pl.DataFrame({"row": range(len(labels)), "y": pl.Series(labels, dtype=pl.String)})
    edges = sorted({0, len(labels), *(c for c in cuts if c < len(labels))})
    parts = [frame[a:b] for a, b in pairwise(edges)]
    sampled, total = stratified_sample(lambda: iter(parts), lambda: (p["y"] for p in parts), size)
    assert total == len(labels)
    known = frame.filter(pl.col("y").is_in(["a", "b", "c"]))
    counts = dict(known["y"].value_counts().iter_rows())
    assert dict(sampled["y"].value_counts().iter_rows()) == {
        name: n for name, n in allocate_rows(counts, size).items() if n
    }
    assert sampled["row"].is_sorted()
    assert sampled.equals(frame[sampled["row"].to_list()])


def test_rows_are_sampled_uniformly():
    """Check that each row's share in 500 samples is within five standard errors of 1/4."""
    frame = pl.DataFrame({"row": range(60), "y": ["a"] * 40 + ["b"] * 20})
    hits = np.zeros(60)
    for seed in range(500):
        order = np.random.default_rng(seed).permutation(60)
        shuffled = frame[order]
        parts = [shuffled[:7], shuffled[7:41], shuffled[41:]]
        part, _ = stratified_sample(
            lambda parts=parts: iter(parts), lambda parts=parts: (p["y"] for p in parts), 15
        )
        hits[part["row"].to_numpy()] += 1
    assert np.abs(hits / 500 - 0.25).max() < 5 * np.sqrt(0.25 * 0.75 / 500)


def test_a_table_larger_than_memory_is_rejected_before_it_is_read(
    files, monkeypatch, capsys, tmp_path
):
    _, folder = files
    size = parquet.parquet_bytes(folder / "table.parquet")
    real = read_source(folder / "table.parquet").content.estimated_size()
    assert real / 1.5 < size < 1.5 * real
    monkeypatch.setattr(memory_check, "SMALL", 0)
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 2 * size)
    monkeypatch.chdir(tmp_path)

    def never(*_):
        raise AssertionError

    monkeypatch.setattr(parquet, "read_parquet", never)
    for command in (["duel", "--out", "run"], ["data"]):
        path = str(folder / "table.parquet")
        assert main([command[0], path, "--target", "label", *command[1:]]) == 2
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.count("\n") == 1
        assert "needs about" in output.err
        assert "are free. Give --rows N" in output.err
    assert main(["data", path, "--target", "label", "--rows", "500"]) == 0
    assert "500 of 20,000 rows" in capsys.readouterr().out


def test_a_duel_with_rows_samples_a_large_table(files, monkeypatch):
    _, folder = files
    data = open_source(folder / "table.csv", target="label")
    assert sample_if_large(data, 1000) == data
    monkeypatch.setattr(memory_check, "SMALL", 0)
    monkeypatch.setattr(source_module, "LARGE", 1000)
    monkeypatch.setattr(source_module, "LEAST", 3000)
    sampled = sample_if_large(data, 1000)
    assert sampled.spec.sample == 3000
    assert sample_if_large(data, 2000).spec.sample == 4200
    assert sample_if_large(sampled, 1000) == sampled
    loaded = sampled.load()
    assert len(loaded.y) == 3000
    assert SourceSpec.from_dict(sampled.spec.as_dict()) == sampled.spec
    assert "sample" not in data.spec.as_dict()


def test_the_memory_limit_of_a_container(tmp_path, monkeypatch):
    monkeypatch.setattr(memory_check, "CONTAINER", tmp_path)
    (tmp_path / "memory.stat").write_text("anon 300\nfile 900\n")
    (tmp_path / "memory.max").write_text("1000\n")
    assert memory_check.free_bytes() == 700
    (tmp_path / "memory.max").write_text("max\n")
    assert memory_check.free_bytes() > 1 << 20
