"""Row groups of a table larger than memory as the rows of a job: each worker reads its own."""

from __future__ import annotations

from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any

from graduel.contenders.sharded.evaluation import scores_of_sums, sum_losses
from graduel.contenders.workers.train_job import Emit, TrainJob, write_rows
from graduel.data.row_groups.parquet_shards import ParquetShards, open_files
from graduel.data.row_groups.row_assignment import TRAIN
from graduel.data.row_groups.scan_message import pack_scan, unpack_scan
from graduel.data.row_groups.shard_scan import Sample, ShardScan, infer_from, scan
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.metrics.metric import get_metric
from graduel.models.model import Model
from graduel.models.model_file import save_model
from graduel.train.loop.parallel import Collective, DataParallel

KEY = "row_groups"
"""The name of a table's description in a job's options."""
SAMPLE, MODEL = "sample.arrow", "model.safetensors"
"""Files of a job's folder: the sample that the schema is inferred from, and the model."""


def describe_row_groups(
    folder: Path, shards: ParquetShards, sample: Sample, read_options: dict[str, Any], seed: int
) -> dict[str, Any]:
    """Write the sample into a job's folder; return the options of the job.

    Parameters
    ----------
    folder : the job's folder
    shards : the row groups
    sample : the sample of their rows
    read_options : options of :func:`~graduel.data.row_groups.shard_scan.infer_from`
    seed : the seed of roles and order
    """
    sample.rows.write_ipc(folder / SAMPLE)
    write_rows(folder, roles=sample.roles)
    table = {
        "name": shards.name,
        "files": [str(path.resolve()) for path in shards.files],
        "sizes": [path.stat().st_size for path in shards.files],
        "read": {name: _to_list(value) for name, value in read_options.items()},
        "seed": seed,
    }
    return {KEY: table}


def _to_list(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else list(value)


def open_shard(job: TrainJob, collective: Collective) -> ShardedTable:
    """Scan this worker's row groups, merge the scans of all workers, return this worker's shard."""
    import polars as pl

    options, folder = job.options[KEY], Path(job.folder)
    shards = open_files([Path(path) for path in options["files"]], options["name"])
    sample = Sample(pl.read_ipc(folder / SAMPLE), job.rows("roles"))
    sampled = infer_from(sample, shards, seed=options["seed"], **options["read"])
    own = scan(shards.shard(collective.rank, collective.size), sampled)
    scans = map(unpack_scan, DataParallel(collective, 0).gather(pack_scan(own)))
    table = ShardedTable.of(shards, sampled, reduce(ShardScan.merge, scans))
    return table.shard(collective.rank, collective.size)


def describe_table(table: ShardedTable) -> dict[str, Any]:
    """Return the event with the numbers of rows and the classes of the whole table."""
    return {
        "kind": "table",
        "rows": int(table.counts[TRAIN].sum()),
        "test_rows": table.n_test,
        "classes": list(table.schema.classes),
    }


def finish(
    job: TrainJob, collective: Collective, model: Model, table: ShardedTable, emit: Emit
) -> None:
    """Evaluate the model on the test rows of all shards; worker 0 writes it to the job's folder."""
    metric = get_metric(job.metric)
    sums = collective.all_reduce(sum_losses(model, table, metric))
    if not collective.rank:
        save_model(Path(job.folder) / MODEL, replace(model, notes={}))
    emit({"kind": "scores", **scores_of_sums(sums, metric)})
