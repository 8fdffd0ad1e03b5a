"""What a data set asks for: the class of a row, or a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TaskKind = Literal["classification", "regression"]

STRATA, ROWS_A_STRATUM = 10, 5
"""Most ranges of a numeric target by which rows are stratified, and least rows of each."""


class Task(Protocol):
    """The kind of target, and all that splits, stores and shapes of predictions need of it."""

    @property
    def kind(self) -> TaskKind:
        """The name of the kind."""
        ...

    @property
    def n_outputs(self) -> int:
        """The number of columns of predictions: a probability for each class, or one number."""
        ...

    @property
    def dtype(self) -> type:
        """The type of stored predictions."""
        ...

    def strata(self, y: Array) -> NDArray[np.int64]:
        """Return the stratum of each target; a stratified split has the same share of each."""
        ...


@dataclass(frozen=True, slots=True)
class Classification:
    """The target is one of some classes; y holds their codes.

    >>> Classification(("no", "yes")).n_outputs
    2
    """

    classes: tuple[str, ...]
    kind: ClassVar[TaskKind] = "classification"
    dtype: ClassVar[type] = np.float32

    @property
    def n_outputs(self) -> int:
        """The number of classes."""
        return len(self.classes)

    def strata(self, y: Array) -> NDArray[np.int64]:
        """Return the class codes."""
        return np.asarray(y)


@dataclass(frozen=True, slots=True)
class Regression:
    """The target is a number; y holds it, in the unit of the data.

    With `is_log`, contenders predict its logarithm.

    >>> Regression().strata(np.array([1.0, 9.0, 2.0, 8.0, 1.5, 7.0, 3.0, 6.0, 1.0, 5.0])).tolist()
    [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
    """

    is_log: bool = False
    kind: ClassVar[TaskKind] = "regression"
    dtype: ClassVar[type] = np.float64
    n_outputs: ClassVar[int] = 1

    def strata(self, y: Array) -> NDArray[np.int64]:
        """Return the range of each number: at most ten ranges, between quantiles."""
        n = max(1, min(STRATA, len(y) // ROWS_A_STRATUM))
        edges = np.unique(np.quantile(y, np.arange(1, n) / n)) if len(y) else y
        return np.unique(np.searchsorted(edges, y, side="right"), return_inverse=True)[1]
