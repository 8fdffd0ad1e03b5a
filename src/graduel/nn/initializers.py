"""Initializers of parameters: frozen dataclasses called with (rng, shape, dtype).

The last axis counts the outputs, the axes before it the inputs: W has shape (n_in, n_out). A
convolution kernel has shape (height, width, channels in, channels out); then
n_in = height · width · channels in, and n_out = height · width · channels out. All draw in
float64, so that every dtype starts from the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, prod, sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Initializer",
    "LeCunNormal",
    "LeCunUniform",
    "Normal",
    "Orthogonal",
    "Signs",
    "Uniform",
    "Zeros",
]

Array = NDArray[Any]
Shape = tuple[int, ...]


class Initializer(Protocol):
    """A callable ``(rng, shape, dtype) → array`` that returns initial values."""

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Return initial values."""
        ...


@dataclass(frozen=True, slots=True)
class Zeros:
    """All zeros.

    >>> Zeros()(np.random.default_rng(0), (2,), "float32")
    array([0., 0.], dtype=float32)
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Return zeros; `rng` is not used."""
        return np.zeros(shape, dtype)


@dataclass(frozen=True, slots=True)
class Constant:
    """The same value everywhere.

    >>> Constant(1.0)(np.random.default_rng(0), (2,), "float32")
    array([1., 1.], dtype=float32)
    """

    value: float

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Return the value everywhere; `rng` is not used."""
        return np.full(shape, self.value, dtype)


@dataclass(frozen=True, slots=True)
class Normal:
    """W ~ N(mean, std²), independent of the shape.

    >>> Normal(0.5)(np.random.default_rng(0), (2, 3), "float32").shape
    (2, 3)
    """

    std: float = 0.01
    mean: float = 0.0

    def __post_init__(self) -> None:
        _check("std", self.std)

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values."""
        return rng.normal(self.mean, self.std, size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class Uniform:
    """W ~ U(−limit, limit), independent of the shape; the standard deviation is limit / √3.

    >>> bool(abs(Uniform(0.1)(np.random.default_rng(0), (20, 30), "float64")).max() < 0.1)
    True
    """

    limit: float

    def __post_init__(self) -> None:
        _check("limit", self.limit)

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values."""
        return rng.uniform(-self.limit, self.limit, size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class Signs:
    """+1 or −1, each with probability ½, so that ensemble members see different inputs.

    >>> sorted(set(Signs()(np.random.default_rng(0), (3, 4), "float32").ravel().tolist()))
    [-1.0, 1.0]
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values."""
        return (2 * rng.integers(2, size=shape) - 1).astype(dtype)


@dataclass(frozen=True, slots=True)
class _Scaled:
    """The base of initializers whose standard deviation depends on the shape and a gain."""

    gain: float = 1.0

    def __post_init__(self) -> None:
        _check("gain", self.gain)


@dataclass(frozen=True, slots=True)
class GlorotNormal(_Scaled):
    """W ~ N(0, 2 gain² / (n_in + n_out)).

    A compromise: 1 / n_in preserves the variance in the forward pass, 1 / n_out in the backward
    pass. gain = 1 suits tanh, whose slope is 1 at zero.

    Source: Glorot and Bengio, *Understanding the Difficulty of Training Deep Feedforward Neural
    Networks*, 2010.

    >>> W = GlorotNormal()(np.random.default_rng(0), (200, 300), "float64")
    >>> round(float(W.std() * np.sqrt(500 / 2)), 2)
    1.0
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values scaled by the shape."""
        std = self.gain * sqrt(2 / sum(_fans(shape)))
        return rng.normal(0.0, std, size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class GlorotUniform(_Scaled):
    """W ~ U(−a, a), a = gain √(6 / (n_in + n_out)), with the variance of :class:`GlorotNormal`.

    Source: Glorot and Bengio 2010.

    >>> W = GlorotUniform()(np.random.default_rng(0), (200, 300), "float64")
    >>> round(float(W.std() * np.sqrt(500 / 2)), 2)
    1.0
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values scaled by the shape."""
        limit = self.gain * sqrt(6 / sum(_fans(shape)))
        return rng.uniform(-limit, limit, size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class HeNormal(_Scaled):
    """W ~ N(0, gain² / n_in), where n_in is the number of inputs of a unit; gain = √2 suits ReLU.

    Source: He et al., *Delving Deep into Rectifiers*, 2015.

    >>> W = HeNormal()(np.random.default_rng(0), (200, 300), "float64")
    >>> round(float(W.std() * np.sqrt(200 / 2)), 2)
    1.0
    """

    gain: float = sqrt(2)

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values scaled by the shape."""
        return rng.normal(0.0, self.gain / sqrt(_fans(shape)[0]), size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class HeUniform(_Scaled):
    """W ~ U(−a, a), a = gain √(3 / n_in), with the variance of :class:`HeNormal`.

    Source: He et al. 2015.

    >>> W = HeUniform()(np.random.default_rng(0), (200, 300), "float64")
    >>> round(float(W.std() * np.sqrt(200 / 2)), 2)
    1.0
    """

    gain: float = sqrt(2)

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw values scaled by the shape."""
        limit = self.gain * sqrt(3 / _fans(shape)[0])
        return rng.uniform(-limit, limit, size=shape).astype(dtype)


@dataclass(frozen=True, slots=True)
class LeCunNormal(HeNormal):
    """W ~ N(0, 1 / n_in): :class:`HeNormal` with gain = 1, which suits SELU.

    Source: LeCun et al., *Efficient BackProp*, 1998.

    >>> LeCunNormal().gain
    1.0
    """

    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class LeCunUniform(HeUniform):
    """W ~ U(−a, a), a = √(3 / n_in): :class:`HeUniform` with gain = 1.

    Source: LeCun et al. 1998.

    >>> LeCunUniform().gain
    1.0
    """

    gain: float = 1.0


@dataclass(frozen=True, slots=True)
class Orthogonal(_Scaled):
    """W as a matrix (n_in, o), o the last axis: WᵀW = gain² I, or W Wᵀ = gain² I if o > n_in.

    W scales lengths by gain, or by at most gain. It is drawn uniformly from all such matrices: Q
    of the QR decomposition of a normal matrix, with signs that make the diagonal of R positive.

    Source: Saxe et al., *Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear
    Neural Networks*, 2014; the signs: Mezzadri, *How to Generate Random Matrices from the
    Classical Compact Groups*, 2007.

    >>> W = Orthogonal()(np.random.default_rng(0), (4, 3), "float64")
    >>> bool(np.allclose(W.T @ W, np.eye(3)))
    True
    """

    def __call__(self, rng: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
        """Draw a matrix with orthogonal columns (rows, if they are fewer) in this shape."""
        n_in, n_out = prod(shape[:-1]), prod(shape[-1:])
        Q, R = np.linalg.qr(rng.normal(size=(max(n_in, n_out), min(n_in, n_out))))
        Q *= np.where(np.diagonal(R) < 0, -self.gain, self.gain)
        return (Q if n_in >= n_out else Q.T).reshape(shape).astype(dtype, order="C")


def _check(name: str, value: float) -> None:
    if not (value >= 0 and isfinite(value)):
        raise ValueError(f"{name} must be a finite number, at least 0; got {value}")


def _fans(shape: Shape) -> tuple[int, int]:
    """Return n_in and n_out, each at least 1."""
    return max(1, prod(shape[:-1])), max(1, prod(shape[:-2]) * prod(shape[-1:]))
