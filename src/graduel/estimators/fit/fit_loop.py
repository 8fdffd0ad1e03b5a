"""The course of a training: epochs, the rate, the validation rows, when to stop, what to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn import Network, Weights
from graduel.optim import SGD, Minimizer
from graduel.train import DivergedError, Epoch, Fit, FullBatch, Step, WeightAverage
from graduel.train.loop.batches import Source
from graduel.train.loop.fit import iter_epochs

Array = NDArray[Any]

LEAST_GAIN = 2.220446049250313e-09
"""L-BFGS has converged where the loss falls by less, relatively: SciPy's ``ftol``."""
LEAST_RATE = 1e-6
"""Where 'adaptive' has lowered the rate to this, it stops."""
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


@dataclass(frozen=True, slots=True)
class FitEpoch:
    """One epoch of a fit, done; of L-BFGS, one iteration."""

    epoch: int
    """How many epochs of this fit are done."""
    loss: float
    """The training loss, the mean over the epoch's batches, with the L2 penalty."""
    validation_loss: float | None
    """The loss on the validation rows, without penalty; None if there are none."""
    validation_score: float | None
    """Their score; None if there are none."""
    learning_rate: float
    """The rate that the epoch began with."""


@dataclass(slots=True)
class FitHistory:
    """What goes on from one fit to the next where the start is warm."""

    losses: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    best_loss: float = inf
    best_score: float = -inf
    best: Weights | None = None
    """The weights of the epoch with the best score."""
    stalled: int = 0
    """Epochs in a row without gain."""
    seen: int = 0
    """Rows seen in training, each as often as it was."""


Validation = Callable[[Weights], tuple[float, float]]
"""Weights → loss and score of the validation rows."""


@dataclass(slots=True)
class FitSettings:
    """How to train: the parameters of an estimator, as objects."""

    rule: Any
    lr: float
    schedule: Callable[[float], float]
    by_rule: str
    power_t: float
    epochs: int
    batch_size: int
    penalty: float
    most_evaluations: int
    tol: float
    patience: float
    early_stopping: bool
    ema: float


class FitLoop:
    """One training of one network: ``for epoch in course.run(): …``.

    Parameters
    ----------
    plan : how to train
    network, weights : what is trained, in place
    rows, y, weight : the examples, and how much each row counts (None: all alike)
    history : what came before; it is written to
    rng : dropout, and the state of averaged weights
    order : returns the order of the next epoch's rows
    validation : rows to watch, or None
    report : factor and summand of the loss in the history
    memory, average, lr : what an earlier course left, to go on from
    """

    def __init__(
        self,
        plan: FitSettings,
        network: Network,
        weights: Weights,
        rows: Source,
        y: Array,
        weight: Array | None,
        *,
        history: FitHistory,
        rng: np.random.Generator,
        order: Callable[[], Array],
        validation: Validation | None = None,
        report: tuple[float, float] = (1.0, 0.0),
        memory: Any = None,
        average: WeightAverage | None = None,
        lr: float | None = None,
    ) -> None:
        self.plan, self.network, self.weights = plan, network, weights
        self.rows, self.rng = rows, rng
        self.history, self.validation, self.report = history, validation, report
        self.epochs = 0
        """Epochs done."""
        self.end = ""
        """Why it ended; empty while it goes on, and when all epochs are done."""
        self.diverged = False
        self.lr = plan.lr if lr is None else lr
        self.average = average
        self._seed = 0
        self._fit: Fit | FullBatch
        if isinstance(plan.rule, Minimizer):
            self._fit = FullBatch(
                network,
                rows,
                y,
                weight=weight,
                weights=weights,
                minimizer=plan.rule,
                weight_decay=plan.penalty / (len(rows) if weight is None else weight.sum()),
                steps=plan.epochs,
            )
            return
        self._fit = Fit(
            network,
            rows,
            y,
            rng=rng,
            weights=weights,
            weight=weight,
            penalty=plan.penalty,
            optimizer=plan.rule,
            memory=memory,
            lr=self.lr,
            schedule=plan.schedule,
            epochs=plan.epochs,
            batch_size=plan.batch_size,
            order=order,
        )
        if plan.ema:
            self.average = average if average is not None else WeightAverage(weights, plan.ema)
            self._seed = int(rng.integers(2**63))

    @property
    def memory(self) -> Any:
        """What the optimizer remembers."""
        return self._fit.memory if isinstance(self._fit, Fit) else None

    def rate(self) -> float:
        """Return the learning rate now, with the schedule's factor."""
        fit = self._fit
        if isinstance(fit, FullBatch):
            return self.lr
        return self.lr * self.plan.schedule(fit.step / fit.total_steps)

    def answer(self) -> Weights:
        """Return the weights to judge by now: those in training, or their running average."""
        if self.average is None or not isinstance(self._fit, Fit):
            return self.weights
        # A stream of its own, each time the same: to look at the average changes nothing.
        rng = np.random.default_rng(self._seed)
        return self.average.weights(
            self.network, self.rows, rng=rng, batch_size=self._fit.batch_size
        )

    def run(self) -> Iterator[FitEpoch]:
        """Train, yielding after every epoch, until it is time to stop.

        Raises
        ------
        ValueError
            If the loss or the weights are no longer finite, and no better epoch came before.
        """
        began = self.rate()
        try:
            for epoch in self._trained():
                self.epochs += 1
                yield self._done(epoch.loss, began)
                if self.end:
                    return
                began = self.rate()
        except DivergedError as error:
            if not (self.plan.early_stopping and self.history.best):
                raise ValueError(f"{NOT_FINITE} ({error})") from None
            self.epochs, self.end, self.diverged = self.epochs + 1, str(error), True
            self._note(nan, nan, nan, self.weights)
            yield FitEpoch(self.epochs, nan, nan, nan, began)

    def _trained(self) -> Iterator[Epoch]:
        if isinstance(self._fit, FullBatch):
            yield from self._minimized(self._fit)
        elif self.average is None:
            yield from self._fit.fit_iter()
        else:
            yield from iter_epochs(self._averaging(self._fit, self.average), len(self.rows))

    @staticmethod
    def _averaging(fit: Fit, average: WeightAverage) -> Iterator[Step]:
        for step in fit.fit_steps():
            average.update()
            yield step

    def _minimized(self, fit: FullBatch) -> Iterator[Epoch]:
        last = inf
        for epoch in fit.fit_iter():
            assert fit.last is not None
            if fit.last.end in ("converged", "no decrease"):
                self.end = fit.last.end
                if not epoch.step or epoch.step == self.epochs:
                    loss = epoch.loss * self.report[0] + self.report[1]
                    self.history.losses[-1:] = [loss]
                    self.history.best_loss = min(self.history.best_loss, loss)
                    return
            elif fit.last.evaluations >= self.plan.most_evaluations:
                self.end = "out of evaluations"
            elif last - epoch.loss <= LEAST_GAIN * max(abs(epoch.loss), 1):
                self.end = "converged"
            last = epoch.loss
            yield epoch

    def _done(self, loss: float, began: float) -> FitEpoch:
        """Write an epoch to the history, and decide what follows from it."""
        loss = loss * self.report[0] + self.report[1]
        watched, score, answer = None, None, self.weights
        if self.validation is not None:
            answer = self.answer()
            watched, score = self.validation(answer)
        self._note(loss, watched, score, answer)
        plan, history = self.plan, self.history
        if plan.by_rule == "invscaling":
            self._set_rate(plan.lr / (history.seen + 1) ** plan.power_t)
        if not self.end and history.stalled > plan.patience:
            self._stalled()
        return FitEpoch(self.epochs, loss, watched, score, began)

    def _note(
        self, loss: float, watched: float | None, score: float | None, answer: Weights
    ) -> None:
        plan, history = self.plan, self.history
        history.seen += len(self.rows)
        history.losses.append(loss)
        if watched is not None and score is not None:
            history.validation_losses.append(watched)
            history.scores.append(score)
        if plan.early_stopping and score is not None:
            gain = score >= history.best_score + plan.tol  # never, where it is no number
            history.stalled = 0 if gain else history.stalled + 1
            if score > history.best_score:
                history.best_score, history.best = score, answer.copy()
        elif isinstance(self._fit, Fit):
            gain = loss <= history.best_loss - plan.tol
            history.stalled = 0 if gain else history.stalled + 1
        history.best_loss = min(history.best_loss, loss) if isfinite(loss) else history.best_loss

    def _stalled(self) -> None:
        """Lower the rate, or stop."""
        what = "Validation score" if self.plan.early_stopping else "Training loss"
        why = (
            f"{what} did not improve more than tol={self.plan.tol:f} for {self.plan.patience:g} "
            "consecutive epochs."
        )
        if self.plan.by_rule != "adaptive":
            self.end = f"{why} Stopping."
        elif self.lr <= LEAST_RATE:
            self.end = f"{why} Learning rate too small. Stopping."
        else:
            self.history.stalled = 0
            self._set_rate(self.lr / 5)

    def _set_rate(self, lr: float) -> None:
        """Change the rate; the step that momentum is about to make stays as it is."""
        fit = self._fit
        assert isinstance(fit, Fit)
        if isinstance(fit.optimizer, SGD) and fit.optimizer.momentum:
            # scikit-learn's velocity holds the rate, v ← μ v − α g; ours does not.
            fit.memory.moments[0][...] *= self.lr / lr
        self.lr = fit.lr = lr

    def finish(self) -> Weights:
        """Return the weights to keep: with early stopping, those of the best epoch.

        Raises
        ------
        ValueError
            If they are not finite.
        """
        kept = self.history.best if self.plan.early_stopping else None
        weights = kept or self.answer()
        if not (np.isfinite(weights.theta).all() and np.isfinite(weights.state).all()):
            raise ValueError(NOT_FINITE)
        return weights
