"""Adam, AdamW and AMSGrad."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import (
    Array,
    ChunkedRule,
    OptimizerState,
    flush_denormals,
    init_state,
)
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class AdamW(ChunkedRule):
    """Adam with decoupled weight decay.

        m ← β₁ m + (1 − β₁) g          m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²         v̂ = v / (1 − β₂ᵗ)
        θ ← (1 − α λ) θ − α m̂ / (√v̂ + ε)

    With ``hat=False``, ε is added to √v: θ ← … − α m̂ / ((√v + ε) / √(1 − β₂ᵗ)), as in scikit-learn
    and TensorFlow (the paper's second form, with ε̂).

    λ applies to the role "weight" only. The moments are stored scaled, m / (1 − β₁) and
    v / (1 − β₂), which saves two passes over the vector.

    Source: Kingma and Ba 2015; Loshchilov and Hutter 2019.

    Parameters
    ----------
    beta1, beta2 : decay rates of the moments, in [0, 1)
    eps : ε
    weight_decay : λ
    hat : add ε to √v̂ instead of √v

    Examples
    --------
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), AdamW(weight_decay=0.0)
    >>> rule.update(theta, np.array([3.0, -0.1]), rule.init(layout, theta.dtype), 0.5)
    >>> theta.round(6)
    array([0.5, 2.5])
    """

    penalizes: ClassVar[bool] = True

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.01
    hat: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "beta1", "beta2", below=1)
        check_fields(self, "eps", "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with zero moments."""
        return init_state(layout, dtype, (self.beta1, self.beta2))

    def factors(self, step: int, lr: float) -> tuple[float, ...]:
        """Return the rate and ε′ for the scaled moments.

        With M = m/(1−β₁) and V = v/(1−β₂):  α m̂/(√v̂ + ε) = rate · M / (√V + ε′).
        """
        root = sqrt((1 - self.beta2) / (1 - self.beta2**step))
        rate = lr * (1 - self.beta1) / (1 - self.beta1**step) / root
        return rate, self.eps / (root if self.hat else sqrt(1 - self.beta2))

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        state.step += 1
        rate, eps = self.factors(state.step, lr)
        m, v = state.moments
        state.squares = kernels.adam_update(
            theta,
            g,
            m,
            v,
            state.scratch,
            state.decayed.stop,
            state.penalty,
            1 - lr * self.weight_decay,
            self.beta1,
            self.beta2,
            rate,
            eps,
        )
        flush_denormals(state)


@dataclass(frozen=True, slots=True)
class Adam(AdamW):
    """Adam without weight decay: :class:`AdamW` with λ = 0.

    Source: Kingma and Ba 2015.

    >>> Adam().weight_decay
    0.0
    """

    weight_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class AMSGrad(AdamW):
    """AdamW with the largest v so far in place of v, so that step sizes do not grow.

        m ← β₁ m + (1 − β₁) g                        m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²,   u ← max(u, v)      û = u / (1 − β₂ᵗ)
        θ ← (1 − α λ) θ − α m̂ / (√û + ε)

    Parameters are those of :class:`AdamW`.

    Source: Reddi, Kale and Kumar, *On the Convergence of Adam and Beyond*, 2018, with the
    bias corrections of Adam, as in PyTorch.

    Examples
    --------
    >>> layout = Layout.build([("0.W", (1,), "weight")])
    >>> theta, rule = np.array([1.0]), AMSGrad(beta2=0.5, weight_decay=0.0)
    >>> state = rule.init(layout, theta.dtype)
    >>> for g in (8.0, 0.0, 0.0):
    ...     rule.update(theta, np.array([g]), state, 0.1)
    >>> state.moments[1], state.moments[2]  # v and u, scaled
    (array([16.]), array([64.]))
    """

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with zero moments and maxima."""
        return init_state(layout, dtype, (self.beta1, self.beta2, 0.0))

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        ChunkedRule.update(self, theta, g, state, lr)

    def step(self, g: Array, moments: list[Array], scratch: Array, *factors: float) -> None:
        """Write α m̂ / (√û + ε)."""
        (M, V, U), (rate, eps) = moments, factors
        M *= self.beta1
        M += g
        np.square(g, out=scratch)
        V *= self.beta2
        V += scratch
        np.sqrt(np.maximum(U, V, out=U), out=scratch)
        scratch += eps
        np.divide(M, scratch, out=scratch)
        scratch *= rate
