"""A classifier that a user hands over: anything with scikit-learn's ``fit`` and ``predict``."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from graduel.contenders.contender import Array, Budget, Fitting, LabelledRows, Notify
from graduel.contenders.family import Family
from graduel.contenders.fit_job import FitJob
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Dimension, from_plain
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    finish_single_fit,
    prepare_for_network,
    silence_warnings,
)
from graduel.data.column import Column
from graduel.data.prepare import values
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
from graduel.metrics.probabilities import expand_classes

if TYPE_CHECKING:
    import polars as pl

ONE_HOT = "one-hot predicted classes: it has no predict_proba"


@dataclass(frozen=True, slots=True)
class UserEstimatorRecipe:
    """What tells a user's classifier from others.

    Attributes
    ----------
    kind : module and name of its class
    parameters : name and ``repr`` of what ``get_params`` returns, sorted
    takes : "matrix", float32 as a network takes it, or "frame", the columns as a pandas DataFrame
    space : its search space as plain data (see :mod:`graduel.contenders.search.space`)
    """

    kind: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    takes: str = "matrix"
    space: tuple[tuple[str, Any], ...] = ()


class PandasTable(PreparedTable):
    """Converts rows to pandas DataFrames.

    Numbers and booleans become float64, NaN where missing (booleans 0 and 1); categories become
    text of dtype object, NaN where missing; dates ``datetime64``. Text columns are dropped.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = tuple(column for column in columns if column.kind != "text")

    def __call__(self, X: Any) -> Any:
        """Return the pandas DataFrame of some rows of a Polars one."""
        try:
            import pandas as pd
        except ImportError:
            raise UserError(
                "an estimator that takes a data frame needs pandas, which is not installed. "
                "python -m pip install pandas"
            ) from None
        return pd.DataFrame({c.name: _plain(X[c.name], c.kind) for c in self._columns})

    def to_bytes(self) -> bytes:
        """Return the names and types of the columns."""
        return json.dumps([[c.name, c.kind] for c in self._columns], ensure_ascii=False).encode()


def _plain(column: pl.Series, kind: str) -> Any:
    if kind == "numeric":
        return values.to_numbers(column)
    if kind == "boolean":
        return values.to_flags(column)
    if kind == "date":
        return values.to_datetimes(column)
    text = np.array(values.to_labels(column).to_list(), object)
    text[[one is None for one in text]] = np.nan
    return text


@dataclass(slots=True)
class FittedUserEstimator(FittedEstimator):
    """The user's classifier, fitted."""

    known: Any = None
    """The codes of the classes among the training rows."""

    def predict(self, matrix: Any) -> Array:
        """Return its probabilities; without ``predict_proba``, 1 for the predicted class."""
        with silence_warnings(), one_line_errors(self.model):
            if hasattr(self.model, "predict_proba"):
                p = np.asarray(self.model.predict_proba(matrix), np.float32)
                classes = getattr(self.model, "classes_", self.known)
                if p.ndim != 2 or p.shape != (len(matrix), len(classes)):
                    raise ValueError(
                        f"predict_proba must give shape {(len(matrix), len(classes))}; "
                        f"got {p.shape}"
                    )
                return expand_classes(p, classes, self.n_classes)
            codes = np.asarray(self.model.predict(matrix)).astype(np.intp)
        return np.eye(self.n_classes, dtype=np.float32)[codes]

    def to_bytes(self) -> bytes:
        """Return the model, pickled, or nothing where that fails; and the preparation."""
        try:
            return pickle.dumps(self.model, protocol=5) + self.prepare.to_bytes()
        except Exception:
            return self.prepare.to_bytes()


@dataclass(frozen=True, slots=True)
class UserEstimator:
    """The user's classifier as a contender: one fit of a clone.

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
    ) -> Fitting:
        """Fit in one go."""
        job = FitJob(train, valid, rng, budget, notify, get_metric(self.metric))
        frame = self.recipe.takes == "frame" and bool(train.columns)
        prepare = PandasTable(train.columns) if frame else prepare_for_network(train)
        X = prepare(train.X)
        with silence_warnings(), one_line_errors(self.estimator):
            model = _configure(self.estimator, self.values, job.draw_seed(), budget.threads)
            model.fit(X, train.y)
        fitted = FittedUserEstimator(model, prepare, train.n_classes, known=np.unique(train.y))
        details = {} if hasattr(model, "predict_proba") else {"probabilities": ONE_HOT}
        return (yield from finish_single_fit(job, fitted, **details))

    def get_parameter(self, name: str) -> Any:
        """Return the value of a parameter."""
        return self.estimator.get_params()[name]

    def with_parameters(self, params: Mapping[str, Any]) -> UserEstimator:
        """Return the contender with other values of some parameters."""
        return replace(self, values=dict(params))


def unpickle_contender(
    name: str, recipe: UserEstimatorRecipe, metric: str, estimator: bytes | None
) -> UserEstimator:
    """Return the contender of an estimator that the parent process pickled.

    Raises
    ------
    UserError
        If there is none: it lives in the call alone, not in the run's folder.
    """
    if estimator is None:
        raise UserError(
            f"{name} is an estimator of your own: give it again, as --contender or in contenders="
        )
    return UserEstimator(recipe, name, metric, pickle.loads(estimator))


def _configure(estimator: Any, values: Mapping[str, Any], seed: int, threads: int) -> Any:
    """Return a clone with a trial's parameters, random numbers and threads."""
    from sklearn.base import clone

    model = clone(estimator, safe=False)
    if not hasattr(model, "get_params"):
        return model
    if values:
        model.set_params(**values)
    unset = [key for key, value in sorted(model.get_params(deep=True).items()) if value is None]
    seeds = np.random.default_rng(seed)
    settings: dict[str, Any] = {}
    for key in unset:
        parameter = key.rpartition("__")[2]
        if parameter == "random_state":
            settings[key] = int(seeds.integers(2**31))
        elif parameter == "n_jobs":
            settings[key] = threads
    return model.set_params(**settings) if settings else model


@contextmanager
def one_line_errors(estimator: Any) -> Iterator[None]:
    """Raise what a user's classifier raises as a UserError of one line."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise UserError(
            f"{type(estimator).__name__} raised {type(error).__name__}: {reason}"
        ) from None


def user_space(recipe: UserEstimatorRecipe, *, image: bool, quick: bool) -> Mapping[str, Dimension]:
    """Return the user's search space, the same for all data."""
    return from_plain(recipe.space)


def needs_estimator(recipe: UserEstimatorRecipe, job: FitJob) -> Fitting:
    """Refuse: a recipe alone does not hold the estimator; :class:`UserEstimator` does."""
    raise TypeError("an estimator of a user's is fitted by UserEstimator")


FAMILY = Family(
    name="user",
    title="estimator of your own",
    recipe=UserEstimatorRecipe,
    fit=needs_estimator,
    space=user_space,
)
