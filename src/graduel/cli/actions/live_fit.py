"""A fit with live progress, for ``graduel train``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress

from graduel import kernels
from graduel.cli.views.progress import (
    PLAIN_EVERY,
    bar_columns,
    describe_loss,
    describe_time_left,
    fold_column,
)
from graduel.contenders import Budget, FittedContender, LabelledRows
from graduel.contenders import Progress as Stage
from graduel.contenders.contender import TunableContender
from graduel.contenders.fit_job import Clock, selecting_metric, selection_details
from graduel.contenders.net import FittedNet, start_training
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.target_scale import TargetScale
from graduel.errors import UserError
from graduel.metrics.metric import Metric, get_metric, log_loss
from graduel.metrics.number_losses import rmse
from graduel.number_format import format_number, format_percent, format_quantity
from graduel.train import DivergedError, Epoch
from graduel.train.build.network_builder import predicts_rates
from graduel.train.loop.training import BestEpoch, Training
from graduel.train.recipes import NetRecipe


@dataclass(slots=True)
class FitOutcome:
    """The outcome of a fit.

    Attributes
    ----------
    fitted : the selected model; None where the model is in a file
    details : best epoch or round, validation error
    selected : the selected epoch or round, in words
    length : the number of epochs or rounds, in words
    seconds : duration of the fit
    stopped : whether Ctrl-C stopped it
    diverged : the message if the training diverged, otherwise empty
    """

    fitted: FittedContender | None
    details: dict[str, Any]
    selected: str
    length: str
    seconds: float
    stopped: bool = False
    diverged: str = ""


class LiveDisplay:
    """Progress of a fit: a live line on a terminal, otherwise a line every few seconds."""

    def __init__(self, console: Console, first: str) -> None:
        self._console, self._last_line = console, float("-inf")
        self._display = Progress(
            *bar_columns(console),
            fold_column("task.description"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._display.add_task(first, total=1.0)

    def __enter__(self) -> LiveDisplay:
        self._display.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._display.stop()

    def show(self, share: float, seconds: float, line: str) -> None:
        """Show a line after `seconds`, with a `share` of the work done."""
        self._display.update(self._task, completed=share, description=line)
        if not self._console.is_terminal and (
            seconds - self._last_line >= PLAIN_EVERY or share == 1
        ):
            self._console.out(line, highlight=False)
            self._last_line = seconds

    def notify(self, rounds: int | None) -> Callable[[Stage], None]:
        """Return a callback that shows the progress of a fit of at most `rounds` rounds."""
        best = float("inf")

        def notify(stage: Stage) -> None:
            nonlocal best
            name, loss = stage.selection or ("error", stage.valid_error)
            best = min(best, loss)
            done = format_percent(stage.share, 0)
            if rounds is not None:
                done = f"round {round(stage.share * rounds)} of at most {rounds}"
            score = describe_loss(name, loss, best)
            left = describe_time_left(stage.share, stage.seconds)
            self.show(stage.share, stage.seconds, f"{done}: {score}{left}")

        return notify


def fit_net(
    recipe: NetRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    metric: str,
    console: Console,
) -> FitOutcome:
    """Train a network; Ctrl-C or divergence stops it, and the best epoch so far is used."""
    clock = Clock()
    scale = None
    if train.task == "regression":
        scale = TargetScale.fit(train.y, is_rate=predicts_rates(recipe))
    targets = None if scale is None else scale.encode(train.y)
    prepare, training = start_training(recipe, train, rng, targets)
    is_table = bool(train.columns)
    return follow_training(
        training, prepare, valid, metric, console, clock, is_table=is_table, scale=scale
    )


def follow_training(
    training: Training,
    prepare: PreparedTable,
    valid: LabelledRows,
    metric: str,
    console: Console,
    clock: Clock,
    *,
    is_table: bool,
    scale: TargetScale | None = None,
) -> FitOutcome:
    """Run a training with live progress and select its best epoch, as :func:`fit_net` does.

    `scale` is the scale of numbers that it predicts; None for classes.
    """
    recipe = training.recipe
    best, done = BestEpoch(training.prediction_weights.copy()), 0
    selecting = selecting_metric(recipe.selects_by, metric)
    valid_X, leading, latest = prepare(valid.X), get_metric(selecting), 0.0

    def losses(p: Any, y: Any) -> tuple[float, ...]:
        nonlocal latest
        if scale is not None:
            latest = leading.loss(scale.decode(p), y)
            return latest, rmse(scale.decode(p), y)
        latest = leading.loss(p, y)
        return latest, log_loss(p, y) if is_table else 0.0

    error_of = None if scale is None else lambda p, y: rmse(scale.decode(p), y)

    console.out(training.network.summary(), highlight=False)
    stopped, diverged = False, ""
    try:
        with (
            np.errstate(over="ignore", invalid="ignore"),
            LiveDisplay(console, "epoch 1") as live,
            kernels.announce(lambda: live.show(0.0, 0.0, f"{kernels.COMPILING} …")),
        ):
            for epoch, _ in training.validated_epochs(valid_X, valid.y, best, losses, error_of):
                done, seconds = epoch.epoch, clock.seconds
                both = latest, best.losses[0]
                line = describe_epoch(epoch, leading, both, seconds, recipe.epochs)
                live.show(epoch.t, seconds, line)
    except KeyboardInterrupt:
        if not best.epoch:
            typer.echo("graduel: stopped before the first epoch; nothing is saved.", err=True)
            raise typer.Exit(130) from None
        stopped = True
    except DivergedError as error:
        if not best.epoch:
            raise UserError(str(error)) from None
        diverged = str(error)
    seconds = clock.seconds
    net = FittedNet(training, best.weights, prepare, seconds, scale=scale)
    return describe_net(
        net,
        (best.epoch, best.error, best.losses[0]),
        selecting,
        (done, recipe.epochs),
        seconds,
        stopped=stopped,
        diverged=diverged,
    )


def describe_net(
    net: FittedNet | None,
    best: tuple[int, float, float],
    metric: str,
    epochs: tuple[int, int],
    seconds: float,
    *,
    stopped: bool,
    diverged: str,
    **more: Any,
) -> FitOutcome:
    """Return the outcome of a network's training, which may have ended early.

    Parameters
    ----------
    net : the network with the weights of the best epoch, whose details are set; None if the model
        is in a file
    best : the number of the best epoch, its validation error and its loss in `metric`
    metric : the metric that selected it
    epochs : numbers of epochs: trained, planned
    seconds : the time of the fit
    stopped, diverged : see :class:`FitOutcome`
    more : further details
    """
    (done, planned), (epoch, error, loss) = epochs, best
    details = {"epochs": done, "best_epoch": epoch, "valid_error": error}
    details |= selection_details(metric, loss) | more
    if net is not None:
        net.details = details
    return FitOutcome(
        net,
        details,
        selected=f"weights of epoch {epoch}, the best on the validation rows",
        length=count_epochs(done, planned),
        seconds=seconds,
        stopped=stopped,
        diverged=diverged,
    )


def fit_contender(
    contender: TunableContender,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    threads: int,
    console: Console,
) -> FitOutcome:
    """Fit a contender of another family; Ctrl-C stops it, and nothing is saved."""
    with LiveDisplay(console, "starting") as live:
        notify = live.notify(getattr(contender.recipe, "n_estimators", None))
        fitting = contender.fit(train, valid, rng=rng, budget=Budget(threads), notify=notify)
        while True:
            try:
                next(fitting)
            except StopIteration as end:
                fitted: FittedContender = end.value
                break
    return describe_fit(fitted, dict(fitted.details), fitted.seconds)


def describe_fit(fitted: Any, details: dict[str, Any], seconds: float) -> FitOutcome:
    """Return the outcome of a fit that was not stopped, with its details in words."""
    selected, length = "final model", "the fit"
    if "best_round" in details:
        best = format_quantity(details["best_round"], "round")
        selected = f"first {best}, the best on the validation rows"
        length = format_quantity(details["rounds"], "round")
    return FitOutcome(fitted, details, selected, length, seconds)


def describe_epoch(
    epoch: Epoch, metric: Metric, losses: tuple[float, float], seconds: float, epochs: int
) -> str:
    """Return a line about an epoch: its loss and the lowest one on the validation rows."""
    return (
        f"epoch {epoch.epoch} of {epochs}: loss {format_number(epoch.loss)}, "
        f"{describe_loss(metric.name, *losses)}{describe_time_left(epoch.t, seconds)}"
    )


def count_epochs(done: int, epochs: int) -> str:
    """Return the number of epochs in words."""
    of_all = format_quantity(epochs, "epoch")
    return f"{done} of {of_all}" if done < epochs else of_all
