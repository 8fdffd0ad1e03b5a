"""What a fitted model does where rows are disturbed, and what it looks at.

Robustness is the error on test rows that are disturbed more and more; importance is what becomes of
the log loss when a column, or a block of pixels, comes from other rows (permutation importance).
Every contender of a run meets the same rows, disturbed alike. How much is done follows from the
number of rows, columns and pixels, never from a clock, so that it is the same everywhere.
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
"""Test rows that are disturbed."""
MOST_ANSWERS = 16_000
"""Answers for importance: of many columns or blocks, each is tried on fewer rows."""
FEWEST_ROWS = 100
MOST_GROUPS = 200
"""Of more columns, neighbours are permuted together."""
BLOCKS = 7
"""Blocks of pixels along the longer side of an image."""
REFUSALS = (ValueError, TypeError, ArithmeticError)
"""A model of the user's may refuse rows unlike those that it learned from: it has no answer."""


def run_probes(
    fitted: FittedContender, dataset: Dataset, test: Array, run: int
) -> dict[str, Any] | None:
    """Return what :func:`robustness` and :func:`importance` find, as plain data.

    Parameters
    ----------
    fitted : the model
    dataset : what is duelled on
    test : the numbers of the test rows
    run : which run of the duel it is; it decides the random numbers

    Returns
    -------
    dict or None
        ``rows`` (how many were disturbed), ``error`` and ``log_loss`` on them as they are,
        ``robustness`` and ``importance``. None for data that are neither a table nor images of
        uint8.
    """
    image = dataset.image is not None and dataset.X.dtype == np.uint8
    if not image and not dataset.columns:
        return None
    rng = np.random.default_rng([run, crc32(b"probes")])
    rows = np.sort(rng.permutation(np.asarray(test))[:MOST_ROWS])
    X, y = dataset.X[rows], dataset.y[rows]

    def answer(some: Any) -> Array:
        flat = some.reshape(len(some), -1) if image else some
        return np.asarray(fitted.predict_proba(flat))

    p = answer(X)
    return {
        "rows": len(rows),
        "error": error_rate(p, y),
        "log_loss": log_loss(p, y),
        "robustness": robustness(answer, X, y, rng, image=image),
        "importance": importance(answer, X, y, rng, image=image),
    }


def robustness(
    answer: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> list[dict[str, Any]]:
    """Return the error on disturbed rows: for each way ``name``, ``strengths`` and ``errors``.

    A value is null where the model has no answer.
    """
    found = []
    for name, disturbed, strengths in _images(X) if image else _tables():
        errors = [_error(answer, disturbed(X, strength, rng), y) for strength in strengths]
        found.append({"name": name, "strengths": list(strengths), "errors": errors})
    return found


def importance(
    answer: Callable[[Any], Array], X: Any, y: Array, rng: np.random.Generator, *, image: bool
) -> dict[str, Any] | None:
    """Return by how much log loss and error rise when a part of the rows comes from others.

    Of a table: ``columns``, a list of lists of names (of more than 200 columns, neighbours are
    permuted together), and ``log_loss`` and ``error``, a rise for each. Of images: ``block``, the
    side of a block in pixels, and ``log_loss`` and ``error`` as rows of blocks. ``rows`` tells on
    how many rows they were found. None where the model has no answer.

    References
    ----------
    Breiman, *Random forests*, Machine Learning 45, 2001; Fisher, Rudin and Dominici, *All models
    are wrong, but many are useful*, JMLR 20, 2019 (for any model).
    """
    parts = list(_blocks(X) if image else _columns(X))
    shape = (-1, len({left for _, left, _ in parts})) if image else (-1,)
    n = min(len(y), max(MOST_ANSWERS // max(len(parts), 1), FEWEST_ROWS))
    X, y = X[:n] if image else X.head(n), y[:n]
    rises = []
    try:
        p = answer(X)
        loss, error = log_loss(p, y), error_rate(p, y)
        for part in parts:
            other = _mixed(X, part, rng.permutation(n), image=image)
            p = answer(other)
            rises.append((log_loss(p, y) - loss, error_rate(p, y) - error))
    except REFUSALS:
        return None
    by_loss, by_error = np.array(rises).reshape(-1, 2).T
    found: dict[str, Any] = {
        "rows": n,
        "log_loss": by_loss.reshape(shape).tolist(),
        "error": by_error.reshape(shape).tolist(),
    }
    return found | ({"block": _side(X)} if image else {"columns": parts})


def merge_probes(runs: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """Return the probes of a contender's runs as one: means over the runs; None without any.

    >>> one = {"rows": 4, "error": 0.1, "log_loss": 0.2, "robustness": [], "importance": None}
    >>> round(merge_probes([one, {**one, "error": 0.3}])["error"], 6)
    0.2
    """
    there = [one for one in runs if one is not None]
    if not there:
        return None
    first = there[0]
    parts = [one["importance"] for one in there]
    whole = parts[0] and {
        **parts[0],
        **{
            key: np.mean([one[key] for one in parts if one], axis=0).tolist()
            for key in ("log_loss", "error")
        },
    }
    return {
        "rows": sum(one["rows"] for one in there),
        "error": mean(one["error"] for one in there),
        "log_loss": mean(one["log_loss"] for one in there),
        "robustness": [
            {
                **way,
                "errors": [
                    _mean(one["robustness"][number]["errors"][i] for one in there)
                    for i in range(len(way["errors"]))
                ],
            }
            for number, way in enumerate(first["robustness"])
        ],
        "importance": whole,
    }


def validate_probes(found: Any) -> dict[str, Any]:
    """Return probes as :func:`run_probes` gave them.

    Raises
    ------
    ValueError, TypeError, KeyError
        If they are something else.
    """
    for way in found["robustness"]:
        errors = [float(error) for error in way["errors"] if error is not None]
        if len(way["errors"]) != len(way["strengths"]) or not all(0 <= e <= 1 for e in errors):
            raise ValueError(f"these are no errors under {way['name']}")
    if (part := found["importance"]) is not None:
        by_loss, by_error = (np.array(part[key], np.float64) for key in ("log_loss", "error"))
        if by_loss.shape != by_error.shape or by_loss.ndim != (2 if "block" in part else 1):
            raise ValueError("these are no importances")
        if "block" not in part and len(part["columns"]) != len(by_loss):
            raise ValueError("importances and columns do not fit")
    int(found["rows"]), float(found["error"]), float(found["log_loss"])
    return dict(found)


Way = tuple[str, Callable[[Any, Any, np.random.Generator], Any], tuple[float, ...]]


def _images(X: Array) -> Iterator[Way]:
    top, side = int(X.max(initial=1)) or 1, min(X.shape[1:3])

    def noise(images: Any, strength: float, rng: np.random.Generator) -> Any:
        return perturb.noise(images, strength, rng, top=top)

    yield "noise", noise, (0.1, 0.2, 0.4)
    yield "rotation", perturb.rotate, (10, 20, 40)
    yield "shift", perturb.shift, tuple(max(k, round(side * k / 28)) for k in (1, 2, 4))
    yield "occlusion", perturb.occlude, tuple(max(k, round(side * k / 8)) for k in (2, 3, 4))


def _tables() -> Iterator[Way]:
    yield "missing", perturb.missing, (0.1, 0.2, 0.4)
    yield "permuted", perturb.scramble, (0.1, 0.25, 0.5)


def _error(answer: Callable[[Any], Array], X: Any, y: Array) -> float | None:
    try:
        return error_rate(answer(X), y)
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


def _mixed(X: Any, part: Any, order: Array, *, image: bool) -> Any:
    """Return the rows with a part of them from other rows."""
    if not image:
        return X.with_columns(X[name].gather(order) for name in part)
    top, left, side = part
    found = X.copy()
    inside = np.s_[:, top : top + side, left : left + side]
    found[inside] = X[inside][order]
    return found


def _mean(values: Iterator[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return mean(there) if there else None
