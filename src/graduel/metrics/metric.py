"""Metrics of predicted probabilities or numbers by name, and as losses."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.data.task import TaskKind
from graduel.errors import UserError
from graduel.metrics import number_losses
from graduel.metrics.scorer_formulas import ByCounts, one_against_rest
from graduel.metrics.scorers import list_scorers, scorer_value
from graduel.number_format import SHARES

Array = NDArray[Any]
Unit = Literal["%", "points", "", "target"]

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
    unit: Unit
    """"%": values in percent, differences in percentage points. "points": values without a unit,
    differences in points (hundredths). "": both without a unit. "target": both in the unit of the
    target."""
    lower_is_better: bool
    rope: float
    """Default region of practical equivalence on a table; a share of the lower loss of the two if
    the metric has no scale of its own, see `relative_rope`."""
    per_row: Callable[[Array, Array], Array] | None = None
    """For a mean over rows: the losses by row, (n,), of probabilities (n, classes) and codes (n,).
    None for other metrics."""
    by_counts: Callable[[Array, Array], ByCounts] | None = None
    """For other metrics: of probabilities and codes, the value as a function of row counts."""
    positive: int | None = None
    """The code of the positive class, 0 or 1; None without one, or before `fit_metric` sets it."""
    meaning: str = ""
    """The definition of the metric, in one sentence."""
    task: TaskKind = "classification"
    """The kind of target that it is for; of numbers, predictions have shape (n, 1)."""
    relative_rope: bool = False
    """Whether the default `rope` is a share of the lower loss."""

    @property
    def is_share(self) -> bool:
        """Whether the value is a share from 0 to 1."""
        return self.unit in SHARES

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
        If no metric or scorer has this name.

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
    if name in REGRESSION_METRICS:
        return REGRESSION_METRICS[name]
    if match := _PINBALL.fullmatch(name):
        return _pinball(float(match[1]))
    scorers = list_scorers()
    if name in scorers:
        value = partial(scorer_value, name, positive=positive)
        return Metric(name, name, "", False, 0.01, by_counts=value, positive=positive)
    of_numbers = number_losses.list_regression_scorers()
    if name in of_numbers:
        return _regression_scorer(name)
    own = [*METRICS, *REGRESSION_METRICS]
    near = get_close_matches(name.lower(), [*own, *_ALIASES, *scorers, *of_numbers], n=1)
    hint = f". Did you mean '{near[0]}'?" if near else ""
    classes, numbers = (
        ", ".join(f"'{known}'" for known in known_metrics)
        for known_metrics in (METRICS, REGRESSION_METRICS)
    )
    raise UserError(
        f"metric must be one of {classes}, for a number one of {numbers}, or a scikit-learn scorer "
        f"such as 'f1_macro'; got '{name}'{hint}"
    )


def check_task(metric: Metric, task: TaskKind) -> None:
    """Raise `UserError` if a metric is for another kind of target.

    >>> check_task(get_metric("error"), "classification")
    """
    if metric.task == task:
        return
    known = METRICS if task == "classification" else REGRESSION_METRICS
    kind = "classes" if task == "classification" else "a number"
    raise UserError(
        f"metric: expected one for {kind}, such as {', '.join(known)}; got '{metric.name}'. Choose "
        f"one of them, or give --task {metric.task} if the target is read as the wrong kind"
    )


def default_metric_name(task: TaskKind) -> str:
    """Return the metric that leads unless another one is named.

    >>> default_metric_name("regression")
    'rmse'
    """
    return "error" if task == "classification" else "rmse"


def curve_loss(predictions: Array, y: Array) -> float:
    """Return the loss of a learning curve: the error of class codes, the RMSE of numbers.

    >>> curve_loss(np.array([[0.4, 0.6]]), np.array([1]))
    0.0
    >>> curve_loss(np.array([[2.0]]), np.array([0.5]))
    1.5
    """
    if y.dtype.kind == "f":
        return number_losses.rmse(predictions, y)
    return float(is_misclassified(predictions, y).mean())


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

REGRESSION_METRICS = {
    metric.name: replace(metric, task="regression")
    for metric in (
        Metric(
            *("rmse", "RMSE", "target", True, 0.01),
            by_counts=number_losses.rmse_by_counts,
            relative_rope=True,
            meaning="Root of the mean squared error.",
        ),
        Metric(
            *("mae", "mean absolute error", "target", True, 0.01),
            per_row=number_losses.absolute_errors,
            relative_rope=True,
            meaning="Mean of the absolute errors.",
        ),
        Metric(
            *("medae", "median absolute error", "target", True, 0.01),
            by_counts=number_losses.median_error_by_counts,
            relative_rope=True,
            meaning="Median of the absolute errors.",
        ),
        Metric(
            *("r2", "R²", "", False, 0.01),
            by_counts=number_losses.r2_by_counts,
            meaning="1 minus the squared errors as a share of those of the mean target.",
        ),
        Metric(
            *("mape", "MAPE", "", True, 0.01),
            per_row=number_losses.percentage_errors,
            meaning="Mean of the absolute errors as shares of the target.",
        ),
        Metric(
            *("poisson_deviance", "Poisson deviance", "", True, 0.01),
            per_row=number_losses.poisson_deviances,
            relative_rope=True,
            meaning="Mean deviance of counts, 2 (y log(y/ŷ) − y + ŷ).",
        ),
        Metric(
            *("gamma_deviance", "gamma deviance", "", True, 0.01),
            per_row=number_losses.gamma_deviances,
            relative_rope=True,
            meaning="Mean deviance of positive amounts, 2 (log(ŷ/y) + y/ŷ − 1).",
        ),
    )
}
"""The metrics of predicted numbers that graduel computes itself; ``pinball(q=0.9)`` is another."""


def _pinball(q: float) -> Metric:
    """Return the pinball loss of a quantile."""
    return Metric(
        *(f"pinball(q={q:g})", f"pinball loss at {q:g}", "target", True, 0.01),
        per_row=partial(number_losses.pinball_losses, q=q),
        relative_rope=True,
        meaning=f"Mean pinball loss of the quantile {q:g}.",
        task="regression",
    )


def _regression_scorer(name: str) -> Metric:
    """Return a metric of one of scikit-learn's scorers of regressors; errors are positive."""
    is_error = name.startswith("neg_")
    return Metric(
        *(name, name, "", is_error, 0.01),
        by_counts=partial(number_losses.regression_score, name),
        relative_rope=is_error,
        task="regression",
    )


_KEY = re.compile(r"(\w+)\(positive=([01])\)")
_PINBALL = re.compile(r"pinball\(q=(0?\.\d+)\)")
_ALIASES = {
    "neg_log_loss": "log_loss",
    "roc_auc": "auc",
    "roc_auc_ovr": "auc",
    "neg_root_mean_squared_error": "rmse",
    "neg_mean_absolute_error": "mae",
    "neg_median_absolute_error": "medae",
    "neg_mean_absolute_percentage_error": "mape",
    "neg_mean_poisson_deviance": "poisson_deviance",
    "neg_mean_gamma_deviance": "gamma_deviance",
    "pinball": "pinball(q=0.5)",
}
