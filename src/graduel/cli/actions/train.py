"""``graduel train``: fit one model with live progress, evaluate it, save it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from threadpoolctl import threadpool_limits

from graduel.cli.actions.live_fit import FitOutcome, fit_contender, fit_net
from graduel.cli.actions.live_session import command_line
from graduel.cli.actions.model_output import check_writable, show_report, unused_path
from graduel.cli.actions.parallel_fit import fit_parallel
from graduel.cli.data_source import (
    open_table_files,
    print_findings,
    print_notes,
    training_source,
)
from graduel.contenders import LabelledRows, make_contender
from graduel.contenders.family import has_no_saved_form
from graduel.contenders.registry import get_contender
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
from graduel.duel.result.environment import describe_environment
from graduel.errors import UserError
from graduel.kernels.shares import limit_threads
from graduel.metrics.metric import get_metric, is_misclassified, log_loss
from graduel.metrics.positive_class import name_positive_class
from graduel.models.model_file import save_model
from graduel.serialize import to_plain


def run(
    dataset: str,
    read_options: dict[str, Any],
    *,
    contender: str,
    net: str | None,
    seed: int,
    out: Path | None,
    as_json: bool,
    workers: int = 1,
    checkpoint_every: int = 0,
    stream: bool = False,
    **options: Any,
) -> None:
    """Fit, select the best epoch or round on validation rows, evaluate on test rows, save."""
    family, _ = get_contender(contender)
    if family.to_model is has_no_saved_form:
        raise UserError(
            f"--contender: models of {contender} cannot be saved; choose another, such as net"
        )
    if net is not None and contender != "net":
        raise UserError(
            "--net: expected the contender net for a network's fields (--layers, --epochs, …); "
            f"got --contender {contender}. Leave them out"
        )
    if seed < 0:
        raise UserError(f"--seed: expected at least 0; got {seed}")
    _check_workers(workers, checkpoint_every, contender, family.name)
    table = open_table_files(dataset, stream=stream)
    if isinstance(table, ParquetShards):
        from graduel.cli.actions.parallel_fit import fit_row_groups
        from graduel.cli.actions.streamed_train import run_streamed

        by_workers = partial(fit_row_groups, workers=workers, checkpoint_every=checkpoint_every)
        return run_streamed(
            table,
            read_options,
            contender=contender,
            net=net,
            seed=seed,
            out=out,
            as_json=as_json,
            fit_by=by_workers if workers > 1 else None,
            **options,
        )
    data = training_source(dataset, read_options, options, table)
    protocol = _plan(data, contender, net, options)
    path = (
        out if out is not None else unused_path(f"{protocol.digest}-seed{seed}", protocol.dataset)
    )
    protocol = replace(protocol, threads=protocol.threads or choose_threads())
    check_writable(path)
    dataset_rows = data.load()
    print_notes(data)
    print_findings(check_duel(dataset_rows, protocol))
    with threadpool_limits(protocol.threads), limit_threads(protocol.threads):
        split = protocol.split_rows(dataset_rows, seed)
        parallel = {
            "workers": workers,
            "checkpoint": path.with_name(f"{path.name}.checkpoint"),
            "checkpoint_every": checkpoint_every,
        }
        done = _fit(contender, protocol, dataset_rows, split, seed, parallel)
        report = _evaluate(done, dataset_rows, split, protocol, contender, seed)
    spec = protocol.contenders[contender]
    schema = Schema.of(dataset_rows)
    model = family.to_model(done.fitted, schema, spec["title"])
    if model is None:
        raise UserError(f"this model of {contender} cannot be saved; choose another contender")
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
    return None


def _plan(data: DataSource, contender: str, net: str | None, options: dict[str, Any]) -> Protocol:
    """Return the protocol of a duel with one contender, evaluated on given or held-out rows."""
    split = options["split"]
    if split is None and data.load().n_train is None:
        options = options | {"split": "holdout"}
    if split not in (None, "holdout", "given"):
        raise UserError(f"--split: expected holdout or given for a single model; got '{split}'")
    return build_protocol(data, contenders=[contender], net=net, seeds=1, **options)


def _check_workers(workers: int, checkpoint_every: int, contender: str, family: str) -> None:
    """Raise `UserError` unless that number of workers can train the contender."""
    for name, number, least in (
        ("--workers", workers, 1),
        ("--checkpoint-every", checkpoint_every, 0),
    ):
        if number < least:
            raise UserError(f"{name}: expected at least {least}; got {number}")
    if workers > 1:
        check_family(family, contender)
    elif checkpoint_every:
        raise UserError(
            "--checkpoint-every: expected --workers of at least 2; got 1. Leave it out, or set both"
        )


def _fit(
    contender: str,
    protocol: Protocol,
    data: Dataset,
    split: Split,
    seed: int,
    parallel: dict[str, Any],
) -> FitOutcome:
    spec, table = protocol.contenders[contender], data.table
    model = make_contender(contender, spec["family"], spec["recipe"], protocol.metric)
    train, valid = (
        LabelledRows(table[rows], data.y[rows], len(data.classes), data.image, data.columns)
        for rows in (split.train, split.valid)
    )
    rng, console = np.random.default_rng(seed), Console(stderr=True)
    if parallel["workers"] > 1:
        return fit_parallel(
            model,
            train,
            valid,
            rng,
            protocol.metric,
            console,
            threads=protocol.threads,
            **parallel,
        )
    if spec["family"] == "net":
        return fit_net(model.recipe, train, valid, rng, protocol.metric, console)
    return fit_contender(model, train, valid, rng, protocol.threads, console)


def _evaluate(
    done: FitOutcome, data: Dataset, split: Split, protocol: Protocol, contender: str, seed: int
) -> dict[str, Any]:
    """Evaluate the model on the test rows; return the report saved with it."""
    assert done.fitted is not None
    p, y = done.fitted.predict_proba(data.table[split.test]), data.y[split.test]
    if not np.isfinite(p).all():
        raise UserError(
            "the network diverged: its probabilities are not finite. Lower the learning rate"
        )
    metric = name_positive_class(get_metric(protocol.metric), data.classes)
    leading: dict[str, Any] = {}
    if metric.name not in ("error", "log_loss"):
        leading = {"metric": metric.name, f"test_{metric.name}": metric.value(p, y)}
    if metric.positive is not None:
        leading["positive"] = data.classes[metric.positive]
    return {
        "dataset": data.name,
        "contender": contender,
        "classes": list(data.classes),
        "scale": Schema.of(data).scale,
        "recipe": dict(protocol.contenders[contender]["recipe"]),
        "seed": seed,
        "rows": len(split.train),
        "test_rows": len(split.test),
        **done.details,
        "test_error": float(is_misclassified(p, y).mean()),
        "test_log_loss": log_loss(p, y),
        **leading,
        "seconds": done.seconds,
        "environment": to_plain(
            describe_environment(command_line(), protocol.threads, protocol.versions.get("kernels"))
        ),
    }
