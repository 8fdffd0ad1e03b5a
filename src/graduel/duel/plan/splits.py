"""Splits of a data set into training, validation and test rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset
from graduel.duel.plan.design import Design
from graduel.errors import UserError
from graduel.number_format import agree, format_quantity, format_rows

Rows = NDArray[np.intp]

ROWS_A_CLASS = 10
"""Minimum number of training rows per class of built-in data, so that each class has a validation
row."""
VALID_SHARE = 1 / 12
"""Validation share of the training part of built-in data: 5,000 of MNIST's 60,000 rows."""
USER_VALID_SHARE = 0.15
"""Validation share of user data, larger because these often have few rows."""


@dataclass(frozen=True, slots=True)
class Split:
    """The row numbers of the training, validation and test rows."""

    train: Rows
    valid: Rows
    test: Rows


def check_rows(dataset: Dataset, rows: int | None) -> None:
    """Raise if `rows` is out of range for the training part of built-in data.

    Raises
    ------
    UserError
        If there are too few rows for the classes, or more rows than available.
    """
    k, available = len(dataset.classes), len(dataset.train_rows)
    least = ROWS_A_CLASS * k
    if rows is not None and not least <= rows <= available:
        raise UserError(
            f"rows must be between {least:,} ({ROWS_A_CLASS} for each of {k} classes) and "
            f"{available:,}, the training rows of {dataset.name}; got {rows:,}"
        )


def split_rows(
    dataset: Dataset, design: Design, number: int, seed: int, rows: int | None = None
) -> Split:
    """Return the training, validation and test rows of one fit.

    A subsample of `rows` rows is the same for every seed; the validation rows differ by seed.

    Parameters
    ----------
    dataset : the data set to split
    design : the split design
    number : number of the split, from 0
    seed : number of the fit on this split, from 0
    rows : number of training and validation rows together; None for all

    Raises
    ------
    UserError
        If there are too few rows.
    """
    pool, test = outer_split(design, dataset, number)
    groups, y = row_groups(dataset), dataset.y
    noun = "class" if dataset.classes else "value"
    if rows is not None and rows < len(pool):
        pool = np.sort(_subsample(pool, rows, dataset, groups))
    train, valid = _split_pool(pool, dataset, groups, [seed, number, 2])
    if not len(valid) or not len(test) or len(np.unique(y[train])) < 2:
        raise UserError(
            f"too few rows to split: {format_rows(len(y))} would give "
            f"{format_quantity(len(train), 'training row')} (of "
            f"{format_quantity(len(np.unique(y[train])), noun)}), "
            f"{format_quantity(len(valid), 'validation row')} and "
            f"{format_quantity(len(test), 'test row')}. Use more rows, or another --split"
        )
    return Split(train, valid, test)


def split_all_rows(dataset: Dataset, seed: int) -> Split:
    """Return training and validation rows of a model that is trained on all rows: no test rows.

    Raises
    ------
    UserError
        If there are too few rows.
    """
    pool = np.arange(len(dataset.y))
    train, valid = _split_pool(pool, dataset, row_groups(dataset), [seed, 0, 2])
    if not len(valid) or len(np.unique(dataset.y[train])) < 2:
        raise UserError(
            f"expected training rows of two {'classes' if dataset.classes else 'values'} and "
            f"validation rows; {format_rows(len(pool))} "
            f"{agree(len(pool), 'gives', 'give')} {len(train):,} and {len(valid):,}. Use more rows"
        )
    return Split(train, valid, np.arange(0))


def _split_pool(
    pool: Rows, dataset: Dataset, groups: NDArray[np.intp], key: list[int]
) -> tuple[Rows, Rows]:
    """Divide rows into training and validation rows; `key` is the seed of the random numbers."""
    if dataset.times is not None:
        return _split_by_time(pool, dataset.times, USER_VALID_SHARE)
    y = dataset.task.strata(dataset.y[pool])
    positions = stratified_positions(y, renumber_groups(groups[pool]), np.random.default_rng(key))
    is_valid = _validation_rows(positions, y)
    return pool[~is_valid], pool[is_valid]


def outer_split(design: Design, dataset: Dataset, number: int) -> tuple[Rows, Rows]:
    """Return the training and validation rows of one split together, and its test rows."""
    all_rows = np.arange(len(dataset.y))
    if design.kind == "given":
        return dataset.train_rows, dataset.test_rows
    if dataset.times is not None:
        return _split_by_time(all_rows, dataset.times, design.test_share)
    repeat, fold = divmod(number, design.folds)
    positions = stratified_positions(
        dataset.strata, row_groups(dataset), np.random.default_rng([repeat, 3])
    )
    is_test = np.minimum((positions * design.folds).astype(int), design.folds - 1) == fold
    return all_rows[~is_test], all_rows[is_test]


def _validation_rows(positions: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return a mask of the validation rows; each class keeps training rows if possible."""
    is_valid = positions < USER_VALID_SHARE
    is_valid &= ~np.isin(y, np.setdiff1d(y, y[~is_valid]))
    if is_valid.any():
        return is_valid
    for position in np.unique(positions):  # very few rows: take a single group
        is_valid = positions == position
        if np.isin(y[is_valid], y[~is_valid]).all():
            break
    return is_valid


def _subsample(pool: Rows, size: int, dataset: Dataset, groups: NDArray[np.int64]) -> Rows:
    """Return a stratified subsample, or the latest rows if rows have times.

    A smaller subsample is a subset of every larger one.
    """
    if dataset.times is not None:
        return pool[np.argsort(dataset.times[pool], kind="stable")[-size:]]
    positions = stratified_positions(
        dataset.task.strata(dataset.y[pool]),
        renumber_groups(groups[pool]),
        np.random.default_rng([0, 1]),
    )
    return pool[np.argsort(positions, kind="stable")[:size]]


def _split_by_time(rows: Rows, times: NDArray[np.int64], share: float) -> tuple[Rows, Rows]:
    """Split rows into earlier and later ones; rows with equal times stay together."""
    if not len(rows):
        return rows, rows
    order = np.sort(times[rows])
    bound = order[min(int(np.ceil((1 - share) * len(rows))), len(rows) - 1)]
    if bound == order[0]:
        bound = order[np.searchsorted(order, bound, side="right") % len(order)]
    is_late = times[rows] >= bound
    return rows[~is_late], rows[is_late]


def stratified_positions(
    y: NDArray[Any], groups: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Assign rows positions from 0 to 1, so that any range of positions is a stratified sample.

    The groups of each class (the class of a group's first row) are shuffled and placed end to end
    around a circle of length 1, from a random start; a row's position is the middle of its group.
    So a range of length s holds a share s of the rows of each class, up to one group, and groups
    are never divided.

    Parameters
    ----------
    y : class codes or other strata, shape (n_rows,)
    groups : group number of each row, numbered by first appearance
    rng : source of the shuffles and starts
    """
    sizes = np.bincount(groups)
    first = np.unique(groups, return_index=True)[1]
    label = y[first]
    order = np.lexsort((rng.permutation(len(sizes)), label))
    ends = np.cumsum(sizes[order])
    total = np.bincount(label, weights=sizes, minlength=int(y.max()) + 1)
    starts = np.cumsum(total) - total
    which = label[order]
    middle = (ends - sizes[order] / 2 - starts[which]) / total[which]
    positions = np.empty(len(sizes))
    positions[order] = (middle + rng.random(len(total))[which]) % 1
    return positions[groups]


def renumber_groups(groups: NDArray[Any]) -> NDArray[np.int64]:
    """Renumber groups by first appearance.

    >>> renumber_groups(np.array([7, 3, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


@lru_cache(maxsize=1)
def row_groups(dataset: Dataset) -> NDArray[np.int64]:
    """Return each row's group, from the user's column or, without one, by equal features."""
    return renumber_groups(_row_hashes(dataset) if dataset.groups is None else dataset.groups)


def count_leaked_rows(dataset: Dataset, rows: Split) -> int:
    """Count the test rows that have the same features as a training or validation row."""
    hashes = _row_hashes(dataset)
    return int(np.isin(hashes[rows.test], hashes[np.r_[rows.train, rows.valid]]).sum())


@lru_cache(maxsize=1)
def _row_hashes(dataset: Dataset) -> NDArray[Any]:
    if dataset.columns:
        return np.array(dataset.X.hash_rows(seed=0))
    return np.array([hash(row.tobytes()) for row in dataset.table])


def split_builtin_rows(dataset: Dataset, seed: int, rows: int | None = None) -> Split:
    """Split the training part of built-in data into training and validation rows, stratified.

    Raises
    ------
    UserError
        If `rows` is out of range.
    """
    from sklearn.model_selection import train_test_split

    check_rows(dataset, rows)
    pool = dataset.train_rows
    if rows is not None and rows < len(pool):
        pool = np.sort(_subsample(pool, rows, dataset, np.arange(len(dataset.y))))
    n_valid = max(len(dataset.classes), round(len(pool) * VALID_SHARE))
    state = int(np.random.default_rng([seed, 2]).integers(2**31))
    train, valid = train_test_split(
        pool, test_size=n_valid, stratify=dataset.y[pool], random_state=state
    )
    return Split(np.sort(train), np.sort(valid), dataset.test_rows)
