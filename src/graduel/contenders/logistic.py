"""scikit-learn's logistic regression."""

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
from graduel.contenders.recipes import LogisticRecipe
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    prepare_for_network,
    silence_warnings,
)
from graduel.metrics.metric import get_metric


@dataclass(frozen=True, slots=True)
class Logistic:
    """``LogisticRegression`` on rows prepared as for a network; nothing in it is random."""

    recipe: LogisticRecipe = LogisticRecipe()
    name: str = "logistic"
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
        """Fit in one go; the validation rows only show progress."""
        from sklearn.linear_model import LogisticRegression

        clock = Clock()
        ready = prepare_for_network(train)
        model = LogisticRegression(**asdict(self.recipe))
        with silence_warnings():
            model.fit(ready(train.X), train.y)
        fitted = FittedEstimator(model, ready, train.n_classes)
        fitted.seconds = clock.stop()
        p = fitted.predict_proba(valid.X)
        error = error_rate(p, valid.y)
        notify(Progress(1.0, fitted.seconds, error, get_metric(self.metric).loss(p, valid.y)))
        fitted.details = {"iterations": int(model.n_iter_.max()), "valid_error": error}
        yield Checkpoint(fitted.seconds, partial(ready.again, predict=fitted.predict))
        ready.forget()
        return fitted
