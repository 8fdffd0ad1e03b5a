"""Parquet files as row groups: footers, shards, the assignment of rows, and refused files."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.read.file_checks.memory_check import free_bytes
from graduel.data.row_groups.parquet_footer import read_row_counts
from graduel.data.row_groups.parquet_shards import (
    ParquetShards,
    RowGroup,
    list_parquet,
    open_shards,
    spread_rows,
)
from graduel.data.row_groups.row_assignment import MOST_VALID, TEST, VALID, RowAssignment
from graduel.errors import UserError


def write(folder: Path, name: str, n: int, group: int = 10, **columns) -> Path:
    path = folder / name
    table = pl.DataFrame(
        {"x": np.arange(n, dtype=float), "y": ["a", "b"] * (n // 2) + ["a"] * (n % 2)}
    )
    table.with_columns(**columns).write_parquet(path, row_group_size=group)
    return path


@settings(deadline=None, max_examples=15)
@given(n=st.integers(1, 5_000), group=st.integers(50, 3_000))
def test_row_counts_are_those_of_the_file(tmp_path_factory, n, group):
    path = write(tmp_path_factory.mktemp("rows"), "a.parquet", n, group)
    counts = read_row_counts(path)
    assert sum(counts) == n
    shards = open_shards(path)
    frames = [frame for _, frame in shards.stream()]
    assert [len(frame) for frame in frames] == [count for count in counts if count]
    assert pl.concat(frames).equals(pl.read_parquet(path))


@settings(deadline=None, max_examples=200)
@given(at=st.integers(0, 10_000), value=st.integers(0, 255), cut=st.integers(0, 10_000))
def test_a_damaged_footer_is_refused_or_read(tmp_path_factory, at, value, cut):
    folder = tmp_path_factory.mktemp("damaged")
    data = bytearray(write(folder, "a.parquet", 100).read_bytes())
    data[at % len(data)] = value
    damaged = folder / "b.parquet"
    damaged.write_bytes(data if cut % 2 else data[: cut % len(data)])
    try:
        counts = read_row_counts(damaged)
    except UserError as error:
        assert "expected a complete Parquet file" in str(error)
    else:
        assert all(count >= 0 for count in counts)


def test_a_folder_is_one_table_in_natural_order(tmp_path):
    for number in (10, 9, 1):
        write(tmp_path, f"part-{number}.parquet", number * 3)
    (tmp_path / "README.md").write_text("about")
    (tmp_path / "_metadata.parquet").write_bytes(b"")
    (tmp_path / ".hidden.parquet").write_bytes(b"")
    shards = open_shards(tmp_path)
    assert [path.name for path in shards.files] == [f"part-{n}.parquet" for n in (1, 9, 10)]
    assert (shards.n_rows, shards.name) == (60, tmp_path.name)
    assert [group.number for group in shards.row_groups] == list(range(len(shards.row_groups)))
    starts = np.cumsum([0, *[group.n_rows for group in shards.row_groups[:-1]]])
    assert [group.first_row for group in shards.row_groups] == list(starts)
    assert list_parquet(f"{tmp_path}/part-1*.parquet") == [
        tmp_path / "part-1.parquet",
        tmp_path / "part-10.parquet",
    ]


def test_a_file_without_rows_is_part_of_the_table(tmp_path):
    write(tmp_path, "a.parquet", 30)
    pl.DataFrame(schema={"x": pl.Float64, "y": pl.String}).write_parquet(tmp_path / "b.parquet")
    write(tmp_path, "c.parquet", 30)
    shards = open_shards(tmp_path)
    assert (len(shards.files), shards.n_rows) == (3, 60)


def test_columns_are_read_by_name(tmp_path):
    shards = open_shards(write(tmp_path, "a.parquet", 20))
    assert shards.read(shards.row_groups[0], ["y"]).columns == ["y"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.with_columns(x=pl.col("x").cast(pl.Int32)), "expected the type Float64"),
        (lambda t: t.rename({"x": "z"}), "column 'x' is missing"),
        (lambda t: t.with_columns(more=1), "got also 'more'"),
        (lambda t: t.select("y", "x"), "column 1 is 'y' instead of 'x'"),
    ],
)
def test_files_with_other_columns_are_refused(tmp_path, change, message):
    first = write(tmp_path, "a.parquet", 20)
    change(pl.read_parquet(first)).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(UserError, match=message) as error:
        open_shards(tmp_path)
    assert "b.parquet" in str(error.value)
    assert "a.parquet" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 100 + b"PAR1", b"x" * 500])
def test_a_corrupt_file_is_refused_by_name(tmp_path, content):
    write(tmp_path, "a.parquet", 20)
    (tmp_path / "b.parquet").write_bytes(content)
    with pytest.raises(UserError, match=r"b\.parquet: expected a complete Parquet file"):
        open_shards(tmp_path)


def test_a_truncated_row_group_is_refused_when_it_is_read(tmp_path):
    path = write(tmp_path, "a.parquet", 20_000, 5_000)
    data = bytearray(path.read_bytes())
    shards = open_shards(path)
    data[100 : len(data) // 2] = b"\xff" * (len(data) // 2 - 100)
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.parquet"):
        list(shards.stream())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_free_memory_respects_the_limit_of_the_process(monkeypatch):
    resource = pytest.importorskip("resource")
    before = free_bytes()
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (1 << 20, 1 << 20))
    assert free_bytes() == 0 < before


def test_no_files_and_no_rows_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    with pytest.raises(UserError, match="expected Parquet files; there are none"):
        open_shards(tmp_path / "a.csv")
    with pytest.raises(UserError, match="expected Parquet files; there are none"):
        open_shards(tmp_path)
    pl.DataFrame(schema={"x": pl.Float64}).write_parquet(tmp_path / "a.parquet")
    with pytest.raises(
        UserError, match="expected rows; the 1 Parquet files of the table have none"
    ):
        open_shards(tmp_path)


def fake_shards(sizes: list[int]) -> ParquetShards:
    groups, first = [], 0
    for number, size in enumerate(sizes):
        groups.append(RowGroup(number, Path("a"), first, size, first))
        first += size
    return ParquetShards("a", (Path("a"),), tuple(groups), {})


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.integers(1, 8))
def test_shards_partition_the_row_groups_evenly(sizes, workers):
    shards = fake_shards(sizes)
    parts = [shards.shard(rank, workers) for rank in range(workers)]
    numbers = [group.number for part in parts for group in part.row_groups]
    assert sorted(numbers) == list(range(len(sizes)))
    rows = [part.n_rows for part in parts]
    assert max(rows) - min(rows) <= max(sizes)
    with pytest.raises(ValueError, match="rank must be from 0"):
        shards.shard(workers, workers)


@given(
    st.lists(st.integers(1, 500), min_size=1, max_size=30),
    st.integers(0, 2**40),
    st.integers(1, 5),
)
def test_the_assignment_does_not_depend_on_the_workers(sizes, seed, workers):
    shards = fake_shards(sizes)
    assignment = RowAssignment.of(shards.n_rows, seed)
    alone = {group.number: assignment.roles(group) for group in shards.row_groups}
    for rank in range(workers):
        for group in reversed(shards.shard(rank, workers).row_groups):
            np.testing.assert_array_equal(assignment.roles(group), alone[group.number])


def test_shares_of_roles_and_seeds():
    group = fake_shards([200_000]).row_groups[0]
    roles = RowAssignment.of(200_000, 0).roles(group)
    shares = np.bincount(roles) / len(roles)
    np.testing.assert_allclose(shares, [0.68, 0.12, 0.2], atol=0.005)
    assert (RowAssignment.of(200_000, 1).roles(group) != roles).any()
    many = RowAssignment.of(10**8, 0)
    assert many.valid * 10**8 == MOST_VALID
    assert (many.test, TEST, VALID) == (0.2, 2, 1)


@given(st.lists(st.integers(1, 500), min_size=1, max_size=30), st.integers(1, 600))
def test_a_sample_is_spread_over_all_row_groups(sizes, size):
    shards = fake_shards(sizes)
    rows = [spread_rows(group, shards.n_rows, size, 0) for group in shards.row_groups]
    assert all(len(one) for one in rows)
    assert min(size, shards.n_rows) <= sum(map(len, rows)) <= size + len(sizes)
    for one, n in zip(rows, sizes, strict=True):
        assert (np.diff(one) > 0).all()
        assert one.max() < n
