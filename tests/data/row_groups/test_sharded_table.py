"""A scan of row groups against the same rows in memory; streams of prepared batches."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.data.row_groups.parquet_shards import open_shards
from graduel.data.row_groups.prepared_stream import PreparedStream
from graduel.data.row_groups.row_assignment import TEST, TRAIN, VALID
from graduel.data.row_groups.scan_message import pack_scan, unpack_scan
from graduel.data.row_groups.shard_scan import infer_schema, scan
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.data.target import NoTargetError
from graduel.errors import UserError


def make_frame(n: int, seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    gaps = pl.Series(rng.random(n) < 0.1)
    return pl.DataFrame(
        {
            "row": rng.permutation(n) + 0.5,
            "text number": [f"{x:.1f}" for x in rng.normal(size=n)],
            "word": rng.choice(["red", "green", "blue"], n),
            "answer": rng.choice(["yes", "no"], n),
            "day": [f"2024-{m:02d}-{d:02d}" for m, d in rng.integers(1, 28, (n, 2)) % 12 + 1],
            "same": "x",
            "label": rng.choice(["b", "a"], n),
        }
    ).with_columns(
        pl.when(gaps).then(None).otherwise(pl.col(name)).alias(name) for name in ("word", "day")
    )


def write_files(folder, frame: pl.DataFrame, n_files: int = 3, group: int = 100):
    for number, start in enumerate(range(0, len(frame), -(-len(frame) // n_files))):
        part = frame[start : start + -(-len(frame) // n_files)]
        part.write_parquet(folder / f"{number}.parquet", row_group_size=group)
    return open_shards(folder)


def open_table(folder, frame, **options) -> ShardedTable:
    shards = write_files(folder, frame, **options)
    return ShardedTable.of(shards, infer_schema(shards, target="label"))


def test_a_scan_equals_the_fit_in_memory(tmp_path):
    frame = make_frame(1_500)
    table = open_table(tmp_path, frame)
    kinds = {column.name: column.kind for column in table.schema.columns}
    assert kinds == {
        "row": "numeric",
        "text number": "numeric",
        "word": "categorical",
        "answer": "boolean",
        "day": "date",
    }
    assert [one.name for one in table.table.set_aside] == ["same"]
    blocks = {role: list(table.blocks(role)) for role in (TRAIN, VALID, TEST)}
    n_rows = [sum(len(y) for _, y in blocks[role]) for role in blocks]
    assert n_rows == [table.n_train, table.n_valid, table.n_test]
    assert sum(n_rows) == len(frame)
    train = pl.concat([features for features, _ in blocks[TRAIN]])
    expected = NetPreparation.fit(train, table.schema.columns, scaling="both")
    assert NetPreparation.from_summaries(table.summaries, scaling="both") == expected
    expected = TreePreparation.fit(train, table.schema.columns)
    assert TreePreparation.from_summaries(table.summaries) == expected
    valid = pl.concat([features for features, _ in blocks[VALID]])
    assert table.valid[0].equals(valid)
    np.testing.assert_array_equal(table.valid[1], np.concatenate([y for _, y in blocks[VALID]]))
    labels = dict(zip(frame["row"], frame["label"], strict=True))
    for features, y in blocks[TEST]:
        assert [table.schema.classes[code] for code in y] == [labels[x] for x in features["row"]]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_merged_scans_of_shards_equal_one_scan(tmp_path, workers):
    shards = write_files(tmp_path, make_frame(1_200))
    sampled = infer_schema(shards, target="label")
    scans = [scan(shards.shard(rank, workers), sampled) for rank in range(workers)]
    total, *others = [unpack_scan(pack_scan(one)) for one in scans]
    for one in others:
        total = total.merge(one)
    merged, alone = ShardedTable.of(shards, sampled, total), ShardedTable.of(shards, sampled)
    np.testing.assert_array_equal(merged.counts, alone.counts)
    assert merged.valid[0].equals(alone.valid[0])
    preparations = [NetPreparation.from_summaries(one.summaries) for one in (merged, alone)]
    assert preparations[0] == preparations[1]
    streams = [
        PreparedStream(merged.shard(rank, workers), preparations[0]) for rank in range(workers)
    ]
    assert {len(stream) for stream in streams} == {alone.n_train}
    sizes = np.array([[len(y) for _, y in stream.epoch_batches(50, 0)] for stream in streams])
    assert sizes.sum(axis=1).tolist() == [stream.table.n_train for stream in streams]
    batches = sizes.sum(axis=0)
    assert len(batches) == -(-alone.n_train // 50)
    for stream in streams:
        np.testing.assert_array_equal(stream.batch_sizes(50), batches)
    assert abs(batches[:-1] - 50).max() < workers
    assert batches.sum() == alone.n_train


def test_a_class_that_only_occurs_in_test_rows_is_a_class(tmp_path):
    frame = make_frame(900)
    shards = write_files(tmp_path, frame)
    sampled = infer_schema(shards, target="label")
    roles = np.concatenate([sampled.assignment.roles(group) for group in shards.row_groups])
    rows = np.flatnonzero(roles == TEST)[:3]
    labels = frame["label"].to_numpy().copy()
    labels[rows] = "rare"
    table = open_table(tmp_path, frame.with_columns(label=pl.Series(labels)))
    assert table.schema.classes == ("a", "b", "rare")
    assert table.counts[:, 2].tolist() == [0, 0, 3]


def test_a_category_of_other_rows_only_is_unseen(tmp_path):
    frame = make_frame(900)
    shards = write_files(tmp_path, frame)
    sampled = infer_schema(shards, target="label")
    roles = np.concatenate([sampled.assignment.roles(group) for group in shards.row_groups])
    words = frame["word"].to_numpy().copy()
    words[np.flatnonzero(roles != TRAIN)[:5]] = "violet"
    table = open_table(tmp_path, frame.with_columns(word=pl.Series(words)))
    encoders = {one.name: one for one in NetPreparation.from_summaries(table.summaries).encoders}
    assert encoders["word"].categories == ("blue", "green", "red")


def test_rows_without_a_target_are_left_out(tmp_path):
    frame = make_frame(600)
    empty = pl.Series(np.random.default_rng(1).random(600) < 0.2)
    frame = frame.with_columns(label=pl.when(empty).then(None).otherwise(pl.col("label")))
    table = open_table(tmp_path, frame)
    assert table.counts.sum() == 600 - empty.sum()
    assert f"{empty.sum()} rows without a target are dropped" in table.table.notes


@pytest.mark.parametrize("kind", [pl.Int64, pl.String, pl.Float32])
def test_classes_that_are_numbers_have_plain_names(tmp_path, kind):
    frame = make_frame(600)
    codes = pl.Series(np.random.default_rng(1).integers(0, 12, 600)).cast(kind)
    table = open_table(tmp_path, frame.with_columns(label=codes))
    assert table.schema.classes == tuple(map(str, range(12)))


def test_a_cell_of_another_kind_is_refused_with_its_file_and_row(tmp_path):
    frame = make_frame(900)
    shards = write_files(tmp_path, frame)
    sampled = infer_schema(shards, target="label")
    cells = frame["text number"].to_list()
    cells[700] = "many"
    write_files(tmp_path, frame.with_columns(pl.Series("text number", cells)))
    with pytest.raises(UserError, match="expected numbers; row 701 holds 'many'"):
        scan(shards, sampled)
    codes = pl.Series([str(i % 3) for i in range(900)])
    numbers = write_files(tmp_path, frame.with_columns(label=codes))
    sampled = infer_schema(numbers, target="label")
    codes[700] = "three"
    write_files(tmp_path, frame.with_columns(label=codes))
    with pytest.raises(UserError, match=r"2\.parquet: column 'label': expected numbers"):
        scan(numbers, sampled)


def test_no_target_and_too_few_rows_are_refused(tmp_path):
    shards = write_files(tmp_path, make_frame(60))
    with pytest.raises(NoTargetError, match="Likely: --target label"):
        infer_schema(shards, target=None)
    frame = make_frame(3).with_columns(label=pl.Series(["a", "b", "a"]))
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(UserError, match="too few rows to split"):
        open_table(tmp_path, frame, n_files=1)


@pytest.mark.parametrize("buffer_rows", [1, 64, 250, 10_000])
def test_an_epoch_has_every_training_row_once(tmp_path, buffer_rows):
    frame = make_frame(1_000)
    table = open_table(tmp_path, frame)
    preparation = TreePreparation.from_summaries(table.summaries)
    stream = PreparedStream(table, preparation, seed=3, buffer_rows=buffer_rows)
    epochs = [[(x.copy(), y) for x, y in stream.epoch_batches(64, epoch)] for epoch in (0, 1)]
    expected = np.sort(np.concatenate([x["row"].to_numpy() for x, _ in table.blocks(TRAIN)]))
    labels = dict(zip(frame["row"], frame["label"], strict=True))
    for batches in epochs:
        sizes = [len(y) for _, y in batches]
        assert sizes == [64] * (table.n_train // 64) + [table.n_train % 64]
        rows = np.concatenate([x[:, 0] for x, _ in batches])
        np.testing.assert_array_equal(np.sort(rows), expected.astype(np.float32))
        codes = np.concatenate([y for _, y in batches])
        assert [table.schema.classes[code] for code in codes] == [labels[x] for x in rows]
    first, second = (np.concatenate([x[:, 0] for x, _ in batches]) for batches in epochs)
    assert (first != second).any()
    again = PreparedStream(table, preparation, seed=3, buffer_rows=buffer_rows)
    same = np.concatenate([x[:, 0] for x, _ in again.epoch_batches(64, 0)])
    np.testing.assert_array_equal(same, first)


def test_the_sample_holds_training_rows_only(tmp_path):
    table = open_table(tmp_path, make_frame(1_000))
    stream = PreparedStream(table, TreePreparation.from_summaries(table.summaries))
    train = np.concatenate([x["row"].to_numpy() for x, _ in table.blocks(TRAIN)])
    assert set(stream.sample()[:, 0]) <= set(train.astype(np.float32))


def test_cells_are_read_as_in_memory(tmp_path):
    n = 600
    frame = make_frame(n).with_columns(
        word=pl.Series(["Red", "RED", "unknown"] * (n // 3)),
        price=pl.Series([f"${1 + i % 50},234.50" for i in range(n)]),
        label=pl.Series(["Yes", "yes", "No"] * (n // 3)),
    )
    shards = write_files(tmp_path, frame)
    sampled = infer_schema(shards, target="label", missing=["unknown"])
    table = ShardedTable.of(shards, sampled)
    assert table.schema.classes == ("No", "Yes")
    assert table.counts.sum(axis=0).tolist() == [200, 400]
    assert table.schema.folded_categories == ("word",)
    blocks = pl.concat([X for role in (TRAIN, VALID, TEST) for X, _ in table.blocks(role)])
    assert blocks["word"].null_count() == 200
    assert blocks["price"].max() == 50234.5
    assert {one.code for one in sampled.table.findings} == {"GRD022", "GRD024"}
