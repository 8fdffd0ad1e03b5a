"""Learning curves over training-set size: the same duel with fewer training rows.

Each size is a duel of its own in ``sizes/N/`` of the main duel's folder, on the same test rows; the
rows of a smaller size are among those of every larger one.
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
STEP, MOST_SIZES, FEWEST = 4, 4, 100
"""Of ``auto``: a quarter of the rows each time, at most so many sizes, none below so many rows."""


def parse_sizes(text: str) -> tuple[int, ...] | None:
    """Return the sizes in a text such as ``500,2000,8000``; None for ``auto``.

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
    """Return the options that every size shares with the main duel; only that one probes models."""
    shared = {"split": protocol.split, "metric": protocol.metric, "rope": protocol.rope}
    return {**shared, "probes": False}


def plan_sizes(
    sizes: tuple[int, ...] | None,
    protocol: Protocol,
    dataset: Dataset,
    replan: Callable[[int], Protocol],
) -> dict[int, Protocol]:
    """Plan a duel for each size; the test rows, the metric and the ROPE are those of `protocol`.

    Parameters
    ----------
    sizes : numbers of training and validation rows together; None for suitable ones
    protocol : the main duel
    dataset : its data set
    replan : returns the protocol of the same duel with another number of rows

    Raises
    ------
    UserError
        If a size is too small for training, or not below the main duel's.
    """
    rows = protocol.split_rows(dataset, 0)
    most = len(rows.train) + len(rows.valid)
    if sizes is None:
        sizes = _suitable(most, len(dataset.classes))
        if not sizes:
            raise UserError(
                f"{most:,} training rows are too few to leave some out; give --sizes in numbers"
            )
    for size in sizes:
        if not size < most:
            raise UserError(
                f"each of --sizes must be below {most:,}, the training rows of this duel; "
                f"got {size:,}"
            )
    protocols = {size: replan(size) for size in sizes}
    for smaller in protocols.values():
        smaller.split_rows(dataset, 0)  # raises if there are too few
    return protocols


def _suitable(most: int, classes: int) -> tuple[int, ...]:
    """Return sizes a quarter apart, of two figures.

    >>> _suitable(60_000, 10)
    (230, 940, 3800, 15000)
    """
    fewest, sizes = max(FEWEST, 2 * ROWS_A_CLASS * classes), []
    for power in range(1, MOST_SIZES + 1):
        size = most / STEP**power
        if size < fewest:
            break
        sizes.append(int(float(f"{size:.2g}")))
    return tuple(reversed(sizes))


def learning_curve(path: Path, main: Result) -> LearningCurve | None:
    """Return every contender's error by number of training rows; None without other sizes.

    All sizes that are finished in the folder of the main duel count.

    Parameters
    ----------
    path : the main duel's folder
    main : its result
    """
    results = {_training_rows(main): main}
    for file in path.glob(f"{SIZES}/*/{RESULT}"):
        result = read_result(file.parent)
        if _differs_by_rows_only(result, main):
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
            test_errors=tuple(entry.test_error for entry in entries),
            test_error_intervals=tuple(entry.test_error_interval for entry in entries),
            metrics=None if by_error else tuple(entry.leading_metric for entry in entries),
            fit_seconds=tuple(mean(entry.fit_seconds) for entry in entries),
        )
    for a, b in combinations(titles, 2):
        verdicts, differences = zip(*(_verdict(one, a, b) for one in ordered), strict=True)
        pairs.append(compare_sizes(a, b, sizes, verdicts, differences, titles))
    return LearningCurve(sizes=tuple(sizes), contenders=curves, pairs=tuple(pairs))


def _training_rows(result: Result) -> int:
    """Return the training and validation rows of a duel."""
    return result.dataset.n_train + result.dataset.n_valid


def _differs_by_rows_only(result: Result, main: Result) -> bool:
    """Return whether a duel is the main one but for its training rows."""
    one, other = result.protocol, main.protocol
    return (
        result.contenders.keys() == main.contenders.keys()
        and (one.split, one.metric, one.seeds, one.rope, one.quick)
        == (other.split, other.metric, other.seeds, other.rope, other.quick)
        and result.dataset.n_test == main.dataset.n_test
    )


def _verdict(result: Result, a: str, b: str) -> tuple[Verdict, float]:
    """Return the verdict on one pair of one duel, and the loss of `a` minus that of `b`."""
    comparison = next(one for one in result.comparisons if {one.a, one.b} == {a, b})
    if comparison.a == a:
        return comparison.verdict, comparison.difference
    turned: dict[Verdict, Verdict] = {"a better": "b better", "b better": "a better"}
    return turned.get(comparison.verdict, comparison.verdict), -comparison.difference
