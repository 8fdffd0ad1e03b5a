"""Losses for regression: real-valued targets and counts."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import ClassVar

import numpy as np

from graduel.nn.losses.loss import Array, as_targets, weighted_mean
from graduel.nn.part import Part
from graduel.nn.workspace import Scope


class _IdentityLink(Part):
    """The base of losses whose predictions are the raw predictions."""

    __slots__ = ()

    def link(self, raw: Array) -> Array:
        """Return the raw predictions."""
        return raw


@dataclass(frozen=True, slots=True)
class SquaredError(_IdentityLink):
    """ℓ = ½ Σₖ (zₖ − yₖ)²,   dz = z − y, on predictions z of shape (n, k).

    y has shape (n, k), or (n,) if k = 1. The best constant prediction is the mean.

    Source: Gauss 1809.

    >>> SquaredError().link(np.array([[1.5]]))
    array([[1.5]])
    """

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (zᵢ − yᵢ) / Σ wᵢ."""
        dz = np.subtract(raw, as_targets(raw, y), out=w.buf("dz", raw.shape, raw.dtype))
        each = np.einsum("nk,nk->n", dz, dz, out=w.buf("each", (len(raw),), raw.dtype))
        each *= 0.5
        return weighted_mean(each, dz, weight)


@dataclass(frozen=True, slots=True)
class AbsoluteError(_IdentityLink):
    """ℓ = Σₖ |zₖ − yₖ|,   dz = sign(z − y) (0 where z = y), on predictions z of shape (n, k).

    y has shape (n, k), or (n,) if k = 1. The best constant prediction is the median, so outliers
    have no more influence than other rows.

    Source: Boscovich 1757, Laplace 1793.

    >>> AbsoluteError().link(np.array([[1.5]]))
    array([[1.5]])
    """

    smooth: ClassVar[bool] = False

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ sign(zᵢ − yᵢ) / Σ wᵢ."""
        error = np.subtract(raw, as_targets(raw, y), out=w.buf("error", raw.shape, raw.dtype))
        dz = np.sign(error, out=w.buf("dz", raw.shape, raw.dtype))
        # |e| = e sign(e)
        each = np.einsum("nk,nk->n", error, dz, out=w.buf("each", (len(raw),), raw.dtype))
        return weighted_mean(each, dz, weight)


@dataclass(frozen=True, slots=True)
class Huber(_IdentityLink):
    """ℓ = Σₖ cₖ (eₖ − ½ cₖ),   dz = c,   with e = z − y and c = e clipped to [−δ, δ].

    That is ½ e² if |e| ≤ δ, else δ (|e| − ½ δ): squared for small errors, absolute for large
    ones. z has shape (n, k); y has shape (n, k), or (n,) if k = 1.

    Source: Huber, *Robust Estimation of a Location Parameter*, 1964.

    Parameters
    ----------
    delta : δ, above 0, in the units of y

    Raises
    ------
    ValueError
        If δ is not a positive number.

    Examples
    --------
    >>> Huber(delta=2.0).link(np.array([[1.5]]))
    array([[1.5]])
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        if not (self.delta > 0 and isfinite(self.delta)):
            raise ValueError(f"delta must be a finite number above 0; got {self.delta}")

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ cᵢ / Σ wᵢ."""
        error = np.subtract(raw, as_targets(raw, y), out=w.buf("error", raw.shape, raw.dtype))
        dz = w.buf("dz", raw.shape, raw.dtype)
        np.clip(error, -self.delta, self.delta, out=dz)
        # e − ½ c in two halves, to avoid a third array
        error -= dz
        each = np.einsum("nk,nk->n", error, dz, out=w.buf("each", (len(raw),), raw.dtype))
        half = np.einsum("nk,nk->n", dz, dz, out=w.buf("half", (len(raw),), raw.dtype))
        half *= 0.5
        each += half
        return weighted_mean(each, dz, weight)


@dataclass(frozen=True, slots=True)
class Poisson(Part):
    """ℓ = Σₖ exp zₖ − yₖ zₖ,   dz = exp(z) − y, on logarithms of rates z of shape (n, k).

    The negative log-likelihood of counts y ≥ 0 without the constant log y!, so it may be negative.
    y has shape (n, k), or (n,) if k = 1. The link is exp: predictions are rates.

    Where exp(z) overflows (z above 88 in float32, 709 in float64), the loss is infinite and the
    prediction is the largest finite number.

    Source: Nelder and Wedderburn, *Generalized Linear Models*, 1972.

    Raises
    ------
    ValueError
        During training, if y has another shape or negative values.

    Examples
    --------
    >>> Poisson().link(np.array([[0.0, np.log(3.0)]]))
    array([[1., 3.]])
    """

    def value_and_gradient(
        self, raw: Array, y: Array, weight: Array | None, w: Scope
    ) -> tuple[float, Array]:
        """Return Σ wᵢ ℓᵢ / Σ wᵢ and wᵢ (exp(zᵢ) − yᵢ) / Σ wᵢ."""
        y = as_targets(raw, y)
        if y.size and not y.min() >= 0:
            raise ValueError(
                f"Poisson expects counts, y at least 0; got {y.min()}. "
                "For targets of either sign use SquaredError"
            )
        target = w.buf("target", raw.shape, raw.dtype)
        np.copyto(target, y)
        each = np.einsum("nk,nk->n", raw, target, out=w.buf("each", (len(raw),), raw.dtype))
        # A rate that overflows is infinite, so that the caller sees a loss that is not finite.
        with np.errstate(over="ignore", invalid="ignore"):
            dz = np.exp(raw, out=w.buf("dz", raw.shape, raw.dtype))
            rates = np.sum(dz, axis=1, out=w.buf("rates", (len(raw),), raw.dtype))
            np.subtract(rates, each, out=each)
            dz -= target
            return weighted_mean(each, dz, weight)

    def link(self, raw: Array) -> Array:
        """Return rates exp(z), at most the largest finite number, in place."""
        with np.errstate(over="ignore"):
            np.exp(raw, out=raw)
        return np.minimum(raw, np.finfo(raw.dtype).max, out=raw)
