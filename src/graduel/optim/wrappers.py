"""Wrappers of update rules: gradient clipping and max-norm.

A wrapper contains a rule and is one, so wrappers nest in any order. The outer wrapper acts first on
the gradient and last on θ.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import DTypeLike

from graduel import kernels
from graduel.layout import Entry, Layout
from graduel.optim.chunking import norm
from graduel.optim.optimizer import Array, Optimizer
from graduel.optim.ranges import check_positive


@dataclass(frozen=True, slots=True)
class _Bounded:
    """The base of wrappers with a `maximum`."""

    rule: Optimizer
    maximum: float

    def __post_init__(self) -> None:
        check_positive("maximum", self.maximum)

    def init(self, layout: Layout, dtype: DTypeLike) -> Any:
        """Return the state of `rule`."""
        return self.rule.init(layout, dtype)


@dataclass(frozen=True, slots=True)
class ClipNorm(_Bounded):
    """g ← g · min(1, maximum / ‖g‖), then the step of `rule`.

    A gradient that is not finite is passed on unchanged, so that divergence stays visible.

    Source: Pascanu, Mikolov and Bengio, *On the Difficulty of Training Recurrent Neural
    Networks*, 2013.

    Parameters
    ----------
    rule : the wrapped rule
    maximum : the largest norm, above 0

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.zeros(2), ClipNorm(SGD(), 1.0)
    >>> rule.update(theta, np.array([30.0, -40.0]), rule.init(layout, theta.dtype), 1.0)
    >>> theta
    array([-0.6,  0.8])
    """

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Update `theta` in place by one step; scale `g` in place."""
        length = norm(g)
        if length > self.maximum:
            g *= self.maximum / length
        self.rule.update(theta, g, state, lr)


@dataclass(frozen=True, slots=True)
class ClipValue(_Bounded):
    """g ← max(−maximum, min(maximum, g)), entry by entry, then the step of `rule`.

    A gradient that is not finite is passed on unchanged, so that divergence stays visible.

    Source: Mikolov, *Statistical Language Models Based on Neural Networks*, 2012.

    Parameters
    ----------
    rule : the wrapped rule
    maximum : the largest absolute value, above 0

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2,), "weight")])
    >>> theta, rule = np.zeros(2), ClipValue(SGD(), 1.0)
    >>> rule.update(theta, np.array([0.5, -40.0]), rule.init(layout, theta.dtype), 1.0)
    >>> theta
    array([-0.5,  1. ])
    """

    def update(self, theta: Array, g: Array, state: Any, lr: float) -> None:
        """Update `theta` in place by one step; clip `g` in place."""
        kernels.clip(g, self.maximum)
        self.rule.update(theta, g, state, lr)


@dataclass(frozen=True, slots=True)
class MaxNorm(_Bounded):
    """The step of `rule`, then w ← w · min(1, maximum / ‖w‖) for the weights w into each unit.

    Incoming weights are the columns of entries of the role "weight" with two or more axes; the
    kernel of a convolution is flattened to two axes, with the last axis as columns.

    Source: Srivastava et al., *Dropout*, 2014, section 5.1.

    Parameters
    ----------
    rule : the wrapped rule
    maximum : the largest norm, above 0

    Examples
    --------
    >>> import numpy as np
    >>> from graduel.optim import SGD
    >>> layout = Layout.build([("0.W", (2, 2), "weight")])
    >>> theta, rule = np.array([3.0, 0.3, 4.0, 0.4]), MaxNorm(SGD(), 1.0)
    >>> rule.update(theta, np.zeros(4), rule.init(layout, theta.dtype), 1.0)
    >>> theta.reshape(2, 2)
    array([[0.6, 0.3],
           [0.8, 0.4]])
    """

    def init(self, layout: Layout, dtype: DTypeLike) -> tuple[tuple[Entry, ...], Any]:
        """Return the matrices and the state of `rule`."""
        matrices = [e for e in layout.entries if e.role == "weight" and len(e.shape) > 1]
        return tuple(matrices), self.rule.init(layout, dtype)

    def update(
        self, theta: Array, g: Array, state: tuple[tuple[Entry, ...], Any], lr: float
    ) -> None:
        """Update `theta` in place by one step."""
        matrices, rule_state = state
        self.rule.update(theta, g, rule_state, lr)
        for entry in matrices:
            W = entry.view(theta).reshape(prod(entry.shape[:-1]), entry.shape[-1])
            kernels.max_norm(W, self.maximum)
