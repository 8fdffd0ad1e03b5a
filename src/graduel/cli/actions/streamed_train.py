"""``graduel train`` on a table larger than memory: rows are read from disk in every epoch."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from graduel.cli.actions.live_fit import FitOutcome, LiveDisplay, describe_fit, follow_training
from graduel.cli.actions.live_session import command_line
from graduel.cli.actions.model_output import check_writable, show_report, unused_path
from graduel.cli.data_source import print_findings
from graduel.contenders import LabelledRows
from graduel.contenders.family import NamedContender, TableTraits
from graduel.contenders.fit_job import Clock
from graduel.contenders.net import FittedNet
from graduel.contenders.registry import get_contender
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.cores import choose_threads
from graduel.data.row_groups.parquet_shards import ParquetShards
from graduel.data.row_groups.row_assignment import TEST
from graduel.data.row_groups.shard_scan import infer_schema
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.data.table import explain_dropped
from graduel.data.table_checks import check_table
from graduel.duel.plan.defaults import RARE_SHARE
from graduel.duel.plan.threads import parse_threads
from graduel.duel.result.environment import describe_environment
from graduel.errors import UserError
from graduel.kernels import describe
from graduel.kernels.shares import limit_threads
from graduel.metrics.metric import Metric, get_metric, is_misclassified, log_loss
from graduel.models.model import Model
from graduel.models.model_file import save_model
from graduel.serialize import to_plain
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.loop.training import reject_full_batch
from graduel.train.recipes import NetRecipe, net_recipe

IN_MEMORY_ONLY = ("rows", "quick", "bins", "group", "time", "separator", "decimal", "encoding")
"""Options that have no meaning for row groups, or need all rows in memory."""


def run_streamed(
    shards: ParquetShards,
    read_options: dict[str, Any],
    *,
    contender: str,
    net: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Infer the schema, fit, evaluate on the test rows, save: each a pass over the row groups."""
    _check_options(read_options | options)
    family, named = get_contender(contender)
    if family.name not in ("net", "xgboost"):
        raise UserError(
            f"--contender: expected net or xgboost for a table that is read from disk; got "
            f"{contender}. Choose one of them"
        )
    threads = parse_threads(options.get("threads")) or choose_threads()
    path = out if out is not None else unused_path(f"seed{seed}", shards.name)
    check_writable(path)
    _check_metric(options.get("metric"))
    _recipe(named, net, TableTraits(shards.n_rows))  # raises before the table is read
    console = Console(stderr=True)
    with threadpool_limits(threads), limit_threads(threads):
        table = _read_schema(shards, read_options, seed, console)
        metric = _metric(options.get("metric"), table)
        kinds = {column.kind for column in table.schema.columns}
        n_classes = len(table.schema.classes)
        vectors = n_classes > 2 and "categorical" not in kinds
        recipe = _recipe(named, net, TableTraits(table.n_train + table.n_valid, n_classes, vectors))
        done, model = _fit(recipe, table, named.title, metric.name, seed, threads, console)
        scores = evaluate_streamed(model, table, metric)
    kernels = describe() if family.name == "net" else None
    report = {
        "dataset": shards.name,
        "contender": contender,
        "classes": list(table.schema.classes),
        "scale": table.schema.scale,
        "recipe": to_plain(recipe),
        "seed": seed,
        "rows": table.n_train,
        "test_rows": table.n_test,
        **done.details,
        **scores,
        "seconds": done.seconds,
        "environment": to_plain(describe_environment(command_line(), threads, kernels)),
    }
    save_model(path, replace(model, notes=report))
    if as_json:
        sys.stdout.write(json.dumps(report | {"model": str(path)}, indent=1) + "\n")
    else:
        show_report(report, done, metric.name, path, Console(), predicts=True)
    if done.diverged:
        typer.echo(f"graduel: {done.diverged}. The best epoch before is saved.", err=True)
        raise typer.Exit(2)
    if done.stopped:
        raise typer.Exit(130)


def _check_options(options: dict[str, Any]) -> None:
    """Raise if an option needs all rows in memory."""
    for name in (*IN_MEMORY_ONLY, "size"):
        if options.get(name):
            raise UserError(
                f"--{name} does not apply to a table that is read from disk row group by row "
                "group. Leave it out"
            )
    if options.get("split") not in (None, "holdout"):
        raise UserError(
            f"--split: expected holdout for a table that is read from disk; got "
            f"'{options['split']}'. Leave it out"
        )


def _recipe(contender: NamedContender, net: str | None, traits: TableTraits) -> Any:
    """Return the contender's recipe for the table, with the user's changes.

    Raises
    ------
    UserError
        If it is not for tables, or needs all rows in memory.
    """
    recipes = contender.recipes(traits)
    if recipes is None:
        family = contender.name.partition("-")[0]
        raise UserError(
            f"{contender.name} is for images; this data set is a table. Choose {family}"
        )
    recipe = recipes.full
    if net is not None:
        recipe = parse_recipe(net, net_recipe(False, traits.n_rows))
    if isinstance(recipe, NetRecipe):
        reject_full_batch(recipe)
    return recipe


def _check_metric(name: str | None) -> None:
    """Raise unless a metric is a mean over rows, which a sum over row groups gives."""
    if name is not None and get_metric(name).per_row is None:
        raise UserError(
            "--metric: expected error, accuracy, log_loss or brier, which are means over rows, "
            f"for a table that is read from disk; got {name}. Choose one of them"
        )


def _metric(name: str | None, table: ShardedTable) -> Metric:
    """Return the metric: the user's, or by default log loss if one class has over 90 % of rows."""
    counts = table.counts.sum(axis=0)
    is_rare = 1 - counts.max() / counts.sum() < RARE_SHARE
    return get_metric(name or ("log_loss" if is_rare else "error"))


def _read_schema(
    shards: ParquetShards, options: dict[str, Any], seed: int, console: Console
) -> ShardedTable:
    """Infer the schema from a sample, scan all rows; print notes and findings."""
    n_files, n_groups = len(shards.files), len(shards.row_groups)
    console.out(
        f"{shards.n_rows:,} rows in {n_groups:,} row group{'s' * (n_groups > 1)} of {n_files:,} "
        f"file{'s' * (n_files > 1)} are read from disk",
        highlight=False,
    )
    names = {"target", "categorical", "numeric", "drop"}
    given = {name: value for name, value in options.items() if name in names}
    sampled = infer_schema(shards, seed=seed, **({"target": None} | given))
    table = ShardedTable.of(shards, sampled)
    for line in (*table.table.notes, *explain_dropped(table.table.set_aside)):
        console.out(f"note: {line}", highlight=False)
    print_findings(check_table(table.table))
    return table


def _fit(
    recipe: Any,
    table: ShardedTable,
    title: str,
    metric: str,
    seed: int,
    threads: int,
    console: Console,
) -> tuple[FitOutcome, Model]:
    """Fit the network or XGBoost with live progress."""
    X, y = table.valid
    valid = LabelledRows(X, y, len(table.schema.classes), None, table.schema.columns)
    if not isinstance(recipe, NetRecipe):
        from graduel.contenders.sharded.sharded_xgboost import fit_xgboost

        with LiveDisplay(console, "starting") as live:
            model, details, seconds = fit_xgboost(
                recipe,
                table,
                metric=metric,
                title=title,
                seed=seed,
                threads=threads,
                notify=live.notify(recipe.n_estimators),
            )
        return describe_fit(None, details, seconds), model
    clock = Clock()
    prepare, training = start_streamed_training(recipe, table, seed)
    done = follow_training(training, prepare, valid, metric, console, clock, is_table=True)
    fitted = done.fitted
    assert isinstance(fitted, FittedNet)
    network, preparation = training.network, prepare.preparation
    return done, Model("net", title, table.schema, preparation, network, fitted.weights)


def evaluate_streamed(model: Model, table: ShardedTable, metric: Metric) -> dict[str, Any]:
    """Return the metrics on the test rows, summed over row groups."""
    n, errors, losses, own = 0, 0, 0.0, 0.0
    assert model.preparation is not None
    assert metric.per_row is not None
    for features, y in table.blocks(TEST):
        if not len(y):
            continue
        p = model.predict_proba_prepared(model.preparation.transform(features))
        if not np.isfinite(p).all():
            raise UserError(
                "the network diverged: its probabilities are not finite. Lower the learning rate"
            )
        n += len(y)
        errors += int(is_misclassified(p, y).sum())
        losses += log_loss(p, y) * len(y)
        own += float(np.sum(metric.per_row(p, y)))
    scores: dict[str, Any] = {"test_error": errors / n, "test_log_loss": losses / n}
    if metric.name not in ("error", "log_loss"):
        scores |= {"metric": metric.name, f"test_{metric.name}": metric.shown(own / n)}
    return scores
