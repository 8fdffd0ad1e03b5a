"""AMSGrad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from graduel.layout import Layout
from graduel.optim.adam import AdamW
from graduel.optim.base import Array, OptimizerState, chunks, flush, fresh, penalize, shrink


@dataclass(frozen=True, slots=True)
class AMSGrad(AdamW):
    """AdamW whose rates never rise: v̂ is made of the largest v so far.

        m ← β₁ m + (1 − β₁) g                        m̂ = m / (1 − β₁ᵗ)
        v ← β₂ v + (1 − β₂) g²,   u ← max(u, v)      û = u / (1 − β₂ᵗ)
        θ ← (1 − α λ) θ − α m̂ / (√û + ε)

    Parameters are those of :class:`AdamW`.

    Source: Reddi, Kale and Kumar, *On the Convergence of Adam and Beyond*, 2018, with the
    corrections of Adam, as PyTorch has it.

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
        """Make zero moments and maxima."""
        return fresh(layout, dtype, (self.beta1, self.beta2, 0.0))

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        rate, eps = self.begin(state, lr)
        for part, scratch in chunks(len(theta), state.scratch):
            penalize(theta, g, part, state, scratch)
            grad, (M, V, U) = g[part], (moment[part] for moment in state.moments)
            if self.weight_decay:
                shrink(theta, part, state, 1 - lr * self.weight_decay)
            M *= self.beta1
            M += grad
            np.square(grad, out=scratch)
            V *= self.beta2
            V += scratch
            np.maximum(U, V, out=U)
            np.sqrt(U, out=scratch)
            scratch += eps
            np.divide(M, scratch, out=scratch)
            scratch *= rate
            theta[part] -= scratch
        flush(state)
