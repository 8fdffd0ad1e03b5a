"""Robustness and feature importance of a fitted model as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class PerturbationErrors:
    """Errors on test rows that are perturbed in one way, by strength."""

    name: str
    """Images: "noise" (standard deviation as a share of the brightest value), "rotation" (degrees),
    "shift" (pixels), "occlusion" (side of a square in pixels). Tables: "missing" (share of cells),
    "permuted" (share of columns)."""
    strengths: tuple[int | float, ...]
    errors: tuple[float | None, ...]
    """Null where the model refused the rows."""

    def __post_init__(self) -> None:
        """Raise if the errors are not shares, one for each strength."""
        errors = [error for error in self.errors if error is not None]
        if len(self.errors) != len(self.strengths) or not all(0 <= e <= 1 for e in errors):
            raise ValueError(f"expected errors between 0 and 1 under {self.name}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Permutation importance: how much the loss rises when a feature comes from other rows.

    Of tables `log_loss` and `error` have a value for each of `columns`; of images they are rows of
    blocks of pixels.
    """

    rows: int
    log_loss: tuple[float | tuple[float, ...], ...]
    """Rise of the log loss."""
    error: tuple[float | tuple[float, ...], ...]
    """Rise of the error rate."""
    columns: tuple[tuple[str, ...], ...] | None = None
    """Tables: the names of the columns that are permuted together."""
    block: int | None = None
    """Images: the side of a block in pixels."""

    def __post_init__(self) -> None:
        """Raise if the rises do not fit each other or the columns."""
        by_loss, by_error = np.shape(self.log_loss), np.shape(self.error)
        if by_loss != by_error or len(by_loss) != (1 if self.block is None else 2):
            raise ValueError("expected importances of one shape")
        if self.block is None and len(self.columns or ()) != by_loss[0]:
            raise ValueError("importances and columns do not fit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Robustness and feature importance on at most 1,000 test rows of each run; means."""

    rows: int
    """All runs together."""
    error: float
    """On these rows as they are."""
    log_loss: float
    """On these rows as they are."""
    robustness: tuple[PerturbationErrors, ...]
    importance: Importance | None
    """Null where the model refused the rows."""
