"""The job of a parallel training: plain data and a folder with the prepared rows.

``train_worker`` of the module of that name runs one worker of it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np

from graduel.atomic_io import atomic_path
from graduel.contenders.contender import Array
from graduel.errors import UserError
from graduel.metrics.metric import get_metric, log_loss

FAMILIES = ("net", "xgboost")
"""The families that can be trained by several workers."""
Emit = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class TrainJob:
    """All that a worker needs.

    Attributes
    ----------
    family : a name of :data:`FAMILIES`
    recipe : the recipe of the family, as plain data
    metric : the leading metric
    folder : the folder of the prepared rows, see :func:`write_rows`; all workers can read it
    n_classes : number of classes
    rng_state : state of the PCG64 generator that all random numbers are drawn from
    checkpoint : file of the last checkpoint; worker 0 writes it
    checkpoint_every : steps between checkpoints within an epoch; 0: only after every epoch
    image : shape (height, width, channels) of a row, where rows are images
    preparation : the preparation of a table as plain data; None for other data
    breaks_ties : whether equal metrics are compared by log loss, as on tables
    threads : threads of each worker
    key : digest of everything that decides the numbers, see :meth:`with_key`
    """

    family: str
    recipe: dict[str, Any]
    metric: str
    folder: str
    n_classes: int
    rng_state: dict[str, Any]
    checkpoint: str
    checkpoint_every: int = 0
    image: tuple[int, int, int] | None = None
    preparation: Any = None
    breaks_ties: bool = False
    threads: int = 1
    key: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    """Further values that the family needs."""

    def rng(self) -> np.random.Generator:
        """Return a new generator with the state of the job's."""
        rng = np.random.default_rng(0)
        rng.bit_generator.state = self.rng_state
        return rng

    def rows(self, name: str) -> Array:
        """Return an array of the folder, mapped into memory: workers of a machine share it."""
        return np.asarray(np.load(Path(self.folder) / f"{name}.npy", mmap_mode="c"))

    def losses(self, p: Array, y: Array) -> tuple[float, ...]:
        """Return what the best epoch is selected by: the metric's loss, and log loss for ties."""
        return get_metric(self.metric).loss(p, y), log_loss(p, y) if self.breaks_ties else 0.0

    def with_key(self) -> TrainJob:
        """Return the job with a digest of all that decides the numbers, workers aside."""
        texts = [self.family, self.recipe, self.metric, self.n_classes, self.rng_state, self.image]
        digest = sha256(repr((*texts, self.breaks_ties, self.options)).encode())
        for path in sorted(Path(self.folder).iterdir()):
            with path.open("rb") as file:
                digest.update(f"{path.name} {file_digest(file, 'sha256').hexdigest()}".encode())
        return replace(self, key=digest.hexdigest())


def write_rows(folder: Path, **arrays: Array) -> None:
    """Write the prepared rows of a job: ``X``, ``y``, ``valid_X`` and ``valid_y``, once for all."""
    for name, array in arrays.items():
        with atomic_path(folder / f"{name}.npy") as path, path.open("xb") as file:
            np.save(file, np.ascontiguousarray(array), allow_pickle=False)


def check_family(family: str, contender: str) -> None:
    """Raise `UserError` unless several workers can train this family."""
    if family not in FAMILIES:
        raise UserError(
            f"--workers: expected a contender of the family {' or '.join(FAMILIES)}; got "
            f"{contender}, which trains in one process. Leave --workers out"
        )


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, if there is one."""
    with suppress(FileNotFoundError):
        path.unlink()
