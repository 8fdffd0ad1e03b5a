"""Update rules on one flat vector: ``init(layout, dtype)`` once, ``update(…)`` at every step."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graduel.layout import Layout

Array = NDArray[Any]

CHUNK = 32_768
"""How many parameters are updated at a time: the vectors of a chunk stay in the cache."""
FLUSH_EVERY = 64
"""How often, in steps, moments are kept from decaying into denormal numbers."""


@dataclass(slots=True)
class OptimizerState:
    """What an optimizer remembers: moments of θ's shape, the step, scratch space, decay by role."""

    moments: tuple[Array, ...]
    scratch: Array
    decayed: slice
    step: int = 0
    floors: tuple[float, ...] = field(default=())


class Optimizer(Protocol):
    """An update rule; a frozen dataclass."""

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Make the state for parameters of this layout."""
        ...

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step; `g` is only read."""
        ...


def _init(layout: Layout, dtype: DTypeLike, decays: tuple[float, ...]) -> OptimizerState:
    """Make zeroed moments, one for each decay factor."""
    tiny = float(np.finfo(dtype).tiny)
    return OptimizerState(
        tuple(np.zeros(layout.size, dtype) for _ in decays),
        np.empty(min(layout.size, CHUNK), dtype),
        layout.roles.get("weight", slice(0, 0)),
        floors=tuple(tiny / max(beta, 0.1) ** FLUSH_EVERY for beta in decays),
    )


def _flush(state: OptimizerState) -> None:
    """Set to zero what would be denormal before the next flush.

    Moments of a parameter whose gradient stays zero (a border pixel of MNIST) decay for ever;
    below the smallest normal number every operation on them is many times slower.
    """
    if state.step % FLUSH_EVERY:
        return
    for moment, floor in zip(state.moments, state.floors, strict=True):
        moment[np.abs(moment) < floor] = 0


def _check(name: str, value: float, *, below: float = float("inf")) -> None:
    if not 0 <= value < below:
        bound = "" if below == float("inf") else f" and below {below:g}"
        raise ValueError(f"{name} must be at least 0{bound}; got {value}")


@dataclass(frozen=True, slots=True)
class SGD:
    """v ← μ v + g,   θ ← θ − α v   (μ = 0: plain gradient descent θ ← θ − α g).

    Weight decay is decoupled and touches the role "weight" alone: θ ← (1 − α λ) θ first.

    Source: Polyak 1964, in the form of Sutskever et al. 2013 as PyTorch writes it.

    Parameters
    ----------
    momentum : μ, in [0, 1)
    weight_decay : λ

    Examples
    --------
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), SGD()
    >>> rule.update(theta, np.array([1.0, 1.0]), rule.init(layout, theta.dtype), 0.5)
    >>> theta
    array([0.5, 1.5])
    """

    momentum: float = 0.0
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        _check("momentum", self.momentum, below=1)
        _check("weight_decay", self.weight_decay)

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Make a zero velocity, if there is momentum."""
        return _init(layout, dtype, (self.momentum,) if self.momentum else ())

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        state.step += 1
        if self.weight_decay:
            theta[state.decayed] *= 1 - lr * self.weight_decay
        for start in range(0, len(theta), CHUNK):
            part = slice(start, start + CHUNK)
            step = g[part]
            if self.momentum:
                v = state.moments[0][part]
                v *= self.momentum
                v += step
                step = v
            scratch = state.scratch[: len(step)]
            np.multiply(step, lr, out=scratch)
            theta[part] -= scratch
        _flush(state)


@dataclass(frozen=True, slots=True)
class AdamW:
    """Adam with decoupled weight decay.

        m ← β₁ m + (1 − β₁) g          m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²         v̂ = v / (1 − β₂ᵗ)
        θ ← (1 − α λ) θ − α m̂ / (√v̂ + ε)

    λ touches the role "weight" alone. The moments are kept scaled, m / (1 − β₁) and
    v / (1 − β₂), which saves two passes over the vector.

    Source: Kingma and Ba 2015; Loshchilov and Hutter 2019.

    Parameters
    ----------
    beta1, beta2 : decay of the moments, in [0, 1)
    eps : ε
    weight_decay : λ

    Examples
    --------
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), AdamW(weight_decay=0.0)
    >>> rule.update(theta, np.array([3.0, -0.1]), rule.init(layout, theta.dtype), 0.5)
    >>> theta.round(6)
    array([0.5, 2.5])
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        _check("beta1", self.beta1, below=1)
        _check("beta2", self.beta2, below=1)
        _check("eps", self.eps)
        _check("weight_decay", self.weight_decay)

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Make zero moments."""
        return _init(layout, dtype, (self.beta1, self.beta2))

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        state.step += 1
        if self.weight_decay:
            theta[state.decayed] *= 1 - lr * self.weight_decay
        # With M = m/(1−β₁) and V = v/(1−β₂):  α m̂/(√v̂ + ε) = rate · M / (√V + ε′).
        root = sqrt((1 - self.beta2) / (1 - self.beta2**state.step))
        rate = lr * (1 - self.beta1) / (1 - self.beta1**state.step) / root
        eps = self.eps / root
        for start in range(0, len(theta), CHUNK):
            part = slice(start, start + CHUNK)
            grad, M, V = g[part], state.moments[0][part], state.moments[1][part]
            scratch = state.scratch[: len(grad)]
            M *= self.beta1
            M += grad
            np.square(grad, out=scratch)
            V *= self.beta2
            V += scratch
            np.sqrt(V, out=scratch)
            scratch += eps
            np.divide(M, scratch, out=scratch)
            scratch *= rate
            theta[part] -= scratch
        _flush(state)
