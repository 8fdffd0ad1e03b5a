"""One fit under a live display, for ``graduel train``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from graduel import kernels
from graduel.cli.views.progress import PLAIN_EVERY, format_seconds
from graduel.contenders import Budget, FittedContender, LabelledRows
from graduel.contenders import Progress as Stage
from graduel.contenders.contender import TunableContender
from graduel.contenders.fit_job import Clock
from graduel.contenders.net import FittedNet, start_training
from graduel.errors import UserError
from graduel.metrics.metric import get_metric, log_loss
from graduel.train import DivergedError, Epoch
from graduel.train.loop.training import BestEpoch
from graduel.train.recipes import NetRecipe


@dataclass(slots=True)
class FitOutcome:
    """A finished fit.

    Attributes
    ----------
    fitted : the model that was selected
    details : best epoch or round, validation error
    selected : which epoch or round that is, in words
    length : how long the fit was, in words
    seconds : its duration
    stopped : whether Ctrl-C ended it
    diverged : why it ended early, if it did
    """

    fitted: FittedContender
    details: dict[str, Any]
    selected: str
    length: str
    seconds: float
    stopped: bool = False
    diverged: str = ""


class LiveDisplay:
    """Progress of a fit: a live line on a terminal, a plain line now and then elsewhere."""

    def __init__(self, console: Console, first: str) -> None:
        self._console, self._last_line = console, float("-inf")
        columns = (BarColumn(bar_width=24), TextColumn("{task.description}"))
        self._display = Progress(*columns, console=console, disable=not console.is_terminal)
        self._task = self._display.add_task(first, total=1.0)

    def __enter__(self) -> LiveDisplay:
        self._display.start()
        return self

    def __exit__(self, *about: object) -> None:
        self._display.stop()

    def show(self, share: float, seconds: float, line: str) -> None:
        """Show a line; `share` of the work is done, `seconds` after its begin."""
        self._display.update(self._task, completed=share, description=line)
        if not self._console.is_terminal and (
            seconds - self._last_line >= PLAIN_EVERY or share == 1
        ):
            self._console.out(line, highlight=False)
            self._last_line = seconds


def fit_net(
    recipe: NetRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    metric: str,
    console: Console,
) -> FitOutcome:
    """Train a network; Ctrl-C or divergence ends it early, and the best epoch so far stays."""
    clock = Clock()
    prepare, training = start_training(recipe, train, rng)
    best, done = BestEpoch(training.answer.copy()), 0
    valid_X, loss = prepare(valid.X), get_metric(metric).loss

    def losses(p: Any, codes: Any) -> tuple[float, ...]:
        return loss(p, codes), log_loss(p, codes) if train.columns else 0.0

    console.out(training.network.summary(), highlight=False)
    stopped, diverged = False, ""
    try:
        with (
            np.errstate(over="ignore", invalid="ignore"),
            LiveDisplay(console, "epoch 1") as live,
            kernels.announce(lambda: live.show(0.0, 0.0, f"{kernels.COMPILING} …")),
        ):
            for epoch, error in training.validated_epochs(valid_X, valid.y, best, losses):
                done, seconds = epoch.epoch, clock.seconds
                live.show(epoch.t, seconds, _line(epoch, error, best, seconds, recipe.epochs))
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
    details = {"epochs": done, "best_epoch": best.epoch, "valid_error": best.error}
    return FitOutcome(
        FittedNet(training, best.weights, prepare, seconds, details),
        details,
        selected=f"with the weights of epoch {best.epoch}, the best on the validation rows",
        length=f"{done} of {recipe.epochs} epochs" if done < recipe.epochs else _many(done),
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
    """Fit a contender of any other family; Ctrl-C ends it, and nothing is saved."""
    rounds, best = getattr(contender.recipe, "n_estimators", None), float("inf")
    with LiveDisplay(console, "starting") as live:

        def notify(stage: Stage) -> None:
            nonlocal best
            best = min(best, stage.valid_error)
            done = f"{100 * stage.share:.0f} %"
            if rounds is not None:
                done = f"round {round(stage.share * rounds)} of {rounds} at most"
            line = (
                f"{done}: validation error {100 * stage.valid_error:.2f} % "
                f"(lowest {100 * best:.2f} %)"
            )
            live.show(stage.share, stage.seconds, line)

        fitting = contender.fit(train, valid, rng=rng, budget=Budget(threads), notify=notify)
        while True:
            try:
                next(fitting)
            except StopIteration as end:
                fitted: FittedContender = end.value
                break
    details = dict(fitted.details)
    selected, length = "with all of its fit", "the fit"
    if "best_round" in details:
        selected = f"with the first {details['best_round']} rounds, the best on the validation rows"
        length = f"{details['rounds']} rounds"
    return FitOutcome(fitted, details, selected, length, fitted.seconds)


def _line(epoch: Epoch, error: float, best: BestEpoch, seconds: float, epochs: int) -> str:
    left = seconds * (1 - epoch.t) / epoch.t
    return (
        f"epoch {epoch.epoch} of {epochs}: loss {epoch.loss:.4f}, validation error "
        f"{100 * error:.2f} % (best {100 * best.error:.2f} %), {format_seconds(left)} left"
    )


def _many(epochs: int) -> str:
    return f"{epochs} epoch{'s' * (epochs > 1)}"
