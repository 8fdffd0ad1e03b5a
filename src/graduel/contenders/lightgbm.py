"""LightGBM, where it is installed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
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
from graduel.contenders.recipes import LightGBMRecipe
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


@dataclass(slots=True)
class FittedLightGBM(FittedEstimator):
    """A fitted classifier; early stopping has chosen its round."""

    def to_bytes(self) -> bytes:
        """Return the trees up to the chosen round, as text; the preparation."""
        text = self.model.booster_.model_to_string(num_iteration=self.details["best_round"])
        return bytes(text.encode()) + self.ready.to_bytes()


@dataclass(frozen=True, slots=True)
class LightGBM:
    """``LGBMClassifier`` with native categories and missing values, stopped on validation rows.

    It stops by what XGBoost stops by: log loss, or the metric where that is neither the error nor
    log loss.
    """

    recipe: LightGBMRecipe = LightGBMRecipe()
    name: str = "lightgbm"
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
        from lightgbm import LGBMClassifier, early_stopping
        from lightgbm.callback import EarlyStopException

        clock, metric = Clock(), get_metric(self.metric)
        ready, categorical = prepare_for_trees(train)
        kept = has_known_class(train, valid.y)
        classes, n_classes = np.unique(train.y), train.n_classes
        valid_y = valid.y[kept]
        settings = asdict(self.recipe)
        rounds, patience = settings["n_estimators"], settings.pop("early_stopping_rounds")
        own = self.metric not in ("error", "accuracy", "log_loss")
        seconds, errors, costs = list[float](), list[float](), list[float]()

        def cost(y: Array, p: Array) -> tuple[str, float, bool]:
            both = np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
            found = expand_classes(both, classes, n_classes)
            errors.append(error_rate(found, valid_y))
            costs.append(metric.loss(found, valid_y))
            return "cost", costs[-1], False

        def watch(env: Any) -> None:
            seconds.append(clock.seconds)
            stopping.append(float(env.evaluation_result_list[0][2]))
            told = Progress(len(seconds) / rounds, seconds[-1], errors[-1], costs[-1])
            if notify(told):
                raise EarlyStopException(int(np.argmin(stopping)), env.evaluation_result_list)

        stopping: list[float] = []
        if own:
            settings["metric"] = "None"
        make: Any = LGBMClassifier
        model = make(
            **settings,
            n_jobs=budget.threads,
            random_state=draw_seed(rng),
            deterministic=True,
            force_col_wise=True,
            verbosity=-1,
        )
        with silence_warnings():
            model.fit(
                ready(train.X),
                train.y,
                eval_set=[(ready(valid.X)[kept], valid_y)],
                eval_metric=cost,
                categorical_feature=categorical or "auto",
                # The first metric stops: log loss, or the user's own.
                callbacks=[watch, early_stopping(patience, first_metric_only=True, verbose=False)],
            )
        total = clock.stop()
        fitted = FittedLightGBM(model, ready, n_classes, total)
        growing, every = _Growing(fitted), max(1, rounds // CHECKPOINTS)
        for n in range(1, len(seconds) + 1):
            if n % every == 0 or n == len(seconds):
                predict = partial(growing.predict, rounds=n)
                yield Checkpoint(seconds[n - 1], partial(ready.again, predict=predict))
        ready.forget()
        best = int(model.best_iteration_ or len(seconds))
        fitted.details = {
            "best_round": best,
            "rounds": len(seconds),
            "valid_error": errors[best - 1],
        }
        return fitted


class _Growing:
    """The model after more and more rounds: of each row, only the new trees are asked."""

    def __init__(self, fitted: FittedLightGBM) -> None:
        self._fitted, self._matrix = fitted, None
        self._raw: Any = 0.0
        self._rounds = 0

    def predict(self, matrix: Any, rounds: int) -> Array:
        """Return the probabilities of rows that are prepared after `rounds`."""
        if matrix is not self._matrix or rounds <= self._rounds:
            self._matrix, self._raw, self._rounds = matrix, 0.0, 0
        with silence_warnings():
            more = self._fitted.model.predict(
                matrix,
                raw_score=True,
                start_iteration=self._rounds,
                num_iteration=rounds - self._rounds,
            )
        self._raw, self._rounds = self._raw + more, rounds
        return self._fitted.spread(softmax(self._raw))
