"""Split designs: the data's own test part, a holdout, or repeated cross-validation."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from graduel.data import Dataset
from graduel.errors import UserError

HOLDOUT = 5
"""A holdout has 1 / HOLDOUT of the rows as test rows."""
FEW_ROWS = 5_000
"""With fewer rows, the default is cross-validation, because one test part is too small."""
MAX_FOLDS, MAX_REPEATS = 20, 20


@dataclass(frozen=True, slots=True)
class Design:
    """A split design: how test rows are chosen.

    ``given``: the data's own test part; ``holdout`` or ``shuffle``: a stratified fifth of all rows;
    ``5x2``: cross-validation with 5 folds and 2 repeats.

    >>> Design.parse("5x2").splits, str(Design.parse("shuffle"))
    (10, 'holdout')
    """

    kind: str
    folds: int = HOLDOUT
    repeats: int = 1

    @classmethod
    def parse(cls, text: str) -> Design:
        """Parse a design such as ``given``, ``shuffle`` or ``5x2``.

        Raises
        ------
        UserError
            If `text` is not a design.
        """
        plain = text.strip().lower()
        if plain in ("given", "holdout", "shuffle"):
            return cls("given" if plain == "given" else "holdout")
        if match := re.fullmatch(r"(\d{1,3})(?:x(\d{1,3}))?", plain):
            folds, repeats = int(match[1]), int(match[2] or 1)
            if 2 <= folds <= MAX_FOLDS and 1 <= repeats <= MAX_REPEATS:
                return cls("folds", folds, repeats)
        raise UserError(
            f"split must be given, shuffle, or folds and repeats such as 5x2 (2 to {MAX_FOLDS} "
            f"folds, up to {MAX_REPEATS} times); got '{text}'"
        )

    def __str__(self) -> str:
        return f"{self.folds}x{self.repeats}" if self.kind == "folds" else self.kind

    @property
    def splits(self) -> int:
        """The number of train/test splits."""
        return self.folds * self.repeats if self.kind == "folds" else 1

    @property
    def test_share(self) -> float:
        """The share of test rows in one split; undefined for ``given``."""
        return 1 / self.folds


def default_design(dataset: Dataset, *, quick: bool) -> Design:
    """Return the given split if there is one, cross-validation for few rows, or a holdout."""
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
        If there is no given split, there are too few rows or groups, or the design conflicts with a
        split by time.
    """
    if design.kind == "given" and dataset.n_train is None:
        raise UserError(
            f"--split given needs a data set with its own test rows; {dataset.name} has none. "
            "Leave --split out, or choose shuffle or 5x2"
        )
    if design.kind == "folds" and dataset.times is not None:
        raise UserError(
            "--time makes the latest rows the test rows, which needs --split holdout; got --split "
            f"{design}. Leave one of them out"
        )
    if design.kind == "given" and dataset.times is not None:
        raise UserError(
            "--time makes the latest rows the test rows, which conflicts with --split given. Leave "
            "one of them out"
        )
    n = len(dataset.y)
    if n < 2 * design.folds:
        raise UserError(
            f"--split {design} needs at least {2 * design.folds} rows; {dataset.name} has {n}. "
            "Give more rows, or choose fewer folds"
        )
    if dataset.groups is not None and (n_groups := len(np.unique(dataset.groups))) < design.folds:
        raise UserError(
            f"--group must name a column with at least {design.folds} groups for --split {design}; "
            f"got one with {n_groups}. Name another, or choose fewer folds"
        )
