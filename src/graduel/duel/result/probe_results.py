"""Robustness and feature importance of a fitted model as dataclasses."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class PerturbationErrors:
    """Error rates on test rows under one perturbation, by strength."""

    name: str
    """Images: "noise" (standard deviation as a share of the brightest value), "rotation" (degrees),
    "shift" (pixels), "occlusion" (side of a square in pixels). Tables: "missing" (share of cells),
    "permuted" (share of columns)."""
    strengths: tuple[int | float, ...]
    errors: tuple[float | None, ...]
    """Null if the model rejected the rows."""

    def __post_init__(self) -> None:
        """Raise `ValueError` unless there is one error, at least 0, for each strength."""
        errors = [error for error in self.errors if error is not None]
        if len(self.errors) != len(self.strengths) or not all(0 <= e < inf for e in errors):
            raise ValueError(
                f"{self.name}: expected {len(self.strengths)} errors of at least 0, one for each "
                f"strength; got {self.errors}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """Permutation importance: the increase of the loss when a feature is permuted across rows.

    For tables, `log_loss` and `error` have a value for each of `columns`; for images they are a
    grid of pixel blocks.
    """

    rows: int
    log_loss: tuple[float | tuple[float, ...], ...]
    """Increase of the log loss; in a regression, of the RMSE."""
    error: tuple[float | tuple[float, ...], ...]
    """Increase of the error rate; in a regression, of the RMSE."""
    columns: tuple[tuple[str, ...], ...] | None = None
    """Tables: names of the columns that are permuted together."""
    block: int | None = None
    """Images: side of a block in pixels."""

    def __post_init__(self) -> None:
        """Raise `ValueError` if the shapes of the importances and the columns do not match."""
        by_loss, by_error = np.shape(self.log_loss), np.shape(self.error)
        if by_loss != by_error or len(by_loss) != (1 if self.block is None else 2):
            raise ValueError(
                "expected importances by log loss and by error of the same shape, one-dimensional "
                f"for tables and two-dimensional for images; got {by_loss} and {by_error}"
            )
        if self.block is None and len(self.columns or ()) != by_loss[0]:
            raise ValueError(
                f"expected an importance for each of {len(self.columns or ())} groups of columns; "
                f"got {by_loss[0]}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Robustness and feature importance on at most 1,000 test rows of each run; means."""

    rows: int
    """Rows of all runs."""
    error: float
    """On the unperturbed rows; in a regression, the RMSE, as `log_loss`."""
    log_loss: float
    """On the unperturbed rows."""
    robustness: tuple[PerturbationErrors, ...]
    importance: Importance | None
    """Null if the model rejected the rows."""
