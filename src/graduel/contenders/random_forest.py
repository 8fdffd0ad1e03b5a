"""scikit-learn's random forest: it grows tree by tree, and keeps them all."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from functools import partial

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
from graduel.contenders.recipes import ForestRecipe
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    draw_seed,
    prepare_for_trees,
    silence_warnings,
)
from graduel.metrics.metric import get_metric

STEPS = 10
"""In how many steps a forest grows: it is looked at after each."""


@dataclass(frozen=True, slots=True)
class RandomForest:
    """``RandomForestClassifier``; categories go in as codes, missing values as they are.

    Trees are independent, so that a forest that grew in steps is the one that grew at once.
    """

    recipe: ForestRecipe = ForestRecipe()
    name: str = "forest"
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
        """Grow the recipe's trees; the validation rows only show progress."""
        from sklearn.ensemble import RandomForestClassifier

        clock, metric = Clock(), get_metric(self.metric)
        ready, _ = prepare_for_trees(train)
        X, valid_X = (np.asarray(ready(part.X), np.float32) for part in (train, valid))
        settings = asdict(self.recipe)
        if settings["max_samples"] == 1.0:
            settings["max_samples"] = None  # as many draws as there are rows
        model = RandomForestClassifier(
            **settings, warm_start=True, n_jobs=budget.threads, random_state=draw_seed(rng)
        )
        fitted = FittedEstimator(model, ready, train.n_classes)
        trees, valid_error = self.recipe.n_estimators, 1.0
        for n in sorted({max(1, round(trees * step / STEPS)) for step in range(1, STEPS + 1)}):
            model.n_estimators = n
            with silence_warnings():
                model.fit(X, train.y)
            p = fitted.predict(valid_X)
            valid_error, loss = error_rate(p, valid.y), metric.loss(p, valid.y)
            seconds = clock.stop()
            enough = notify(Progress(n / trees, seconds, valid_error, loss))
            yield Checkpoint(seconds, partial(ready.again, predict=fitted.predict))
            clock.go()
            if enough:
                break
        ready.forget()
        fitted.seconds = clock.stop()
        fitted.details = {"trees": model.n_estimators, "valid_error": valid_error}
        return fitted
