"""A training under ``mpirun``: worker 0 prints the losses and a checksum as JSON."""

from __future__ import annotations

import json
import zlib

import numpy as np

from graduel.nn import BatchNorm, Dense, Network, ReLU
from graduel.train import Fit
from graduel.train.loop.collectives import MPICollective
from graduel.train.loop.parallel import Collective, DataParallel


def train(collective: Collective) -> dict:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 6)).astype("float32"), rng.integers(3, size=50)
    net = Network((Dense(8), BatchNorm(), ReLU(), Dense(3)), (6,))
    parallel = DataParallel(collective, 0)
    fit = Fit(net, X, y, rng=1, epochs=2, batch_size=16, parallel=parallel)
    losses = [step.loss for step in fit.fit_steps()]
    parallel.check_equal(fit.weights.theta, fit.weights.state)
    return {"losses": losses, "checksum": zlib.crc32(fit.weights.theta.data)}


if __name__ == "__main__":
    collective = MPICollective()
    result = train(collective)
    if not collective.rank:
        print(json.dumps(result))
