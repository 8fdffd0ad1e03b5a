"""One worker of the textbook network's training: gradient descent on its share of the rows.

With the rows i of all m divided among the workers r, the gradient of the mean is
Σᵣ mᵣ / m · dWᵣ, so the steps are those of one process.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from graduel.contenders.contender import Array
from graduel.contenders.fit_job import Clock
from graduel.contenders.textbook import CHECKPOINTS, TextbookRecipe, to_columns
from graduel.contenders.workers.train_job import Emit, TrainJob, Wait, check_key
from graduel.nn import textbook
from graduel.serialize import from_plain
from graduel.train.io.checkpoint_file import load_checkpoint, save_checkpoint
from graduel.train.loop.parallel import Collective, DataParallel


def train_textbook(
    job: TrainJob, collective: Collective, emit: Emit, wait: Wait, clock: Clock
) -> None:
    """Take the recipe's steps, from the last checkpoint or the start; worker 0 writes checkpoints.

    There is one at each step that the textbook network evaluates, with an event of the kind
    "epoch". The job is paced.
    """
    assert job.paced
    recipe = from_plain(TextbookRecipe, job.recipe)
    rows, y, steps = job.rows("X"), job.rows("y"), recipe.steps
    start, stop = DataParallel(collective, 0).bounds(len(y))
    X = to_columns(rows[start:stop])
    Y = textbook.one_hot(y[start:stop], job.n_classes).astype(np.float32)
    sizes = (rows.shape[1], *recipe.layers, job.n_classes)
    W, b = textbook.initialize(sizes, job.rng())
    arrays: list[Array] = [one.astype(np.float32) for one in (*W, *b)]
    path, done, before = Path(job.checkpoint), 0, 0.0

    def pause(event: dict[str, Any]) -> bool:
        emit(event)
        stops = wait()
        clock.resume()
        return stops

    if path.exists():
        progress, saved = load_checkpoint(path)
        check_key(path, progress, job.key)
        arrays = [saved[str(i)] for i in range(len(arrays))]
        done, before = progress["event"]["epoch"], progress["event"]["seconds"]
        clock.stop()
        if pause(progress["event"]):
            done = steps
    every = max(1, steps // CHECKPOINTS)
    for step in range(done + 1, steps + 1):
        gradient = sum_gradient(X, Y, arrays, len(y), collective)
        arrays = [one - recipe.rate * d for one, d in zip(arrays, gradient, strict=True)]  # (8)
        if step % every and step < steps:
            continue
        seconds = before + clock.stop()
        event = {"kind": "epoch", "epoch": step, "t": step / steps, "seconds": seconds}
        if not collective.rank:
            named = {str(i): array for i, array in enumerate(arrays)}
            save_checkpoint(path, {"key": job.key, "event": event}, named)
        if pause(event):
            break
    emit({"kind": "end"})


def sum_gradient(
    X: Array, Y: Array, arrays: list[Array], m: int, collective: Collective
) -> list[Array]:
    """Return the gradients by each W and b over the rows of all workers."""
    n = len(arrays) // 2
    W, b = arrays[:n], arrays[n:]
    share = np.float32(X.shape[1] / m)
    if X.shape[1]:
        dW, db = textbook.backward(*textbook.forward(X, W, b), Y, W)
        parts = [share * one for one in (*dW, *db)]
    else:
        parts = [np.zeros_like(one) for one in arrays]
    flat = collective.all_reduce(np.concatenate([one.ravel() for one in parts]))
    ends = np.cumsum([one.size for one in arrays])[:-1]
    split = zip(np.split(flat, ends), arrays, strict=True)
    return [part.reshape(one.shape) for part, one in split]
