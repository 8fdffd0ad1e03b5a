"""The training loop: a generator that yields after every batch.

To stop, ``break``. A progress bar, a time budget or the selection of the best epoch is a loop
over it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import ceil, isfinite
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from graduel import kernels
from graduel.cores import limit_step
from graduel.nn.network import Network
from graduel.nn.weights import Weights
from graduel.nn.workspace import Call
from graduel.optim import AdamW, Constant, Optimizer
from graduel.optim.chunking import new_scratch
from graduel.train.loop.batches import BatchStream, Rows, Source, iter_batches
from graduel.train.loop.parallel import DataParallel
from graduel.train.loop.virtual_adversarial import VirtualAdversarial

Array = NDArray[Any]
Batch = tuple[Array, Array, Array | None]
"""Rows, targets and row weights."""


class DivergedError(ArithmeticError):
    """The loss is not finite."""


@dataclass(frozen=True, slots=True)
class Step:
    """One training step, on one batch."""

    step: int
    """The number of steps so far, including this one."""
    epoch: int
    """The epoch of the step, from 1."""
    t: float
    """The progress of the training after the step, in (0, 1]."""
    loss: float
    """The loss of the batch before the step."""
    n: int
    """The number of rows in the batch."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One completed pass over the rows."""

    epoch: int
    step: int
    t: float
    loss: float
    """The mean of the batch losses, each weighted by its number of rows."""


def check_rows(network: Network, rows: Source | BatchStream) -> None:
    """Raise `ValueError` unless the rows fit the network."""
    if network.input_shape != (rows.n_features,):
        raise ValueError(
            f"the network expects rows of shape {network.input_shape}; "
            f"got rows of shape ({rows.n_features},)"
        )
    if network.dtype != rows.dtype:
        raise ValueError(f"rows must be {network.dtype}, as the network is; got {rows.dtype}")


def check_targets(network: Network, rows: Source, y: Array) -> Array:
    """Return validated targets; integer class codes become ``intp``, which indexes fastest."""
    check_rows(network, rows)
    if len(rows) != len(y) or len(y) == 0:
        raise ValueError(
            f"rows and y must have the same length, at least 1; got {len(rows)} and {len(y)}"
        )
    y = np.asarray(y)
    return y.astype(np.intp) if y.dtype.kind in "biu" else y


def row_weights(weight: Array, n: int) -> Array:
    """Return row weights as float64; raise `ValueError` if one is negative or all are 0."""
    weight = np.asarray(weight, float)
    if weight.shape != (n,) or not (np.isfinite(weight).all() and weight.min() >= 0):
        raise ValueError(
            f"weight must be {n} finite numbers of at least 0, one per row; got shape "
            f"{weight.shape}, minimum {weight.min() if weight.size else 'none'}"
        )
    if not weight.sum() > 0:
        raise ValueError("weight must have a sum above 0; all are 0")
    return weight


def iter_epochs(
    steps: Iterable[Step], n_rows: int, started: tuple[float, int, int] = (0.0, 0, 1)
) -> Iterator[Epoch]:
    """Group steps into epochs of `n_rows` rows.

    `started` holds the sum of losses and the number of rows of the first epoch so far, and its
    number.
    """
    loss, n, done = started
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
    network : the network; can be replaced between steps by one of equal layout
        (``fit.network = dataclasses.replace(fit.network, layers=…)``)
    weights : initial weights, trained in place. Default: drawn from `rng`
    rows, y : the training rows, an array (n, features) or a :class:`Source`, and their class
        codes of shape (n,) or targets, as the loss expects; or a stream of batches, and None.
        uint8 pixels of an array are scaled to 0 to 1
    weight : wᵢ ≥ 0, shape (n,). Default: all 1
    penalty : α. It is added to the gradient and so goes through the optimizer, as scikit-learn's
        ``alpha`` does; decoupled weight decay is a parameter of the optimizer
    smoothness : a penalty that computes loss and gradient of a step, in place of the loss alone
    optimizer : the update rule
    optimizer_state : the optimizer's state after an earlier fit, to continue from
    lr : learning rate
    schedule : t → factor of `lr`, with t in (0, 1) at the middle of each step
    epochs, batch_size : number of epochs, and of rows per step
    rng : source of all random numbers, a generator or a seed: initial weights, then order and
        dropout
    order : function that returns the row indices of the next epoch in order. Default: a
        permutation drawn from `rng`
    parallel : the part of this worker in a training of several, each with the same arguments but
        this one; see ``parallel.py``. Weights are those of worker 0. Each worker has a stream of
        its own rows, or all rows in memory

    Raises
    ------
    ValueError
        If sizes do not match, or a number is not positive.
    DivergedError
        During training, if the loss is not finite.

    Examples
    --------
    >>> from graduel.nn import Dense, Network
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> fit = Fit(Network((Dense(2),), (2,)), X, X[:, 0] > 0, rng=0, lr=0.1, epochs=20)
    >>> for epoch in fit.fit_iter():
    ...     pass
    >>> epoch.epoch, epoch.loss < 0.3
    (20, True)
    """

    def __init__(
        self,
        network: Network,
        rows: Source | BatchStream | Array,
        y: Array | None,
        *,
        rng: np.random.Generator | int,
        weights: Weights | None = None,
        weight: Array | None = None,
        penalty: float = 0.0,
        smoothness: VirtualAdversarial | None = None,
        optimizer: Optimizer | None = None,
        optimizer_state: Any = None,
        lr: float = 1e-3,
        schedule: Callable[[float], float] | None = None,
        epochs: int = 10,
        batch_size: int = 128,
        order: Callable[[], Array] | None = None,
        parallel: DataParallel | None = None,
    ) -> None:
        rng = np.random.default_rng(rng)
        if y is None:
            check_rows(network, cast("BatchStream", rows))
        else:
            if not isinstance(rows, Source):
                rows = Rows.of(np.asarray(rows), network.dtype)
            y = check_targets(network, rows, np.asarray(y))
        sizes: dict[str, Any] = {"lr": lr, "epochs": epochs, "batch_size": batch_size}
        for name, value in sizes.items():
            if not isinstance(value, int | float | np.number) or not value > 0:
                raise ValueError(f"{name} must be positive; got {value!r}")
        if optimizer is not None and not hasattr(optimizer, "update"):
            raise TypeError(f"optimizer must be an object such as AdamW(); got {optimizer!r}")
        if not 0 <= penalty < np.inf:
            raise ValueError(f"penalty must be at least 0; got {penalty}")
        self.rows, self.y, self.rng = rows, y, rng
        self.weight = None if weight is None else row_weights(weight, len(rows))
        self.penalty, self.smoothness = penalty, smoothness
        self.order = order if order is not None else lambda: rng.permutation(len(rows))
        self.weights = weights if weights is not None else network.init(rng)
        self.optimizer = optimizer if optimizer is not None else AdamW()
        self.lr, self.schedule = lr, schedule if schedule is not None else Constant()
        self.epochs, self.batch_size = epochs, min(batch_size, len(rows))
        self.step = 0
        self.parallel = parallel
        if parallel is not None:
            for vector in (self.weights.theta, self.weights.state):
                parallel.collective.broadcast(vector)
        self._resumed = False
        self._epoch_sums = 0.0, 0
        self._epoch_rng: Any = None
        self._network = network
        self._workspace = network.workspace(self.weights)
        self._rule_penalizes = getattr(self.optimizer, "penalizes", False)
        size = network.layout.size if penalty and not self._rule_penalizes else 0
        self._scratch = new_scratch(size, self.weights.theta.dtype)
        self._penalized = network.layout.roles.get("weight", slice(0, 0))
        self.optimizer_state = optimizer_state
        """The state of the optimizer: moments and the step."""
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
                "a network in training can be replaced only by one of equal layout; "
                "got other parameters. Start a new fit for it"
            )
        self._network = network
        self._workspace = network.workspace(self.weights)

    @property
    def total_steps(self) -> int:
        """The number of steps of the training."""
        return self.epochs * self._epoch_steps

    @property
    def _epoch_steps(self) -> int:
        return ceil(len(self.rows) / self.batch_size)

    def started_epoch(self) -> tuple[float, int, int]:
        """Return Σ loss · rows and the rows of the current epoch so far, and its number, from 1."""
        done, inside = divmod(self.step, self._epoch_steps)
        loss, n = self._epoch_sums if inside else (0.0, 0)
        return loss, n, done + 1

    def progress(self) -> dict[str, Any]:
        """Return the progress as plain data: all that a fit needs to resume except its arrays.

        The arrays are the weights and those in `optimizer_state`.
        """
        loss, n, _ = self.started_epoch()
        now = self.rng.bit_generator.state
        states = {"rng": now, "epoch_rng": self._epoch_rng or now}
        return {"step": self.step, "lr": self.lr, "epoch_loss": loss, "epoch_rows": n, **states}

    def resume(self, progress: dict[str, Any]) -> None:
        """Continue from the :meth:`progress` of an equal fit, whose arrays this one has.

        Raises
        ------
        ValueError
            If the rows are a stream, and the progress is not that of a complete epoch.
        """
        if self.y is None and progress["step"] % self._epoch_steps:
            raise ValueError(
                "expected the progress after a complete epoch, as the rows are a stream of "
                f"batches; got that of step {progress['step']} with {self._epoch_steps} steps an "
                "epoch. Resume from the end of an epoch"
            )
        self.step, self.lr = progress["step"], progress["lr"]
        self._epoch_sums = progress["epoch_loss"], progress["epoch_rows"]
        self._epoch_rng = progress["epoch_rng"]
        self.rng.bit_generator.state = progress["rng"]
        self._resumed = True

    def _draw_order(self, skip: int) -> Array:
        """Return the order of the rows of an epoch, without those of its first `skip` steps."""
        now = self.rng.bit_generator.state
        if not skip:
            self._epoch_rng, self._epoch_sums = now, (0.0, 0)
            return self.order()
        self.rng.bit_generator.state = self._epoch_rng
        order = self.order()
        self.rng.bit_generator.state = now
        return order[skip * self.batch_size :]

    def fit_steps(self) -> Iterator[Step]:
        """Train, yielding after every batch."""
        if self.step and not self._resumed:
            raise RuntimeError(
                "this fit has already started: continue its generator, or create a new "
                "Fit(…, weights=…) for more epochs"
            )
        total = self.total_steps
        self._resumed = False
        parallel, call, workers = self.parallel, Call(train=True, rng=self.rng), 1
        if parallel is not None:
            call, workers = parallel.call(), parallel.collective.size
        threads = limit_step(self._network.multiply_adds * self.batch_size / workers)
        for epoch in range(self.step // self._epoch_steps + 1, self.epochs + 1):
            for x, y, weight in self._batches(self.step % self._epoch_steps):
                call.t = self.step / total
                workspace, n = self._workspace, len(y)
                total_weight = float(n) if weight is None else float(weight.sum())
                if parallel is not None:
                    n = parallel.batch_rows
                    total_weight, call.share = parallel.weigh(self._network.loss, y, weight)
                with threads():
                    if self.smoothness is None:
                        loss = self._network.loss_and_gradient(x, y, workspace, call, weight)
                    else:
                        loss = self.smoothness.loss_and_gradient(
                            self._network, x, y, workspace, call, weight
                        )
                    if parallel is not None:
                        loss = parallel.sum_number(loss)
                    if not isfinite(loss):
                        raise DivergedError(
                            f"the loss became {loss} at step {self.step + 1} of {total} "
                            f"(epoch {epoch}); non-finite numbers appear first in "
                            f"{self._first_non_finite(x, call)}: lower the learning rate (now "
                            f"{self.lr:g})"
                        )
                    if parallel is not None:
                        assert workspace.gradient is not None
                        parallel.collective.all_reduce(workspace.gradient)
                    loss += self._update(total_weight, total)
                self.step += 1
                self._epoch_sums = self._epoch_sums[0] + loss * n, self._epoch_sums[1] + n
                yield Step(self.step, epoch, self.step / total, loss, n)

    def _batches(self, skip: int) -> Iterator[Batch]:
        """Yield this worker's part of the batches of an epoch, without the first `skip`."""
        if self.y is None:
            self._epoch_sums, epoch = (0.0, 0), self.step // self._epoch_steps
            stream = cast("BatchStream", self.rows)
            sizes = stream.batch_sizes(self.batch_size)
            batches = stream.epoch_batches(self.batch_size, epoch)
            for (x, y), size in zip(batches, sizes, strict=True):
                if self.parallel is not None:
                    self.parallel.begin_part(self.step, int(size))
                yield x, y, None
            return
        parallel, part = self.parallel, None
        if parallel is not None:

            def part(index: Array) -> Array:
                return parallel.begin_step(self.step, index)

        rows, order = cast("Source", self.rows), self._draw_order(skip)
        for x, index in iter_batches(rows, self.batch_size, order, part):
            yield x, self.y[index], None if self.weight is None else self.weight[index]

    def _update(self, weight: float, steps: int) -> float:
        """Run one optimizer step; return the penalty α/2 ‖W‖² / Σw before the step."""
        theta, gradient = self.weights.theta, self._workspace.gradient
        assert gradient is not None
        penalty = self.penalty / weight if weight else 0.0
        squares = 0.0
        if self._rule_penalizes:
            self.optimizer_state.penalty = penalty
        elif penalty:
            W, dW = theta[self._penalized], gradient[self._penalized]
            squares = kernels.penalize(W, dW, penalty, self._scratch)
        # The middle of the step, so that neither the first nor the last has a rate of 0.
        t = (self.step + 0.5) / steps
        lr = self.lr * self.schedule(t)
        if hasattr(self.optimizer_state, "t"):
            self.optimizer_state.t = t
        self.optimizer.update(theta, gradient, self.optimizer_state, lr)
        return penalty / 2 * (self.optimizer_state.squares if self._rule_penalizes else squares)

    def _first_non_finite(self, x: Array, call: Call) -> str:
        """Return the first layer with a non-finite output, or "the rows" or "the loss"."""
        culprits = [] if np.isfinite(x).all() else ["the rows"]

        def watch(name: str, way: str, array: Array) -> None:
            if not np.isfinite(array).all():
                culprits.append(f"layer {name}")

        # NumPy's overflow warnings would only repeat the error.
        with np.errstate(all="ignore"):
            self._network.forward(x, self._workspace, Call(True, call.rng, call.t, watch))
        return culprits[0] if culprits else "the loss"

    def fit_iter(self) -> Iterator[Epoch]:
        """Train, yielding after every epoch."""
        return iter_epochs(self.fit_steps(), len(self.rows), self.started_epoch())

    def fit(self) -> Weights:
        """Train for all epochs; return the weights."""
        for _ in self.fit_steps():
            pass
        return self.weights
