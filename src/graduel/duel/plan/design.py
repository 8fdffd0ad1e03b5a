"""How test rows come about: the data's own split, a holdout, or cross-validation."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.errors import UserError

HOLDOUT = 5
"""One part in so many is the test part where the data come without a split."""
FEW_ROWS = 5_000
"""With fewer rows a single split says too little: cross-validation."""
MOST_FOLDS, MOST_REPEATS = 20, 20


@dataclass(frozen=True, slots=True)
class Design:
    """How test rows come about.

    ``given``: the data's own; ``holdout`` or ``shuffle``: a stratified fifth of all rows; ``5x2``:
    cross-validation of five folds, twice.

    >>> Design.parse("5x2").splits, str(Design.parse("shuffle"))
    (10, 'holdout')
    """

    kind: str
    folds: int = HOLDOUT
    repeats: int = 1

    @classmethod
    def parse(cls, text: str) -> Design:
        """Return the design that a text names.

        Raises
        ------
        UserError
            If it names none.
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
        """The number of pairs of training and test rows."""
        return self.folds * self.repeats if self.kind == "folds" else 1

    @property
    def test_share(self) -> float:
        """Share of the rows that one split tests on; not of a given split."""
        return 1 / self.folds


def default_design(dataset: Dataset, *, quick: bool) -> Design:
    """Return the given split, or repeated cross-validation of few rows, or else a holdout."""
    if dataset.n_train is not None:
        return Design("given")
    if dataset.times is not None or len(dataset.y) >= FEW_ROWS:
        return Design("holdout")
    return Design("folds", 5, 1 if quick else 2)


def check_design(design: Design, dataset: Dataset) -> None:
    """Raise if the data cannot be split in this way.

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
            f"expected {2 * design.folds} rows or more for training and testing; "
            f"{dataset.name} has {n}"
        )
    if dataset.groups is not None and (n_groups := len(np.unique(dataset.groups))) < design.folds:
        raise UserError(
            f"--group must name a column of {design.folds} groups or more; it has {n_groups}"
        )
