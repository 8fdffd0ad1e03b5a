"""Muon: hidden matrices move by a momentum whose singular values have been made equal."""

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
"""Coefficients of the quintic: singular values in (0, 1] come near 1 in five steps."""


@dataclass(slots=True)
class MuonState:
    """The state of Muon, and those of the other rule, one for each stretch of θ."""

    hidden: tuple[Entry, ...]
    momentum: OptimizerState
    """The momentum of the hidden matrices, one after the other."""
    space: tuple[Array, Array, Array, Array]
    others: tuple[tuple[slice, Any], ...]


@dataclass(frozen=True, slots=True)
class Muon:
    """Momentum, orthogonalized: all directions of a matrix move equally far.

        B ← μ B + (1 − μ) g,   U = (1 − μ) g + μ B   (without Nesterov: U = B)
        X = U / ‖U‖,   then five times  X ← a X + b (X Xᵀ) X + c (X Xᵀ)² X   (Newton–Schulz)
        θ ← (1 − α λ) θ − α k X

    X comes near P Qᵀ, where U = P Σ Qᵀ. For W of shape (i, o), k = 0.2 √max(i, o) makes a step
    as large as AdamW's, so that α and λ that suit AdamW suit Muon; `match_rms=False` takes
    k = √max(1, o / i), which wants an α about thirty times larger. A convolution's kernel counts
    as the matrix of shape (all axes but the last, last axis).

    Only hidden matrices are moved like this: entries of the role "weight" with two axes or more,
    without the first and the last of them in the layout, which are the network's input and
    output. Those, and all other parameters, belong to the rule `others`. A network without
    hidden layers between its first and its last is therefore left to `others`, all of it. Each
    stretch of neighbouring entries is a vector of its own to `others`: to clip the whole
    gradient, wrap Muon.

    Source: Jordan et al., *Muon: An optimizer for hidden layers in neural networks*, 2024; Liu
    et al., *Muon is Scalable for LLM Training*, 2025 (weight decay and `match_rms`).

    Parameters
    ----------
    momentum : μ, in [0, 1)
    nesterov : look ahead
    weight_decay : λ, for the hidden matrices
    steps : Newton–Schulz steps
    eps : the least ‖U‖ to divide by
    match_rms : k as large as AdamW's steps
    first, last : whether the first, the last matrix are moved as hidden ones
    others : the rule for all that are not
    others_rate : factor on their learning rate

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
        """Return a zero momentum, space for the largest matrix, and the states of `others`."""
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
        """Change `theta` in place by one step."""
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
        """Move one matrix."""
        shape = matrix_shape(entry)
        W, dW = entry.view(theta).reshape(shape), entry.view(g).reshape(shape)
        M = moment.reshape(shape)  # B / (1 − μ)
        M *= self.momentum
        M += dW
        wide = sorted(shape)
        turned = shape[0] > shape[1]
        X, Y = (s[: entry.size].reshape(wide) for s in space[:2])
        gram, square = (s[: wide[0] ** 2].reshape(wide[0], wide[0]) for s in space[2:])
        U = X.T if turned else X
        if self.nesterov:
            np.multiply(M, self.momentum, out=U)
            U += dW
        else:
            np.copyto(U, M)
        # NaN comes first, so that max keeps it.
        X /= max(norm(X.reshape(-1)), self.eps / (1 - self.momentum))
        X = orthogonalize(X, Y, gram, square, self.steps)
        n_in, n_out = shape
        scale = 0.2 * sqrt(max(shape)) if self.match_rms else sqrt(max(1.0, n_out / n_in))
        X *= lr * scale
        if self.weight_decay:
            W *= 1 - lr * self.weight_decay
        W -= X.T if turned else X


def matrix_shape(entry: Entry) -> tuple[int, int]:
    """Return the shape (inputs, outputs) of an entry seen as a matrix."""
    return prod(entry.shape[:-1]), entry.shape[-1]


def orthogonalize(X: Array, Y: Array, gram: Array, square: Array, steps: int) -> Array:
    """Bring the singular values of X, at most 1, near 1; the answer is in `X` or in `Y`.

    X must have no more rows than columns. `Y`, `gram` and `square` are space.
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
