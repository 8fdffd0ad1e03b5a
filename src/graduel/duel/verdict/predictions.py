"""The verdict on two sets of predictions, made by any tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.argument_check import check_arguments, check_pair
from graduel.duel.verdict.test_rows import compare_rows
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError
from graduel.metrics.metric import METRICS, Metric, get_metric
from graduel.metrics.positive_class import fit_metric

Array = NDArray[Any]
NEEDS_PROBABILITIES = ("log_loss", "brier", "auc")
TOLERANCE = 1e-3
"""Largest deviation of a row's sum of probabilities from 1, unless they are rounded."""
ROUNDED = (2, 3, 4)
"""Numbers of decimals to which probabilities may be rounded."""


def compare_predictions(
    a: Any,
    b: Any,
    y: Any,
    *,
    metric: str | Metric = "error",
    positive: object = None,
    rope: float | None = None,
    names: tuple[str, str] = ("A", "B"),
    classes: Sequence[Any] | None = None,
) -> Comparison:
    """Compare two sets of predictions for the same test rows, with a verdict.

    Parameters
    ----------
    a, b : labels, shape (n,) or (seeds, n), or probabilities, shape (n, classes) or (seeds, n,
        classes); with two classes also the probability of the second class, shape (n,). With
        several seeds, the s-th of a is paired with the s-th of b
    y : true labels, integers or text, shape (n,)
    metric : the metric to compare: a name as in `get_metric`, or a `Metric`
    positive : the label of the positive class of metrics such as ``f1``; by default the rarer of
        the two classes in `y`
    rope : the region of practical equivalence; by default the metric's own
    names : names of the two sets
    classes : all classes, in the order of the columns of probabilities. By default the classes in
        `y` in ascending order, like scikit-learn's ``classes_``. If the labels in `y` are codes,
        the default is 0, 1, … up to the number of columns − 1

    Raises
    ------
    UserError
        If the shapes of the predictions and `y` do not match, values are missing, or the metric
        needs probabilities and the predictions are labels, or is not defined on these classes.

    Examples
    --------
    >>> y = np.array(["cat", "dog"] * 100)
    >>> one, other = y.copy(), y.copy()
    >>> one[:40], other[100:110] = "cat", "dog"
    >>> comparison = compare_predictions(one, other, y, names=("net", "trees"))
    >>> comparison.verdict, round(comparison.difference, 3), comparison.test
    ('b better', 0.075, 'McNemar mid-p')
    """
    check_arguments(compare_predictions, {"rope": rope, "classes": classes})
    predictions, labels, codes = _label(a, b, y, names, classes)
    measure = fit_metric(_get(metric), labels, codes, positive)
    notes = list[str]()
    probabilities = {
        name: _probabilities(x, len(codes), labels, name, measure, notes)
        for name, x in predictions.items()
    }
    seeds = [len(p) for p in probabilities.values()]
    if seeds[0] != seeds[1]:
        raise UserError(
            f"expected the same number of seeds in both; got {seeds[0]} in {names[0]} and "
            f"{seeds[1]} in {names[1]}"
        )
    rope = measure.rope if rope is None else rope
    try:
        [comparison] = compare_rows(probabilities, codes, metric=measure, rope=rope)
    except UserError:
        raise
    except ValueError as error:  # the ROPE is out of range
        raise UserError(str(error)) from None
    return replace(comparison, notes=tuple(notes))


def resolve_metric(
    a: Any,
    b: Any,
    y: Any,
    metric: str | Metric,
    positive: object = None,
    *,
    names: tuple[str, str] = ("A", "B"),
    classes: Sequence[Any] | None = None,
) -> Metric:
    """Return the metric by which :func:`compare_predictions` compares, with its positive class.

    The parameters and errors are those of :func:`compare_predictions`.
    """
    _, labels, codes = _label(a, b, y, names, classes)
    return fit_metric(_get(metric), labels, codes, positive)


def _get(metric: str | Metric) -> Metric:
    if not isinstance(metric, str | Metric):
        raise UserError(
            f"metric must be a name such as 'f1_macro', or a Metric; got {type(metric).__name__}"
        )
    return get_metric(metric) if isinstance(metric, str) else metric


def _label(
    a: Any, b: Any, y: Any, names: tuple[str, str], classes: Sequence[Any] | None
) -> tuple[dict[str, Array], tuple[str, ...], Array]:
    """Return the predictions by name, the names of the classes, and the true class codes."""
    check_pair(names)
    truth = _array(y, "y")
    if truth.ndim == 2 and truth.shape[1] == 1:
        truth = truth[:, 0]
    if truth.ndim != 1 or len(truth) < 2:
        raise UserError(
            f"expected true labels of shape (n,) with 2 or more rows; got shape {truth.shape}"
        )
    predictions = {name: _array(x, name) for name, x in zip(names, (a, b), strict=True)}
    labels = class_names(truth, classes, [_columns(x, len(truth)) for x in predictions.values()])
    return predictions, labels, _codes(truth, labels, "y")


def class_names(
    y: Array, classes: Sequence[Any] | None = None, columns: Sequence[int | None] = ()
) -> tuple[str, ...]:
    """Return the names of the classes, in the order of the columns of probabilities.

    Parameters
    ----------
    y : true labels, shape (n,)
    classes : all classes in order, if the user lists them
    columns : number of columns of each set of predictions; None for labels

    >>> class_names(np.array([2, 0, 2, 10])), class_names(np.array([2, 0, 2]), columns=[4])
    (('0', '2', '10'), ('0', '1', '2', '3'))
    """
    present, _ = _unique(y, "y")
    if classes is not None:
        listed, _ = _unique(np.asarray(list(classes)), "classes", keep_order=True)
        if len(set(listed)) < len(listed) or len(listed) < 2:
            raise UserError(f"classes: expected 2 or more different ones; got {', '.join(listed)}")
        return tuple(listed)
    most = max((number for number in columns if number is not None), default=0)
    if most > len(present) and set(present) <= {str(code) for code in range(most)}:
        return tuple(str(code) for code in range(most))
    if len(present) < 2:
        raise UserError(
            f"expected true labels of 2 or more classes; all are '{present[0]}'. List all classes "
            "with classes (on the command line: --classes)"
        )
    return tuple(present)


def _array(x: Any, where: str) -> Array:
    """Return an array of numbers or text without missing values."""
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
        raise UserError(f"{where}: expected predictions or labels; got an empty array")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        first = np.argwhere(~np.isfinite(array))[0]
        index = ", ".join(str(int(i)) for i in first)
        raise UserError(f"{where}: expected finite numbers; [{index}] is {array[tuple(first)]}")
    return array


def _columns(x: Array, n: int) -> int | None:
    """Return the number of columns of probabilities, or None if `x` holds labels."""
    if x.ndim == 3 or (x.ndim == 2 and x.dtype.kind == "f" and x.shape[0] == n and x.shape[1] > 1):
        return int(x.shape[-1])
    return None


def _unique(x: Array, where: str, *, keep_order: bool = False) -> tuple[list[str], Array]:
    """Return the distinct labels as text, in ascending order, and the index of each label."""
    if x.dtype.kind == "b":
        x = x.astype(np.int64)
    if x.dtype.kind == "f":
        invalid = (x != np.round(x)) | (np.abs(x) > 2**53)
        if invalid.any():
            raise UserError(f"{where}: expected integers or text as labels; got {x[invalid][0]}")
        x = x.astype(np.int64)
    values, inverse = np.unique(x, return_inverse=True)
    if keep_order:
        return [str(value) for value in x.tolist()], np.arange(x.size)
    return [str(value) for value in values.tolist()], inverse.reshape(x.shape)


def _codes(x: Array, classes: Sequence[str], where: str) -> Array:
    labels, inverse = _unique(x, where)
    codes = {name: code for code, name in enumerate(classes)}
    unknown = [label for label in labels if label not in codes]
    if unknown:
        known = ", ".join(f"'{name}'" for name in classes[:5])
        raise UserError(
            f"{where}: expected one of the classes {known}{', …' if len(classes) > 5 else ''}; got "
            f"'{unknown[0]}'. If the true labels lack that class by chance, list all classes with "
            "classes (on the command line: --classes)"
        )
    return np.array([codes[label] for label in labels])[inverse]


def _probabilities(
    x: Array, n: int, classes: Sequence[str], where: str, metric: Metric, notes: list[str]
) -> Array:
    """Return probabilities of shape (seeds, n, classes); a label gets the probability 1.

    Changes to the probabilities are added to `notes`.
    """
    k = len(classes)
    if (columns := _columns(x, n)) is not None:
        p = x if x.ndim == 3 else x[np.newaxis]
        if p.shape[1] != n:
            raise UserError(f"{where}: expected {n:,} rows, as in y; got {p.shape[1]:,}")
        if columns != k:
            raise UserError(
                f"{where}: expected a column for each of the {k} classes; got {columns}. List all "
                "classes, in the order of the columns, with classes (on the command line: "
                "--classes)"
            )
        return _check_probabilities(p.astype(np.float64), where, notes)
    if x.ndim == 2 and x.shape[1] == 1 and n > 1:
        x = x[:, 0]
    if x.ndim > 2 or x.shape[-1] != n:
        raise UserError(
            f"{where}: expected predictions for {n:,} rows, as in y; got an array of shape "
            f"{x.shape}"
        )
    if x.dtype.kind == "f" and (x != np.round(x)).any():
        if k != 2 or x.min() < 0 or x.max() > 1:
            raise UserError(
                f"{where}: expected labels, or probabilities with a column for each of the {k} "
                f"classes; got numbers such as {x[x != np.round(x)][0]:.4g} in shape {x.shape}"
            )
        second = np.atleast_2d(x).astype(np.float64)
        return np.stack([1 - second, second], axis=-1)
    if _needs_probabilities(metric):
        raise UserError(
            f"{where}: {metric.title} needs probabilities; got labels. Save the output of "
            "predict_proba, or use the metric error, accuracy or balanced_accuracy"
        )
    return np.eye(k)[_codes(np.atleast_2d(x), classes, where)]


def _needs_probabilities(metric: Metric) -> bool:
    if metric.name in METRICS:
        return metric.name in NEEDS_PROBABILITIES
    from sklearn.metrics import get_scorer

    return bool(get_scorer(metric.name)._response_method != "predict")


def _check_probabilities(p: Array, where: str, notes: list[str]) -> Array:
    """Return the probabilities, clipped at 0; raise `UserError` if a row is not a distribution.

    Rows of rounded probabilities whose sum deviates from 1 by no more than rounding explains, half
    a unit of the last decimal for each class, are divided by their sum.
    """
    sums = p.sum(axis=-1)
    deviation = np.abs(sums - 1)
    if p.min(initial=0) >= -TOLERANCE and deviation.max(initial=0) <= TOLERANCE:
        return np.maximum(p, 0)
    decimals = next((d for d in ROUNDED if np.abs(p - np.round(p, d)).max() < 1e-7), None)
    if decimals is not None and p.min(initial=0) >= 0:
        largest = min(0.5, p.shape[-1] * 0.5 * 10.0**-decimals)
        if deviation.max(initial=0) <= largest + 1e-6:
            notes.append(
                f"{where}: probabilities are rounded to {decimals} decimals, with sums from "
                f"{sums.min():.4g} to {sums.max():.4g}; each row is divided by its sum"
            )
            return np.asarray(p / sums[..., np.newaxis])
    bad = (deviation > TOLERANCE) | (p < -TOLERANCE).any(axis=-1)
    seed, row = np.unravel_index(int(bad.argmax()), deviation.shape)
    if np.allclose(sums, 100, atol=1):
        remedy = "Divide percentages by 100"
    elif p.min() < 0 or p.max() > 1:
        remedy = "Convert scores to probabilities first (softmax)"
    else:
        remedy = "Give the probabilities of all classes, with at least 3 decimals"
    raise UserError(
        f"{where}: expected non-negative probabilities with the sum 1 in each row; row "
        f"{int(row)} has the sum {sums[seed, row]:.4g} and the minimum "
        f"{p[seed, row].min():.4g}. {remedy}"
    )
