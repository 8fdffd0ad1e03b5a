"""The loop of a fit: learning rate, validation, early stopping, best epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.cores import limit_fit
from graduel.estimators.fit.fit_history import FitEpoch, FitHistory, FitSettings, Validation
from graduel.nn import Network, Weights
from graduel.optim import SGD, Minimizer
from graduel.train import DivergedError, Epoch, Fit, FullBatch, WeightAverage
from graduel.train.loop.batches import Source
from graduel.train.loop.ema import iter_averaged_epochs

Array = NDArray[Any]

MIN_RELATIVE_GAIN = 2.220446049250313e-09
"""L-BFGS has converged where the loss falls by less, relatively: SciPy's ``ftol``."""
MIN_RATE = 1e-6
"""The rate at which 'adaptive' stops."""
NOT_FINITE = (
    "Solver produced non-finite parameter weights. The input data may contain large values and "
    "need to be preprocessed."
)


class FitLoop:
    """Training of one network: ``for epoch in loop.run(): …``.

    Parameters
    ----------
    settings : parameters of the training
    network, weights : the network, and its weights, trained in place
    rows, y, weight : the training rows, their targets and weights (None: equal weights)
    history : history of earlier fits, to which epochs are added
    rng : random numbers for dropout and the state of averaged weights
    order : function that returns the row order of the next epoch
    validation : function that scores weights on validation rows, or None
    report : factor and summand for the loss in the history
    optimizer_state, average, lr : those at the end of an earlier loop, to continue from
    """

    def __init__(
        self,
        settings: FitSettings,
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
        optimizer_state: Any = None,
        average: WeightAverage | None = None,
        lr: float | None = None,
    ) -> None:
        self.settings, self.network, self.weights = settings, network, weights
        self.rows, self.rng = rows, rng
        self.history, self.validation, self.report = history, validation, report
        self.epochs = 0
        """The number of completed epochs."""
        self.stop_reason = ""
        """Why training stopped early; empty otherwise."""
        self.diverged = False
        self.lr = settings.lr if lr is None else lr
        self.average = average
        self._seed = 0
        self._fit: Fit | FullBatch
        if isinstance(settings.rule, Minimizer):
            self._fit = FullBatch(
                network,
                rows,
                y,
                weight=weight,
                weights=weights,
                minimizer=settings.rule,
                weight_decay=settings.penalty / (len(rows) if weight is None else weight.sum()),
                steps=settings.epochs,
            )
            return
        self._fit = Fit(
            network,
            rows,
            y,
            rng=rng,
            weights=weights,
            weight=weight,
            penalty=settings.penalty,
            smoothness=settings.smoothness,
            optimizer=settings.rule,
            optimizer_state=optimizer_state,
            lr=self.lr,
            schedule=settings.schedule,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            order=order,
        )
        if settings.ema:
            self.average = average if average is not None else WeightAverage(weights, settings.ema)
            self._seed = int(rng.integers(2**63))

    @property
    def optimizer_state(self) -> Any:
        """The state of the optimizer; None for a minimizer."""
        return self._fit.optimizer_state if isinstance(self._fit, Fit) else None

    def learning_rate(self) -> float:
        """Return the current learning rate, including the factor of the schedule."""
        fit = self._fit
        if isinstance(fit, FullBatch):
            return self.lr
        return self.lr * self.settings.schedule(fit.step / fit.total_steps)

    def current_weights(self) -> Weights:
        """Return the current weights for predictions: those in training, or their EMA."""
        if self.average is None or not isinstance(self._fit, Fit):
            return self.weights
        # A fixed seed, so that computing the average does not affect the training.
        rng = np.random.default_rng(self._seed)
        return self.average.weights(
            self.network, self.rows, rng=rng, batch_size=self._fit.batch_size
        )

    def run(self) -> Iterator[FitEpoch]:
        """Train, yielding after every epoch, until training stops.

        Raises
        ------
        ValueError
            If the loss or the weights are not finite, and there is no best epoch to restore.
        """
        rate = self.learning_rate()
        try:
            with limit_fit(self.network.multiply_adds * len(self.rows) * self.settings.epochs):
                for epoch in self._iter_training():
                    self.epochs += 1
                    yield self._record_epoch(epoch.loss, rate)
                    if self.stop_reason:
                        return
                    rate = self.learning_rate()
        except DivergedError as error:
            if not (self.settings.early_stopping and self.history.best):
                raise ValueError(f"{NOT_FINITE} ({error})") from None
            self.epochs, self.stop_reason, self.diverged = self.epochs + 1, str(error), True
            self._append_history(nan, nan, nan, self.weights)
            yield FitEpoch(self.epochs, nan, nan, nan, rate)

    def _iter_training(self) -> Iterator[Epoch]:
        if isinstance(self._fit, FullBatch):
            yield from self._iter_minimizer(self._fit)
        elif self.average is None:
            yield from self._fit.fit_iter()
        else:
            yield from iter_averaged_epochs(self._fit, self.average)

    def _iter_minimizer(self, fit: FullBatch) -> Iterator[Epoch]:
        last = inf
        for epoch in fit.fit_iter():
            assert fit.last is not None
            if fit.last.end in ("converged", "no decrease"):
                self.stop_reason = fit.last.end
                if not epoch.step or epoch.step == self.epochs:
                    loss = epoch.loss * self.report[0] + self.report[1]
                    self.history.losses[-1:] = [loss]
                    self.history.best_loss = min(self.history.best_loss, loss)
                    return
            elif fit.last.evaluations >= self.settings.max_evaluations:
                self.stop_reason = "out of evaluations"
            elif last - epoch.loss <= MIN_RELATIVE_GAIN * max(abs(epoch.loss), 1):
                self.stop_reason = "converged"
            last = epoch.loss
            yield epoch

    def _record_epoch(self, loss: float, rate: float) -> FitEpoch:
        """Add an epoch to the history; adjust the learning rate, or stop."""
        loss = loss * self.report[0] + self.report[1]
        validation_loss, score, current_weights = None, None, self.weights
        if self.validation is not None:
            current_weights = self.current_weights()
            validation_loss, score = self.validation(current_weights)
        self._append_history(loss, validation_loss, score, current_weights)
        settings, history = self.settings, self.history
        if settings.sklearn_rule == "invscaling":
            self._set_rate(settings.lr / (history.seen + 1) ** settings.power_t)
        if not self.stop_reason and history.stalled > settings.patience:
            self._end_patience()
        return FitEpoch(self.epochs, loss, validation_loss, score, rate)

    def _append_history(
        self,
        loss: float,
        validation_loss: float | None,
        score: float | None,
        current_weights: Weights,
    ) -> None:
        settings, history = self.settings, self.history
        history.seen += len(self.rows)
        history.losses.append(loss)
        if validation_loss is not None and score is not None:
            history.validation_losses.append(validation_loss)
            history.scores.append(score)
        if settings.early_stopping and score is not None:
            gain = score >= history.best_score + settings.tol  # False for NaN
            history.stalled = 0 if gain else history.stalled + 1
            if score > history.best_score:
                history.best_score, history.best = score, current_weights.copy()
        elif isinstance(self._fit, Fit):
            gain = loss <= history.best_loss - settings.tol
            history.stalled = 0 if gain else history.stalled + 1
        history.best_loss = min(history.best_loss, loss) if isfinite(loss) else history.best_loss

    def _end_patience(self) -> None:
        """Lower the learning rate, or stop, after too many epochs without improvement."""
        what = "Validation score" if self.settings.early_stopping else "Training loss"
        reason = (
            f"{what} did not improve more than tol={self.settings.tol:f} for "
            f"{self.settings.patience:g} consecutive epochs."
        )
        if self.settings.sklearn_rule != "adaptive":
            self.stop_reason = f"{reason} Stopping."
        elif self.lr <= MIN_RATE:
            self.stop_reason = f"{reason} Learning rate too small. Stopping."
        else:
            self.history.stalled = 0
            self._set_rate(self.lr / 5)

    def _set_rate(self, lr: float) -> None:
        """Change the learning rate without changing the size of the momentum step."""
        fit = self._fit
        assert isinstance(fit, Fit)
        if isinstance(fit.optimizer, SGD) and fit.optimizer.momentum:
            # scikit-learn's velocity includes the rate, v ← μ v − α g; ours does not.
            fit.optimizer_state.moments[0][...] *= self.lr / lr
        self.lr = fit.lr = lr

    def final_weights(self) -> Weights:
        """Return the final weights, or those of the best epoch with early stopping.

        Raises
        ------
        ValueError
            If they are not finite.
        """
        best = self.history.best if self.settings.early_stopping else None
        weights = best or self.current_weights()
        if not (np.isfinite(weights.theta).all() and np.isfinite(weights.state).all()):
            raise ValueError(NOT_FINITE)
        return weights
