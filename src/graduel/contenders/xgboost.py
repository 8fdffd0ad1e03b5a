"""XGBoost, as its experts use it."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

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
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.recipes import XGBoostRecipe
from graduel.contenders.sklearn_contender import softmax
from graduel.data.prepare.preparation import TreePreparation
from graduel.metrics.metric import get_metric

CHECKPOINTS = 50
"""How often the curve is sampled over a fit."""


@dataclass(slots=True)
class FittedXGBoost:
    """A fitted classifier; early stopping has chosen its round, if there is any."""

    model: Any
    ready: PreparedTable
    classes: Array
    """The codes of the classes that were there to learn."""
    n_classes: int
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return self.ready.answer(X, self.predict)

    def predict(self, matrix: Array, rounds: int | None = None) -> Array:
        """Return the probabilities of rows that are prepared, perhaps after fewer rounds."""
        part = None if rounds is None else (0, rounds)
        return self.spread(self.model.predict_proba(matrix, iteration_range=part))

    def spread(self, found: Any) -> Array:
        """Return probabilities of the classes that were learned as those of all classes."""
        found = np.asarray(found)
        if len(self.classes) == self.n_classes:
            return found
        answers = np.zeros((len(found), self.n_classes), np.float32)
        answers[:, self.classes] = found
        return answers

    def to_bytes(self) -> bytes:
        """Return the trees up to the chosen round, in XGBoost's binary JSON; the preparation."""
        booster = self.model.get_booster()[: self.details["best_round"]]
        return bytes(booster.save_raw("ubj")) + self.ready.to_bytes()


@dataclass(frozen=True, slots=True)
class XGBoost:
    """``XGBClassifier``: histogram trees, all cores, stopped early on the validation rows.

    It stops by log loss where the metric is the error, since the error of a few thousand rows is
    too coarse for that; otherwise by the metric. A recipe with the patience for it may ask to stop
    by the error all the same: then of the rounds with the fewest errors the one of the lowest log
    loss is the model, as with a network's epochs.
    """

    recipe: XGBoostRecipe = XGBoostRecipe()
    name: str = "xgboost"
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
        from xgboost import XGBClassifier
        from xgboost.callback import TrainingCallback

        clock = Clock()
        if copies := self.recipe.copies:
            from graduel.contenders.augmented_rows import augment_rows

            train = augment_rows(train, self.recipe, rng)
        preparation = TreePreparation.fit(train.X, train.columns) if train.columns else None
        ready = PreparedTable(preparation)
        X, classes = ready(train.X), np.unique(train.y)
        # What cannot be learned cannot be chosen on either.
        kept = np.isin(valid.y, classes)
        valid_X, valid_y = ready(valid.X), valid.y
        if not kept.all():
            valid_X, valid_y = valid_X[kept], valid_y[kept]
        rounds = self.recipe.n_estimators
        seconds: list[float] = []
        binary = len(classes) == 2
        errors, losses = ("error", "logloss") if binary else ("merror", "mlogloss")
        own = _Own(self.metric) if self.metric not in ("error", "accuracy", "log_loss") else None
        by_error = self.recipe.stops_by == "metric" and self.metric in ("error", "accuracy")

        metric = self.metric

        class Watch(TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                seconds.append(clock.seconds)
                found = evals_log["validation_0"]
                error = own.errors[-1] if own else float(found[errors][-1])
                loss = float(found["cost"][-1]) if own else error
                if metric == "log_loss":
                    loss = float(found[losses][-1])
                enough = notify(Progress((epoch + 1) / rounds, seconds[-1], error, loss))
                # Before its second round XGBoost does not know which is the best.
                return bool(enough) and epoch > 0

        model = XGBClassifier(
            **_settings(self.recipe, preparation, binary),
            tree_method="hist",
            # The last metric stops.
            eval_metric=own.cost if own else [losses, errors] if by_error else [errors, losses],
            n_jobs=budget.threads,
            random_state=int(rng.integers(2**31)),
            callbacks=[Watch()],
        )
        y, valid_y = np.searchsorted(classes, train.y), np.searchsorted(classes, valid_y)
        model.fit(X, y, eval_set=[(valid_X, valid_y)], verbose=False)
        total = clock.stop()
        fitted = FittedXGBoost(model, ready, classes, train.n_classes, total)
        growing, every = _Growing(fitted), max(1, rounds // CHECKPOINTS)
        for n in range(1, len(seconds) + 1):
            if n % every == 0 or n == len(seconds):
                predict = partial(growing.predict, rounds=n)
                yield Checkpoint(seconds[n - 1], partial(ready.again, predict=predict))
        ready.forget()
        model.callbacks = None  # nothing of the fit is kept alive with the model
        if by_error and self.recipe.early_stopping_rounds:
            found = model.evals_result()["validation_0"]
            model.get_booster().best_iteration = int(np.lexsort((found[losses], found[errors]))[0])
        best = int(model.best_iteration) if self.recipe.early_stopping_rounds else len(seconds) - 1
        by_round = own.errors if own else model.evals_result()["validation_0"][errors]
        fitted.details = {
            "best_round": best + 1,
            "rounds": len(seconds),
            "valid_error": float(by_round[best]),
        }
        if copies:
            fitted.details |= {"copies_of_each_row": copies, "rows_with_copies": len(y)}
        return fitted


class _Growing:
    """The model after more and more rounds: of each row, only the new trees are asked.

    A model cut at every checkpoint would go through its first trees again and again.
    """

    def __init__(self, fitted: FittedXGBoost) -> None:
        self._fitted, self._booster = fitted, fitted.model.get_booster()
        self._matrix: Any = None
        self._margin: Any = None
        self._rounds = 0

    def predict(self, matrix: Array, rounds: int) -> Array:
        """Return the probabilities of rows that are prepared after `rounds`."""
        if matrix is not self._matrix or rounds <= self._rounds:
            self._matrix, self._margin, self._rounds = matrix, None, 0
        self._margin = self._booster.inplace_predict(
            matrix,
            iteration_range=(self._rounds, rounds),
            predict_type="margin",
            base_margin=self._margin,
            missing=np.nan,
        )
        self._rounds = rounds
        return self._fitted.spread(softmax(self._margin))


def _settings(
    recipe: XGBoostRecipe, preparation: TreePreparation | None, binary: bool
) -> dict[str, Any]:
    """Return what the classifier is made with.

    No patience, 0, is XGBoost's None. A vector leaf takes no categories (XGBoost 3.2), and says
    nothing of two classes: there, one tree a class.
    """
    found = asdict(recipe)
    for ours in ("augment", "copies", "stops_by"):
        del found[ours]
    found["early_stopping_rounds"] = recipe.early_stopping_rounds or None
    types = [] if preparation is None else preparation.feature_types
    if binary or "c" in types:
        found["multi_strategy"] = "one_output_per_tree"
    if types:
        found |= {"feature_types": types, "enable_categorical": True}
    return found


class _Own:
    """A metric that XGBoost lacks, as it takes one; the errors are kept for the progress."""

    def __init__(self, metric: str) -> None:
        self._loss, self.errors = get_metric(metric).loss, list[float]()

    def cost(self, y: Array, p: Array) -> float:
        """Return the loss, less being better."""
        codes = y.astype(np.int64)
        both = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
        self.errors.append(error_rate(both, codes))
        return self._loss(both, codes)
