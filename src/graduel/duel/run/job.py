"""A cell as a message: the job goes to whoever runs it, the result comes back as bytes.

Both are self-contained, so that a job may be run in this process, in another one, or on another
machine that sees the data's folder. Messages are msgpack, arrays within them NumPy's own format;
nothing is unpickled but the user's estimator, which its own process has pickled.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from graduel import kernels
from graduel.contenders import Progress
from graduel.contenders.search.trials import Trial
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.result.outcome import Curve
from graduel.duel.store.cell_files import pack_outcome, to_npy

Message = TypeVar("Message")


@dataclass(frozen=True, slots=True, eq=False)
class CellJob:
    """All that is needed to run one cell.

    Attributes
    ----------
    protocol : the duel; it holds the contender's family and recipe
    cell : the contender and the number of the run
    split : the rows of this run
    data_folder : the run's folder, in which the store finds the data
    estimator : the user's own contender, pickled
    module_paths : where modules are looked for that the user's estimator needs
    curve : the points of a tuning that is resumed
    trials : its finished trials
    """

    protocol: Protocol
    cell: Cell
    split: Split
    data_folder: str
    estimator: bytes | None = None
    module_paths: tuple[str, ...] = ()
    curve: Curve = field(default_factory=list)
    trials: tuple[Trial, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class CellResult:
    """A finished cell: the content of each file of its folder, by name."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """Something happened to a cell.

    Attributes
    ----------
    cell : the cell
    kind : "reused" (finished by an earlier command), "started", "compiling" (kernels, for the first
        time on this machine), "progress", "curve" and "trial" (of a tuning: all points so far, and
        a trial that is finished), "finished" or "failed"
    message : the reason of a failure
    died : whether the process failed rather than the fit
    """

    cell: Cell
    kind: Literal[
        "reused", "started", "compiling", "progress", "curve", "trial", "finished", "failed"
    ]
    progress: Progress | None = None
    curve: Curve | None = None
    trial: Trial | None = None
    result: CellResult | None = None
    message: str = ""
    died: bool = False


def to_message(value: Any) -> bytes:
    """Return a job or an event as bytes."""
    import msgspec

    return msgspec.msgpack.encode(value, enc_hook=_to_npy)


def from_message(kind: type[Message], content: bytes) -> Message:
    """Return the job or the event that bytes of :func:`to_message` describe."""
    import msgspec

    return msgspec.msgpack.decode(content, type=kind, dec_hook=_from_npy)


def _to_npy(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else to_npy(value)


def _from_npy(_: Any, content: bytes) -> NDArray[Any]:
    return np.asarray(np.load(BytesIO(content), allow_pickle=False))


def run_job(job: CellJob, emit: Callable[[Event], None]) -> None:
    """Run one cell in this process; emit its progress, its tuning's trials, and its result.

    Raises
    ------
    UserError, OSError, ArithmeticError, MemoryError
        If the cell cannot be run.
    """
    from graduel.contenders import Budget
    from graduel.duel.run.cell import build_contender, run_cell
    from graduel.duel.store.store import Store

    protocol, cell = job.protocol, job.cell
    # Last, so that they hide no module that is installed.
    sys.path.extend(entry for entry in job.module_paths if entry not in sys.path)
    dataset = Store(Path(job.data_folder), protocol).dataset()
    trials = EmittedTrials(job.trials, lambda trial: emit(Event(cell, "trial", trial=trial)))
    contender = build_contender(protocol, cell, trials, job.estimator, image=not dataset.columns)

    def keep(curve: Curve) -> None:
        if protocol.is_tuned:
            emit(Event(cell, "curve", curve=curve))

    with kernels.announce(lambda: emit(Event(cell, "compiling"))):
        outcome, fitted = run_cell(
            contender,
            dataset,
            job.split,
            cell,
            Budget(protocol.threads),
            lambda progress: emit(Event(cell, "progress", progress)),
            list(job.curve),
            keep,
        )
    emit(Event(cell, "finished", result=_pack_result(job, dataset, outcome, fitted)))


def _pack_result(job: CellJob, dataset: Any, outcome: Any, fitted: Any) -> CellResult:
    """Probe the fitted model, and pack it with its outcome.

    What that needs is imported here, so that it is no part of the memory of the fit.
    """
    from tempfile import TemporaryDirectory

    from graduel.contenders import get_family
    from graduel.data.schema import Schema
    from graduel.duel.run.probes import run_probes
    from graduel.models.model_file import save_model

    protocol, cell = job.protocol, job.cell
    if protocol.probes and not protocol.varies:
        probes = run_probes(fitted, dataset, job.split.test, cell.seed)
        outcome = replace(outcome, probes=probes)
    saved = None
    if protocol.design.kind != "folds":  # nobody uses the model of one fold
        spec = protocol.contenders[cell.contender]
        model = get_family(spec["family"]).to_model(fitted, Schema.of(dataset), spec["title"])
        if model is not None:
            with TemporaryDirectory(prefix="graduel-") as folder:
                save_model(Path(folder) / "model", model)
                saved = (Path(folder) / "model").read_bytes()
    return CellResult(pack_outcome(outcome, saved))


class EmittedTrials:
    """The trial log of a job: earlier trials came with it, finished ones are emitted."""

    def __init__(self, trials: tuple[Trial, ...], emit: Callable[[Trial], None]) -> None:
        self._trials, self._emit = [_with_tuples(trial) for trial in trials], emit

    def read(self, space: Any) -> list[Trial]:
        """Return the finished trials, in order."""
        return list(self._trials)

    def add(self, trial: Trial, space: Any) -> None:
        """Emit a finished trial."""
        self._trials.append(trial)
        self._emit(trial)


def _with_tuples(trial: Trial) -> Trial:
    """Return a trial with the tuples that a message makes lists of."""
    params = {k: tuple(v) if isinstance(v, list) else v for k, v in trial.params.items()}
    return replace(trial, params=params)
