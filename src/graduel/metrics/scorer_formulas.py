"""Formulas of scikit-learn's classification scorers over many resamples of rows at once.

A scorer takes one set of rows and needs milliseconds for it. These formulas take counts of how
often each row is drawn, shape (draws, n_rows), and give the same values (draws,) to rounding. The
likelihood ratios have none: what scikit-learn returns where they are undefined depends on its
version.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
ByCounts = Callable[[Array], Any]
"""A function of row counts, shape (n,) or (draws, n), that returns one value or one by draw."""


def get_formula(name: str, p: Array, y: Array) -> ByCounts | None:
    """Return a scorer's value as a formula of row counts, or None if it has none here.

    Parameters
    ----------
    name : the name of the scorer
    p, y : probabilities, shape (n_rows, n_classes), with the sum 1 in each row, and class codes,
        shape (n_rows,). The positive class of two is the second

    Examples
    --------
    >>> p, y = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6]]), np.array([0, 1, 0])
    >>> f1 = get_formula("f1", p, y)
    >>> f1(np.array([[1, 1, 1], [2, 1, 0]])).round(3).tolist()
    [0.667, 1.0]
    """
    kind, _, average = name.rpartition("_")
    if kind in _BY_CLASS and average in _AVERAGES:
        return _averaged(_BY_CLASS[kind], _AVERAGES[average], p, y)
    if name in _BY_CLASS:
        return _averaged(_BY_CLASS[name], _second, p, y)
    formula = _OTHERS.get(name)
    return None if formula is None else formula(p, y)


def outranking(score: Array, positives: Array, negatives: Array) -> ByCounts:
    """Return the area under the ROC curve as a function of row counts.

    It is the probability that a positive row has a higher score than a negative one; a tie counts
    half (Hanley and McNeil 1982). `positives` and `negatives` are row numbers.
    """
    # Sorted once, for all draws: n_below[i] negatives have a lower score than positive row i, and
    # n_up_to[i] a lower or equal one.
    negatives = negatives[np.argsort(score[negatives], kind="stable")]
    n_below = np.searchsorted(score[negatives], score[positives], side="left")
    n_up_to = np.searchsorted(score[negatives], score[positives], side="right")

    def value(counts: Array) -> Any:
        ours, others = counts[..., positives], counts[..., negatives]
        summed = np.concatenate([np.zeros_like(others[..., :1]), np.cumsum(others, axis=-1)], -1)
        outranked = (summed[..., n_below] + summed[..., n_up_to]) / 2
        return (ours * outranked).sum(-1) / (ours.sum(-1) * others.sum(-1))

    return value


def one_against_rest(score: Array, is_positive: Array) -> ByCounts:
    """Return the area under the ROC curve of some rows against all others."""
    return outranking(score, np.flatnonzero(is_positive), np.flatnonzero(~is_positive))


def _share(part: Array, whole: Array) -> Array:
    """Return part / whole, and 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole != 0)


def _confusion(p: Array, y: Array) -> ByCounts:
    """Return the confusion matrix, shape (…, true classes, predicted classes)."""
    k = p.shape[1]
    cell = y * k + p.argmax(axis=1)
    order = np.argsort(cell, kind="stable")
    cells, starts = np.unique(cell[order], return_index=True)

    def value(counts: Array) -> Any:
        matrix = np.zeros((*counts.shape[:-1], k * k))
        matrix[..., cells] = np.add.reduceat(counts[..., order], starts, axis=-1)
        return matrix.reshape(*counts.shape[:-1], k, k)

    return value


# Of right, true and predicted rows by class: the numerator and the denominator of a share.
_BY_CLASS: dict[str, Callable[[Array, Array, Array], tuple[Array, Array]]] = {
    "precision": lambda right, true, predicted: (right, predicted),
    "recall": lambda right, true, predicted: (right, true),
    "f1": lambda right, true, predicted: (2 * right, true + predicted),
    "jaccard": lambda right, true, predicted: (right, true + predicted - right),
}
Average = Callable[[Array, Array, Array, Array], Array]


def _second(part: Array, whole: Array, true: Array, predicted: Array) -> Array:
    return _share(part[..., 1], whole[..., 1])


def _micro(part: Array, whole: Array, true: Array, predicted: Array) -> Array:
    return _share(part.sum(-1), whole.sum(-1))


def _macro(part: Array, whole: Array, true: Array, predicted: Array) -> Array:
    return _share(_share(part, whole).sum(-1), (true + predicted > 0).sum(-1))


def _weighted(part: Array, whole: Array, true: Array, predicted: Array) -> Array:
    return _share((_share(part, whole) * true).sum(-1), true.sum(-1))


_AVERAGES: dict[str, Average] = {"micro": _micro, "macro": _macro, "weighted": _weighted}


def _averaged(
    share: Callable[[Array, Array, Array], tuple[Array, Array]],
    average: Average,
    p: Array,
    y: Array,
) -> ByCounts:
    confusion = _confusion(p, y)

    def value(counts: Array) -> Any:
        matrix = confusion(counts)
        right, true = np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(-1)
        predicted = matrix.sum(-2)
        return average(*share(right, true, predicted), true, predicted)

    return value


def _matthews(p: Array, y: Array) -> ByCounts:
    """Return Gorodkin's R_K, the correlation of true and predicted classes."""
    confusion = _confusion(p, y)

    def value(counts: Array) -> Any:
        matrix = confusion(counts)
        true, predicted, n = matrix.sum(-1), matrix.sum(-2), counts.sum(-1)
        right = np.trace(matrix, axis1=-2, axis2=-1)
        spreads = (n**2 - (true**2).sum(-1)) * (n**2 - (predicted**2).sum(-1))
        return _share(right * n - (true * predicted).sum(-1), np.sqrt(spreads))

    return value


def _average_precision(p: Array, y: Array) -> ByCounts:
    """Return Σ ΔR P over descending thresholds; with more classes, the mean of each class."""
    classes = [1] if p.shape[1] == 2 else range(p.shape[1])
    parts = [_precision_by_rank(p[:, k], y == k) for k in classes]
    return lambda counts: np.mean([part(counts) for part in parts], axis=0)


def _precision_by_rank(score: Array, is_positive: Array) -> ByCounts:
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # the last row of each tie

    def value(counts: Array) -> Any:
        drawn = counts[..., order]
        total = np.cumsum(drawn, axis=-1)[..., ends]
        right = np.cumsum(drawn * is_positive[order], axis=-1)[..., ends]
        gained = np.diff(right, axis=-1, prepend=0)
        return _share((gained * _share(right, total)).sum(-1), right[..., -1])

    return value


def _auc_by_class(p: Array, y: Array) -> ByCounts:
    """Return the mean area under the ROC curve of each class, weighted by its rows."""
    if p.shape[1] == 2:
        return one_against_rest(p[:, 1], y == 1)
    rows = [np.flatnonzero(y == k) for k in range(p.shape[1])]
    areas = [one_against_rest(p[:, k], y == k) for k in range(p.shape[1])]

    def value(counts: Array) -> Any:
        weights = np.stack([counts[..., one].sum(-1) for one in rows])
        return (np.stack([area(counts) for area in areas]) * weights).sum(0) / weights.sum(0)

    return value


def _auc_by_pair(is_weighted: bool) -> Callable[[Array, Array], ByCounts]:
    """Return the mean area under the ROC curve of each pair of classes (Hand and Till 2001)."""

    def formula(p: Array, y: Array) -> ByCounts:
        if p.shape[1] == 2:
            return one_against_rest(p[:, 1], y == 1)
        rows = [np.flatnonzero(y == k) for k in range(p.shape[1])]
        pairs = [
            (
                outranking(p[:, a], rows[a], rows[b]),
                outranking(p[:, b], rows[b], rows[a]),
                np.concatenate([rows[a], rows[b]]),
            )
            for a, b in combinations(range(p.shape[1]), 2)
        ]

        def value(counts: Array) -> Any:
            areas = np.stack([(a(counts) + b(counts)) / 2 for a, b, _ in pairs])
            weights = np.stack([counts[..., both].sum(-1) for _, _, both in pairs])
            return np.average(areas, axis=0, weights=weights if is_weighted else None)

        return value

    return formula


def _mean(losses: Array) -> ByCounts:
    return lambda counts: counts @ losses / counts.sum(-1)


def _squares(p: Array, y: Array) -> Array:
    """Return the squared errors by row; for two classes those of the second class."""
    squares: Array = ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)
    return squares / 2 if p.shape[1] == 2 else squares


def _logarithms(p: Array) -> Array:
    smallest = np.finfo(np.float64).eps
    return -np.log(np.clip(p, smallest, 1 - smallest))


def _top_two(p: Array, y: Array) -> ByCounts:
    top = np.argsort(p, axis=1, kind="stable")[:, -2:]
    return _mean((top == y[:, np.newaxis]).any(axis=1).astype(np.float64))


def _gain(
    losses: Callable[[Array, Array], Array], constant: Callable[[Array], Array]
) -> Callable[[Array, Array], ByCounts]:
    """Return 1 − loss / loss of the class frequencies; `constant` is the latter."""

    def formula(p: Array, y: Array) -> ByCounts:
        mean, onehot = _mean(losses(p, y)), np.eye(p.shape[1])[y]

        def value(counts: Array) -> Any:
            return 1 - mean(counts) / constant(counts @ onehot / counts.sum(-1)[..., np.newaxis])

        return value

    return formula


def _gini(shares: Array) -> Array:
    scale = 2 if shares.shape[-1] == 2 else 1
    return np.asarray((1 - (shares**2).sum(-1)) / scale)


_OTHERS: dict[str, Callable[[Array, Array], ByCounts]] = {
    "matthews_corrcoef": _matthews,
    "average_precision": _average_precision,
    "roc_auc_ovr_weighted": _auc_by_class,
    "roc_auc_ovo": _auc_by_pair(is_weighted=False),
    "roc_auc_ovo_weighted": _auc_by_pair(is_weighted=True),
    "neg_brier_score": lambda p, y: _mean(-_squares(p, y)),
    "d2_brier_score": _gain(_squares, _gini),
    "d2_log_loss_score": _gain(
        lambda p, y: _logarithms(p[np.arange(len(y)), y]),
        lambda shares: (shares * _logarithms(shares)).sum(-1),
    ),
    "top_k_accuracy": _top_two,
}
