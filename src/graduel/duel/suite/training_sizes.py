"""Learning curves over training-set size: the same duel with fewer training rows.

Each size is a duel of its own in ``sizes/N/`` of the main duel's folder, on the same test rows; the
rows of a smaller size are among those of every larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from pathlib import Path
from statistics import mean
from typing import Any

from graduel.data import Dataset
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import ROWS_A_CLASS
from graduel.duel.store.store import RESULT
from graduel.duel.verdict.crossing import compare_sizes
from graduel.errors import UserError
from graduel.metrics.metric import get_metric
from graduel.serialize import read_json

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


def learning_curve(path: Path, main: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return every contender's error by the number of training rows; None without sizes.

    It has every size that is finished in the folder of the main duel.

    Parameters
    ----------
    path : the main duel's folder
    main : its result
    """
    results = {_rows(main): main}
    for file in path.glob(f"{SIZES}/*/{RESULT}"):
        result = read_json(file)
        if _is_smaller_duel(result, main):
            results.setdefault(_rows(result), result)
    if len(results) < 2:
        return None
    sizes = sorted(results)
    ordered = [results[size] for size in sizes]
    metric = get_metric(main["protocol"]["metric"])
    titles = {name: entry["title"] for name, entry in main["contenders"].items()}
    return {
        "sizes": sizes,
        "contenders": {
            name: {
                "test_errors": [one["contenders"][name]["test_error"] for one in ordered],
                "test_error_intervals": [
                    one["contenders"][name]["test_error_interval"] for one in ordered
                ],
                **(
                    {"metrics": [one["contenders"][name]["metric"] for one in ordered]}
                    if metric.name != "error"
                    else {}
                ),
                "fit_seconds": [mean(one["contenders"][name]["fit_seconds"]) for one in ordered],
            }
            for name in titles
        },
        "pairs": [
            compare_sizes(a, b, sizes, [_comparison(one, a, b) for one in ordered], titles)
            for a, b in combinations(titles, 2)
        ],
    }


def _rows(result: Mapping[str, Any]) -> int:
    """Return the number of training and validation rows of a duel."""
    return int(result["dataset"]["n_train"] + result["dataset"]["n_valid"])


def _is_smaller_duel(result: Any, main: Mapping[str, Any]) -> bool:
    """Return whether a duel differs from the main one by its training rows alone."""
    keys = ("split", "metric", "seeds", "rope", "quick")
    try:
        return (
            result["contenders"].keys() == main["contenders"].keys()
            and all(result["protocol"][key] == main["protocol"][key] for key in keys)
            and result["dataset"]["n_test"] == main["dataset"]["n_test"]
        )
    except (TypeError, KeyError, AttributeError):
        return False


def _comparison(result: Mapping[str, Any], a: str, b: str) -> dict[str, Any]:
    """Return one pair of one duel, with the loss of `a` minus that of `b`."""
    pair = next(one for one in result["comparisons"] if {one["a"], one["b"]} == {a, b})
    if pair["a"] == a:
        return {"difference": pair["difference"], "verdict": pair["verdict"]}
    swapped = {"a better": "b better", "b better": "a better"}
    return {
        "difference": -pair["difference"],
        "verdict": swapped.get(pair["verdict"], pair["verdict"]),
    }
