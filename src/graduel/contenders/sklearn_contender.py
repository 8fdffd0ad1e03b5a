"""Shared parts of the contenders that follow scikit-learn's conventions."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from graduel.contenders.contender import Array, Checkpoint, Fitting, LabelledRows
from graduel.contenders.fit_job import FitJob
from graduel.contenders.prepared_table import PreparedTable
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.data.prepare.target_scale import TargetScale
from graduel.metrics.probabilities import expand_classes
from graduel.pixels import detect_scale

if TYPE_CHECKING:
    from graduel.data.schema import Schema
    from graduel.models.model import Model

Input = Literal["matrix", "pixels", "frame"]
"""What a classifier takes, see :class:`graduel.models.library_model.LibraryModel`."""
LIBRARY_METRICS = ("error", "accuracy", "log_loss")
"""Leading metrics with which a booster stops early by its library's own log loss (or error)."""


class ScaledTable(PreparedTable):
    """A preparation that also scales uint8 pixels to float32 from 0 to 1."""

    def __call__(self, X: Any) -> Array:
        """Return the model's float32 input matrix."""
        matrix = PreparedTable.__call__(self, X)
        return (matrix * np.float32(detect_scale(matrix))).astype(np.float32, copy=False)


def prepare_for_network(train: LabelledRows) -> PreparedTable:
    """Fit the preparation for networks: finite, scaled numbers and one-hot categories."""
    return ScaledTable(NetPreparation.fit(train.X, train.columns) if train.columns else None)


def prepare_for_trees(
    train: LabelledRows, limit: int | None = None
) -> tuple[PreparedTable, list[int]]:
    """Fit the preparation for trees; return it and the indices of the categorical columns."""
    if not train.columns:
        return PreparedTable(), []
    preparation = TreePreparation.fit(train.X, train.columns, limit=limit)
    kinds = preparation.feature_types
    return PreparedTable(preparation), [i for i, kind in enumerate(kinds) if kind == "c"]


@dataclass(slots=True)
class FittedEstimator:
    """A fitted classifier with the preparation of its input: what a family's ``fit`` returns.

    Attributes
    ----------
    model : fitted classifier with ``predict_proba`` and ``classes_``, the class codes of the
        training rows in increasing order; it must be picklable
    prepare : preparation of raw rows, from :func:`prepare_for_network` or :func:`prepare_for_trees`
    n_classes : number of classes of the data set; those without training rows get probability 0
    seconds : fitting time
    details : facts about the fit for ``result.json``, as plain data; ``valid_error`` among them
    """

    model: Any
    prepare: PreparedTable
    n_classes: int
    seconds: float = 0.0
    details: dict[str, Any] = field(default_factory=dict)

    def predict_proba(self, X: Any) -> Array:
        """Return float32 class probabilities `(n_rows, n_classes)`."""
        return self.prepare.predict(X, self.predict)

    def predict(self, matrix: Any) -> Array:
        """Return the class probabilities of prepared rows."""
        with silence_warnings():
            return self.expand(self.model.predict_proba(matrix))

    def predict_cached(self, X: Any) -> Array:
        """Return the class probabilities of the rows that every checkpoint predicts."""
        return self.prepare.predict_cached(X, self.predict)

    def expand(self, p: Any) -> Array:
        """Expand probabilities of the classes in the training rows to all classes."""
        return expand_classes(p, self.model.classes_, self.n_classes)

    def to_bytes(self) -> bytes:
        """Return the model, pickled in memory for its size and comparison, and the preparation."""
        return pickle.dumps(self.model, protocol=5) + self.prepare.to_bytes()


@dataclass(slots=True)
class FittedRegressor(FittedEstimator):
    """A fitted regressor with the preparation of its input, and the scale of its targets if any."""

    scale: TargetScale | None = None

    def predict(self, matrix: Any) -> Array:
        """Return the predicted numbers of prepared rows, float64 `(n_rows, 1)`."""
        with silence_warnings():
            p = as_column(self.model.predict(matrix))
        return p if self.scale is None else self.scale.decode(p)

    def expand(self, p: Any) -> Array:
        """Return the predictions unchanged."""
        return np.asarray(p)


def as_column(p: Any) -> Array:
    """Return predicted numbers as a column, float64 `(n_rows, 1)`."""
    return np.asarray(p, np.float64).reshape(-1, 1)


def finish_single_fit(job: FitJob, fitted: Any, **details: Any) -> Fitting:
    """End a fit in one call: evaluate the model, yield its only checkpoint and return it.

    The last line of a family's ``fit``; ``graduel.contenders.logistic`` is a short example::

        return (yield from finish_single_fit(job, fitted, iterations=12))

    Parameters
    ----------
    job : the job of the fit; its clock stops here
    fitted : a :class:`FittedEstimator`; its `seconds` and `details` are set
    details : facts about the fit, in addition to ``valid_error``

    Yields
    ------
    Checkpoint
        The fitted model.

    Returns
    -------
    FittedEstimator
        The argument `fitted`.
    """
    fitted.seconds = job.clock.stop()
    error, loss = job.evaluate(fitted.predict_proba(job.valid.X))
    job.report(1.0, fitted.seconds, error, loss)
    fitted.details = {**details, "valid_error": error}
    yield Checkpoint(fitted.seconds, fitted.predict_cached)
    fitted.prepare.clear()
    return fitted


def estimator_model(
    fitted: FittedEstimator,
    schema: Schema,
    title: str,
    *,
    takes: Input | None = None,
    classes: Any = None,
) -> Model:
    """Return a model of a fitted classifier, which is saved by skops: the ``to_model`` of a family.

    Parameters
    ----------
    fitted, schema, title : see :class:`~graduel.contenders.family.Family`
    takes : the input; by default prepared rows, with pixels scaled if the preparation does it
    classes : codes of the classes; by default the classifier's ``classes_``
    """
    from graduel.models.library_model import LibraryModel
    from graduel.models.model import Model

    if (scale := getattr(fitted, "scale", None)) is not None:
        schema = replace(schema, target_scale=scale)
    scaled: Input = "pixels" if isinstance(fitted.prepare, ScaledTable) else "matrix"
    codes = getattr(fitted.model, "classes_", ()) if classes is None else classes
    return Model(
        "sklearn",
        title,
        schema,
        fitted.prepare.preparation,
        library_model=LibraryModel("sklearn", fitted.model, takes or scaled),
        class_codes=tuple(int(code) for code in codes),
    )


@contextmanager
def silence_warnings() -> Iterator[None]:
    """Suppress warnings, such as ConvergenceWarning and those about missing feature names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
