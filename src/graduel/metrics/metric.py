"""Metrics of predicted probabilities by name, and as losses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.metrics.scorer_formulas import ByCounts, one_against_rest
from graduel.metrics.scorers import list_scorers, scorer_value

Array = NDArray[Any]

SMALLEST = float(np.finfo(np.float32).eps)
"""Lower bound of probabilities in the log loss: a mistake made with certainty costs 15.9, not ∞."""


def is_misclassified(probabilities: Array, y: Array) -> NDArray[np.bool_]:
    """Return for each row whether its most probable class differs from the true class."""
    return np.asarray(probabilities.argmax(axis=-1) != y)


def log_loss(probabilities: Array, y: Array) -> float:
    """Return the log loss, −1/n Σ log p(true class), p at least :data:`SMALLEST`.

    >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([0])), 4)  # log 2
    0.6931
    """
    return float(np.mean(_log_losses(probabilities, y)))


def brier(probabilities: Array, y: Array) -> float:
    """Return the Brier score, 1/n Σ over rows and classes of (p − onehot)², from 0 to 2.

    Source: Brier, *Verification of forecasts expressed in terms of probability*, 1950.

    >>> brier(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    1.0
    """
    return float(np.mean(_brier_scores(probabilities, y)))


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that contenders are compared by: as a loss in statistics, as a value in output.

    The loss is the value if lower is better, otherwise 1 − value.
    """

    name: str
    title: str
    """Noun that follows the value: 2.1 % *error*."""
    unit: Literal["%", "points", ""]
    """"%": values in percent, differences in percentage points. "points": values without a unit,
    differences in points (hundredths). "": both without a unit."""
    lower_is_better: bool
    rope: float
    """Default region of practical equivalence on a table."""
    per_row: Callable[[Array, Array], Array] | None = None
    """For a mean over rows: the losses by row, (n,), of probabilities (n, classes) and codes (n,).
    None for other metrics."""
    by_counts: Callable[[Array, Array], ByCounts] | None = None
    """For other metrics: of probabilities and codes, the value as a function of row counts."""
    positive: int | None = None
    """The code of the positive class, 0 or 1; None without one, or before `fit_metric` sets it."""
    meaning: str = ""
    """The definition of the metric, in one sentence."""

    @property
    def key(self) -> str:
        """The text from which :func:`get_metric` returns this metric, without its title."""
        return self.name if self.positive is None else f"{self.name}(positive={self.positive})"

    def value(self, probabilities: Array, y: Array) -> float:
        """Return the metric's value for probabilities (n, classes) and codes (n,).

        Raises
        ------
        UserError
            If the metric is not defined on these rows.
        """
        if self.per_row is not None:
            return self.shown(float(np.mean(self.per_row(probabilities, y))))
        assert self.by_counts is not None
        return float(self.by_counts(probabilities, y)(np.ones(len(y), np.intp)))

    def loss(self, probabilities: Array, y: Array) -> float:
        """Return the metric as a loss: lower is better."""
        return self.shown(self.value(probabilities, y))

    def shown(self, loss: float) -> float:
        """Convert a loss to the metric's value, or a value to the loss."""
        return loss if self.lower_is_better else 1 - loss


def get_metric(name: str, positive: int | None = None) -> Metric:
    """Return a metric by name: one of :data:`METRICS`, or a scikit-learn scorer.

    Parameters
    ----------
    name : the name, or the :attr:`Metric.key` of a metric with a positive class
    positive : the code of the positive class of a scorer that has one; 1 if it is None, as in
        scikit-learn

    Raises
    ------
    UserError
        If no metric or classification scorer has this name.

    Examples
    --------
    >>> get_metric("auc").title, get_metric("f1_macro").lower_is_better
    ('AUC', False)
    >>> get_metric("f1(positive=0)").positive
    0
    """
    if match := _KEY.fullmatch(name):
        name, positive = match[1], int(match[2])
    name = _ALIASES.get(name, name)
    if name in METRICS:
        return METRICS[name]
    scorers = list_scorers()
    if name in scorers:
        value = partial(scorer_value, name, positive=positive)
        return Metric(name, name, "", False, 0.01, by_counts=value, positive=positive)
    near = get_close_matches(name.lower(), [*METRICS, *_ALIASES, *scorers], n=1)
    hint = f". Did you mean '{near[0]}'?" if near else ""
    listed = ", ".join(f"'{known}'" for known in METRICS)
    raise UserError(
        f"metric must be one of {listed} or a scikit-learn classification scorer such as "
        f"'f1_macro'; got '{name}'{hint}"
    )


def default_rope(metric: Metric, table: bool) -> float:
    """Return the default region of practical equivalence.

    On a table it is the metric's own: 1 percentage point of error, accuracy or balanced accuracy,
    half a point of AUC. For log loss and Brier score it is the equivalent of one point of error for
    a calibrated binary classifier with an error of 10 %: their slopes there, of the entropy h(e)
    and of 2e (1 − e), are 2.2 and 1.6, hence 0.02 and 0.015. On a large given test set such as
    MNIST's, where errors are fewer and smaller differences can be detected, it is a quarter of
    that.

    >>> error = get_metric("error")
    >>> default_rope(error, table=True), default_rope(error, table=False)
    (0.01, 0.0025)
    """
    return metric.rope if table else metric.rope / 4


def _errors(p: Array, y: Array) -> Array:
    return is_misclassified(p, y).astype(np.float64)


def _log_losses(probabilities: Array, y: Array) -> Array:
    p = probabilities[np.arange(len(y)), y].astype(np.float64)
    total = probabilities.sum(axis=1, dtype=np.float64)
    return np.asarray(-np.log(np.maximum(p / total, SMALLEST)))


def _brier_scores(probabilities: Array, y: Array) -> Array:
    p = probabilities.astype(np.float64)
    p[np.arange(len(y)), y] -= 1
    return np.asarray(np.sum(p**2, axis=1))


def _balanced_accuracy(p: Array, y: Array) -> ByCounts:
    """Return the mean recall over the classes that have rows, as a function of row counts."""
    right = ~is_misclassified(p, y)
    classes = [(np.flatnonzero(y == k), np.flatnonzero((y == k) & right)) for k in np.unique(y)]

    def value(counts: Array) -> Any:
        shares = [counts[..., hit].sum(-1) / counts[..., rows].sum(-1) for rows, hit in classes]
        return np.mean(shares, axis=0)

    return value


def _auc(p: Array, y: Array) -> ByCounts:
    """Return the area under the ROC curve as a function of row counts.

    It is the probability that a row of the class outranks a row of another class (Hanley and McNeil
    1982): of the second of two classes; with more classes, the mean over the classes that have
    rows, one against the rest.
    """
    classes = np.unique(y)
    if len(classes) < 2:
        raise UserError(
            "AUC needs test rows of at least two classes; got one class. "
            "Use fewer folds, or another metric."
        )
    parts = [one_against_rest(p[:, k], y == k) for k in ([1] if p.shape[1] == 2 else classes)]
    return lambda counts: np.mean([part(counts) for part in parts], axis=0)


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            *("error", "error", "%", True, 0.01),
            per_row=_errors,
            meaning="Share of misclassified rows.",
        ),
        Metric(
            *("log_loss", "log loss", "", True, 0.02),
            per_row=_log_losses,
            meaning="Mean of −log p(true class).",
        ),
        Metric(
            *("brier", "Brier score", "", True, 0.015),
            per_row=_brier_scores,
            meaning="Mean squared error of the probabilities, summed over the classes.",
        ),
        Metric(
            *("accuracy", "accuracy", "%", False, 0.01),
            per_row=_errors,
            meaning="Share of correctly classified rows.",
        ),
        Metric(
            *("balanced_accuracy", "balanced accuracy", "%", False, 0.01),
            by_counts=_balanced_accuracy,
            meaning="Mean over the classes of the share of correctly classified rows.",
        ),
        Metric(
            *("auc", "AUC", "points", False, 0.005),
            by_counts=_auc,
            meaning="Area under the ROC curve; of more than two classes, the mean of each against "
            "the rest.",
        ),
    )
}
"""The metrics that graduel computes itself."""

_KEY = re.compile(r"(\w+)\(positive=([01])\)")
_ALIASES = {"neg_log_loss": "log_loss", "roc_auc": "auc", "roc_auc_ovr": "auc"}
