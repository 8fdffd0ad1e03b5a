"""The job of a parallel training: plain data and a folder with the prepared rows.

``train_worker`` of the module of that name runs one worker of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np

from graduel.atomic_io import atomic_path
from graduel.contenders.contender import Array
from graduel.contenders.sklearn_contender import LIBRARY_METRICS
from graduel.errors import UserError
from graduel.metrics.metric import get_metric, log_loss
from graduel.serialize import to_plain

FAMILIES = ("textbook", "net", "xgboost")
"""The families that can be trained by several workers."""
Emit = Callable[[dict[str, Any]], None]
Wait = Callable[[], bool]
"""Waits for the parent after an epoch or round; returns whether the training ends there."""


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
    paced : whether all workers wait for the parent after every epoch or round, which may evaluate
        the model or end the training; their clock does not run meanwhile
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
    paced: bool = False
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
            f"--workers: expected a contender of the family {', '.join(FAMILIES[:-1])} or "
            f"{FAMILIES[-1]}; got {contender}, which trains in one process. Leave --workers out"
        )


def check_divisible(contender: Any, metric: str) -> None:
    """Raise `UserError` unless several workers can train a contender."""
    check_family(contender.family.name, contender.name)
    reason = explain_one_process(contender.family.name, to_plain(contender.recipe), metric)
    if reason:
        raise UserError(
            f"--workers: expected a fit that can be divided; got {contender.name}, which trains in "
            f"one process: {reason}. Leave --workers out"
        )


def explain_one_process(family: str, recipe: Mapping[str, Any], metric: str) -> str:
    """Return why a contender is trained in one process; "" if several workers can train it.

    >>> explain_one_process("forest", {}, "error"), explain_one_process("net", {}, "error")
    ('its family has no training by several workers', '')
    >>> explain_one_process("xgboost", {}, "auc")
    'XGBoost does not add up auc over workers'
    """
    if family not in FAMILIES:
        return "its family has no training by several workers"
    if get_metric(metric).task == "regression":
        return "several workers train classifiers only, and this target is a number"
    if family == "net" and str(recipe.get("optimizer", "")).startswith("lbfgs"):
        return "optimizer=lbfgs needs all rows in one process"
    if family == "xgboost" and get_metric(metric).name not in LIBRARY_METRICS:
        return f"XGBoost does not add up {get_metric(metric).name} over workers"
    return ""


def check_key(path: Path, progress: dict[str, Any], key: str) -> None:
    """Raise `UserError` unless a checkpoint is of this job."""
    if progress.get("key") != key:
        raise UserError(
            f"{path}: expected a checkpoint of this training, got one of other rows, another "
            "recipe or another seed; delete it to train from the start, or choose another --out"
        )


def remove_checkpoint(path: Path) -> None:
    """Remove a checkpoint, if there is one."""
    with suppress(FileNotFoundError):
        path.unlink()
