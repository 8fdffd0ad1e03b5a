"""How parameters begin. Each is a frozen dataclass, called with a generator, a shape, a dtype.

For a matrix the first axis counts the inputs: W has shape (n_in, n_out).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["Constant", "HeNormal", "Initializer", "Zeros"]


class Initializer(Protocol):
    """A callable ``(rng, shape, dtype) → array``."""

    def __call__(
        self, rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike
    ) -> NDArray[Any]:
        """Return fresh values."""
        ...


@dataclass(frozen=True, slots=True)
class Zeros:
    """All zeros.

    >>> Zeros()(np.random.default_rng(0), (2,), "float32")
    array([0., 0.], dtype=float32)
    """

    def __call__(
        self, rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike
    ) -> NDArray[Any]:
        """Return zeros; `rng` is not used."""
        return np.zeros(shape, dtype)


@dataclass(frozen=True, slots=True)
class Constant:
    """All of one value.

    >>> Constant(1.0)(np.random.default_rng(0), (2,), "float32")
    array([1., 1.], dtype=float32)
    """

    value: float

    def __call__(
        self, rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike
    ) -> NDArray[Any]:
        """Return the value everywhere; `rng` is not used."""
        return np.full(shape, self.value, dtype)


@dataclass(frozen=True, slots=True)
class HeNormal:
    """W ~ N(0, gain² / n_in), n_in the number of inputs of a unit; gain = √2 suits ReLU.

    Source: He et al., *Delving Deep into Rectifiers*, 2015.

    >>> W = HeNormal()(np.random.default_rng(0), (200, 300), "float64")
    >>> round(float(W.std() * np.sqrt(200 / 2)), 2)
    1.0
    """

    gain: float = sqrt(2)

    def __call__(
        self, rng: np.random.Generator, shape: tuple[int, ...], dtype: DTypeLike
    ) -> NDArray[Any]:
        """Draw in float64, so that every dtype begins with the same numbers."""
        n_in = max(1, prod(shape[:-1]))
        return rng.normal(0.0, self.gain / sqrt(n_in), size=shape).astype(dtype)
