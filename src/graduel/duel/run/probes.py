"""Robustness of a fitted model to perturbed rows, and permutation importance.

Robustness is the error on test rows by the strength of a perturbation; importance is the rise of
the log loss when a column, or a block of pixels, is permuted among the rows. Every contender of a
run gets the same perturbed rows. Their number depends on the numbers of rows, columns and pixels,
never on a clock, so that results are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from statistics import mean
from typing import Any
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from graduel.contenders import FittedContender, error_rate
from graduel.data import Dataset, perturb
from graduel.metrics.metric import log_loss

Array = NDArray[Any]

MOST_ROWS = 1000
"""Test rows that are perturbed."""
MOST_PREDICTIONS = 16_000
"""Predictions for importance: with many columns or blocks, each is permuted on fewer rows."""
FEWEST_ROWS = 100
MOST_GROUPS = 200
"""With more columns, neighbours are permuted together."""
BLOCKS = 7
"""Blocks of pixels along the longer side of an image."""
REFUSALS = (ValueError, TypeError, ArithmeticError)
"""Errors of a user's model on rows unlike its training rows: then there is no prediction."""


def run_probes(
    fitted: FittedContender, dataset: Dataset, test: Array, run: int
) -> dict[str, Any] | None:
    """Return the :func:`robustness` and :func:`importance` of a model as plain data.

    Parameters
    ----------
    fitted : the model
    dataset : the data set
    test : the numbers of the test rows
    run : the number of the run, which seeds the random numbers

    Returns
    -------
    dict or None
        ``rows`` (the number of perturbed rows), ``error`` and ``log_loss`` on them unperturbed,
        ``robustness`` and ``importance``. None for data that are neither a table nor images of
        uint8.
    """
    image = dataset.image is not None and dataset.X.dtype == np.uint8
    if not image and not dataset.columns:
        return None
    rng = np.random.default_rng([run, crc32(b"probes")])
    rows = np.sort(rng.permutation(np.asarray(test))[:MOST_ROWS])
    X, y = dataset.X[rows], dataset.y[rows]

    def predict(rows: Any) -> Array:
        flat = rows.reshape(len(rows), -1) if image else rows
        return np.asarray(fitted.predict_proba(flat))

    p = predict(X)
    return {
        "rows": len(rows),
        "error": error_rate(p, y),
        "log_loss": log_loss(p, y),
        "robustness": robustness(predict, X, y, rng, image=image),
        "importance": importance(predict, X, y, rng, image=image),
    }


def robustness(
    predict: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> list[dict[str, Any]]:
    """Return the error on perturbed rows: ``name``, ``strengths`` and ``errors`` for each kind.

    An error is None where the model makes no prediction.
    """
    results = []
    for name, perturb_rows, strengths in _image_perturbations(X) if image else _perturbations():
        errors = [_error(predict, perturb_rows(X, strength, rng), y) for strength in strengths]
        results.append({"name": name, "strengths": list(strengths), "errors": errors})
    return results


def importance(
    predict: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> dict[str, Any] | None:
    """Return the rise of log loss and error when a part of the features is permuted.

    Of a table: ``columns``, a list of lists of names (of more than 200 columns, neighbours are
    permuted together), and ``log_loss`` and ``error``, a rise for each. Of images: ``block``, the
    side of a block in pixels, and ``log_loss`` and ``error`` as rows of blocks. ``rows`` is the
    number of rows. None where the model makes no prediction.

    References
    ----------
    Breiman, *Random forests*, Machine Learning 45, 2001; Fisher, Rudin and Dominici, *All models
    are wrong, but many are useful*, JMLR 20, 2019 (for any model).
    """
    parts = list(_blocks(X) if image else _columns(X))
    shape = (-1, len({left for _, left, _ in parts})) if image else (-1,)
    n = min(len(y), max(MOST_PREDICTIONS // max(len(parts), 1), FEWEST_ROWS))
    X, y = X[:n] if image else X.head(n), y[:n]
    rises = []
    try:
        p = predict(X)
        loss, error = log_loss(p, y), error_rate(p, y)
        for part in parts:
            permuted = _permute(X, part, rng.permutation(n), image=image)
            p = predict(permuted)
            rises.append((log_loss(p, y) - loss, error_rate(p, y) - error))
    except REFUSALS:
        return None
    by_loss, by_error = np.array(rises).reshape(-1, 2).T
    rises_by_part: dict[str, Any] = {
        "rows": n,
        "log_loss": by_loss.reshape(shape).tolist(),
        "error": by_error.reshape(shape).tolist(),
    }
    return rises_by_part | ({"block": _side(X)} if image else {"columns": parts})


def merge_probes(runs: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the probes of a contender's runs as one: means over the runs; None without any.

    >>> one = {"rows": 4, "error": 0.1, "log_loss": 0.2, "robustness": [], "importance": None}
    >>> round(merge_probes([one, {**one, "error": 0.3}])["error"], 6)
    0.2
    """
    probed = [one for one in runs if one is not None]
    if not probed:
        return None
    first = probed[0]
    parts = [one["importance"] for one in probed]
    whole = parts[0] and {
        **parts[0],
        **{
            key: np.mean([one[key] for one in parts if one], axis=0).tolist()
            for key in ("log_loss", "error")
        },
    }
    return {
        "rows": sum(one["rows"] for one in probed),
        "error": mean(one["error"] for one in probed),
        "log_loss": mean(one["log_loss"] for one in probed),
        "robustness": [
            {
                **curve,
                "errors": [
                    _mean(one["robustness"][number]["errors"][i] for one in probed)
                    for i in range(len(curve["errors"]))
                ],
            }
            for number, curve in enumerate(first["robustness"])
        ],
        "importance": whole,
    }


def validate_probes(probes: Any) -> dict[str, Any]:
    """Return probes as :func:`run_probes` gave them.

    Raises
    ------
    ValueError, TypeError, KeyError
        If the data are not probes.
    """
    for curve in probes["robustness"]:
        errors = [float(error) for error in curve["errors"] if error is not None]
        if len(curve["errors"]) != len(curve["strengths"]) or not all(0 <= e <= 1 for e in errors):
            raise ValueError(f"expected errors between 0 and 1 under {curve['name']}")
    if (part := probes["importance"]) is not None:
        by_loss, by_error = (np.array(part[key], np.float64) for key in ("log_loss", "error"))
        if by_loss.shape != by_error.shape or by_loss.ndim != (2 if "block" in part else 1):
            raise ValueError("expected importances of one shape")
        if "block" not in part and len(part["columns"]) != len(by_loss):
            raise ValueError("importances and columns do not fit")
    int(probes["rows"]), float(probes["error"]), float(probes["log_loss"])
    return dict(probes)


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
        return error_rate(predict(X), y)
    except REFUSALS:
        return None


def _columns(X: Any) -> Iterator[list[str]]:
    size = -(-X.width // MOST_GROUPS)
    for start in range(0, X.width, max(size, 1)):
        yield list(X.columns[start : start + size])


def _side(X: Array) -> int:
    return -(-max(X.shape[1:3]) // BLOCKS)


def _blocks(X: Array) -> Iterator[tuple[int, int, int]]:
    """Yield (top, left, side) of every block, row by row."""
    side = _side(X)
    for top in range(0, X.shape[1], side):
        for left in range(0, X.shape[2], side):
            yield top, left, side


def _permute(X: Any, part: Any, order: Array, *, image: bool) -> Any:
    """Return the rows with a part of their features from other rows."""
    if not image:
        return X.with_columns(X[name].gather(order) for name in part)
    top, left, side = part
    permuted = X.copy()
    inside = np.s_[:, top : top + side, left : left + side]
    permuted[inside] = X[inside][order]
    return permuted


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None
