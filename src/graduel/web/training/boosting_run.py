"""Boosting with XGBoost, one round at a time, for live training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from graduel.web.array_codec import Array


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """XGBoost's hyperparameters; one tree per class and round, so that each tree can be shown."""

    rounds: int = 40
    learning_rate: float = 0.3
    max_depth: int = 5
    max_bin: int = 32
    colsample_bynode: float = 0.3


class BoostingRun:
    """An XGBoost training, one round at a time.

    Parameters
    ----------
    settings : the hyperparameters
    X, y : training rows and their class codes
    valid_X : validation rows
    n_classes : the number of classes
    feature_types, feature_names : of a table, types and names of its features
    seed : seed of XGBoost's randomness
    threads : number of threads
    """

    def __init__(
        self,
        settings: TreeSettings,
        X: Array,
        y: Array,
        valid_X: Array,
        n_classes: int,
        *,
        feature_types: list[str] | None = None,
        feature_names: list[str] | None = None,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        import xgboost

        self.settings, self.n_classes, self.round = settings, n_classes, 0
        options: dict[str, Any] = {"nthread": threads}
        if feature_types is not None:
            options |= {"feature_types": feature_types, "feature_names": feature_names}
            options["enable_categorical"] = True
        self._train = xgboost.QuantileDMatrix(X, label=y, max_bin=settings.max_bin, **options)
        self._valid = xgboost.DMatrix(valid_X, **options)
        binary = n_classes == 2
        params: dict[str, Any] = {
            "objective": "binary:logistic" if binary else "multi:softprob",
            "tree_method": "hist",
            "max_bin": settings.max_bin,
            "max_depth": settings.max_depth,
            "learning_rate": settings.learning_rate,
            "colsample_bynode": settings.colsample_bynode,
            "nthread": threads,
            "seed": seed,
            "disable_default_eval_metric": True,
        }
        if not binary:
            params["num_class"] = n_classes
        self.booster = xgboost.Booster(params, cache=[self._train, self._valid])

    @property
    def done(self) -> bool:
        """Whether all rounds are complete."""
        return self.round >= self.settings.rounds

    def advance(self) -> None:
        """Boost one round."""
        self.booster.update(self._train, self.round)
        self.round += 1

    def valid_proba(self) -> Array:
        """Return the probabilities of the validation rows, shape (n_rows, n_classes)."""
        p = np.asarray(self.booster.predict(self._valid))
        return np.stack([1 - p, p], axis=1) if p.ndim == 1 else p
