"""Dropout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from typing import ClassVar

import numpy as np

from graduel import kernels
from graduel.nn.layers.layer import Array, Plan, Shape
from graduel.nn.layers.random_bits import STEPS, sixteen_bits
from graduel.nn.part import Part
from graduel.nn.workspace import Call, Scope


@dataclass(frozen=True, slots=True)
class Dropout(Part):
    """y = x ⊙ mask / (1 − rate) in training, y = x otherwise;   dx = dy ⊙ mask / (1 − rate).

    Each element is kept with probability 1 − rate and scaled up, so that the expected output
    equals the input and prediction needs no change. The rate is rounded to a multiple of
    1 / 65,536.

    Source: Srivastava et al., *Dropout*, 2014 (in the "inverted" form).

    Parameters
    ----------
    rate : the share of dropped elements, in [0, 1); or a function of the progress t in [0, 1]
    scheduled : keep the rate constant for the first half of training, then decay it to 0 along
        half a cosine. Noise regularizes early and hinders convergence at the end (Holzmüller et
        al., *Better by Default*, 2024: flat_cos)

    Raises
    ------
    ValueError
        If a numeric rate is out of range, or `scheduled` is set for a rate that is a function.

    Examples
    --------
    >>> Dropout(0.2).plan((128,)).out
    (128,)
    """

    deterministic: ClassVar[bool] = False

    rate: float | Callable[[float], float] = 0.5
    scheduled: bool = False

    def __post_init__(self) -> None:
        if not callable(self.rate):
            self._checked(self.rate)
        elif self.scheduled:
            raise ValueError(
                "scheduled=True needs a rate that is a number; got a function, which is already "
                "a schedule"
            )

    @staticmethod
    def _checked(rate: float) -> float:
        if not 0 <= rate < 1:
            raise ValueError(f"dropout rate must be at least 0 and below 1; got {rate}")
        return rate

    def plan(self, shape: Shape) -> Plan:
        """Plan an output of the input's shape."""
        return Plan(shape)

    def forward(self, x: Array, w: Scope, call: Call) -> Array:
        """Return x ⊙ mask / (1 − rate) in training, x in prediction."""
        w.saved = None
        if not call.train:
            return x
        rate = self._checked(self.rate(call.t)) if callable(self.rate) else self.rate
        if self.scheduled:
            rate *= (1 + cos(pi * (max(1.0, 2 * call.t) - 1))) / 2
        if rate == 0:
            return x
        if call.rng is None:
            raise ValueError(
                "Dropout needs a random generator in training; got rng=None. Pass Call(rng=…)"
            )
        w.saved = mask = w.buf("mask", x.shape, x.dtype)
        least = min(round(rate * STEPS), STEPS - 1)

        y, scale = w.buf("y", x.shape, x.dtype), STEPS / (STEPS - least)
        flat = x.reshape(-1), mask.reshape(-1), y.reshape(-1)

        def keep(draws: Array, part: slice) -> None:
            kernels.dropout(flat[0][part], draws, least, scale, flat[1][part], flat[2][part])

        sixteen_bits(call.rng, mask.size, keep)
        return y

    def backward(self, dy: Array, w: Scope, call: Call, *, need_dx: bool = True) -> Array | None:
        """Return dy ⊙ mask / (1 − rate), with the mask of the forward pass."""
        if not need_dx or w.saved is None:
            return dy if need_dx else None
        return np.multiply(dy, w.saved, out=dy)
