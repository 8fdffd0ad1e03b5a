"""Learning curves over training-set size: the same duel with ever more training rows.

Each size is a duel of its own in ``sizes/N/`` of the main duel's folder, on the same test rows; the
rows of a smaller size are among those of every larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.data import Dataset, load_dataset
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Protocol, split_rows
from graduel.duel.plan.splits import ROWS_A_CLASS
from graduel.duel.result.duel_result import RESULT, LearningCurve, Result, SizeCurve, read_result
from graduel.duel.store.store import Store, open_store
from graduel.duel.verdict.crossing import compare_sizes
from graduel.duel.verdict.types import Verdict
from graduel.errors import UserError

SIZES = "sizes"
STEP, MOST_SIZES, FEWEST = 4, 4, 100
"""Of ``auto``: a quarter of the rows each time, at most so many sizes, none below so many rows."""


def parse_sizes(text: str) -> tuple[int, ...] | None:
    """Read ``500,2000,8000``, or ``auto``: then None.

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
    """Return what every size shares with the main duel, as options of a plan.

    Disturbed rows are the main duel's alone.
    """
    shared = {"split": protocol.split, "metric": protocol.metric, "rope": protocol.rope}
    return {**shared, "probes": False}


def load_data(data: str | DataSource) -> Dataset:
    """Return the data set of a name or a description."""
    return load_dataset(data) if isinstance(data, str) else data.load()


def plan_sizes(
    sizes: tuple[int, ...] | None,
    protocol: Protocol,
    dataset: Dataset,
    replan: Callable[[int], Protocol],
) -> dict[int, Protocol]:
    """Plan a duel for each size; the test rows, the metric and the ROPE are those of `protocol`.

    Parameters
    ----------
    sizes : training rows, those to choose on among them; None for what suits
    protocol : the main duel
    dataset : what it is on
    replan : makes the plan of the same duel with so many training rows

    Raises
    ------
    UserError
        If a size is too small to learn from, or not below the main duel's.
    """
    whole = split_rows(protocol, dataset, 0)
    most = len(whole.train) + len(whole.valid)
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
    found = {size: replan(size) for size in sizes}
    for smaller in found.values():
        split_rows(smaller, dataset, 0)  # too few rows are told before anything is fitted
    return found


def _suitable(most: int, classes: int) -> tuple[int, ...]:
    """Return sizes a quarter apart, of two figures.

    >>> _suitable(60_000, 10)
    (230, 940, 3800, 15000)
    """
    fewest, found = max(FEWEST, 2 * ROWS_A_CLASS * classes), []
    for power in range(1, MOST_SIZES + 1):
        size = most / STEP**power
        if size < fewest:
            break
        found.append(int(float(f"{size:.2g}")))
    return tuple(reversed(found))


@contextmanager
def open_size(
    path: Path, size: int, protocol: Protocol, data: DataSource | None
) -> Iterator[Store]:
    """Open the folder of one size within the main duel's; data that a program holds lie there."""
    if data is not None and data.content is not None:
        data = DataSource(data.description, (path / data.description.file).resolve())
    with open_store(path / SIZES / str(size), protocol, data) as store:
        yield store


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
