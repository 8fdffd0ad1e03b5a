"""The verdict on two sets of predictions, from whatever tools they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError
from graduel.metrics.metric import METRICS, Metric, get_metric

Array = NDArray[Any]
NEEDS_PROBABILITIES = ("log_loss", "brier", "auc")
TOLERANCE = 1e-3
"""What the probabilities of a row may miss 1 by."""


def compare_predictions(
    a: Any,
    b: Any,
    y: Any,
    *,
    metric: str | Metric = "error",
    rope: float | None = None,
    names: tuple[str, str] = ("A", "B"),
    classes: Sequence[Any] | None = None,
) -> Comparison:
    """Return the verdict on two sets of predictions of the same test rows, with its numbers.

    Parameters
    ----------
    a, b : labels of shape (n,) or (seeds, n), or probabilities of shape (n, classes) or (seeds, n,
        classes); with two classes also the second one's probability, shape (n,). Of several seeds
        the s-th of a and the s-th of b belong together
    y : the true labels: whole numbers or text, shape (n,)
    metric : what decides, a name as in `get_metric`
    rope : the region of practical equivalence; without, the metric's own
    names : what to call the two
    classes : all classes, in the order of the columns of probabilities. Without, those in `y` in
        ascending order, as scikit-learn's ``classes_`` are; or, of codes 0, 1, …, as many as there
        are columns

    Raises
    ------
    UserError
        If the predictions fit neither each other nor `y`, lack values, or the metric needs
        probabilities and there are labels only.

    Examples
    --------
    >>> y = np.array(["cat", "dog"] * 100)
    >>> one, other = y.copy(), y.copy()
    >>> one[:40], other[100:110] = "cat", "dog"
    >>> comparison = compare_predictions(one, other, y, names=("net", "trees"))
    >>> comparison.verdict, round(comparison.difference, 3), comparison.test
    ('b better', 0.075, 'McNemar mid-p')
    """
    measure = get_metric(metric) if isinstance(metric, str) else metric
    if len(set(names)) != 2:
        raise UserError(f"expected two names that differ; got '{names[0]}' twice")
    truth = _array(y, "y")
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.ndim != 1 or len(truth) < 2:
        raise UserError(
            f"expected true labels of shape (n,), of two rows or more; got shape {truth.shape}"
        )
    both = {name: _array(x, name) for name, x in zip(names, (a, b), strict=True)}
    known = class_names(truth, classes, [_columns(x, len(truth)) for x in both.values()])
    codes = _codes(truth, known, "y")
    probabilities = {
        name: _probabilities(x, len(truth), known, name, measure) for name, x in both.items()
    }
    seeds = [len(p) for p in probabilities.values()]
    if seeds[0] != seeds[1]:
        raise UserError(
            f"expected as many seeds of both; got {seeds[0]} of {names[0]} and {seeds[1]} of "
            f"{names[1]}"
        )
    rope = measure.rope if rope is None else rope
    try:
        [comparison] = compare_rows(probabilities, codes, metric=measure, rope=rope)
    except UserError:
        raise
    except ValueError as error:  # a ROPE that the metric cannot have
        raise UserError(str(error)) from None
    return comparison


def class_names(
    y: Array, classes: Sequence[Any] | None = None, columns: Sequence[int | None] = ()
) -> tuple[str, ...]:
    """Return the names of the classes, in the order of the columns of probabilities.

    Parameters
    ----------
    y : the true labels, shape (n,)
    classes : all of them, in order, where the user names them
    columns : how many columns the predictions have; None of labels

    >>> class_names(np.array([2, 0, 2, 10])), class_names(np.array([2, 0, 2]), columns=[4])
    (('0', '2', '10'), ('0', '1', '2', '3'))
    """
    there, _ = _unique(y, "y")
    if classes is not None:
        named, _ = _unique(np.asarray(list(classes)), "classes", keep_order=True)
        if len(set(named)) < len(named) or len(named) < 2:
            raise UserError(f"expected two classes or more, each once; got {', '.join(named)}")
        return tuple(named)
    most = max((number for number in columns if number is not None), default=0)
    if most > len(there) and set(there) <= {str(code) for code in range(most)}:
        return tuple(str(code) for code in range(most))
    if len(there) < 2:
        raise UserError(
            f"expected true labels of two classes or more; all are '{there[0]}'. Name all classes "
            "with classes (on the command line --classes)"
        )
    return tuple(there)


def _array(x: Any, where: str) -> Array:
    """Return an array of numbers or text without gaps."""
    array = np.asarray(x)
    if array.dtype.kind == "O":
        values = array.ravel().tolist()
        if all(isinstance(value, str) for value in values):
            array = np.array(values, dtype=np.str_).reshape(array.shape)
        elif all(isinstance(value, int | float) for value in values):
            array = np.array(values).reshape(array.shape)
    if array.dtype.kind == "S":
        array = np.char.decode(array, "latin-1")
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind not in "iufU":
        raise UserError(f"{where}: expected numbers or text; got {array.dtype}")
    if array.size == 0:
        raise UserError(f"{where}: expected predictions or labels; it is empty")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        place = np.argwhere(~np.isfinite(array))[0]
        index = ", ".join(str(int(i)) for i in place)
        raise UserError(f"{where}: expected finite numbers; [{index}] is {array[tuple(place)]}")
    return array


def _columns(x: Array, n: int) -> int | None:
    """Return how many classes there are columns for; None of labels."""
    if x.ndim == 3 or (x.ndim == 2 and x.dtype.kind == "f" and x.shape[0] == n and x.shape[1] > 1):
        return int(x.shape[-1])
    return None


def _unique(x: Array, where: str, *, keep_order: bool = False) -> tuple[list[str], Array]:
    """Return the labels that are there, in ascending order and as text, and which each one is."""
    if x.dtype.kind == "b":
        x = x.astype(np.int64)
    if x.dtype.kind == "f":
        odd = (x != np.round(x)) | (np.abs(x) > 2**53)
        if odd.any():
            raise UserError(
                f"{where}: expected labels that are whole numbers or text; got {x[odd][0]}"
            )
        x = x.astype(np.int64)
    values, inverse = np.unique(x, return_inverse=True)
    if keep_order:
        return [str(value) for value in x.tolist()], np.arange(x.size)
    return [str(value) for value in values.tolist()], inverse.reshape(x.shape)


def _codes(x: Array, known: Sequence[str], where: str) -> Array:
    labels, inverse = _unique(x, where)
    place = {name: code for code, name in enumerate(known)}
    strange = [label for label in labels if label not in place]
    if strange:
        listed = ", ".join(f"'{name}'" for name in known[:5]) + (", …" if len(known) > 5 else "")
        raise UserError(
            f"{where}: '{strange[0]}' is none of the classes ({listed}). If it is a class that the "
            "true labels lack by chance, name all of them with classes (on the command line "
            "--classes)"
        )
    return np.array([place[label] for label in labels])[inverse]


def _probabilities(x: Array, n: int, known: Sequence[str], where: str, metric: Metric) -> Array:
    """Return probabilities of shape (seeds, n, classes); labels become certainties."""
    k = len(known)
    if (columns := _columns(x, n)) is not None:
        p = x if x.ndim == 3 else x[np.newaxis]
        if p.shape[1] != n:
            raise UserError(f"{where}: expected {n:,} rows, as y has; got {p.shape[1]:,}")
        if columns != k:
            raise UserError(
                f"{where}: expected a column for each of {k} classes; got {columns}. Name all "
                "classes, in the order of the columns, with classes (on the command line --classes)"
            )
        return _checked(p.astype(np.float64), where)
    if x.ndim == 2 and x.shape[1] == 1 and n > 1:
        x = x[:, 0]
    if x.ndim > 2 or x.shape[-1] != n:
        raise UserError(
            f"{where}: expected predictions of {n:,} rows, as y has; got an array of shape "
            f"{x.shape}"
        )
    if x.dtype.kind == "f" and (x != np.round(x)).any():
        if k != 2 or x.min() < 0 or x.max() > 1:
            raise UserError(
                f"{where}: expected labels, or probabilities with a column for each of {k} "
                f"classes; got numbers such as {x[x != np.round(x)][0]:.4g} in shape {x.shape}"
            )
        second = np.atleast_2d(x).astype(np.float64)
        return np.stack([1 - second, second], axis=-1)
    if _needs_probabilities(metric):
        raise UserError(
            f"{where}: {metric.title} needs probabilities; got labels. Save what predict_proba "
            "gives, or choose error, accuracy or balanced_accuracy"
        )
    return np.eye(k)[_codes(np.atleast_2d(x), known, where)]


def _needs_probabilities(metric: Metric) -> bool:
    if metric.name in METRICS:
        return metric.name in NEEDS_PROBABILITIES
    from sklearn.metrics import get_scorer

    return bool(get_scorer(metric.name)._response_method != "predict")


def _checked(p: Array, where: str) -> Array:
    off = np.abs(p.sum(axis=-1) - 1)
    if p.min(initial=0) < -TOLERANCE or off.max(initial=0) > TOLERANCE:
        bad = (off > TOLERANCE) | (p < -TOLERANCE).any(axis=-1)
        seed, row = np.unravel_index(int(bad.argmax()), off.shape)
        raise UserError(
            f"{where}: expected probabilities, none below 0, that add up to 1 in each row; row "
            f"{int(row)} adds up to {p[seed, row].sum():.4g}. Turn scores into probabilities first "
            "(softmax)"
        )
    return np.maximum(p, 0)
