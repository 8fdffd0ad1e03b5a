"""The user's own estimator as a contender: any object with ``fit`` and ``predict``."""

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
from graduel.contenders.fit_job import JOBS, FitJob
from graduel.contenders.log_target import LogFitJob, fit_logarithms, take_logarithm
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.search.space import Dimension, from_plain
from graduel.contenders.sklearn_contender import (
    FittedEstimator,
    FittedRegressor,
    Input,
    as_column,
    estimator_model,
    finish_single_fit,
    prepare_for_network,
    silence_warnings,
)
from graduel.data.column import Column
from graduel.data.prepare.pandas_frame import to_pandas
from graduel.errors import UserError, describe_error
from graduel.metrics.metric import get_metric
from graduel.metrics.probabilities import expand_classes

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model

ONE_HOT = "one-hot predicted classes: it has no predict_proba"


@dataclass(frozen=True, slots=True)
class UserEstimatorRecipe:
    """The identity of a user's classifier in a plan.

    Attributes
    ----------
    kind : module and name of the class
    parameters : name and ``repr`` of each item of ``get_params``, sorted
    takes : the input: "matrix", float32 as for a network, or "frame", a pandas DataFrame
    space : the search space as plain data (see :mod:`graduel.contenders.search.space`)
    """

    kind: str = ""
    parameters: tuple[tuple[str, str], ...] = ()
    takes: str = "matrix"
    space: tuple[tuple[str, Any], ...] = ()


class PandasTable(PreparedTable):
    """The conversion of rows to a pandas DataFrame, see :func:`to_pandas`."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = tuple(column for column in columns if column.kind != "text")

    def __call__(self, X: Any) -> Any:
        """Return a pandas DataFrame for a Polars DataFrame."""
        return to_pandas(X, self._columns)

    def to_bytes(self) -> bytes:
        """Return the names and types of the columns as JSON."""
        return json.dumps([[c.name, c.kind] for c in self._columns], ensure_ascii=False).encode()


@dataclass(slots=True)
class FittedUserEstimator(FittedEstimator):
    """The user's fitted classifier."""

    known: Any = None
    """The codes of the classes among the training rows; the model has their positions as labels."""

    @property
    def codes(self) -> Array:
        """The class codes of the columns of the model's probabilities."""
        labels = getattr(self.model, "classes_", range(len(self.known)))
        return np.asarray(self.known[np.asarray(labels, np.intp)])

    def predict(self, matrix: Any) -> Array:
        """Return class probabilities; without ``predict_proba``, 1 for the predicted class."""
        with silence_warnings(), one_line_errors(self.model):
            if hasattr(self.model, "predict_proba"):
                p = np.asarray(self.model.predict_proba(matrix), np.float32)
                classes = self.codes
                if p.ndim != 2 or p.shape != (len(matrix), len(classes)):
                    raise ValueError(
                        f"predict_proba must return shape {(len(matrix), len(classes))}; "
                        f"got {p.shape}"
                    )
                return expand_classes(p, classes, self.n_classes)
            codes = self.known[np.asarray(self.model.predict(matrix)).astype(np.intp)]
        return np.eye(self.n_classes, dtype=np.float32)[codes]

    def to_bytes(self) -> bytes:
        """Return the pickled model (empty if pickling fails) and the preparation."""
        try:
            return pickle.dumps(self.model, protocol=5) + self.prepare.to_bytes()
        except Exception:
            return self.prepare.to_bytes()


@dataclass(slots=True)
class FittedUserRegressor(FittedRegressor):
    """The user's fitted regressor."""

    to_bytes = FittedUserEstimator.to_bytes
    codes: tuple[int, ...] = ()

    def predict(self, matrix: Any) -> Array:
        """Return the predicted numbers, float64 `(n_rows, 1)`."""
        with silence_warnings(), one_line_errors(self.model):
            p = np.asarray(self.model.predict(matrix), np.float64)
            if p.shape not in ((len(matrix),), (len(matrix), 1)):
                raise ValueError(f"predict must return shape {(len(matrix),)}; got {p.shape}")
        return as_column(p)


@dataclass(frozen=True, slots=True)
class UserEstimator:
    """The user's classifier or regressor as a contender: a clone is fitted once.

    A parameter ``random_state`` that is None gets a seed from the cell, ``n_jobs`` that is None the
    number of threads; values set by the user are kept. The validation rows are used only to report
    progress.
    """

    recipe: UserEstimatorRecipe
    name: str
    metric: str
    estimator: Any
    values: Mapping[str, Any] = field(default_factory=dict)
    """Parameters set by a trial."""

    def fit(
        self,
        train: LabelledRows,
        valid: LabelledRows,
        *,
        rng: np.random.Generator,
        budget: Budget,
        notify: Notify,
    ) -> Fitting:
        """Fit a clone; yield its only checkpoint."""
        make = JOBS[train.task]
        if train.log_target:
            train, valid, make = take_logarithm(train), take_logarithm(valid), LogFitJob
        job = make(train, valid, rng, budget, notify, get_metric(self.metric))
        frame = self.recipe.takes == "frame" and bool(train.columns)
        prepare = PandasTable(train.columns) if frame else prepare_for_network(train)
        X = prepare(train.X)
        # Some classifiers, such as XGBClassifier, accept consecutive codes from 0 only.
        known, labels = np.unique(train.y, return_inverse=True)
        if train.task == "regression":
            labels = train.y
        with silence_warnings(), one_line_errors(self.estimator):
            model = _configure(self.estimator, self.values, job.draw_seed(), budget.threads)
            model.fit(X, labels)
        if train.task == "regression":
            fitting = finish_single_fit(job, FittedUserRegressor(model, prepare, 0))
            return (yield from (fit_logarithms(fitting, train) if train.log_target else fitting))
        fitted = FittedUserEstimator(model, prepare, train.n_classes, known=known)
        details = {} if hasattr(model, "predict_proba") else {"probabilities": ONE_HOT}
        return (yield from finish_single_fit(job, fitted, **details))

    def get_parameter(self, name: str) -> Any:
        """Return the value of a parameter."""
        return self.estimator.get_params()[name]

    def with_parameters(self, params: Mapping[str, Any]) -> UserEstimator:
        """Return a copy of the contender with some parameters replaced."""
        return replace(self, values=dict(params))


def unpickle_contender(
    name: str, recipe: UserEstimatorRecipe, metric: str, estimator: bytes | None
) -> UserEstimator:
    """Return the contender for an estimator pickled by the parent process.

    Raises
    ------
    UserError
        If `estimator` is None: it is part of the call, and is not stored in the run's folder.
    """
    if estimator is None:
        raise UserError(
            f"{name} is an estimator of your own, which is not stored in the run's folder: pass it "
            "again, as --contender or in contenders="
        )
    return UserEstimator(recipe, name, metric, pickle.loads(estimator))


def _configure(estimator: Any, values: Mapping[str, Any], seed: int, threads: int) -> Any:
    """Return a clone with a trial's parameters, seeds and threads."""
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
    """Convert any exception of a user's classifier to a one-line `UserError`."""
    try:
        yield
    except (UserError, MemoryError):
        raise
    except Exception as error:
        name = type(estimator).__name__
        raise UserError(f"{name} raised {describe_error(error)}") from None


def user_space(recipe: UserEstimatorRecipe, *, image: bool, quick: bool) -> Mapping[str, Dimension]:
    """Return the user's search space; it is the same for all data."""
    return from_plain(recipe.space)


def needs_estimator(recipe: UserEstimatorRecipe, job: FitJob) -> Fitting:
    """Raise `TypeError`: a recipe does not hold the estimator; :class:`UserEstimator` does."""
    raise TypeError("a user's estimator is fitted by UserEstimator, not from its recipe")


def to_model(fitted: FittedUserEstimator, schema: Schema, title: str) -> Model:
    """Return the user's fitted classifier; it is saved by skops, if skops supports its types."""
    takes: Input = "frame" if isinstance(fitted.prepare, PandasTable) else "pixels"
    return estimator_model(fitted, schema, title, takes=takes, classes=fitted.codes)


FAMILY = Family(
    name="user",
    title="estimator of your own",
    recipe=UserEstimatorRecipe,
    fit=needs_estimator,
    space=user_space,
    to_model=to_model,
)
