"""A classifier of the user's own: anything with scikit-learn's ``fit`` and ``predict``."""

from __future__ import annotations

import pickle
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
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
from graduel.contenders.pandas_table import PandasTable
from graduel.contenders.recipes import UserEstimatorRecipe
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    draw_seed,
    expand_classes,
    prepare_for_network,
    silence_warnings,
)
from graduel.errors import UserError
from graduel.metrics.metric import get_metric

ONE_HOT = "predicted classes, as certainties: it has no predict_proba"


@dataclass(slots=True)
class FittedUserEstimator(FittedEstimator):
    """The user's classifier, fitted."""

    known: Any = None
    """The codes of the classes that were there to learn."""

    def predict(self, matrix: Any) -> Array:
        """Return its probabilities; without ``predict_proba``, 1 for the class that it names."""
        with silence_warnings(), one_line_errors(self.model):
            if hasattr(self.model, "predict_proba"):
                found = np.asarray(self.model.predict_proba(matrix), np.float32)
                classes = getattr(self.model, "classes_", self.known)
                if found.ndim != 2 or found.shape != (len(matrix), len(classes)):
                    raise ValueError(
                        f"predict_proba must give shape {(len(matrix), len(classes))}; "
                        f"got {found.shape}"
                    )
                return expand_classes(found, classes, self.n_classes)
            codes = np.asarray(self.model.predict(matrix)).astype(np.intp)
        return np.eye(self.n_classes, dtype=np.float32)[codes]

    def to_bytes(self) -> bytes:
        """Return the model, pickled; nothing where it cannot be."""
        try:
            return pickle.dumps(self.model, protocol=5) + self.ready.to_bytes()
        except Exception:
            return self.ready.to_bytes()


@dataclass(frozen=True, slots=True)
class UserEstimator:
    """One fit of the user's classifier, a clone of it.

    Parameters named ``random_state`` that are None get a number of the cell's, ``n_jobs`` the
    threads that all have; what the user set stays. The validation rows only show progress.
    """

    recipe: UserEstimatorRecipe
    name: str
    metric: str
    estimator: Any
    values: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that a trial changes."""

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Generator[Checkpoint, None, FittedContender]:
        """Fit in one go."""
        clock = Clock()
        frame = self.recipe.takes == "frame" and bool(train.columns)
        ready = PandasTable(train.columns) if frame else prepare_for_network(train)
        X = ready(train.X)
        with silence_warnings(), one_line_errors(self.estimator):
            model = _ready_made(self.estimator, self.values, draw_seed(rng), budget.threads)
            model.fit(X, train.y)
        fitted = FittedUserEstimator(model, ready, train.n_classes, known=np.unique(train.y))
        fitted.seconds = clock.stop()
        p = fitted.predict_proba(valid.X)
        error = error_rate(p, valid.y)
        notify(Progress(1.0, fitted.seconds, error, get_metric(self.metric).loss(p, valid.y)))
        fitted.details = {"valid_error": error}
        if not hasattr(model, "predict_proba"):
            fitted.details["probabilities"] = ONE_HOT
        yield Checkpoint(fitted.seconds, partial(ready.again, predict=fitted.predict))
        ready.forget()
        return fitted


def _ready_made(estimator: Any, values: Mapping[str, Any], number: int, threads: int) -> Any:
    """Return a clone with a trial's parameters, random numbers and threads."""
    from sklearn.base import clone

    model = clone(estimator, safe=False)
    if not hasattr(model, "get_params"):
        return model
    if values:
        model.set_params(**values)
    open_ones = {k: v for k, v in sorted(model.get_params(deep=True).items()) if v is None}
    numbers = np.random.default_rng(number)
    settings: dict[str, Any] = {}
    for key in open_ones:
        last = key.rpartition("__")[2]
        if last == "random_state":
            settings[key] = int(numbers.integers(2**31))
        elif last == "n_jobs":
            settings[key] = threads
    return model.set_params(**settings) if settings else model


class one_line_errors:  # noqa: N801 - reads as a word in a with statement
    """What a classifier of the user's raises, as one line."""

    def __init__(self, estimator: Any) -> None:
        self._what = type(estimator).__name__

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, tb: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, UserError | MemoryError):
            said = " ".join(str(error).split())[:300]
            raise UserError(f"{self._what} raised {type(error).__name__}: {said}") from None
