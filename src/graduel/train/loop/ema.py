"""Exponential moving average of the weights (EMA), with recomputed batch statistics."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from graduel import kernels
from graduel.nn.network import Network
from graduel.nn.weights import Weights
from graduel.nn.workspace import Call
from graduel.optim.chunking import new_scratch
from graduel.train.loop.batches import Source, iter_batches
from graduel.train.loop.fit import Epoch, Fit, Step, iter_epochs
from graduel.train.loop.parallel import Array, DataParallel


class WeightAverage:
    """Exponential moving average (EMA) of the weights: a ← a + (1 − d)(θ − a) after each step.

    With `warm`, d = min(decay, (1 + step) / (10 + step)), where `step` counts the updates before
    this one, so that the random initial weights soon lose their influence. While the learning rate
    is high, the average often predicts better than θ itself. Call it in the training loop::

        average = WeightAverage(fit.weights)
        for step in fit.fit_steps():
            average.update()
        weights = average.weights(fit.network, fit.rows, rng=rng)

    Source: Polyak and Juditsky 1992; the warm decay is TensorFlow's ``ExponentialMovingAverage``.

    Parameters
    ----------
    weights : the weights in training, such as ``fit.weights``; not modified
    decay : d, in [0, 1)
    warm : start with a smaller d

    Raises
    ------
    ValueError
        If `decay` is out of range.

    Examples
    --------
    >>> weights = Weights(np.array([0.0]), np.array([]))
    >>> average = WeightAverage(weights, decay=0.9, warm=False)
    >>> weights.theta += 1.0
    >>> for _ in range(2):
    ...     average.update()
    >>> average.theta.round(3)
    array([0.19])
    """

    __slots__ = ("_scratch", "_weights", "decay", "step", "theta", "warm")

    def __init__(self, weights: Weights, decay: float = 0.999, *, warm: bool = True) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay must be at least 0 and below 1; got {decay}")
        self.decay, self.warm, self.step = decay, warm, 0
        self.theta = weights.theta.copy()
        self._weights = weights
        self._scratch = new_scratch(len(self.theta), self.theta.dtype)

    def update(self) -> None:
        """Move the average toward the current θ."""
        decay = min(self.decay, (1 + self.step) / (10 + self.step)) if self.warm else self.decay
        self.step += 1
        theta = self._weights.theta
        kernels.ema_update(self.theta, theta, 1 - decay, self._scratch)

    def weights(
        self,
        network: Network,
        rows: Source | None = None,
        *,
        rng: np.random.Generator | None = None,
        batch_size: int = 256,
        batches: int = 200,
        parallel: DataParallel | None = None,
    ) -> Weights:
        """Return new weights: the averaged θ, and a state recomputed for it.

        The running means of training belong to the weights in training, so that
        :func:`recompute_state` computes new ones. A network without state needs no `rows` and
        `rng`.

        Raises
        ------
        ValueError
            If the network has a state and `rows` or `rng` is missing.
        """
        weights = Weights(self.theta.copy(), self._weights.state.copy())
        if network.state_layout.size:
            if rows is None or rng is None:
                raise ValueError(
                    f"the state of this network ({network.state_layout.entries[0].name}, …) must "
                    "be recomputed for averaged weights: pass the training rows and rng=…"
                )
            recompute_state(
                network,
                weights,
                rows,
                rng=rng,
                batch_size=batch_size,
                batches=batches,
                parallel=parallel,
                purpose=self.step,
            )
        return weights


def iter_averaged_epochs(fit: Fit, average: WeightAverage) -> Iterator[Epoch]:
    """Yield the epochs of a fit, updating the average after each step."""

    def steps() -> Iterator[Step]:
        for step in fit.fit_steps():
            average.update()
            yield step

    return iter_epochs(steps(), len(fit.rows), fit.started_epoch())


def recompute_state(
    network: Network,
    weights: Weights,
    rows: Source,
    *,
    rng: np.random.Generator,
    batch_size: int = 256,
    batches: int = 200,
    parallel: DataParallel | None = None,
    purpose: int = 1,
) -> None:
    """Recompute the state (running means, …) for the current θ, in place.

    Batches go forward in training mode, dropout included, and each layer updates its own state as
    in training, while θ does not change. The first half of the batches lets the old state fade (at
    a momentum of 0.1 its share is then 0.9¹⁰⁰ = 3·10⁻⁵). The new state is the mean of the states
    after each batch of the second half, which is far less noisy than the last state. Incomplete
    batches are skipped. A network without state is left unchanged.

    Parameters
    ----------
    network, weights : the state of `weights` is overwritten
    rows : training rows
    rng : random numbers for the order of rows and dropout
    batch_size : rows per batch, preferably that of the training
    batches : number of batches, at least 2, over as many epochs as needed
    parallel : the workers that divide each batch, if several do
    purpose : distinguishes the random numbers of the workers from those of other calls, at least 1

    Raises
    ------
    ValueError
        If a size is too small.

    Examples
    --------
    >>> from graduel.nn import BatchNorm
    >>> from graduel.train import Rows
    >>> rng = np.random.default_rng(0)
    >>> net, rows = Network((BatchNorm(),), (1,)), Rows(np.array([[1.0], [3.0]]))
    >>> weights = net.init(rng)
    >>> recompute_state(net, weights, rows, rng=rng)
    >>> weights.state.round(3)  # mean and variance
    array([2., 2.], dtype=float32)
    """
    if batches < 2 or batch_size < 1 or len(rows) == 0:
        raise ValueError(
            "expected at least 2 batches, a batch size of at least 1, and at least 1 row; "
            f"got batches={batches}, batch_size={batch_size}, {len(rows)} rows"
        )
    if not network.state_layout.size:
        return
    workspace = network.workspace(weights, gradient=False)
    call, size = Call(train=True, rng=rng, t=1.0), min(batch_size, len(rows))
    complete, part = len(rows), None
    if parallel is not None:
        call, complete = parallel.call(t=1.0), len(rows) // size * size

        def part(index: Array) -> Array:
            return parallel.begin_step(done, index, purpose)

    total, done = np.zeros(len(weights.state)), 0
    while done < batches:
        for x, _ in iter_batches(rows, size, rng.permutation(len(rows))[:complete], part):
            if (parallel is None and len(x) < size) or done == batches:
                break
            network.forward(x, workspace, call)
            done += 1
            if done > batches // 2:
                total += weights.state
    weights.state[...] = total / (batches - batches // 2)
