"""Which rows are learned from, chosen on and judged on."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset
from graduel.errors import UserError

if TYPE_CHECKING:
    from graduel.duel.plan.protocol import Protocol

Rows = NDArray[np.intp]

ROWS_A_CLASS = 10
"""The fewest training rows that a class needs: some to learn from, one at least to validate on."""
VALID_SHARE = 1 / 12
"""Of the training rows of a known data set, kept for early stopping: 5,000 of MNIST's 60,000."""
OWN_VALID_SHARE = 0.15
"""The same of data of the user's own, which are mostly few."""
HOLDOUT = 5
"""One part in so many is judged on where the data come without a split."""
FEW_ROWS = 5_000
"""Below so many rows a single split says too little: cross-validation."""
MOST_FOLDS, MOST_REPEATS = 20, 20


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers of a data set: to learn from, to choose on, to be judged on."""

    train: Rows
    valid: Rows
    test: Rows


@dataclass(frozen=True, slots=True)
class Design:
    """How test rows come about.

    ``given``: the data's own; ``holdout`` or ``shuffle``: a stratified fifth of all rows; ``5x2``:
    cross-validation of five folds, twice.

    >>> Design.read("5x2").splits, str(Design.read("shuffle"))
    (10, 'holdout')
    """

    kind: str
    folds: int = HOLDOUT
    repeats: int = 1

    @classmethod
    def read(cls, text: str) -> Design:
        """Read a design.

        Raises
        ------
        UserError
            If it is none.
        """
        plain = text.strip().lower()
        if plain in ("given", "holdout", "shuffle"):
            return cls("given" if plain == "given" else "holdout")
        if match := re.fullmatch(r"(\d{1,3})(?:x(\d{1,3}))?", plain):
            folds, repeats = int(match[1]), int(match[2] or 1)
            if 2 <= folds <= MOST_FOLDS and 1 <= repeats <= MOST_REPEATS:
                return cls("folds", folds, repeats)
        raise UserError(
            f"split must be given, shuffle, or folds and repeats such as 5x2 (2 to {MOST_FOLDS} "
            f"folds, up to {MOST_REPEATS} times); got '{text}'"
        )

    def __str__(self) -> str:
        return f"{self.folds}x{self.repeats}" if self.kind == "folds" else self.kind

    @property
    def splits(self) -> int:
        """How many pairs of training and test rows there are."""
        return self.folds * self.repeats if self.kind == "folds" else 1

    @property
    def test_share(self) -> float:
        """Share of the rows that one split judges on; not of a given split."""
        return 1 / self.folds


def default_design(dataset: Dataset, *, quick: bool) -> Design:
    """Choose: the given split; of few rows repeated cross-validation; else a holdout."""
    if dataset.n_train is not None:
        return Design("given")
    if dataset.times is not None or len(dataset.y) >= FEW_ROWS:
        return Design("holdout")
    return Design("folds", 5, 1 if quick else 2)


def check_design(design: Design, dataset: Dataset) -> None:
    """Refuse a design that the data cannot have.

    Raises
    ------
    UserError
        If there is no given split, too few rows, or folds where rows are split by time.
    """
    if design.kind == "given" and dataset.n_train is None:
        raise UserError(
            f"--split given needs data with a test part of their own; {dataset.name} has none. "
            "Leave --split out, or give shuffle or 5x2"
        )
    if design.kind == "folds" and dataset.times is not None:
        raise UserError(
            "--time makes the later rows the test rows: it goes with --split holdout, not with "
            f"{design}"
        )
    if design.kind == "given" and dataset.times is not None:
        raise UserError("--time makes a split of its own; it does not go with --split given")
    n = len(dataset.y)
    if n < 2 * design.folds:
        raise UserError(
            f"expected {2 * design.folds} rows or more to learn from and be judged on; "
            f"{dataset.name} has {n}"
        )
    if dataset.groups is not None and (found := len(np.unique(dataset.groups))) < design.folds:
        raise UserError(
            f"--group must name a column of {design.folds} groups or more; it has {found}"
        )


def check_rows(protocol: Protocol, dataset: Dataset) -> None:
    """Refuse a number of rows that the data set cannot give.

    Raises
    ------
    UserError
        If there are too few rows for the classes, or more than there are.
    """
    if protocol.source is not None or protocol.split != "given":
        return
    k, available = len(dataset.classes), len(dataset.train_rows)
    least = ROWS_A_CLASS * k
    if protocol.rows is not None and not least <= protocol.rows <= available:
        raise UserError(
            f"rows must be between {least:,} ({ROWS_A_CLASS} for each of {k} classes) and "
            f"{available:,}, the training rows of {dataset.name}; got {protocol.rows:,}"
        )


def split_rows(protocol: Protocol, dataset: Dataset, run: int) -> Split:
    """Return the rows of a run: those to learn from, to choose on, and to be judged on.

    The part that ``rows`` asks for is the same for every seed; the validation rows are drawn
    anew for each.

    Raises
    ------
    UserError
        If there are too few rows to learn from, to choose on, and to be judged on.
    """
    if protocol.source is None and protocol.split == "given":
        return _known(protocol, dataset, run)
    number, seed = divmod(run, protocol.seeds)
    pool, test = outer_split(Design.read(protocol.split), dataset, number)
    rows, y = row_groups(dataset), dataset.y
    if protocol.rows is not None and protocol.rows < len(pool):
        pool = np.sort(_part(pool, protocol.rows, dataset, rows))
    if dataset.times is not None:
        train, valid = _later(pool, dataset.times, OWN_VALID_SHARE)
    else:
        place = stratified_positions(
            y[pool], renumber_groups(rows[pool]), np.random.default_rng([seed, number, 2])
        )
        chosen = _to_choose_on(place, y[pool])
        train, valid = pool[~chosen], pool[chosen]
    if not len(valid) or not len(test) or len(np.unique(y[train])) < 2:
        raise UserError(
            f"too few rows to split: of {len(y):,}, {len(train):,} would be learned from (of "
            f"{len(np.unique(y[train]))} classes), {len(valid):,} chosen on and {len(test):,} "
            "judged on. Give more rows, or another --split"
        )
    return Split(train, valid, test)


def outer_split(design: Design, dataset: Dataset, number: int) -> tuple[Rows, Rows]:
    """Return the rows that one split learns from and chooses on, and those it judges on."""
    everything = np.arange(len(dataset.y))
    if design.kind == "given":
        return dataset.train_rows, dataset.test_rows
    if dataset.times is not None:
        return _later(everything, dataset.times, design.test_share)
    repeat, fold = divmod(number, design.folds)
    place = stratified_positions(dataset.y, row_groups(dataset), np.random.default_rng([repeat, 3]))
    test = np.minimum((place * design.folds).astype(int), design.folds - 1) == fold
    return everything[~test], everything[test]


def _to_choose_on(place: NDArray[np.float64], y: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which rows are chosen on; every class that can be learned keeps rows to learn from."""
    chosen = place < OWN_VALID_SHARE
    chosen &= ~np.isin(y, np.setdiff1d(y, y[~chosen]))
    if chosen.any():
        return chosen
    for one in np.unique(place):  # of very few rows
        chosen = place == one
        if np.isin(y[chosen], y[~chosen]).all():
            break
    return chosen


def _part(pool: Rows, size: int, dataset: Dataset, rows: NDArray[np.int64]) -> Rows:
    """Return a stratified part of some rows; where time counts, the latest.

    A smaller part is a part of every larger one.
    """
    if dataset.times is not None:
        return pool[np.argsort(dataset.times[pool], kind="stable")[-size:]]
    place = stratified_positions(
        dataset.y[pool], renumber_groups(rows[pool]), np.random.default_rng([0, 1])
    )
    return pool[np.argsort(place, kind="stable")[:size]]


def _later(rows: Rows, times: NDArray[np.int64], share: float) -> tuple[Rows, Rows]:
    """Part rows into earlier and later ones; those of one moment stay together."""
    if not len(rows):
        return rows, rows
    order = np.sort(times[rows])
    bound = order[min(int(np.ceil((1 - share) * len(rows))), len(rows) - 1)]
    if bound == order[0]:
        bound = order[np.searchsorted(order, bound, side="right") % len(order)]
    late = times[rows] >= bound
    return rows[~late], rows[late]


def stratified_positions(
    y: NDArray[Any], groups: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give each row a place from 0 to 1, so that any range of places is a stratified sample.

    The groups of a class (that of a group's first row) are shuffled and laid end to end around a
    circle, from a random start; a row's place is the middle of its group. So a range of length s
    holds s times as many rows of each class, but for a row or a group; every group is whole.

    Parameters
    ----------
    y : class codes, shape (n,)
    groups : for each row the number of its group, numbered in the order of their first rows
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
    found = np.empty(len(sizes))
    found[order] = (middle + rng.random(len(total))[which]) % 1
    return found[groups]


def renumber_groups(groups: NDArray[Any]) -> NDArray[np.int64]:
    """Return groups numbered in the order in which they appear.

    >>> renumber_groups(np.array([7, 3, 7, 5])).tolist()
    [0, 1, 0, 2]
    """
    _, first, inverse = np.unique(groups, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def row_groups(dataset: Dataset) -> NDArray[np.int64]:
    """Return the group of each row: the user's, or rows with equal features."""
    return renumber_groups(_hashes(dataset) if dataset.groups is None else dataset.groups)


def count_leaked_rows(dataset: Dataset, rows: Split) -> int:
    """Count the test rows whose features are those of a row that is learned from or chosen on."""
    found = _hashes(dataset)
    return int(np.isin(found[rows.test], found[np.r_[rows.train, rows.valid]]).sum())


def _hashes(dataset: Dataset) -> NDArray[Any]:
    if dataset.columns:
        return np.array(dataset.X.hash_rows(seed=0))
    return np.array([hash(row.tobytes()) for row in dataset.table])


def _known(protocol: Protocol, dataset: Dataset, seed: int) -> Split:
    """Divide the given training rows into rows to learn from and rows to choose on, by class."""
    from sklearn.model_selection import train_test_split

    check_rows(protocol, dataset)
    pool = dataset.train_rows
    if protocol.rows is not None and protocol.rows < len(pool):
        pool = np.sort(_part(pool, protocol.rows, dataset, np.arange(len(dataset.y))))
    n_valid = max(len(dataset.classes), round(len(pool) * VALID_SHARE))
    state = int(np.random.default_rng([seed, 2]).integers(2**31))
    train, valid = train_test_split(
        pool, test_size=n_valid, stratify=dataset.y[pool], random_state=state
    )
    return Split(np.sort(train), np.sort(valid), dataset.test_rows)
