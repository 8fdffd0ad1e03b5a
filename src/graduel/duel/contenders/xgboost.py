"""XGBoost, as its experts use it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np

from graduel.duel.contenders.base import (
    Array,
    Budget,
    Checkpoint,
    Clock,
    Fitted,
    Part,
    Progress,
)
from graduel.recipes import XGBoostRecipe

CHECKPOINTS = 50
"""How often the curve is sampled over a fit."""


@dataclass(slots=True)
class FittedXGBoost:
    """A fitted classifier; early stopping has chosen its round."""

    model: Any
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Array) -> Array:
        """Return float32 probabilities, shape (n, classes)."""
        return np.asarray(self.model.predict_proba(X))

    def to_bytes(self) -> bytes:
        """Return the trees up to the chosen round, in XGBoost's binary JSON."""
        booster = self.model.get_booster()[: self.details["best_round"]]
        return bytes(booster.save_raw("ubj"))


@dataclass(frozen=True, slots=True)
class XGBoost:
    """``XGBClassifier``: histogram trees, all cores, stopped early by validation log loss."""

    recipe: XGBoostRecipe = XGBoostRecipe()
    name: str = "xgboost"

    def fit(
        self,
        train: Part,
        valid: Part,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Callable[[Progress], None],
    ) -> Generator[Checkpoint, None, Fitted]:
        """Boost in one go, noting the time of each round; checkpoints are cut out afterwards."""
        from xgboost import XGBClassifier
        from xgboost.callback import TrainingCallback

        rounds = self.recipe.n_estimators
        seconds: list[float] = []

        class Watch(TrainingCallback):
            def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
                seconds.append(clock.seconds)
                error = float(evals_log["validation_0"]["merror"][-1])
                notify(Progress((epoch + 1) / rounds, seconds[-1], error))
                return False

        model = XGBClassifier(
            **asdict(self.recipe),
            tree_method="hist",
            # The last metric stops: the error of a few thousand rows is too coarse for that.
            eval_metric=["merror", "mlogloss"],
            n_jobs=budget.threads,
            random_state=int(rng.integers(2**31)),
            callbacks=[Watch()],
        )
        clock = Clock()
        model.fit(train.X, train.y, eval_set=[(valid.X, valid.y)], verbose=False)
        total = clock.stop()
        every = max(1, rounds // CHECKPOINTS)
        for n in range(1, len(seconds) + 1):
            if n % every == 0 or n == len(seconds):
                predict = partial(model.predict_proba, iteration_range=(0, n))
                yield Checkpoint(seconds[n - 1], predict)
        model.callbacks = None  # nothing of the fit is kept alive with the model
        best = int(model.best_iteration)
        details = {
            "best_round": best + 1,
            "rounds": len(seconds),
            "valid_error": float(model.evals_result()["validation_0"]["merror"][best]),
        }
        return FittedXGBoost(model, total, details)
