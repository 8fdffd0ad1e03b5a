"""Robustness of a fitted model to perturbed rows, and permutation importance.

Robustness is the error on test rows by perturbation strength; importance is the increase of log
loss when a column, or a block of pixels, is permuted among the rows. All contenders of a run get
the same perturbed rows. Their number depends only on the numbers of rows, columns and pixels, never
on time, so results are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import mean
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from graduel.contenders import FittedContender
from graduel.data import Dataset, perturb
from graduel.duel.result.probe_results import Importance, PerturbationErrors, Probes
from graduel.metrics.metric import curve_loss, log_loss
from graduel.metrics.number_losses import rmse

Array = NDArray[Any]

MAX_ROWS = 1000
"""Maximum number of test rows to perturb."""
MAX_PREDICTIONS = 16_000
"""Maximum number of predicted rows for importance; many columns or blocks get fewer rows each."""
MIN_ROWS = 100
MAX_GROUPS = 200
"""Maximum number of column groups; with more columns, adjacent ones are permuted together."""
BLOCKS = 7
"""Number of pixel blocks along the longer side of an image."""
MODEL_ERRORS = (ValueError, TypeError, ArithmeticError)
"""Exceptions that a user's model may raise on perturbed rows; the result is then None."""


def run_probes(fitted: FittedContender, dataset: Dataset, test: Array, run: int) -> Probes | None:
    """Measure robustness and importance of a model on at most 1,000 test rows.

    Returns None if the data are neither a table nor uint8 images.

    Parameters
    ----------
    fitted : the fitted model
    dataset : the data set
    test : row numbers of the test rows
    run : number of the run, the random seed
    """
    image = dataset.image is not None and dataset.X.dtype == np.uint8
    if not image and not dataset.columns:
        return None
    rng = np.random.default_rng([run, crc32(b"probes")])
    rows = np.sort(rng.permutation(np.asarray(test))[:MAX_ROWS])
    X, y = dataset.X[rows], dataset.y[rows]

    def predict(rows: Any) -> Array:
        flat = rows.reshape(len(rows), -1) if image else rows
        return np.asarray(fitted.predict_proba(flat))

    p = predict(X)
    return Probes(
        rows=len(rows),
        error=curve_loss(p, y),
        log_loss=_sharp_loss(p, y),
        robustness=tuple(_measure_robustness(predict, X, y, rng, image=image)),
        importance=_measure_importance(predict, X, y, rng, image=image),
    )


def _measure_robustness(
    predict: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> Iterator[PerturbationErrors]:
    """Yield the errors for each kind of perturbation."""
    for name, perturb_rows, strengths in _image_perturbations(X) if image else _perturbations():
        errors = tuple(_error(predict, perturb_rows(X, strength, rng), y) for strength in strengths)
        yield PerturbationErrors(name=name, strengths=strengths, errors=errors)


def _measure_importance(
    predict: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> Importance | None:
    """Return the increase of log loss and error when a group of features is permuted.

    A group is a column (adjacent columns if there are more than 200) or a block of pixels. Returns
    None if the model raises an error.

    References
    ----------
    Breiman, *Random forests*, Machine Learning 45, 2001; Fisher, Rudin and Dominici, *All models
    are wrong, but many are useful*, JMLR 20, 2019 (for any model).
    """
    parts: list[Any] = list(_blocks(X) if image else _columns(X))
    shape = (-1, len({left for _, left, _ in parts})) if image else (-1,)
    n = min(len(y), max(MAX_PREDICTIONS // max(len(parts), 1), MIN_ROWS))
    X, y = X[:n] if image else X.head(n), y[:n]
    rises = []
    try:
        p = predict(X)
        loss, error = _sharp_loss(p, y), curve_loss(p, y)
        for part in parts:
            permuted = _permute(X, part, rng.permutation(n), image=image)
            p = predict(permuted)
            rises.append((_sharp_loss(p, y) - loss, curve_loss(p, y) - error))
    except MODEL_ERRORS:
        return None
    by_loss, by_error = np.array(rises).reshape(-1, 2).T
    return Importance(
        rows=n,
        log_loss=_tuples(by_loss.reshape(shape)),
        error=_tuples(by_error.reshape(shape)),
        columns=None if image else tuple(parts),
        block=_side(X) if image else None,
    )


def _sharp_loss(p: Array, y: Array) -> float:
    """Return the loss by which importance is measured: log loss, or RMSE of numbers."""
    return rmse(p, y) if y.dtype.kind == "f" else log_loss(p, y)


def merge_probes(runs: Sequence[Probes | None]) -> Probes | None:
    """Merge the probes of a contender's runs into means over the runs; None if there are none.

    >>> one = Probes(rows=4, error=0.1, log_loss=0.2, robustness=(), importance=None)
    >>> round(merge_probes([one, replace(one, error=0.3)]).error, 6)
    0.2
    """
    probed = [one for one in runs if one is not None]
    if not probed:
        return None
    importance, parts = probed[0].importance, [one.importance for one in probed]
    if importance is not None:
        importance = replace(
            importance,
            log_loss=_tuples(np.mean([one.log_loss for one in parts if one], axis=0)),
            error=_tuples(np.mean([one.error for one in parts if one], axis=0)),
        )
    return Probes(
        rows=sum(one.rows for one in probed),
        error=mean(one.error for one in probed),
        log_loss=mean(one.log_loss for one in probed),
        robustness=tuple(
            replace(same[0], errors=tuple(map(_mean, zip(*(k.errors for k in same), strict=True))))
            for same in zip(*(one.robustness for one in probed), strict=True)
        ),
        importance=importance,
    )


Perturbation = tuple[str, Callable[[Any, Any, np.random.Generator], Any], tuple[float, ...]]


def _image_perturbations(X: Array) -> Iterator[Perturbation]:
    top, side = int(X.max(initial=1)) or 1, min(X.shape[1:3])

    def noise(images: Any, strength: float, rng: np.random.Generator) -> Any:
        return perturb.noise(images, strength, rng, top=top)

    yield "noise", noise, (0.1, 0.2, 0.4)
    yield "rotation", perturb.rotate, (10, 20, 40)
    yield "shift", perturb.shift, tuple(max(k, round(side * k / 28)) for k in (1, 2, 4))
    yield "occlusion", perturb.occlude, tuple(max(k, round(side * k / 8)) for k in (2, 3, 4))


def _perturbations() -> Iterator[Perturbation]:
    yield "missing", perturb.missing, (0.1, 0.2, 0.4)
    yield "permuted", perturb.scramble, (0.1, 0.25, 0.5)


def _error(predict: Callable[[Any], Array], X: Any, y: Array) -> float | None:
    try:
        return curve_loss(predict(X), y)
    except MODEL_ERRORS:
        return None


def _columns(X: Any) -> Iterator[tuple[str, ...]]:
    size = -(-X.width // MAX_GROUPS)
    for start in range(0, X.width, max(size, 1)):
        yield tuple(X.columns[start : start + size])


def _side(X: Array) -> int:
    return -(-max(X.shape[1:3]) // BLOCKS)


def _blocks(X: Array) -> Iterator[tuple[int, int, int]]:
    """Yield (top, left, side) of every block, row by row."""
    side = _side(X)
    for top in range(0, X.shape[1], side):
        for left in range(0, X.shape[2], side):
            yield top, left, side


def _permute(X: Any, part: Any, order: Array, *, image: bool) -> Any:
    """Return the rows with one group of features permuted among them."""
    if not image:
        return X.with_columns(X[name].gather(order) for name in part)
    top, left, side = part
    permuted = X.copy()
    inside = np.s_[:, top : top + side, left : left + side]
    permuted[inside] = X[inside][order]
    return permuted


def _tuples(values: Array) -> tuple[Any, ...]:
    """Return a one- or two-dimensional array as tuples."""
    return tuple(tuple(row) if isinstance(row, list) else row for row in values.tolist())


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None
