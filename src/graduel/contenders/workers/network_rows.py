"""The rows of a network's training by several workers, and the training that predicts with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from graduel.contenders.contender import LabelledRows
from graduel.contenders.net import start_training
from graduel.contenders.prepared_table import PreparedTable
from graduel.contenders.workers.train_job import write_rows
from graduel.train.loop.training import Training
from graduel.train.recipes import NetRecipe


class NetworkRows(NamedTuple):
    """What the parent of the workers has.

    Attributes
    ----------
    prepare : the preparation of raw rows
    training : a training that is not started; it predicts with the workers' weights
    preparation : the preparation as plain data, for the job; None if rows are not of a table
    """

    prepare: PreparedTable
    training: Training
    preparation: Any


def prepare_network(
    recipe: NetRecipe,
    train: LabelledRows,
    valid: LabelledRows,
    rng: np.random.Generator,
    folder: Path,
) -> NetworkRows:
    """Fit the preparation and write the prepared rows of a job to its folder.

    `rng` is used up; a job needs the state that it has before.
    """
    prepare, training = start_training(recipe, train, rng)
    write_rows(folder, X=training.rows.X, y=train.y, valid_X=prepare(valid.X), valid_y=valid.y)
    preparation = prepare.preparation
    return NetworkRows(prepare, training, None if preparation is None else preparation.to_spec())
