"""``graduel train``: fit one model with live progress, evaluate it, save it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from graduel.cli.actions.live_fit import FitOutcome, fit_contender, fit_net
from graduel.cli.actions.live_session import command_line
from graduel.cli.actions.parallel_fit import fit_parallel
from graduel.cli.data_source import (
    open_table_files,
    print_findings,
    training_source,
)
from graduel.cli.views.model_output import check_writable, show_report, unused_path
from graduel.cli.worker_options import WorkerOptions, open_workers
from graduel.contenders import LabelledRows, make_contender
from graduel.contenders.family import Family, has_no_saved_form
from graduel.contenders.registry import USER, get_contender, get_family
from graduel.contenders.sklearn_contender import estimator_model
from graduel.contenders.workers.train_job import check_family
from graduel.cores import choose_threads
from graduel.data import Dataset
from graduel.data.row_groups.parquet_shards import ParquetShards
from graduel.data.schema import Schema
from graduel.data.source import DataSource
from graduel.duel.plan.duel_checks import check_duel
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.splits import Split
from graduel.duel.plan.threads import parse_threads
from graduel.duel.plan.user_estimators import UserContender, load_contender
from graduel.duel.result.duel_result import ContenderResult
from graduel.duel.result.environment import describe_environment
from graduel.duel.result.refit import plan_refit
from graduel.errors import UserError
from graduel.kernels.shares import limit_threads
from graduel.metrics.metric import Metric, get_metric, is_misclassified, log_loss
from graduel.models.library_model import check_savable
from graduel.models.model_file import save_model
from graduel.models.prediction_sets import calibrate
from graduel.serialize import to_plain


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """The plan of a model's training: contender, rows and file.

    Attributes
    ----------
    name : the contender
    protocol : the protocol of a duel with this contender only
    dataset, split : the data set and its rows; without test rows if the model is trained on all
    path : the file of the model
    own : the user's own classifier, if it is the contender
    estimate : the contender's result in the duel that the model comes from
    """

    name: str
    protocol: Protocol
    dataset: Dataset
    split: Split
    path: Path
    own: UserContender | None = None
    estimate: ContenderResult | None = None


def run(
    dataset: str | None,
    read_options: dict[str, Any],
    *,
    cluster: dict[str, Any],
    workers: int | None = None,
    checkpoint_every: int = 0,
    **options: Any,
) -> None:
    """Fit, select the best epoch or round on validation rows, evaluate on test rows, save."""
    with open_workers(cluster, workers, checkpoint_every) as team:
        _run(dataset, read_options, team=team, **options)


def _run(
    dataset: str | None,
    read_options: dict[str, Any],
    *,
    contender: str | None,
    refit: Path | None,
    net: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    team: WorkerOptions,
    stream: bool = False,
    **options: Any,
) -> None:
    if seed < 0:
        raise UserError(f"--seed: expected at least 0; got {seed}")
    own = load_contender(contender) if contender is not None and ":" in contender else None
    name = own.name if own is not None else contender
    if refit is not None:
        _check_refit(dataset, {"net": net, "stream": stream, **read_options, **options})
        planned = plan_refit(refit, name, own, seed)
        threads = parse_threads(options["threads"])
        plan = TrainingPlan(
            planned.name,
            replace(planned.protocol, threads=threads),
            planned.dataset,
            planned.split,
            planned.path if out is None else out,
            own,
            planned.estimate,
        )
        family = get_family(planned.protocol.contenders[planned.name]["family"])
        _check_contender(family, planned.name, own, team)
        check_writable(plan.path)
        _train(plan, seed, team, as_json=as_json)
        return
    dataset, name = dataset or "mnist", name or "net"
    family = get_family(USER) if own is not None else get_contender(name)[0]
    if net is not None and name != "net":
        raise UserError(
            "--net: expected the contender net for a network's fields (--layers, --epochs, …); "
            f"got --contender {name}. Leave them out"
        )
    _check_contender(family, name, own, team)
    table = open_table_files(dataset, stream=stream)
    if isinstance(table, ParquetShards):
        from graduel.cli.actions.parallel_fit import fit_row_groups
        from graduel.cli.actions.streamed_train import run_streamed

        run_streamed(
            table,
            read_options,
            contender=name,
            net=net,
            seed=seed,
            out=out,
            as_json=as_json,
            fit_by=partial(fit_row_groups, team=team) if team.is_parallel else None,
            usual_threads=team.threads,
            **options,
        )
        return
    data = training_source(dataset, read_options, options, table)
    protocol = _plan(data, name, own, net, options)
    path = (
        out if out is not None else unused_path(f"{protocol.digest}-seed{seed}", protocol.dataset)
    )
    check_writable(path)
    rows = data.load()
    print_findings(check_duel(rows, protocol))
    plan = TrainingPlan(name, protocol, rows, protocol.split_rows(rows, seed), path, own)
    _train(plan, seed, team, as_json=as_json)


def _train(plan: TrainingPlan, seed: int, team: WorkerOptions, *, as_json: bool) -> None:
    """Fit, evaluate and save the model of a training; print its report."""
    protocol, path, name = plan.protocol, plan.path, plan.name
    protocol = replace(protocol, threads=protocol.threads or team.threads or choose_threads())
    plan = replace(plan, protocol=protocol)
    with threadpool_limits(protocol.threads), limit_threads(protocol.threads):
        done = _fit(plan, seed, team)
        report = _evaluate(done, plan, seed)
    spec = protocol.contenders[name]
    family = get_family(spec["family"])
    valid, dataset = plan.split.valid, plan.dataset
    assert done.fitted is not None
    p = done.fitted.predict_proba(dataset.table[valid])
    schema = calibrate(Schema.of(dataset), p, dataset.y[valid])
    model = family.build_model(done.fitted, schema, spec["title"])
    if model is None:
        raise UserError(f"this model of {name} cannot be saved; choose another contender")
    save_model(path, replace(model, notes=report))
    if as_json:
        sys.stdout.write(json.dumps(report | {"model": str(path)}, indent=1) + "\n")
    else:
        is_user_data = protocol.source is not None
        show_report(report, done, protocol.metric, path, Console(), predicts=is_user_data)
    if done.diverged:
        typer.echo(f"graduel: {done.diverged}. The best epoch before is saved.", err=True)
        raise typer.Exit(2)
    if done.stopped:
        raise typer.Exit(130)


def _check_contender(
    family: Family, contender: str, own: UserContender | None, team: WorkerOptions
) -> None:
    """Raise `UserError` before the fit if its model cannot be saved, or not trained by the team."""
    if family.to_model is has_no_saved_form:
        raise UserError(
            f"--contender: models of {contender} cannot be saved, because its family has no "
            "to_model; choose another, such as net"
        )
    if own is not None or family.to_model is estimator_model:
        check_savable(None if own is None else own.estimator, contender)
    if team.is_parallel:
        check_family(family.name, contender)
    elif team.checkpoint_every:
        raise UserError(
            "--checkpoint-every: expected --workers of at least 2; got 1. Leave it out, or set both"
        )


def _check_refit(dataset: str | None, options: dict[str, Any]) -> None:
    """Raise `UserError` if an option is set that the duel has decided."""
    if dataset is not None:
        raise UserError(
            f"--from: expected no data set, which is that of the duel; got {dataset}. Leave it out"
        )
    for name, value in options.items():
        if name != "threads" and value not in (None, False, ()):
            raise UserError(
                f"--{name.replace('_', '-')}: expected no such option with --from, since the duel "
                "decided it. Leave it out"
            )


def _plan(
    data: DataSource,
    contender: str,
    own: UserContender | None,
    net: str | None,
    options: dict[str, Any],
) -> Protocol:
    """Return the protocol of a duel with one contender, evaluated on given or held-out rows."""
    split = options["split"]
    if split is None and data.load().n_train is None:
        options = options | {"split": "holdout"}
    if split not in (None, "holdout", "given"):
        raise UserError(f"--split: expected holdout or given for a single model; got '{split}'")
    return build_protocol(
        data,
        contenders=[contender] if own is None else [],
        user_contenders=[] if own is None else [own],
        net=net,
        seeds=1,
        **options,
    )


def _fit(plan: TrainingPlan, seed: int, team: WorkerOptions) -> FitOutcome:
    protocol, data, split = plan.protocol, plan.dataset, plan.split
    spec = protocol.contenders[plan.name]
    pickled = None if plan.own is None else plan.own.pickled()
    model = make_contender(plan.name, spec["family"], spec["recipe"], protocol.metric, pickled)
    train, valid = (LabelledRows.of(data, rows) for rows in (split.train, split.valid))
    rng, console = np.random.default_rng(seed), Console(stderr=True)
    if team.is_parallel:
        return fit_parallel(
            model,
            train,
            valid,
            rng,
            protocol.metric,
            console,
            team=team,
            threads=protocol.threads,
            checkpoint=plan.path.with_name(f"{plan.path.name}.checkpoint"),
        )
    if spec["family"] == "net" and not train.log_target:
        return fit_net(model.recipe, train, valid, rng, protocol.metric, console)
    return fit_contender(model, train, valid, rng, protocol.threads, console)


def _evaluate(done: FitOutcome, plan: TrainingPlan, seed: int) -> dict[str, Any]:
    """Evaluate the model on the test rows; return the report saved with it.

    A model that is trained on all rows has the duel's estimate of its error instead.
    """
    protocol, data, split = plan.protocol, plan.dataset, plan.split
    rows = split.test if plan.estimate is None else split.valid
    assert done.fitted is not None
    p = done.fitted.predict_proba(data.table[rows])
    if not np.isfinite(p).all():
        raise UserError(
            "the network diverged: its predictions are not finite. Lower the learning rate"
        )
    if plan.estimate is None:
        scores = _score(p, data.y[rows], get_metric(protocol.metric), data.classes)
    else:
        loss = "test_error" if data.classes else "test_rmse"
        scores = {
            f"estimated_{loss}": plan.estimate.curve_loss,
            f"estimated_{loss}_interval": list(plan.estimate.curve_loss_interval),
        }
    return {
        "dataset": data.name,
        "contender": plan.name,
        "classes": list(data.classes),
        "scale": Schema.of(data).scale,
        "recipe": dict(protocol.contenders[plan.name]["recipe"]),
        "seed": seed,
        "rows": len(split.train),
        "test_rows": len(split.test),
        **done.details,
        **scores,
        "seconds": done.seconds,
        "environment": to_plain(
            describe_environment(command_line(), protocol.threads, protocol.versions.get("kernels"))
        ),
    }


def _score(p: Any, y: Any, metric: Metric, classes: Sequence[str]) -> dict[str, Any]:
    """Return the metrics of predictions."""
    if not classes:
        names = dict.fromkeys(("rmse", "mae", "r2", metric.name))
        return {f"test_{name}": get_metric(name).value(p, y) for name in names}
    scores: dict[str, Any] = {
        "test_error": float(is_misclassified(p, y).mean()),
        "test_log_loss": log_loss(p, y),
    }
    if metric.name in ("error", "log_loss"):
        return scores
    if metric.positive is not None:
        scores["positive"] = classes[metric.positive]
    return scores | {"metric": metric.name, f"test_{metric.name}": metric.value(p, y)}
