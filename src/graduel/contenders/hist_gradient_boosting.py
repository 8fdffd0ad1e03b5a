"""scikit-learn's histogram boosting, stopped early on the rows that all choose on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from graduel.contenders.contender import (
    Array,
    Budget,
    Checkpoint,
    Clock,
    FittedContender,
    LabelledRows,
    Notify,
    Progress,
    error_rate,
)
from graduel.contenders.recipes import HistRecipe
from graduel.contenders.sklearn_contender import (
    CHECKPOINTS,
    FittedEstimator,
    draw_seed,
    expand_classes,
    has_known_class,
    prepare_for_trees,
    silence_warnings,
    softmax,
)
from graduel.metrics.metric import get_metric

MOST_CATEGORIES = 254
"""And one for the rarer ones: more than 255 it does not take."""


class ObservedClassifier(HistGradientBoostingClassifier):  # type: ignore[misc]
    """The classifier, which tells of each round; the library has no callback for that.

    Where a later scikit-learn asks its question elsewhere, nothing is told: the curve has one
    point, and no trial is pruned.
    """

    def _check_early_stopping_loss(self, *args: Any, **given: Any) -> bool:
        enough = super()._check_early_stopping_loss(*args, **given)
        asked = getattr(self, "asked", None)
        raw = given.get("raw_predictions_val")
        stop = asked is not None and raw is not None and asked(raw)
        return bool(enough or stop)


@dataclass(frozen=True, slots=True)
class HistGradientBoosting:
    """``HistGradientBoostingClassifier`` with native categories and missing values.

    It stops by log loss, and keeps the rounds it had, as it does in its users' hands.
    """

    recipe: HistRecipe = HistRecipe()
    name: str = "hist"
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
        """Boost in one go, noting the time of each round; checkpoints are cut out afterwards."""
        clock, metric = Clock(), get_metric(self.metric)
        ready, categorical = prepare_for_trees(train, MOST_CATEGORIES)
        kept = has_known_class(train, valid.y)
        y, classes = valid.y[kept], np.unique(train.y)
        rounds, n_classes = self.recipe.max_iter, train.n_classes
        seconds: list[float] = []

        def asked(raw: Array) -> bool:
            seconds.append(clock.seconds)
            if len(seconds) == 1:
                return False  # before the first round
            p = expand_classes(softmax(raw), classes, n_classes)
            done = len(seconds) - 1
            told = Progress(done / rounds, seconds[-1], error_rate(p, y), metric.loss(p, y))
            return bool(notify(told))

        model = ObservedClassifier(
            **asdict(self.recipe),
            early_stopping=True,
            categorical_features=categorical or None,
            random_state=draw_seed(rng),
        )
        model.asked = asked
        with silence_warnings(), threadpool_limits(budget.threads):
            model.fit(ready(train.X), train.y, X_val=ready(valid.X)[kept], y_val=y)
        del model.asked
        total = clock.stop()
        fitted = FittedEstimator(model, ready, n_classes, total)
        staged, every = _Staged(fitted), max(1, rounds // CHECKPOINTS)
        times = seconds[1:] if len(seconds) == model.n_iter_ + 1 else []
        for n in range(1, model.n_iter_ + 1):
            if n == model.n_iter_ or (times and n % every == 0):
                yield Checkpoint(times[n - 1] if times else total, staged.after(n))
        ready.forget()
        fitted.details = {
            "rounds": int(model.n_iter_),
            "valid_error": error_rate(fitted.predict_proba(valid.X), valid.y),
        }
        return fitted


class _Staged:
    """The model after each of its rounds, in rising order: one pass through its trees."""

    def __init__(self, fitted: FittedEstimator) -> None:
        self._fitted, self._rows = fitted, None
        self._stages: Iterator[Array] = iter(())
        self._done = 0

    def after(self, rounds: int) -> Callable[[Any], Array]:
        def predict_proba(X: Any) -> Array:
            return self._fitted.ready.again(X, lambda matrix: self._predict(X, matrix, rounds))

        return predict_proba

    def _predict(self, X: Any, matrix: Array, rounds: int) -> Array:
        if X is not self._rows or rounds <= self._done:
            self._stages = self._fitted.model.staged_predict_proba(matrix)
            self._rows, self._done = X, 0
        for _ in range(rounds - self._done):
            found = next(self._stages)
        self._done = rounds
        return self._fitted.spread(found)
