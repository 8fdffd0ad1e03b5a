"""scikit-learn's multi-layer perceptron, epoch by epoch."""

from __future__ import annotations

from collections.abc import Generator
from copy import copy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np

from graduel.contenders.contender import (
    Budget,
    Checkpoint,
    Clock,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.recipes import MLPRecipe
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    draw_seed,
    prepare_for_network,
    silence_warnings,
)
from graduel.metrics.metric import get_metric, log_loss


@dataclass(frozen=True, slots=True)
class MLP:
    """``MLPClassifier`` on rows prepared as for a network; its best epoch on the validation rows.

    Its own early stopping would keep back part of the training rows, and so learn from fewer than
    the others; here it chooses on the rows that all choose on.
    """

    recipe: MLPRecipe = MLPRecipe()
    name: str = "mlp"
    metric: str = "error"

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, FittedContender]:
        """Train epoch by epoch until none is better; keep the best."""
        from sklearn.neural_network import MLPClassifier

        clock, metric = Clock(), get_metric(self.metric)
        ready = prepare_for_network(train)
        X, valid_X = ready(train.X), ready(valid.X)
        settings = asdict(self.recipe)
        epochs, patience = settings.pop("max_iter"), settings.pop("n_iter_no_change")
        settings["batch_size"] = min(settings["batch_size"], len(X))
        # A generator that runs on: a number would shuffle every epoch alike.
        model = MLPClassifier(**settings, random_state=np.random.RandomState(draw_seed(rng)))
        fitted = FittedEstimator(model, ready, train.n_classes)
        classes = np.unique(train.y)
        best: Any = None
        best_epoch, best_error, lowest = 0, 1.0, (np.inf, np.inf)
        for epoch in range(1, epochs + 1):
            with silence_warnings():
                model.partial_fit(X, train.y, classes=classes)
            if not all(np.isfinite(W).all() for W in model.coefs_):
                raise ArithmeticError("the weights are no longer numbers; lower the learning rate")
            p = fitted.predict(valid_X)
            found = (metric.loss(p, valid.y), log_loss(p, valid.y))
            if found < lowest:
                best = [W.copy() for W in model.coefs_], [b.copy() for b in model.intercepts_]
                lowest, best_epoch, best_error = found, epoch, error_rate(p, valid.y)
            seconds = clock.stop()
            enough = notify(Progress(epoch / epochs, seconds, best_error, lowest[0]))
            yield Checkpoint(seconds, partial(ready.again, predict=fitted.predict))
            clock.go()
            if enough or epoch - best_epoch >= patience:
                break
        ready.forget()
        model.coefs_, model.intercepts_ = best
        fitted.model = _without_moments(model)
        fitted.seconds = clock.stop()
        fitted.details = {"best_epoch": best_epoch, "epochs": epoch, "valid_error": best_error}
        return fitted


def _without_moments(model: Any) -> Any:
    """Return a network that predicts and trains no more: its optimizer would triple its size."""
    found = copy(model)
    for name in ("_optimizer", "_random_state"):
        vars(found).pop(name, None)
    found.random_state = None
    return found
