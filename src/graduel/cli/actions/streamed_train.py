"""``graduel train`` on a table larger than memory: rows are read from disk in every epoch."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from graduel.cli.actions.live_fit import FitOutcome, LiveDisplay, describe_fit, follow_training
from graduel.cli.actions.live_session import command_line
from graduel.cli.data_source import print_findings
from graduel.cli.options import CELLS, TEXT_FORMAT
from graduel.cli.views.model_output import check_writable, show_report, unused_path
from graduel.contenders import LabelledRows
from graduel.contenders.contender import Array
from graduel.contenders.family import NamedContender, TableTraits
from graduel.contenders.fit_job import Clock
from graduel.contenders.net import FittedNet
from graduel.contenders.registry import get_contender
from graduel.contenders.sharded.evaluation import scores_of_sums, sum_losses
from graduel.contenders.sharded.sharded_net import start_streamed_training
from graduel.cores import choose_threads
from graduel.data.finding import DATA_READ
from graduel.data.row_groups.parquet_shards import ParquetShards
from graduel.data.row_groups.shard_scan import Sample, SampledTable, infer_from, read_sample
from graduel.data.row_groups.sharded_table import ShardedTable
from graduel.data.schema import Schema
from graduel.data.table import Table, report_dropped
from graduel.data.table_checks import check_table
from graduel.data.target import NoTargetError
from graduel.duel.plan.defaults import RARE_SHARE
from graduel.duel.plan.threads import parse_threads
from graduel.duel.result.environment import describe_environment
from graduel.errors import UserError
from graduel.kernels import describe
from graduel.kernels.shares import limit_threads
from graduel.metrics.metric import Metric, get_metric
from graduel.metrics.positive_class import check_positive
from graduel.models.model import Model
from graduel.models.model_file import save_model
from graduel.number_format import format_quantity, format_rows
from graduel.serialize import to_plain
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.loop.training import reject_full_batch
from graduel.train.recipes import NetRecipe, net_recipe

IN_MEMORY_ONLY = ("rows", "quick", "bins", "group", "time", "test", *TEXT_FORMAT)
"""Options that have no meaning for row groups, or need all rows in memory."""


@dataclass(frozen=True, slots=True)
class StreamedPlan:
    """The plan of a fit on row groups: the table, the contender and the user's options."""

    shards: ParquetShards
    contender: NamedContender
    net: str | None
    metric: str | None
    seed: int
    read_options: dict[str, Any]

    def infer(self, console: Console) -> tuple[Sample, dict[str, Any], SampledTable]:
        """Read the sample and infer the schema; print notes and findings.

        Return the sample, the options of the inference, and its result.
        """
        shards, names = self.shards, {"target", "categorical", "numeric", "drop", *CELLS}
        n_files, n_groups = len(shards.files), len(shards.row_groups)
        console.out(
            f"{format_rows(shards.n_rows)} in {format_quantity(n_groups, 'row group')} of "
            f"{format_quantity(n_files, 'file')} are read from disk",
            highlight=False,
        )
        options = {name: value for name, value in self.read_options.items() if name in names}
        if options.get("target") is None:
            raise NoTargetError(shards.read(shards.row_groups[0]))
        sample = read_sample(shards, self.seed)
        return sample, options, infer_from(sample, shards, seed=self.seed, **options)

    def choose(self, schema: Schema, n_rows: int, counts: Array) -> tuple[Any, Metric]:
        """Return the recipe for training and validation rows, and the metric.

        Parameters
        ----------
        schema : the table's schema
        n_rows : the number of training and validation rows
        counts : the number of rows of each class, or of a sample
        """
        kinds, n_classes = {column.kind for column in schema.columns}, len(schema.classes)
        vectors = n_classes > 2 and "categorical" not in kinds
        traits = TableTraits(n_rows, n_classes, vectors)
        return build_recipe(self.contender, self.net, traits), _metric(self.metric, counts)


@dataclass(frozen=True, slots=True)
class StreamedFit:
    """A fit on row groups: its outcome, model, recipe, metric, numbers of rows and scores."""

    done: FitOutcome
    model: Model
    recipe: Any
    metric: str
    rows: int
    test_rows: int
    scores: dict[str, Any]


FitStreamed = Callable[[StreamedPlan, Console, int, Path], StreamedFit]


def run_streamed(
    shards: ParquetShards,
    read_options: dict[str, Any],
    *,
    contender: str,
    net: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    fit_by: FitStreamed | None = None,
    usual_threads: int | None = None,
    **options: Any,
) -> None:
    """Infer the schema, fit, evaluate on the test rows, save: each a pass over the row groups.

    `fit_by` fits the plan with a number of threads and a file for checkpoints; default: in this
    process. `usual_threads` are those of all workers if the user gives no number.
    """
    _check_options(read_options | options)
    family, named = get_contender(contender)
    if family.name not in ("net", "xgboost"):
        raise UserError(
            f"--contender: expected net or xgboost for a table that is read from disk; got "
            f"{contender}. Choose one of them"
        )
    threads = parse_threads(options.get("threads")) or usual_threads or choose_threads()
    path = out if out is not None else unused_path(f"seed{seed}", shards.name)
    check_writable(path)
    _check_metric(options.get("metric"), options.get("positive"))
    build_recipe(named, net, TableTraits(shards.n_rows))  # raises before the table is read
    console = Console(stderr=True)
    plan = StreamedPlan(shards, named, net, options.get("metric"), seed, read_options)
    with threadpool_limits(threads), limit_threads(threads):
        fit = (fit_by or _fit_alone)(
            plan, console, threads, path.with_name(f"{path.name}.checkpoint")
        )
    done, kernels = fit.done, describe() if family.name == "net" else None
    report = {
        "dataset": shards.name,
        "contender": contender,
        "classes": list(fit.model.schema.classes),
        "scale": fit.model.schema.scale,
        "recipe": to_plain(fit.recipe),
        "seed": seed,
        "rows": fit.rows,
        "test_rows": fit.test_rows,
        **done.details,
        **fit.scores,
        "seconds": done.seconds,
        "environment": to_plain(describe_environment(command_line(), threads, kernels)),
    }
    save_model(path, replace(fit.model, notes=report))
    if as_json:
        sys.stdout.write(json.dumps(report | {"model": str(path)}, indent=1) + "\n")
    else:
        show_report(report, done, fit.metric, path, Console(), predicts=True)
    if done.diverged:
        typer.echo(f"graduel: {done.diverged}. The best epoch before is saved.", err=True)
        raise typer.Exit(2)
    if done.stopped:
        raise typer.Exit(130)


def _check_options(options: dict[str, Any]) -> None:
    """Raise if an option needs all rows in memory."""
    for name in (*IN_MEMORY_ONLY, "size"):
        if options.get(name) or (name in TEXT_FORMAT and name in options):
            raise UserError(
                f"--{name} does not apply to a table that is read from disk row group by row "
                "group. Leave it out"
            )
    if options.get("split") not in (None, "holdout"):
        raise UserError(
            f"--split: expected holdout for a table that is read from disk; got "
            f"'{options['split']}'. Leave it out"
        )


def build_recipe(contender: NamedContender, net: str | None, traits: TableTraits) -> Any:
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


def _check_metric(name: str | None, positive: str | None) -> None:
    """Raise unless a metric is a mean over rows, which a sum over row groups gives."""
    if name is not None and get_metric(name).per_row is None:
        raise UserError(
            "--metric: expected error, accuracy, log_loss or brier, which are means over rows, "
            f"for a table that is read from disk; got {name}. Choose one of them"
        )
    if positive is not None:
        check_positive(name or "error")


def _metric(name: str | None, counts: Array) -> Metric:
    """Return the metric: the user's, or by default log loss if one class has over 90 % of rows."""
    is_rare = 1 - counts.max() / counts.sum() < RARE_SHARE
    return get_metric(name or ("log_loss" if is_rare else "error"))


def show_schema(table: Table) -> None:
    """Print the decisions of the inference and the findings of the checks."""
    print_findings(map(DATA_READ.report, table.notes))
    print_findings((*report_dropped(table.set_aside), *check_table(table)))


def _fit_alone(plan: StreamedPlan, console: Console, threads: int, checkpoint: Path) -> StreamedFit:
    """Scan all rows, fit and evaluate in this process, which writes no checkpoints."""
    table = ShardedTable.of(plan.shards, plan.infer(console)[2])
    show_schema(table.table)
    counts = table.counts.sum(axis=0)
    recipe, metric = plan.choose(table.schema, table.n_train + table.n_valid, counts)
    title, seed = plan.contender.title, plan.seed
    done, model = _fit(recipe, table, title, metric.name, seed, threads, console)
    scores = scores_of_sums(sum_losses(model, table, metric), metric)
    return StreamedFit(done, model, recipe, metric.name, table.n_train, table.n_test, scores)


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
