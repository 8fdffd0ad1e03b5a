"""AdaGrad."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from graduel.layout import Layout
from graduel.optim.chunking import chunks
from graduel.optim.optimizer import Array, OptimizerState, flush_denormals, init_state, shrink
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class AdaGrad:
    """G ← G + g²,   θ ← (1 − α λ) θ − α g / (√G + ε).

    Each parameter's rate falls with all that its gradient has been, and never rises again: for
    sparse features, and for convex losses. λ touches the role "weight" alone.

    Source: Duchi, Hazan and Singer 2011.

    Parameters
    ----------
    initial : where G begins
    eps : ε
    weight_decay : λ

    Examples
    --------
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.array([1.0, 2.0]), AdaGrad()
    >>> state = rule.init(layout, theta.dtype)
    >>> for _ in range(4):
    ...     rule.update(theta, np.array([3.0, -0.1]), state, 0.5)  # by 0.5, 0.5/√2, 0.5/√3, …
    >>> theta.round(3)
    array([-0.392,  3.392])
    """

    initial: float = 0.0
    eps: float = 1e-10
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        check_fields(self, "initial", "eps", "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the sum of squares."""
        state = init_state(layout, dtype, (0.0,))
        state.moments[0].fill(self.initial)
        return state

    def update(self, theta: Array, g: Array, state: OptimizerState, lr: float) -> None:
        """Change `theta` in place by one step."""
        state.step += 1
        for part, scratch in chunks(len(theta), state.scratch):
            grad, G = g[part], state.moments[0][part]
            if self.weight_decay:
                shrink(theta, part, state, 1 - lr * self.weight_decay)
            np.square(grad, out=scratch)
            G += scratch
            np.sqrt(G, out=scratch)
            scratch += self.eps
            np.divide(grad, scratch, out=scratch)
            scratch *= lr
            theta[part] -= scratch
        flush_denormals(state)
