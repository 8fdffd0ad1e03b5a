"""scikit-learn's classification scorers as metrics of predicted probabilities."""

from __future__ import annotations

import warnings
from functools import cache
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.metrics.scorer_formulas import ByCounts, get_formula

Array = NDArray[Any]
SAMPLE_ROWS = 90
"""Rows of the samples on which scorers are tested."""


@cache
def list_scorers() -> tuple[str, ...]:
    """Return the names of scikit-learn's single-label classification scorers."""
    from sklearn.metrics import get_scorer, get_scorer_names

    def is_classification(name: str) -> bool:
        module = get_scorer(name)._score_func.__module__
        return not ("regression" in module or "cluster" in module or name.endswith("_samples"))

    return tuple(name for name in get_scorer_names() if is_classification(name))


def describe_scorer(name: str) -> str:
    """Return the first sentence of the documentation of a scorer's function.

    >>> describe_scorer("matthews_corrcoef")
    'Compute the Matthews correlation coefficient (MCC).'
    """
    from inspect import getdoc

    from sklearn.metrics import get_scorer

    scorer = get_scorer(name)
    text = " ".join((getdoc(scorer._score_func) or "").split("\n\n")[0].replace("`", "").split())
    text = text.replace(":math:", "")
    text = text or f"{name.removeprefix('neg_').replace('_', ' ').capitalize()}."
    if average := scorer._kwargs.get("average"):
        text += f" Average: {average}."
    return text


@cache
def has_positive_class(name: str) -> bool:
    """Return whether a scorer's value for two classes depends on which of them is positive.

    >>> has_positive_class("f1"), has_positive_class("f1_macro")
    (True, False)
    """
    y, p, _ = _draw_sample(2)
    try:
        value = scorer_value(name, p, y)(np.ones(len(y), np.intp))
        mirrored = scorer_value(name, p, y, 0)(np.ones(len(y), np.intp))
    except UserError:
        return False
    return not isclose(value, mirrored, abs_tol=1e-9)


@cache
def fits_classes(name: str, n_classes: int) -> bool:
    """Return whether a scorer is defined on this many classes and separates good models from poor.

    >>> fits_classes("f1", 2), fits_classes("f1", 10), fits_classes("f1_macro", 10)
    (True, False, True)
    """
    y, good, poor = _draw_sample(n_classes)
    try:
        values = [scorer_value(name, p, y)(np.ones(len(y), np.intp)) for p in (good, poor)]
    except UserError:
        return False
    return not isclose(*values, abs_tol=1e-9)


def _draw_sample(n_classes: int) -> tuple[Array, Array, Array]:
    """Return class codes, and the probabilities of a good and of a poor model of them."""
    rng = np.random.default_rng(0)
    n = max(SAMPLE_ROWS, 9 * n_classes)
    y = np.concatenate([np.arange(n_classes), rng.integers(n_classes, size=n - n_classes)])
    y[n_classes:][rng.random(n - n_classes) < 0.2] = 0  # one class has more rows
    noise = rng.dirichlet(np.ones(n_classes), size=n)
    good = (noise + 0.8 * np.eye(n_classes)[y]) / 1.8
    return y, good, noise


def scorer_value(name: str, p: Array, y: Array, positive: int | None = None) -> ByCounts:
    """Return a scikit-learn score of probabilities as a function of row counts.

    One score is scikit-learn's; scores of many resamples are computed by the same formula for all
    at once, if graduel has it and it agrees with scikit-learn's on the rows themselves.

    Parameters
    ----------
    name : the name of the scorer
    p, y : probabilities, shape (n_rows, n_classes), and class codes, shape (n_rows,)
    positive : the code of the positive class of two; by default 1, as in scikit-learn

    Raises
    ------
    UserError
        When the function is called, if the score is not defined on these rows.
    """
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.metrics import get_scorer

    normalized = p / p.sum(axis=1, keepdims=True, dtype=np.float64)
    predicted = normalized.argmax(axis=1)
    if positive == 0:  # the classes change places
        normalized, predicted, y = normalized[:, ::-1], 1 - predicted, 1 - y

    class StandIn(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """An estimator that returns the given probabilities; its X are row numbers."""

        classes_ = np.arange(p.shape[1])

        def predict_proba(self, rows: Array) -> Array:
            return np.asarray(normalized[rows])

        def predict(self, rows: Array) -> Array:
            return np.asarray(predicted[rows])

    scorer, stand_in = get_scorer(name), StandIn()

    def score(counts: Array) -> float:
        rows = np.repeat(np.arange(len(y)), counts)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about classes that are never predicted
                return float(scorer(stand_in, rows, y[rows]))
        except ValueError as error:
            raise UserError(
                f"the metric '{name}' cannot be computed on these test rows: "
                f"{str(error).splitlines()[0].rstrip('.')}. Use another metric."
            ) from None

    @cache
    def formula() -> ByCounts | None:
        by_counts, once = get_formula(name, normalized, y), np.ones(len(y), np.intp)
        if by_counts is None or not isclose(by_counts(once), score(once), abs_tol=1e-9):
            return None
        return by_counts

    def value(counts: Array) -> Any:
        if counts.ndim == 1:
            scores: Any = score(counts)
        elif (by_counts := formula()) is not None:
            scores = by_counts(counts)
        else:
            scores = np.array([score(one) for one in counts])
        if not np.isfinite(scores).all():
            undefined = np.ravel(scores)[~np.isfinite(np.ravel(scores))][0]
            raise UserError(
                f"the metric '{name}' is not defined on these test rows: scikit-learn returns "
                f"{undefined}. Use another metric."
            )
        return scores

    return value
