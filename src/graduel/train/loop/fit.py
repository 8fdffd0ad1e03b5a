"""The training loop: a generator that yields after every batch.

Stopping is ``break``; a progress bar, a stream to a page, a time budget or a choice of the best
epoch is a loop over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.nn.network import Network
from graduel.nn.weights import Weights
from graduel.nn.workspace import Call
from graduel.optim import AdamW, Constant, Optimizer
from graduel.optim.chunking import chunks, new_scratch
from graduel.train.loop.batches import Source, iter_batches

Array = NDArray[Any]


class DivergedError(ArithmeticError):
    """The loss is no longer a finite number."""


@dataclass(frozen=True, slots=True)
class Step:
    """One training step, on one batch."""

    step: int
    """Steps so far, this one included."""
    epoch: int
    """The epoch that the step belongs to, from 1."""
    t: float
    """Progress of the whole training after the step, in (0, 1]."""
    loss: float
    """The batch's loss before the step."""
    n: int
    """Rows in the batch."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One completed pass over the rows."""

    epoch: int
    step: int
    t: float
    loss: float
    """The mean of the epoch's batch losses, each weighted by its rows."""


def check_targets(network: Network, rows: Source, y: Array) -> Array:
    """Return targets that fit rows and network, class codes as the integers that index fastest."""
    if network.input_shape != (rows.n_features,):
        raise ValueError(
            f"the network expects rows of shape {network.input_shape}; "
            f"got rows of shape ({rows.n_features},)"
        )
    if len(rows) != len(y) or len(y) == 0:
        raise ValueError(
            f"rows and y must be equally many, at least one; got {len(rows)} and {len(y)}"
        )
    if network.dtype != rows.dtype:
        raise ValueError(f"the network computes in {network.dtype}; rows are {rows.dtype}")
    y = np.asarray(y)
    return y.astype(np.intp) if y.dtype.kind in "biu" else y


def row_weights(weight: Array, n: int) -> Array:
    """Return row weights as float64; raise ValueError unless all are at least 0, one is above 0."""
    weight = np.asarray(weight, float)
    if weight.shape != (n,) or not (np.isfinite(weight).all() and weight.min() >= 0):
        raise ValueError(
            f"weight must be {n} finite numbers of at least 0, one a row; got shape "
            f"{weight.shape}, lowest {weight.min() if weight.size else 'none'}"
        )
    if not weight.sum() > 0:
        raise ValueError("weight must have a sum above 0; all are 0")
    return weight


def iter_epochs(steps: Iterable[Step], n_rows: int) -> Iterator[Epoch]:
    """Group steps into epochs of `n_rows` rows; `steps` may do more between them."""
    loss, n, done = 0.0, 0, 1
    for step in steps:
        loss, n = loss + step.loss * step.n, n + step.n
        if n == n_rows:
            yield Epoch(done, step.step, step.t, loss / n)
            loss, n, done = 0.0, 0, done + 1


class Fit:
    """Training of one network: ``for step in fit.fit_steps(): …``.

    The loss of a batch is

        Σᵢ wᵢ ℓᵢ / Σᵢ wᵢ + α/2 ‖W‖² / Σᵢ wᵢ,   W all of the role "weight"

    Parameters
    ----------
    network : what is trained; may be replaced between steps by one of equal layout
        (``fit.network = dataclasses.replace(fit.network, layers=…)``)
    weights : where it begins; trained in place. Default: drawn from `rng`
    rows, y : the examples, and what the loss takes: class codes of shape (n,), or targets
    weight : wᵢ ≥ 0, shape (n,). Default: all 1
    penalty : α. It goes into the gradient, and so through the optimizer, as scikit-learn's
        ``alpha`` does; decoupled weight decay is the optimizer's
    optimizer : the update rule
    optimizer_state : the optimizer's state after an earlier fit, to continue from
    lr : learning rate
    schedule : t → factor of `lr`, t in (0, 1), taken halfway through each step
    epochs, batch_size : how long, and how many rows a step
    rng : all randomness comes from it: first weights, then order and dropout
    order : returns the order of the next epoch's rows, their numbers. Default: a permutation
        drawn from `rng`

    Raises
    ------
    ValueError
        If sizes do not fit, or a number is not positive.
    DivergedError
        While stepping, when the loss is not finite.

    Examples
    --------
    >>> from graduel.nn import Dense, Network
    >>> from graduel.train import Rows
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 2)).astype("float32")
    >>> fit = Fit(Network((Dense(2),), (2,)), Rows(X), (X[:, 0] > 0).astype(int),
    ...           rng=rng, lr=0.1, epochs=20)
    >>> for epoch in fit.fit_iter():
    ...     pass
    >>> epoch.epoch, epoch.loss < 0.3
    (20, True)
    """

    def __init__(
        self,
        network: Network,
        rows: Source,
        y: Array,
        *,
        rng: np.random.Generator,
        weights: Weights | None = None,
        weight: Array | None = None,
        penalty: float = 0.0,
        optimizer: Optimizer | None = None,
        optimizer_state: Any = None,
        lr: float = 1e-3,
        schedule: Callable[[float], float] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        order: Callable[[], Array] | None = None,
    ) -> None:
        y = check_targets(network, rows, y)
        for name, value in (("lr", lr), ("epochs", epochs), ("batch_size", batch_size)):
            if not value > 0:
                raise ValueError(f"{name} must be positive; got {value}")
        if not 0 <= penalty < np.inf:
            raise ValueError(f"penalty must be at least 0; got {penalty}")
        self.rows, self.y, self.rng = rows, y, rng
        self.weight = None if weight is None else row_weights(weight, len(rows))
        self.penalty = penalty
        self.order = order if order is not None else lambda: rng.permutation(len(rows))
        self.weights = weights if weights is not None else network.init(rng)
        self.optimizer = optimizer if optimizer is not None else AdamW()
        self.lr, self.schedule = lr, schedule if schedule is not None else Constant()
        self.epochs, self.batch_size = epochs, min(batch_size, len(rows))
        self.step = 0
        self._network = network
        self._workspace = network.workspace(self.weights)
        self._rule_penalizes = getattr(self.optimizer, "penalizes", False)
        size = network.layout.size if penalty and not self._rule_penalizes else 0
        self._scratch = new_scratch(size, self.weights.theta.dtype)
        self._penalized = network.layout.roles.get("weight", slice(0, 0))
        self.optimizer_state = optimizer_state
        """The state of the optimizer: moments, the step."""
        if optimizer_state is None:
            self.optimizer_state = self.optimizer.init(network.layout, self.weights.theta.dtype)

    @property
    def network(self) -> Network:
        """The network in training."""
        return self._network

    @network.setter
    def network(self, network: Network) -> None:
        same = (network.layout, network.state_layout, network.input_shape, network.dtype)
        old = self._network
        if same != (old.layout, old.state_layout, old.input_shape, old.dtype):
            raise ValueError(
                "a network can be replaced in mid-training only by one of equal layout; "
                "got other parameters. Begin a new fit for it"
            )
        self._network = network
        self._workspace = network.workspace(self.weights)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        return self.epochs * ceil(len(self.rows) / self.batch_size)

    def fit_steps(self) -> Iterator[Step]:
        """Train, yielding after every batch."""
        if self.step:
            raise RuntimeError(
                "this fit has begun: go on with the generator that it began with, "
                "or make a new Fit(…, weights=…) for more epochs"
            )
        total = self.total_steps
        call = Call(train=True, rng=self.rng)
        for epoch in range(1, self.epochs + 1):
            for x, index in iter_batches(self.rows, self.batch_size, self.order()):
                call.t = self.step / total
                workspace = self._workspace
                weight = None if self.weight is None else self.weight[index]
                loss = self._network.loss_and_gradient(x, self.y[index], workspace, call, weight)
                if not isfinite(loss):
                    raise DivergedError(
                        f"the loss became {loss} at step {self.step + 1} of {total} "
                        f"(epoch {epoch}), first of all in {self._first_non_finite(x, call)}: "
                        f"lower the learning rate (now {self.lr:g})"
                    )
                loss += self._update(len(index) if weight is None else float(weight.sum()), total)
                self.step += 1
                yield Step(self.step, epoch, self.step / total, loss, len(index))

    def _update(self, weight: float, steps: int) -> float:
        """Run one step of the optimizer; return the penalty α/2 ‖W‖² / Σw at the θ before it."""
        theta, gradient = self.weights.theta, self._workspace.gradient
        assert gradient is not None
        penalty = self.penalty / weight if weight else 0.0
        squares = 0.0
        if self._rule_penalizes:
            self.optimizer_state.penalty = penalty
        elif penalty:
            squares = self._penalize(penalty, theta[self._penalized], gradient[self._penalized])
        # Halfway through the step, so that neither the first nor the last is of size 0.
        t = (self.step + 0.5) / steps
        lr = self.lr * self.schedule(t)
        if hasattr(self.optimizer_state, "t"):
            self.optimizer_state.t = t
        self.optimizer.update(theta, gradient, self.optimizer_state, lr)
        return penalty / 2 * (self.optimizer_state.squares if self._rule_penalizes else squares)

    def _penalize(self, penalty: float, W: Array, dW: Array) -> float:
        """Add λ W to the gradient, for a rule that does not itself; return ‖W‖²."""
        squares = 0.0
        for part, scratch in chunks(len(W), self._scratch):
            squares += float(np.dot(W[part], W[part]))
            dW[part] += np.multiply(W[part], penalty, out=scratch)
        return squares

    def _first_non_finite(self, x: Array, call: Call) -> str:
        """Return the name of the first layer whose output is not finite."""
        places = [] if np.isfinite(x).all() else ["the rows"]

        def watch(name: str, way: str, array: Array) -> None:
            if not np.isfinite(array).all():
                places.append(f"layer {name}")

        # Python's own overflow warnings would say the same less clearly.
        with np.errstate(all="ignore"):
            self._network.forward(x, self._workspace, Call(True, call.rng, call.t, watch))
        return places[0] if places else "the loss"

    def fit_iter(self) -> Iterator[Epoch]:
        """Train, yielding after every epoch."""
        return iter_epochs(self.fit_steps(), len(self.rows))

    def fit(self) -> Weights:
        """Train to the end."""
        for _ in self.fit_steps():
            pass
        return self.weights
