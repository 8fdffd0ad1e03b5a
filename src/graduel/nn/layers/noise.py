"""Additive noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.layers.layer import Array, Plan, Shape
from graduel.nn.layers.random_bits import STEPS, sixteen_bits
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Noise(Part):
    """y = x + σ √12 (u − ½) in training, y = x otherwise;   dx = dy.

    u is uniform on [0, 1] in 65,536 steps, so the noise has mean 0 and standard deviation σ. The
    next matrix product sums many values to a nearly normal one, and uniform values are drawn ten
    times as fast as normal ones. Before an activation, place it after a normalization, which fixes
    the scale of σ.

    Source: Rasmus et al., *Semi-Supervised Learning with Ladder Networks*, 2015; their
    baseline network adds normal noise of σ = 0.3 to its input and after each normalization.

    Parameters
    ----------
    std : σ, at least 0; or a function of the progress t in [0, 1]

    Raises
    ------
    ValueError
        If σ is negative.

    >>> Noise(0.3).plan((128,)).out
    (128,)
    """

    deterministic: ClassVar[bool] = False

    std: float | Callable[[float], float] = 0.3

    def __post_init__(self) -> None:
        if not callable(self.std):
            self._checked(self.std)

    @staticmethod
    def _checked(std: float) -> float:
        if not 0 <= std < np.inf:
            raise ValueError(f"noise std must be at least 0; got {std}")
        return std

    def plan(self, shape: Shape) -> Plan:
        """Plan an output of the input's shape."""
        return Plan(shape)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x + σ √12 (u − ½) in training, x in prediction."""
        if not call.train:
            return x
        std = self._checked(self.std(call.t)) if callable(self.std) else self.std
        if std == 0:
            return x
        if call.rng is None:
            raise ValueError(
                "Noise needs a random generator in training; got rng=None. Pass Call(rng=…)"
            )
        y = w.buf("y", x.shape, x.dtype)
        factor = std * sqrt(12) / STEPS

        flat = x.reshape(-1), y.reshape(-1)

        def spread(draws: Array, part: slice) -> None:
            kernels.noise(flat[0][part], draws, factor, factor * (STEPS - 1) / 2, flat[1][part])

        sixteen_bits(call.rng, y.size, spread)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy."""
        return dy if need_dx else None
