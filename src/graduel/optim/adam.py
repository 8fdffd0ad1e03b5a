"""Adam, AdamW and AMSGrad."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Layout
from graduel.optim.optimizer import ElementwiseRule, OptimizerState, init_state
from graduel.optim.ranges import check_fields


@dataclass(frozen=True, slots=True)
class AdamW(ElementwiseRule):
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
    >>> import numpy as np
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
    hat: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "beta1", "beta2", below=1)
        check_fields(self, "eps", "weight_decay")

    def init(self, layout: Layout, dtype: DTypeLike) -> OptimizerState:
        """Return the state with zero moments."""
        return init_state(layout, dtype, (self.beta1, self.beta2))

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return Adam's kernel with the rate and ε′ for the scaled moments.

        With M = m/(1−β₁) and V = v/(1−β₂):  α m̂/(√v̂ + ε) = rate · M / (√V + ε′).
        """
        root = sqrt((1 - self.beta2) / (1 - self.beta2**step))
        rate = lr * (1 - self.beta1) / (1 - self.beta1**step) / root
        eps = self.eps / (root if self.hat else sqrt(1 - self.beta2))
        return kernels.adam_update, (self.beta1, self.beta2, rate, eps)


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
    >>> import numpy as np
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

    def operation(self, step: int, lr: float) -> tuple[Callable[..., float], tuple[float, ...]]:
        """Return AMSGrad's kernel with the numbers of Adam's."""
        return kernels.amsgrad_update, AdamW.operation(self, step, lr)[1]
