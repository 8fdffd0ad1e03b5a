"""A fit by several worker processes of this machine, for ``graduel train --workers``."""

from __future__ import annotations

import tempfile
from contextlib import closing
from dataclasses import replace
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
)
from graduel.contenders import LabelledRows
from graduel.contenders import Progress as Stage
from graduel.contenders.fit_job import Clock
from graduel.contenders.net import FittedNet, start_training
from graduel.contenders.workers.train_job import (
    TrainJob,
    check_family,
    remove_checkpoint,
    write_rows,
)
from graduel.contenders.workers.worker_group import run_workers
from graduel.contenders.xgboost_recipes import XGBoostRecipe
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
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
    workers: int,
    threads: int,
    checkpoint: Path,
    checkpoint_every: int,
) -> FitOutcome:
    """Fit by workers; resume from the checkpoint if there is one, and remove it at the end.

    Parameters
    ----------
    contender : a contender of the family net or xgboost
    train, valid : training and validation rows
    rng : the source of all random numbers
    metric : the leading metric
    console : where progress is shown
    workers : number of processes
    threads : threads of all workers together
    checkpoint : file of the last checkpoint
    checkpoint_every : steps between checkpoints, in addition to those after every epoch
    """
    check_family(contender.family.name, contender.name)
    job = {
        "family": contender.family.name,
        "recipe": to_plain(contender.recipe),
        "metric": metric,
        "n_classes": train.n_classes,
        "rng_state": rng.bit_generator.state,
        "checkpoint": str(checkpoint),
        "checkpoint_every": checkpoint_every,
        "image": train.image,
        "breaks_ties": bool(train.columns),
        "threads": max(1, threads // workers),
    }
    with tempfile.TemporaryDirectory(prefix="graduel-") as folder:
        job["folder"] = folder
        fit = _fit_net if contender.family.name == "net" else _fit_trees
        try:
            outcome = fit(contender.recipe, train, valid, rng, console, job, workers)
        except LostWorkerError as error:
            raise UserError(
                f"{error}, again and again: too little memory? Run the same command to resume, "
                "with fewer --workers"
            ) from None
    remove_checkpoint(checkpoint)
    return outcome


def _fit_net(
    recipe: NetRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    console: Console,
    described: dict[str, Any],
    workers: int,
) -> FitOutcome:
    """Train a network; Ctrl-C or divergence stops it, and the best epoch so far is used."""
    clock = Clock()
    prepare, training = start_training(recipe, train, rng)
    preparation = prepare.preparation
    if preparation is not None:
        described["preparation"] = preparation.to_spec()
    write_rows(
        Path(described["folder"]),
        X=training.rows.X,
        y=train.y,
        valid_X=prepare(valid.X),
        valid_y=valid.y,
    )
    job = TrainJob(**described).with_key()
    path = Path(job.checkpoint)
    console.out(training.network.summary(), highlight=False)
    if path.exists():
        console.out(f"resuming from {path}", highlight=False)
    stopped, diverged, done, seconds = False, "", 0, 0.0
    try:
        with LiveDisplay(console, "epoch 1") as live, closing(run_workers(job, workers)) as events:
            for event in events:
                if event["kind"] == "epoch":
                    done, seconds = event["epoch"], event["seconds"]
                    epoch = Epoch(done, event["step"], event["t"], event["loss"])
                    losses = event["valid_loss"], event["best_loss"]
                    line = describe_epoch(
                        epoch, get_metric(job.metric), losses, seconds, recipe.epochs
                    )
                    live.show(epoch.t, seconds, line)
                elif event["kind"] == "diverged":
                    diverged = event["message"]
                elif event["kind"] == "restart":
                    console.out(_describe_restart(event["message"], path), highlight=False)
    except KeyboardInterrupt:
        stopped = True
    best = _load_best(path, training.weights)
    if best is None:
        typer.echo("graduel: stopped before the first epoch; nothing is saved.", err=True)
        raise typer.Exit(130)
    done, seconds = done or best.epoch, seconds or clock.seconds
    net = FittedNet(training, best.weights, prepare, seconds)
    return describe_net(
        net,
        best,
        job.metric,
        done,
        recipe.epochs,
        stopped=stopped,
        diverged=diverged,
        workers=workers,
    )


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


def _fit_trees(
    recipe: XGBoostRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    console: Console,
    described: dict[str, Any],
    workers: int,
) -> FitOutcome:
    """Train XGBoost on shards of the rows; Ctrl-C stops it, and nothing is saved."""
    from graduel.contenders.workers.tree_rows import load_trees, prepare_trees

    path = Path(described["checkpoint"])
    remove_checkpoint(path)  # boosting starts from the first round
    prepare, rows, options = prepare_trees(recipe, train, valid, described["metric"], rng)
    write_rows(Path(described["folder"]), **rows)
    job = TrainJob(**described, options=options)
    with LiveDisplay(console, "starting") as live, closing(run_workers(job, workers)) as events:
        notify = live.notify(options["rounds"])
        for event in events:
            if event["kind"] == "round":
                key = "error" if options["by_error"] else "loss"
                selection = ("error" if options["by_error"] else "log_loss", event[key])
                stage = Stage(event["share"], event["seconds"], event["error"])
                notify(replace(stage, selection=selection))
            elif event["kind"] == "restart":
                console.out(f"{event['message']}. Boosting starts again", highlight=False)
    fitted = load_trees(path, prepare, train)
    return describe_fit(fitted, fitted.details | {"workers": workers}, fitted.seconds)
