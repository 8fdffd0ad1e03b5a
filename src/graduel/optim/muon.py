"""Muon: orthogonalized momentum for hidden matrices."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from graduel.layout import Entry, Layout
from graduel.optim.adam import AdamW
from graduel.optim.chunking import norm
from graduel.optim.optimizer import Array, Optimizer, OptimizerState, flush_denormals, init_state
from graduel.optim.ranges import check_fields, check_positive
from graduel.optim.sublayout import build_sublayout

A, B, C = 3.4445, -4.7750, 2.0315
"""Coefficients of the quintic that brings singular values in (0, 1] near 1 in five steps."""


@dataclass(slots=True)
class MuonState:
    """The state of Muon, with the states of `others`, one for each contiguous part of θ."""

    hidden: tuple[Entry, ...]
    momentum: OptimizerState
    """The momentum of the hidden matrices, concatenated."""
    space: tuple[Array, Array, Array, Array]
    others: tuple[tuple[slice, Any], ...]


@dataclass(frozen=True, slots=True)
class Muon:
    """Muon: momentum with equal singular values, so that all directions move equally far.

        B ← μ B + (1 − μ) g,   U = (1 − μ) g + μ B   (without Nesterov: U = B)
        X = U / ‖U‖,   then five times  X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X   (Newton–Schulz)
        θ ← (1 − α λ) θ − α k X

    X approximates P Qᵀ, where U = P Σ Qᵀ. For W of shape (i, o), k = 0.2 √max(i, o) gives steps as
    large as AdamW's, so that the same α and λ suit both; ``match_rms=False`` uses
    k = √max(1, o / i), which needs an α about thirty times larger. A convolution kernel counts as a
    matrix of shape (product of all axes but the last, last axis).

    Muon moves hidden matrices only: entries of the role "weight" with two or more axes, except the
    first and the last in the layout, the input and output layers. The rule `others` moves those
    and all other parameters; with fewer than three matrices, it moves everything. `others` gets
    each contiguous part as a separate vector: to clip the full gradient, wrap Muon.

    Source: Jordan et al., *Muon: An optimizer for hidden layers in neural networks*, 2024; Liu
    et al., *Muon is Scalable for LLM Training*, 2025 (weight decay and `match_rms`).

    Parameters
    ----------
    momentum : μ, in [0, 1)
    nesterov : use Nesterov momentum
    weight_decay : λ of the hidden matrices
    steps : number of Newton–Schulz steps
    eps : lower limit of the divisor ‖U‖
    match_rms : scale steps to the size of AdamW's
    first, last : whether Muon also moves the first and the last matrix
    others : the rule for all other parameters
    others_rate : factor of their learning rate

    Examples
    --------
    >>> shapes = [("0.W", (9, 4)), ("1.W", (4, 2)), ("2.W", (2, 3))]
    >>> layout = Layout.build([(name, shape, "weight") for name, shape in shapes])
    >>> theta, rule = np.zeros(layout.size), Muon(match_rms=False)
    >>> g = np.random.default_rng(0).normal(size=layout.size)
    >>> rule.update(theta, g, rule.init(layout, theta.dtype), 1.0)
    >>> W = layout["1.W"].view(theta)
    >>> bool((abs(np.linalg.svd(W).S - 1) < 0.35).all())
    True
    """

    momentum: float = 0.95
    nesterov: bool = True
    weight_decay: float = 0.1
    steps: int = 5
    eps: float = 1e-7
    match_rms: bool = True
    first: bool = False
    last: bool = False
    others: Optimizer = AdamW()
    others_rate: float = 1.0

    def __post_init__(self) -> None:
        check_fields(self, "momentum", below=1)
        check_fields(self, "weight_decay", "others_rate")
        check_positive("eps", self.eps)
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1; got {self.steps}")

    def init(self, layout: Layout, dtype: DTypeLike) -> MuonState:
        """Return the state: zero momentum, scratch space and the states of `others`."""
        matrices = [e for e in layout.entries if e.role == "weight" and len(e.shape) > 1]
        ends = [] if self.first else matrices[:1]
        ends += [] if self.last else matrices[-1:]
        hidden = tuple(entry for entry in matrices if entry not in ends)
        sides = [sorted(matrix_shape(entry)) for entry in hidden]
        largest = max((r * c for r, c in sides), default=0)
        square = max((r * r for r, _ in sides), default=0)
        names = {entry.name for entry in hidden}
        others = []
        for ours, entries in groupby(layout.entries, key=lambda entry: entry.name in names):
            if not ours:
                where, part = build_sublayout(layout, tuple(entries))
                others.append((where, self.others.init(part, dtype)))
        hidden_layout = Layout.build((entry.name, entry.shape, entry.role) for entry in hidden)
        return MuonState(
            hidden,
            init_state(hidden_layout, dtype, (self.momentum,)),
            (
                np.empty(largest, dtype),
                np.empty(largest, dtype),
                np.empty(square, dtype),
                np.empty(square, dtype),
            ),
            tuple(others),
        )

    def update(self, theta: Array, g: Array, state: MuonState, lr: float) -> None:
        """Update `theta` in place by one step."""
        state.momentum.step += 1
        start = 0
        for entry in state.hidden:
            moment = state.momentum.moments[0][start : start + entry.size]
            start += entry.size
            self._step(entry, theta, g, moment, state.space, lr)
        flush_denormals(state.momentum)
        for where, rule_state in state.others:
            self.others.update(theta[where], g[where], rule_state, lr * self.others_rate)

    def _step(
        self,
        entry: Entry,
        theta: Array,
        g: Array,
        moment: Array,
        space: tuple[Array, Array, Array, Array],
        lr: float,
    ) -> None:
        """Update one matrix."""
        shape = matrix_shape(entry)
        W, dW = entry.view(theta).reshape(shape), entry.view(g).reshape(shape)
        M = moment.reshape(shape)  # B / (1 − μ)
        M *= self.momentum
        M += dW
        wide = sorted(shape)
        transposed = shape[0] > shape[1]
        X, Y = (s[: entry.size].reshape(wide) for s in space[:2])
        gram, square = (s[: wide[0] ** 2].reshape(wide[0], wide[0]) for s in space[2:])
        U = X.T if transposed else X
        if self.nesterov:
            np.multiply(M, self.momentum, out=U)
            U += dW
        else:
            np.copyto(U, M)
        # The norm is the first argument, so that max returns it if it is NaN.
        X /= max(norm(X.reshape(-1)), self.eps / (1 - self.momentum))
        X = orthogonalize(X, Y, gram, square, self.steps)
        n_in, n_out = shape
        scale = 0.2 * sqrt(max(shape)) if self.match_rms else sqrt(max(1.0, n_out / n_in))
        X *= lr * scale
        if self.weight_decay:
            W *= 1 - lr * self.weight_decay
        W -= X.T if transposed else X


def matrix_shape(entry: Entry) -> tuple[int, int]:
    """Return the shape (n_in, n_out) of an entry as a matrix."""
    return prod(entry.shape[:-1]), entry.shape[-1]


def orthogonalize(X: Array, Y: Array, gram: Array, square: Array, steps: int) -> Array:
    """Return X with its singular values, at most 1, brought near 1; a view of `X` or `Y`.

    X must not have more rows than columns. `Y`, `gram` and `square` are scratch space.
    """
    diagonal = gram.reshape(-1)[:: len(gram) + 1]
    for _ in range(steps):
        # a X + b (X Xᵀ) X + c (X Xᵀ)² X  =  (a I + b G + c G²) X  with G = X Xᵀ.
        np.matmul(X, X.T, out=gram)
        np.matmul(gram, gram, out=square)
        square *= C
        gram *= B
        gram += square
        diagonal += A
        np.matmul(gram, X, out=Y)
        X, Y = Y, X
    return X
