"""Full-batch training by a minimizer such as L-BFGS: the loss over all rows as a function of θ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn.network import Network, Workspace
from graduel.nn.tree import Node
from graduel.nn.weights import Weights
from graduel.nn.workspace import Call
from graduel.optim import LBFGS, Iteration, Minimizer
from graduel.optim.chunking import chunks, new_scratch
from graduel.train.loop.batches import Source
from graduel.train.loop.fit import DivergedError, Epoch, check_targets, row_weights

Array = NDArray[Any]


class FullBatch:
    """Training of one network by a minimizer: ``for epoch in fit.fit_iter(): …``.

        f(θ) = Σᵢ wᵢ ℓᵢ(θ) / Σᵢ wᵢ + λ/2 ‖W‖²,   W all of the role "weight"

    To save memory, the loss and gradient are summed over chunks of rows, each weighted by its Σw;
    the result does not depend on the chunk size. Like a :class:`Fit` it yields an :class:`Epoch`
    for each iteration, and ``break`` stops it. Started again, it continues from the current θ.

    λ/2 ‖W‖² is scikit-learn's penalty for ``MLPClassifier(solver="lbfgs")``, with λ = alpha / n, n
    the number of rows.

    Parameters
    ----------
    network : the network; deterministic and row-wise, so no dropout and no batch normalization
    rows, y : the training rows, and their class codes of shape (n,) or targets, as the loss
        expects
    weight : wᵢ ≥ 0, shape (n,). Default: all 1
    rng : random numbers for the initial weights; required without `weights`
    weights : initial weights, trained in place
    minimizer : the method. Default: :class:`~graduel.optim.LBFGS`
    weight_decay : λ
    steps : maximum number of iterations
    chunk : number of rows that go through the network at a time

    Raises
    ------
    ValueError
        If sizes do not match, or a layer is random or mixes rows; the message names it.
    DivergedError
        During training, if the loss is not finite at the start.

    Examples
    --------
    >>> from graduel.nn import Dense, Network
    >>> from graduel.train import Rows
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2)).astype("float32")
    >>> fit = FullBatch(Network((Dense(2),), (2,)), Rows(X), (X[:, 0] > 0).astype(int),
    ...                 rng=rng, weight_decay=1e-3)
    >>> for epoch in fit.fit_iter():
    ...     pass
    >>> epoch.loss < 0.2, epoch.t, fit.last.end
    (True, 1.0, 'converged')
    """

    def __init__(
        self,
        network: Network,
        rows: Source,
        y: Array,
        *,
        weight: Array | None = None,
        rng: np.random.Generator | None = None,
        weights: Weights | None = None,
        minimizer: Minimizer | None = None,
        weight_decay: float = 0.0,
        steps: int = 200,
        chunk: int = 1024,
    ) -> None:
        y = check_targets(network, rows, y)
        for name, value in (("steps", steps), ("chunk", chunk)):
            if not value > 0:
                raise ValueError(f"{name} must be positive; got {value}")
        if not 0 <= weight_decay < np.inf:
            raise ValueError(f"weight_decay must be at least 0; got {weight_decay}")
        if weights is None:
            if rng is None:
                raise ValueError("initial weights are drawn at random: pass rng=… or weights=…")
            weights = network.init(rng)
        reject_random_layers(network)
        self.network, self.rows, self.y, self.weights = network, rows, y, weights
        self.weight = None if weight is None else row_weights(weight, len(rows))
        self.minimizer = minimizer if minimizer is not None else LBFGS()
        self.weight_decay, self.steps = weight_decay, steps
        self.last: Iteration | None = None
        """The last iteration: number of evaluations so far, and why it ended."""
        size = min(chunk, len(rows))
        self._order = np.arange(len(rows))
        self._size, self._take = size, rows.gather(size)
        self._total = np.empty_like(weights.theta)
        self._scratch = new_scratch(len(self._total), self._total.dtype)
        self._workspace = network.workspace(weights)
        self._call = Call(train=True)

    def objective(self, theta: Array) -> tuple[float, Array]:
        """Return f(θ) and its gradient, a buffer that the next call overwrites."""
        workspace = self._workspace_at(theta)
        size, total = self._size, self._weight_sum(0, len(self.rows))
        loss = 0.0
        self._total.fill(0)
        # An overflow gives a non-finite loss, which the line search rejects.
        with np.errstate(all="ignore"):
            for start in range(0, len(self.rows), size):
                stop = min(start + size, len(self.rows))
                share = self._weight_sum(start, stop) / total
                loss += share * self._chunk_loss(start, stop, workspace)
                assert workspace.gradient is not None
                self._add_to_gradient(share, workspace.gradient, slice(0, len(theta)))
            return loss + self._add_decay(workspace.theta), self._total

    def _workspace_at(self, theta: Array) -> Workspace:
        """Return a workspace for θ: a new one unless θ is the vector in training."""
        if theta is self.weights.theta:
            return self._workspace
        return self.network.workspace(Weights(theta, self.weights.state))

    def _weight_sum(self, start: int, stop: int) -> float:
        return stop - start if self.weight is None else float(self.weight[start:stop].sum())

    def _chunk_loss(self, start: int, stop: int, workspace: Workspace) -> float:
        """Return the mean loss of a chunk of rows; leave its gradient in the workspace."""
        x = self._take(self._order[start:stop])
        weight = None if self.weight is None else self.weight[start:stop]
        return self.network.loss_and_gradient(x, self.y[start:stop], workspace, self._call, weight)

    def _add_to_gradient(self, factor: float, vector: Array, role: slice) -> None:
        """Add `factor` times a slice of a vector to the gradient."""
        source, target = vector[role], self._total[role]
        for part, scratch in chunks(len(source), self._scratch):
            target[part] += np.multiply(source[part], factor, out=scratch)

    def _add_decay(self, theta: Array) -> float:
        """Add λ W to the gradient; return λ/2 ‖W‖²."""
        role = self.network.layout.roles.get("weight", slice(0, 0))
        if not self.weight_decay:
            return 0.0
        self._add_to_gradient(self.weight_decay, theta, role)
        W = theta[role]
        squares = sum(float(np.dot(W[part], W[part])) for part, _ in chunks(len(W), self._scratch))
        return self.weight_decay / 2 * squares

    def fit_iter(self) -> Iterator[Epoch]:
        """Train, yielding after every iteration with θ at the accepted point."""
        for iteration in self.minimizer.minimize(self.objective, self.weights.theta, self.steps):
            self.last = iteration
            if not np.isfinite(iteration.loss):
                raise DivergedError(
                    f"the loss is {iteration.loss} after {iteration.step} steps: the rows or the "
                    "initial weights contain numbers that are too large or NaN. Scale the rows"
                )
            yield Epoch(
                iteration.step,
                iteration.step,
                1.0 if iteration.end else iteration.step / self.steps,
                iteration.loss,
            )

    def fit(self) -> Weights:
        """Train until it converges or `steps` is reached; return the weights."""
        for _ in self.fit_iter():
            pass
        return self.weights


def reject_random_layers(network: Network) -> None:
    """Raise `ValueError` if the loss is random or depends on how rows are divided into batches."""
    reasons = {
        "deterministic": "draws random numbers in training",
        "row_wise": "mixes the rows of a batch",
    }
    for flag, reason in reasons.items():
        culprits = [_culprit(node, flag) for node in network.nodes]
        if not getattr(network.loss, flag):
            culprits.append(f"the loss {type(network.loss).__name__}")
        for culprit in filter(None, culprits):
            raise ValueError(
                f"a minimizer requires a loss that depends on θ only; {culprit} {reason}. Leave it "
                "out, or train by mini-batches with Fit"
            )


def _culprit(node: Node, flag: str) -> str:
    """Return the innermost layer that lacks a property, or ""; dropout of rate 0 has it."""
    if getattr(node.layer, flag) or getattr(node.layer, "rate", None) == 0:
        return ""
    if all(getattr(kid.layer, flag) for kid in node.kids):
        return f"layer {node.name} ({type(node.layer).__name__})"
    return next(filter(None, (_culprit(kid, flag) for kid in node.kids)), "")
