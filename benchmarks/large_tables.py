"""Train on a table larger than memory, under a hard limit of memory; peak memory and rows a second.

    python benchmarks/large_tables.py --rows 2000000 --memory 2 --folder /tmp/large

The table has 30 features (numbers, whole numbers, categories, a boolean, a date; a third of the
columns with missing values) and three classes: a known function of eight features, with noise. It
is written once, from a seed, in files of a million rows with row groups of 125,000.

The phases run in one child process whose data segment is limited by RLIMIT_DATA: all private
writable memory counts, also what is reserved and not used, so that the limit is stricter than one
on resident memory. `peak` is the largest resident memory during the phase (VmHWM; Linux).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROWS_A_FILE, ROWS_A_GROUP = 1_000_000, 125_000
NET = "epochs=1 layers=128,128 members=1 batch_size=1024"
XGBOOST_ROUNDS = 50


def write_table(folder: Path, n_rows: int) -> None:
    """Write the files of the table that are not there yet."""
    import numpy as np
    import polars as pl

    folder.mkdir(parents=True, exist_ok=True)
    words = [[f"c{k}_{i}" for i in range(size)] for k, size in enumerate((3, 8, 50, 2_000))]
    for number, start in enumerate(range(0, n_rows, ROWS_A_FILE)):
        path = folder / f"part-{number:04d}.parquet"
        if path.exists():
            continue
        rng, n = np.random.default_rng([7, number]), min(ROWS_A_FILE, n_rows - start)
        x = rng.normal(size=(n, 20)).astype(np.float32)
        whole = rng.poisson(5, size=(n, 4))
        codes = [np.minimum(rng.zipf(1.5, n) - 1, len(one) - 1) for one in words]
        flag = rng.random(n) < 0.3
        day = rng.integers(0, 1_000, n)
        score = np.stack(
            [
                x[:, 0] + x[:, 1] * x[:, 2] - 0.5,
                np.sin(2 * x[:, 3]) + 0.3 * (whole[:, 0] - 5) + (codes[1] == 0),
                0.8 * flag + 0.5 * np.abs(x[:, 4]) - (codes[0] == 1),
            ],
            axis=1,
        )
        score += rng.gumbel(scale=0.3, size=score.shape)
        columns: dict[str, Any] = {f"x{i}": x[:, i] for i in range(19)}
        columns["amount"] = np.exp(x[:, 19].astype(float))
        columns |= {f"count{i}": whole[:, i] for i in range(4)}
        columns |= {
            f"word{k}": pl.Series(codes[k]).replace_strict(
                range(len(one)), one, return_dtype=pl.String
            )
            for k, one in enumerate(words)
        }
        columns |= {"flag": flag, "day": np.datetime64("2020-01-01") + day}
        columns["class"] = np.array(["low", "middle", "high"])[score.argmax(axis=1)]
        table = pl.DataFrame(columns)
        gaps = {name: pl.Series(rng.random(n) < 0.05) for name in table.columns[:-1:3]}
        table = table.with_columns(
            pl.when(gap).then(None).otherwise(pl.col(name)).alias(name)
            for name, gap in gaps.items()
        )
        table.write_parquet(path, row_group_size=ROWS_A_GROUP)


def status(name: str) -> float:
    """Return a size of this process in GB from /proc/self/status."""
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split(f"{name}:")[1].split()[0]) / 1e6


@contextmanager
def phase(name: str, n_rows: int, **more: Any) -> Iterator[dict[str, Any]]:
    """Print the seconds, rows a second and peak memory of a phase."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets VmHWM
    start = time.perf_counter()
    yield more
    seconds = time.perf_counter() - start
    line = {
        "phase": name,
        "seconds": round(seconds, 1),
        "rows_per_second": round(n_rows / seconds),
        "peak_gb": round(status("VmHWM"), 2),
        "data_gb": round(status("VmData"), 2),
    }
    print(json.dumps(line | more), flush=True)


def run_phases(folder: Path, net: str, threads: int, models: list[str]) -> None:
    """Run the phases on the table in `folder`."""
    from threadpoolctl import threadpool_limits

    from graduel.cli.actions import predict
    from graduel.cli.actions.streamed_train import evaluate_streamed
    from graduel.contenders.sharded.sharded_net import start_streamed_training
    from graduel.contenders.sharded.sharded_xgboost import fit_xgboost
    from graduel.contenders.xgboost_recipes import XGBoostRecipe
    from graduel.data.row_groups.parquet_shards import open_shards
    from graduel.data.row_groups.shard_scan import infer_schema
    from graduel.data.row_groups.sharded_table import ShardedTable
    from graduel.kernels.shares import limit_threads
    from graduel.metrics.metric import get_metric
    from graduel.models.model import Model
    from graduel.models.model_file import save_model
    from graduel.train.build.recipe_parser import parse_recipe
    from graduel.train.recipes import net_recipe

    error = get_metric("error")
    with threadpool_limits(threads), limit_threads(threads):
        shards = open_shards(folder / "table")
        n = shards.n_rows
        with phase("schema", n):
            sampled = infer_schema(shards, target="class")
        with phase("preparation", n) as out:
            table = ShardedTable.of(shards, sampled)
            out["training_rows"] = table.n_train
        if "net" in models:
            recipe = parse_recipe(net, net_recipe(False, n))
            with phase("network", table.n_train * recipe.epochs) as out:
                prepare, training = start_streamed_training(recipe, table, 0)
                for epoch in training.epochs():
                    out["loss"] = round(epoch.loss, 4)
            model = Model(
                "net",
                "network",
                table.schema,
                prepare.preparation,
                training.network,
                training.weights,
            )
            with phase("network, test rows", n) as out:
                out["error"] = round(evaluate_streamed(model, table, error)["test_error"], 4)
            save_model(folder / "model.safetensors", model)
        if "xgboost" in models:
            boosted = XGBoostRecipe(n_estimators=XGBOOST_ROUNDS, max_bin=64)
            with phase("xgboost", table.n_train * XGBOOST_ROUNDS) as out:
                trees, details, _ = fit_xgboost(
                    boosted,
                    table,
                    metric="error",
                    title="XGBoost",
                    seed=0,
                    threads=threads,
                    notify=lambda stage: None,
                )
                out |= details
            with phase("xgboost, test rows", n) as out:
                out["error"] = round(evaluate_streamed(trees, table, error)["test_error"], 4)
            save_model(folder / "model.safetensors", trees)
        with phase("predictions", n):
            predict.run(
                folder / "model.safetensors",
                folder / "table",
                contender=None,
                out=folder / "predictions",
                read_options={},
            )


def main() -> None:
    """Write the table; run the phases in a process with limited memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--memory", type=float, default=3.0, help="limit of RLIMIT_DATA in GB")
    parser.add_argument("--folder", type=Path, default=Path("large-table"))
    parser.add_argument("--net", default=NET)
    parser.add_argument(
        "--models", default="net,xgboost", help="xgboost, if fitted, predicts all rows"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", action="store_true", help="keep the table")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.folder / f"{options.rows}"
    if options.child:
        run_phases(folder, options.net, options.threads, options.models.split(","))
        return
    start = time.perf_counter()
    write_table(folder / "table", options.rows)
    size = sum(path.stat().st_size for path in (folder / "table").iterdir())
    print(
        f"{options.rows:,} rows, {size / 1e9:.2f} GB of Parquet, written in "
        f"{time.perf_counter() - start:.0f} s; limit {options.memory:g} GB (RLIMIT_DATA)",
        flush=True,
    )
    shutil.rmtree(folder / "predictions", ignore_errors=True)
    limit = int(options.memory * 1e9)
    done = subprocess.run(
        [sys.executable, __file__, *sys.argv[1:], "--child"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
        env=os.environ | {"POLARS_MAX_THREADS": str(options.threads)},
        check=False,
    )
    shutil.rmtree(folder / "predictions", ignore_errors=True)
    if not options.keep:
        shutil.rmtree(folder)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
