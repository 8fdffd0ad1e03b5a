"""The verdict on two cross-validations that any tool has computed, from their scores by fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.duel.argument_check import check_arguments, check_pair
from graduel.duel.verdict.folds import compare_folds
from graduel.duel.verdict.types import Comparison
from graduel.errors import UserError
from graduel.metrics.metric import Metric, get_metric
from graduel.number_format import format_quantity, format_rows

Array = NDArray[Any]


def compare_scores(
    a: Any,
    b: Any,
    *,
    metric: str = "accuracy",
    n_rows: int | None = None,
    repeats: int | None = None,
    rope: float | None = None,
    names: tuple[str, str] = ("A", "B"),
) -> Comparison:
    """Compare two cross-validations on the same splits, with a verdict.

    Parameters
    ----------
    a, b : scores by fold, shape (repeats · folds,), repeat by repeat as of scikit-learn's
        ``RepeatedKFold``, or (repeats, folds); or the results of ``cross_validate``
    metric : the metric of the scores, by its name in scikit-learn or in graduel; of a result of
        ``cross_validate``, ``test_score`` or ``test_METRIC`` is compared
    n_rows : number of rows that were split; not needed with ``cross_validate(return_indices=True)``
    repeats : number of repeats of the cross-validation; default: from the indices, or 1
    rope : the region of practical equivalence; by default the metric's own
    names : names of the two

    Raises
    ------
    UserError
        If the scores do not match each other or the metric, or `n_rows` is missing.

    Examples
    --------
    >>> comparison = compare_scores(
    ...     [0.88, 0.92, 0.89, 0.90, 0.91], [0.93, 0.96, 0.94, 0.96, 0.96],
    ...     n_rows=500, names=("net", "trees"),
    ... )
    >>> comparison.verdict, comparison.test
    ('b better', 'corrected resampled t')
    """
    check_pair(names)
    options = {"metric": metric, "n_rows": n_rows, "repeats": repeats, "rope": rope}
    check_arguments(compare_scores, options)
    measure = get_metric(metric)
    scores = [_read_scores(x, metric, name) for x, name in zip((a, b), names, strict=True)]
    if len(scores[0]) != len(scores[1]):
        raise UserError(
            f"expected the same number of scores of {names[0]} and {names[1]}; got "
            f"{len(scores[0])} and {len(scores[1])}. Score both on the same splits"
        )
    splits = _read_splits(a, b, names)
    if splits is not None:
        n_rows, repeats = splits
    if n_rows is None:
        raise UserError(
            "expected the number of rows that were split: pass n_rows (on the command line: "
            "--rows), or the results of cross_validate(…, return_indices=True)"
        )
    repeats = _count_repeats(a, repeats)
    folds, rest = divmod(len(scores[0]), repeats)
    if rest or folds < 2 or n_rows < folds:
        raise UserError(
            f"expected 2 or more scores for each repeat and a row for each; got "
            f"{format_quantity(len(scores[0]), 'score')}, {format_quantity(repeats, 'repeat')} and "
            f"{format_rows(n_rows)}"
        )
    losses = {
        name: to_losses(values, metric, measure, name).reshape(repeats, folds)
        for name, values in zip(names, scores, strict=True)
    }
    try:
        [comparison] = compare_folds(
            losses,
            metric=measure,
            test_share=1 / folds,
            n=n_rows,
            rope=measure.rope if rope is None else rope,
        )
    except UserError:
        raise
    except ValueError as error:  # the ROPE is out of range
        raise UserError(str(error)) from None
    return comparison


def to_losses(scores: Array, name: str, metric: Metric, where: str) -> Array:
    """Return scores as losses of a metric; `name` is the user's name of it, such as neg_log_loss.

    Raises
    ------
    UserError
        If a score is out of the metric's range.
    """
    if name.startswith("neg_") and metric.lower_is_better:
        scores = -scores
    is_share = metric.is_share
    is_low, is_high = is_share or metric.lower_is_better, is_share or not metric.lower_is_better
    outside = scores[((scores < 0) & is_low) | ((scores > 1) & is_high)]
    if outside.size:
        limits = ["at least 0"] * is_low + ["at most 1"] * is_high
        remedy = "Divide percentages by 100" if is_high else "Name the metric neg_log_loss"
        raise UserError(
            f"{where}: expected {metric.title} of {' and '.join(limits)}; got {outside[0]:.4g}. "
            f"{remedy}, or name another metric"
        )
    return np.asarray(metric.shown(scores))  # type: ignore[arg-type]


def _read_scores(x: Any, metric: str, name: str) -> Array:
    """Return scores by fold, shape (repeats · folds,)."""
    if isinstance(x, Mapping):
        keys = [key for key in x if str(key).startswith("test_")]
        key = next((key for key in (f"test_{metric}", "test_score") if key in x), None)
        if key is None:
            listed = ", ".join(map(str, keys)) or "none"
            raise UserError(
                f"{name}: expected test_score or test_{metric} of cross_validate; got {listed}. "
                "Set the metric to the name of the scorer"
            )
        x = x[key]
    try:
        scores = np.asarray(x, np.float64)
    except (TypeError, ValueError):
        raise UserError(f"{name}: expected a number for each fold; got {x!r:.60}") from None
    if scores.ndim not in (1, 2) or not scores.size:
        raise UserError(
            f"{name}: expected scores of shape (folds,) or (repeats, folds); got {scores.shape}"
        )
    for number, score in enumerate(scores.ravel().tolist()):
        if isnan(score):
            raise UserError(f"{name}: expected a score for each fold; that of fold {number} is NaN")
    return scores.ravel()


def _count_repeats(a: Any, repeats: int | None) -> int:
    """Return the user's number of repeats, or that of a two-dimensional array."""
    if repeats is None:
        repeats = 1 if isinstance(a, Mapping) or np.ndim(a) < 2 else len(a)
    if repeats < 1:
        raise UserError(f"repeats: expected at least 1; got {repeats}")
    return repeats


def _read_splits(a: Any, b: Any, names: Sequence[str]) -> tuple[int, int] | None:
    """Return the numbers of rows and of repeats by the indices of ``cross_validate``, if any."""
    both = [x["indices"] for x in (a, b) if isinstance(x, Mapping) and "indices" in x]
    if not both:
        return None
    tests = [[np.sort(rows) for rows in one["test"]] for one in both]
    if len(tests) == 2 and not (
        len(tests[0]) == len(tests[1]) and all(map(np.array_equal, *tests))
    ):
        raise UserError(
            f"expected {names[0]} and {names[1]} on the same splits; their test rows differ. Pass "
            "the same cv with a random_state to cross_validate"
        )
    n_rows = len(both[0]["train"][0]) + len(tests[0][0])
    repeats, is_covered = 0, np.zeros(n_rows, bool)
    for rows in tests[0]:
        if rows[-1] >= n_rows or is_covered[rows].any():
            break
        is_covered[rows] = True
        if is_covered.all():
            repeats, is_covered = repeats + 1, np.zeros(n_rows, bool)
    if not repeats or sum(map(len, tests[0])) != repeats * n_rows:
        raise UserError(
            "expected a cross-validation, in which each row is a test row once per repeat; got "
            "other splits. Use KFold, StratifiedKFold or RepeatedStratifiedKFold"
        )
    return n_rows, repeats
