"""How good probabilities are, over test rows, and each metric by its name."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError

Array = NDArray[Any]
Counted = Callable[[Array], Any]
"""From how often each row counts, (n,) or (draws, n), to the value or the values."""

SMALLEST = float(np.finfo(np.float32).eps)
"""Probabilities are taken to be at least this, so that one certain mistake costs 15.9, not ∞."""


def is_misclassified(probabilities: Array, y: Array) -> NDArray[np.bool_]:
    """Return for each row whether its most probable class is not the true one."""
    return np.asarray(probabilities.argmax(axis=-1) != y)


def log_loss(probabilities: Array, y: Array) -> float:
    """−1/n Σ log p(true class), p at least :data:`SMALLEST`.

    >>> round(log_loss(np.array([[0.5, 0.5]]), np.array([0])), 4)  # log 2
    0.6931
    """
    return float(np.mean(_log_losses(probabilities, y)))


def brier(probabilities: Array, y: Array) -> float:
    """1/n Σ over rows and classes of (p − onehot)², from 0 to 2.

    Source: Brier, *Verification of forecasts expressed in terms of probability*, 1950.

    >>> brier(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0, 0]))
    1.0
    """
    return float(np.mean(_brier_scores(probabilities, y)))


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric that a duel can compare by. It is compared as a loss and shown as users know it.

    The loss is the value itself where lower is better, else 1 − value.
    """

    name: str
    title: str
    """What to call it after its value: 2.1 % *error*."""
    unit: Literal["%", "points", ""]
    """"%": values in percent, differences in points. "points": bare values, differences in points
    (hundredths). "": both as they are."""
    lower_is_better: bool
    rope: float
    """The region of practical equivalence on a table, unless the user names one."""
    per_row: Callable[[Array, Array], Array] | None = None
    """Probabilities (n, classes) and codes (n,) to the losses by row, of which it is the mean;
    None where it is no mean over rows."""
    counted: Callable[[Array, Array], Counted] | None = None
    """For the others: to the value as a function of how often each row counts, shape (n,); counts
    of shape (draws, n) give an array of values."""

    def value(self, probabilities: Array, y: Array) -> float:
        """Return the metric as users know it, of probabilities (n, classes) and codes (n,).

        Raises
        ------
        UserError
            If the metric is not defined on these rows.
        """
        if self.per_row is not None:
            return self.shown(float(np.mean(self.per_row(probabilities, y))))
        assert self.counted is not None
        return float(self.counted(probabilities, y)(np.ones(len(y), np.intp)))

    def loss(self, probabilities: Array, y: Array) -> float:
        """Return the same as a loss: lower is better."""
        return self.shown(self.value(probabilities, y))

    def shown(self, loss: float) -> float:
        """Return the metric of a loss, or the loss of a metric."""
        return loss if self.lower_is_better else 1 - loss


def get_metric(name: str) -> Metric:
    """Return the metric of that name: one of :data:`METRICS`, or a scorer of scikit-learn's.

    Raises
    ------
    UserError
        If there is none of that name for classes.

    Examples
    --------
    >>> get_metric("auc").title, get_metric("f1_macro").lower_is_better
    ('AUC', False)
    """
    name = _ALIASES.get(name, name)
    if name in METRICS:
        return METRICS[name]
    scorers = _classification_scorers()
    if name in scorers:
        return Metric(name, name, "", False, 0.01, counted=partial(_scorer_value, name))
    near = get_close_matches(name.lower(), [*METRICS, *_ALIASES, *scorers], n=1)
    hint = f". Did you mean '{near[0]}'?" if near else ""
    listed = ", ".join(f"'{known}'" for known in METRICS)
    raise UserError(
        f"metric must be one of {listed} or a scikit-learn scorer of classes such as 'f1_macro'; "
        f"got '{name}'{hint}"
    )


def default_rope(metric: Metric, table: bool) -> float:
    """Return the region of practical equivalence where the user names none.

    On a table it is the metric's own: 1 point of error, accuracy or balanced accuracy, half a
    point of AUC. For log loss and Brier score it is what a point of error is worth to a calibrated
    classifier of two classes that errs on 10 %: with the entropy h and 2e (1 − e) their slopes
    there are 2.2 and 1.6, hence 0.02 and 0.015. On a large given test set such as MNIST's, where
    errors are fewer and smaller differences can be detected, it is a quarter of that.

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


def _balanced_accuracy(p: Array, y: Array) -> Counted:
    """Mean over the classes that are there of the share of their rows that are right."""
    right = ~is_misclassified(p, y)
    classes = [(np.flatnonzero(y == k), np.flatnonzero((y == k) & right)) for k in np.unique(y)]

    def value(counts: Array) -> Any:
        shares = [counts[..., hit].sum(-1) / counts[..., rows].sum(-1) for rows, hit in classes]
        return np.mean(shares, axis=0)

    return value


def _auc(p: Array, y: Array) -> Counted:
    """Area under the ROC curve: the chance that a row of a class outranks one that is not.

    Of the second of two classes; of more, the mean over those that are there, each against the
    rest (Hanley and McNeil 1982).
    """
    classes = np.unique(y)
    if len(classes) < 2:
        raise UserError(
            "AUC needs test rows of at least two classes; got one. "
            "Choose fewer folds, or another metric."
        )
    parts = [_one_against_rest(p[:, k], y == k) for k in ([1] if p.shape[1] == 2 else classes)]
    return lambda counts: np.mean([part(counts) for part in parts], axis=0)


def _one_against_rest(score: Array, positive: Array) -> Counted:
    # Sorted once: below[i] others have a lower score than positive row i, to[i] none higher.
    up, down = np.flatnonzero(positive), np.flatnonzero(~positive)
    down = down[np.argsort(score[down], kind="stable")]
    below = np.searchsorted(score[down], score[up], side="left")
    to = np.searchsorted(score[down], score[up], side="right")

    def value(counts: Array) -> Any:
        ours, others = counts[..., up], counts[..., down]
        summed = np.concatenate([np.zeros_like(others[..., :1]), np.cumsum(others, axis=-1)], -1)
        won = (summed[..., below] + summed[..., to]) / 2  # a tie counts half
        return (ours * won).sum(-1) / (ours.sum(-1) * others.sum(-1))

    return value


def _scorer_value(name: str, p: Array, y: Array) -> Counted:
    """Return a scikit-learn scorer of a stand-in estimator that predicts these probabilities."""
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.metrics import get_scorer

    normalized = p / p.sum(axis=1, keepdims=True, dtype=np.float64)

    class StandIn(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        """Its X are numbers of rows."""

        classes_ = np.arange(p.shape[1])

        def predict_proba(self, rows: Array) -> Array:
            return np.asarray(normalized[rows])

        def predict(self, rows: Array) -> Array:
            return np.asarray(normalized[rows].argmax(axis=1))

    scorer, stand_in = get_scorer(name), StandIn()

    def value(counts: Array) -> Any:
        if counts.ndim > 1:
            return np.array([value(one) for one in counts])
        rows = np.repeat(np.arange(len(y)), counts)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a class that is never predicted
                score = float(scorer(stand_in, rows, y[rows]))
        except ValueError as error:
            raise UserError(
                f"the metric '{name}' cannot be worked out on these test rows: "
                f"{str(error).splitlines()[0].rstrip('.')}. Choose another metric."
            ) from None
        if not np.isfinite(score):
            raise UserError(
                f"the metric '{name}' is not defined on these test rows: scikit-learn gives "
                f"{score}. Choose another metric."
            )
        return score

    return value


def _classification_scorers() -> list[str]:
    """Return scikit-learn's scorers of classes; those of numbers, clusters and sets left out."""
    from sklearn.metrics import get_scorer, get_scorer_names

    def of_classes(name: str) -> bool:
        home = get_scorer(name)._score_func.__module__
        return not ("regression" in home or "cluster" in home or name.endswith("_samples"))

    return [name for name in get_scorer_names() if of_classes(name)]


METRICS = {
    metric.name: metric
    for metric in (
        Metric("error", "error", "%", True, 0.01, per_row=_errors),
        Metric("log_loss", "log loss", "", True, 0.02, per_row=_log_losses),
        Metric("brier", "Brier score", "", True, 0.015, per_row=_brier_scores),
        Metric("accuracy", "accuracy", "%", False, 0.01, per_row=_errors),
        Metric(
            "balanced_accuracy",
            "balanced accuracy",
            "%",
            False,
            0.01,
            counted=_balanced_accuracy,
        ),
        Metric("auc", "AUC", "points", False, 0.005, counted=_auc),
    )
}
"""The metrics that graduel works out itself."""

_ALIASES = {"neg_log_loss": "log_loss", "roc_auc": "auc", "roc_auc_ovr": "auc"}
