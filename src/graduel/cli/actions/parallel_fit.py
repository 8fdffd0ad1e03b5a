"""A fit by several worker processes of this machine, for ``graduel train --workers``."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console

from graduel.cli.actions.live_fit import (
    FitOutcome,
    LiveDisplay,
    describe_epoch,
    describe_fit,
    describe_net,
    fit_contender,
)
from graduel.cli.actions.streamed_train import StreamedFit, StreamedPlan, show_schema
from graduel.cli.worker_options import WorkerOptions
from graduel.contenders import LabelledRows
from graduel.contenders import Progress as Stage
from graduel.contenders.fit_job import Clock, selecting_metric
from graduel.contenders.net import FittedNet
from graduel.contenders.workers.divided_fit import divide_fits
from graduel.contenders.workers.network_rows import prepare_network
from graduel.contenders.workers.row_group_job import MODEL, describe_row_groups
from graduel.contenders.workers.rows_folder import rows_folder
from graduel.contenders.workers.train_job import (
    TrainJob,
    check_divisible,
    remove_checkpoint,
)
from graduel.contenders.workers.worker_group import run_workers
from graduel.data.row_groups.row_assignment import TEST_SHARE
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
from graduel.models.model_file import load_model
from graduel.nn import Weights
from graduel.serialize import to_plain
from graduel.train import Epoch
from graduel.train.io.checkpoint_file import load_checkpoint
from graduel.train.loop.parallel import LostWorkerError
from graduel.train.loop.training import BestEpoch
from graduel.train.recipes import NetRecipe


def fit_parallel(
    contender: Any,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    metric: str,
    console: Console,
    *,
    team: WorkerOptions,
    threads: int,
    checkpoint: Path,
) -> FitOutcome:
    """Fit by workers; resume from the checkpoint if there is one, and remove it at the end.

    Parameters
    ----------
    contender : a contender of one of the families that can be divided
    train, valid : training and validation rows
    rng : the source of all random numbers
    metric : the leading metric
    console : where progress is shown
    team : the workers
    threads : threads of all workers together
    checkpoint : file of the last checkpoint
    """
    check_divisible(contender, metric)
    try:
        if contender.family.name != "net":
            divided = divide_fits(
                contender,
                team.number,
                team.retries,
                lambda message: console.out(message, highlight=False),
                team.launch,
            )
            return fit_contender(divided, train, valid, rng, threads, console)
        with rows_folder() as folder:
            job = {
                "family": "net",
                "recipe": to_plain(contender.recipe),
                "metric": metric,
                "folder": str(folder),
                "n_classes": train.n_classes,
                "rng_state": rng.bit_generator.state,
                "checkpoint": str(checkpoint),
                "checkpoint_every": team.checkpoint_every,
                "image": train.image,
                "breaks_ties": bool(train.columns),
                "threads": max(1, threads // team.number),
            }
            outcome = _fit_net(contender.recipe, train, valid, rng, console, job, team)
    except LostWorkerError as error:
        raise _repeated_loss(error) from None
    remove_checkpoint(checkpoint)
    return outcome


def _fit_net(
    recipe: NetRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    console: Console,
    described: dict[str, Any],
    team: WorkerOptions,
) -> FitOutcome:
    """Train a network; Ctrl-C or divergence stops it, and the best epoch so far is used."""
    rows = prepare_network(recipe, train, valid, rng, Path(described["folder"]))
    prepare, training = rows.prepare, rows.training
    described["preparation"] = rows.preparation
    described["metric"] = selecting_metric(recipe.selects_by, described["metric"])
    job = TrainJob(**described).with_key()
    path = Path(job.checkpoint)
    console.out(training.network.summary(), highlight=False)
    clock = Clock()
    events = run_workers(job, team.number, team.retries, launch=team.launch)
    progress = _follow_epochs(events, recipe.epochs, job, console)
    best = _load_best(path, training.weights)
    if best is None:
        typer.echo("graduel: stopped before the first epoch; nothing is saved.", err=True)
        raise typer.Exit(130)
    done, seconds = progress.done or best.epoch, progress.seconds or clock.seconds
    net = FittedNet(training, best.weights, prepare, seconds)
    return describe_net(
        net,
        (best.epoch, best.error, best.losses[0]),
        job.metric,
        (done, recipe.epochs),
        seconds,
        stopped=progress.stopped,
        diverged=progress.diverged,
        workers=team.number,
    )


@dataclass(slots=True)
class _EpochProgress:
    """The progress of a network's training, as its workers report it."""

    done: int = 0
    seconds: float = 0.0
    diverged: str = ""
    stopped: bool = False
    last: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The last event of each kind."""


def _follow_epochs(
    events: Generator[dict[str, Any], None, None], epochs: int, job: TrainJob, console: Console
) -> _EpochProgress:
    """Show the progress of workers until they end, or Ctrl-C ends them."""
    progress, path, metric = _EpochProgress(), Path(job.checkpoint), get_metric(job.metric)
    if path.exists():
        console.out(f"resuming from {path}", highlight=False)
    try:
        with LiveDisplay(console, "epoch 1") as live, closing(events):
            for event in events:
                progress.last[event["kind"]] = event
                if event["kind"] == "epoch":
                    progress.done, progress.seconds = event["epoch"], event["seconds"]
                    epoch = Epoch(event["epoch"], event["step"], event["t"], event["loss"])
                    losses = event["valid_loss"], event["best_loss"]
                    line = describe_epoch(epoch, metric, losses, event["seconds"], epochs)
                    live.show(epoch.t, event["seconds"], line)
                elif event["kind"] == "network":
                    console.out(event["summary"], highlight=False)
                elif event["kind"] == "diverged":
                    progress.diverged = event["message"]
                elif event["kind"] == "restart":
                    console.out(_describe_restart(event["message"], path), highlight=False)
    except KeyboardInterrupt:
        progress.stopped = True
    return progress


def _describe_restart(message: str, path: Path) -> str:
    """Return a line about workers that are started again."""
    if path.exists():
        step = load_checkpoint(path)[0]["fit"]["step"]
        return f"{message}. Resuming from the checkpoint of step {step}"
    return f"{message}. Training starts again, as there is no checkpoint yet"


def _load_best(path: Path, like: Weights) -> BestEpoch | None:
    """Return the best epoch of a checkpoint; None if there is no epoch."""
    if not path.exists():
        return None
    progress, arrays = load_checkpoint(path)
    best = progress["best"]
    if not best["epoch"]:
        return None
    dtype = like.theta.dtype
    weights = Weights(arrays["best.theta"].astype(dtype), arrays["best.state"].astype(dtype))
    return BestEpoch(weights, best["epoch"], best["error"], tuple(best["losses"]))


def _follow_rounds(
    events: Generator[dict[str, Any], None, None], rounds: int, console: Console
) -> dict[str, dict[str, Any]]:
    """Show the progress of boosting workers until they end; return the last event of each kind."""
    last: dict[str, dict[str, Any]] = {}
    with LiveDisplay(console, "starting") as live, closing(events):
        notify = live.notify(rounds)
        for event in events:
            last[event["kind"]] = event
            if event["kind"] == "round":
                name, loss = event["selection"]
                stage = Stage(event["share"], event["seconds"], event["error"])
                notify(replace(stage, selection=(name, loss)))
            elif event["kind"] == "restart":
                console.out(f"{event['message']}. Boosting starts again", highlight=False)
    return last


def fit_row_groups(
    plan: StreamedPlan,
    console: Console,
    threads: int,
    checkpoint: Path,
    *,
    team: WorkerOptions,
) -> StreamedFit:
    """Fit and evaluate by workers, each on its own row groups of a table larger than memory.

    The recipe and the metric are those for the expected number of rows and the classes of the
    sample; resuming is as in :func:`fit_parallel`, from the end of an epoch.
    """
    n_groups, workers = len(plan.shards.row_groups), team.number
    if workers > n_groups:
        raise UserError(
            f"--workers: expected at most {n_groups}, the number of row groups; got {workers}"
        )
    if team.checkpoint_every:
        raise UserError(
            "--checkpoint-every does not apply to a table that is read from disk row group by row "
            "group, which has a checkpoint after every epoch. Leave it out"
        )
    sample, read_options, sampled = plan.infer(console)
    show_schema(sampled.table)
    n_rows = round(plan.shards.n_rows * (1 - TEST_SHARE))
    counts = np.bincount(sampled.table.y)
    recipe, metric = plan.choose(sampled.schema, n_rows, counts)
    is_net = isinstance(recipe, NetRecipe)
    with rows_folder() as folder:
        options = describe_row_groups(folder, plan.shards, sample, read_options, plan.seed)
        job = TrainJob(
            family="net" if is_net else "xgboost",
            recipe=to_plain(recipe),
            metric=metric.name,
            folder=str(folder),
            n_classes=0,
            rng_state=dict(np.random.default_rng(plan.seed).bit_generator.state),
            checkpoint=str(checkpoint),
            breaks_ties=True,
            threads=max(1, threads // workers),
            options=options | {"title": plan.contender.title},
        ).with_key()
        try:
            events = run_workers(job, workers, team.retries, launch=team.launch)
            if is_net:
                done, last = _streamed_net(events, recipe.epochs, job, console, workers)
            else:
                last = _follow_rounds(events, recipe.n_estimators, console)
                details = {k: v for k, v in last["details"].items() if k != "kind"}
                done = describe_fit(None, details | {"workers": workers}, last["round"]["seconds"])
        except LostWorkerError as error:
            raise _repeated_loss(error) from None
        model = load_model(folder / MODEL)
    remove_checkpoint(checkpoint)
    scores = {name: value for name, value in last["scores"].items() if name != "kind"}
    table = last["table"]
    return StreamedFit(done, model, recipe, metric.name, table["rows"], table["test_rows"], scores)


def _streamed_net(
    events: Generator[dict[str, Any], None, None],
    epochs: int,
    job: TrainJob,
    console: Console,
    workers: int,
) -> tuple[FitOutcome, dict[str, dict[str, Any]]]:
    """Follow a network's training on row groups; return its outcome and the last events."""
    progress, checkpoint = _follow_epochs(events, epochs, job, console), Path(job.checkpoint)
    if progress.stopped:
        if checkpoint.exists():
            text = "stopped; the same command resumes from the last epoch"
        else:
            text = "stopped before the first epoch; nothing is saved"
        typer.echo(f"graduel: {text}.", err=True)
        raise typer.Exit(130)
    state = load_checkpoint(checkpoint)[0]
    best, done = state["best"], progress.done or state["best"]["epoch"]
    outcome = describe_net(
        None,
        (best["epoch"], best["error"], best["losses"][0]),
        job.metric,
        (done, epochs),
        state["seconds"],
        stopped=False,
        diverged=progress.diverged,
        workers=workers,
    )
    return outcome, progress.last


def _repeated_loss(error: LostWorkerError) -> UserError:
    """Return the error of workers that died repeatedly."""
    return UserError(
        f"{error}, more often than --retries allows: too little memory? Run the same command to "
        "resume, with fewer --workers"
    )
