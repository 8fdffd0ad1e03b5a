"""Learning curves over training-set size: the same duel with fewer training rows.

Each size is a separate duel in ``sizes/N/`` of the main duel's folder, on the same test rows. The
training rows of a smaller size are a subset of those of every larger size.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.data import Dataset
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import ROWS_A_CLASS
from graduel.duel.result.duel_result import RESULT, LearningCurve, Result, SizeCurve, read_result
from graduel.duel.verdict.crossing import compare_sizes
from graduel.duel.verdict.types import Verdict
from graduel.errors import UserError

SIZES = "sizes"
STEP, MAX_SIZES, MIN_SIZE = 4, 4, 100
"""For ``auto``: the ratio between sizes, the largest number of sizes, and the smallest size."""


def parse_sizes(text: str) -> tuple[int, ...] | None:
    """Parse sizes such as ``500,2000,8000``; None for ``auto``.

    >>> parse_sizes("2000, 500")
    (500, 2000)
    """
    if text.strip().lower() == "auto":
        return None
    parts = [part.strip().replace("_", "") for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() and len(part) < 12 for part in parts):
        raise UserError(
            f"--sizes must be numbers of training rows such as 500,2000,8000, or auto; got '{text}'"
        )
    return tuple(sorted({int(part) for part in parts}))


def shared_options(protocol: Protocol) -> dict[str, Any]:
    """Return the options that all sizes share with the main duel; only the main duel has probes."""
    shared = {"split": protocol.split, "metric": protocol.metric, "rope": protocol.rope}
    return {**shared, "probes": False}


def plan_sizes(
    sizes: tuple[int, ...] | None,
    protocol: Protocol,
    dataset: Dataset,
    replan: Callable[[int], Protocol],
) -> dict[int, Protocol]:
    """Plan a duel for each size, with the test rows, metric and ROPE of the main duel.

    Parameters
    ----------
    sizes : numbers of training and validation rows together; None for default sizes
    protocol : the main duel
    dataset : its data set
    replan : ``replan(rows)`` returns the protocol of the same duel with that many rows

    Raises
    ------
    UserError
        If a size is too small for training, or not smaller than the main duel's.
    """
    rows = protocol.split_rows(dataset, 0)
    most = len(rows.train) + len(rows.valid)
    if sizes is None:
        sizes = _default_sizes(most, len(dataset.classes))
        if not sizes:
            raise UserError(
                f"--sizes auto needs more than {most:,} training rows; give --sizes as numbers"
            )
    for size in sizes:
        if not size < most:
            raise UserError(
                f"each of --sizes must be below {most:,}, the training rows of this duel; "
                f"got {size:,}"
            )
    protocols = {size: replan(size) for size in sizes}
    for smaller in protocols.values():
        smaller.split_rows(dataset, 0)  # raises if there are too few rows
    return protocols


def _default_sizes(most: int, classes: int) -> tuple[int, ...]:
    """Return sizes that decrease by a factor of 4, rounded to two significant digits.

    >>> _default_sizes(60_000, 10)
    (230, 940, 3800, 15000)
    """
    fewest, sizes = max(MIN_SIZE, 2 * ROWS_A_CLASS * classes), []
    for power in range(1, MAX_SIZES + 1):
        size = most / STEP**power
        if size < fewest:
            break
        sizes.append(int(float(f"{size:.2g}")))
    return tuple(reversed(sizes))


def learning_curve(path: Path, main: Result) -> LearningCurve | None:
    """Return every contender's error by number of training rows; None if there is only one size.

    All finished sizes in the folder of the main duel are included, if that is finished.

    Parameters
    ----------
    path : the main duel's folder
    main : its result
    """
    if main.missing is not None and main.missing.fits:
        return None
    results = {_training_rows(main): main}
    for file in path.glob(f"{SIZES}/*/{RESULT}"):
        result = read_result(file.parent)
        if result.missing is None and _differs_by_rows_only(result, main):
            results.setdefault(_training_rows(result), result)
    if len(results) < 2:
        return None
    sizes = sorted(results)
    ordered = [results[size] for size in sizes]
    titles = main.titles
    curves, pairs = {}, []
    for name in titles:
        entries = [result.contenders[name] for result in ordered]
        by_error = main.protocol.metric == "error"
        curves[name] = SizeCurve(
            test_errors=tuple(entry.curve_loss for entry in entries),
            test_error_intervals=tuple(entry.curve_loss_interval for entry in entries),
            metrics=None if by_error else tuple(entry.leading_metric for entry in entries),
            fit_seconds=tuple(mean(entry.fit_seconds) for entry in entries),
        )
    for a, b in combinations(titles, 2):
        verdicts, differences = zip(*(_verdict(one, a, b) for one in ordered), strict=True)
        pairs.append(compare_sizes(a, b, sizes, verdicts, differences, titles))
    return LearningCurve(sizes=tuple(sizes), contenders=curves, pairs=tuple(pairs))


def _training_rows(result: Result) -> int:
    """Return the number of training and validation rows of a duel."""
    return result.dataset.n_train + result.dataset.n_valid


def _differs_by_rows_only(result: Result, main: Result) -> bool:
    """Return whether a duel differs from the main duel only in its training rows."""
    one, other = result.protocol, main.protocol
    return (
        result.contenders.keys() == main.contenders.keys()
        and (one.split, one.metric, one.seeds, one.rope, one.quick)
        == (other.split, other.metric, other.seeds, other.rope, other.quick)
        and result.dataset.n_test == main.dataset.n_test
    )


def _verdict(result: Result, a: str, b: str) -> tuple[Verdict, float]:
    """Return one duel's verdict on a pair, and the loss of `a` minus the loss of `b`."""
    comparison = next(one for one in result.comparisons if {one.a, one.b} == {a, b})
    if comparison.a == a:
        return comparison.verdict, comparison.difference
    swapped: dict[Verdict, Verdict] = {"a better": "b better", "b better": "a better"}
    return swapped.get(comparison.verdict, comparison.verdict), -comparison.difference
