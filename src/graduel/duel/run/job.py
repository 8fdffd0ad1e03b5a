"""Messages between parent and worker: the job of a cell, and its events with the result.

Both are self-contained, so a job can run in this process, in another one, or on another machine
that can read the data folder. Messages are msgpack with arrays in NumPy's format. Only the user's
estimator is unpickled; it was pickled by the parent process.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
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
class Team:
    """The workers of a cluster that share the fits of a cell with the one that runs it.

    Attributes
    ----------
    scheduler : the address of the scheduler
    places : the addresses of the other workers
    tls : the files of a TLS connection on the machine of the cell
    """

    scheduler: str
    places: tuple[str, ...]
    tls: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class CellJob:
    """Everything needed to run one cell.

    Attributes
    ----------
    protocol : the protocol of the duel, with the contender's family and recipe
    cell : the contender and the number of the run
    split : the rows of this run
    data_folder : the run's folder, from which the data are loaded
    estimator : the user's own contender, pickled
    module_paths : folders to search for modules of the user's estimator
    curve : curve points of an interrupted hyperparameter search
    trials : its finished trials
    attempt : 1, and one more each time the cell is started again because its machine was lost
    retries : how often the worker processes of a fit are started again because one died
    team : the workers of a cluster on which these processes run; None: the machine of the cell
    """

    protocol: Protocol
    cell: Cell
    split: Split
    data_folder: str
    estimator: bytes | None = None
    module_paths: tuple[str, ...] = ()
    curve: Curve = field(default_factory=list)
    trials: tuple[Trial, ...] = ()
    attempt: int = 1
    retries: int = 2
    team: Team | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CellResult:
    """A finished cell: the content of the files in its folder, by name."""

    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """An event of a cell.

    Attributes
    ----------
    cell : the cell
    kind : "reused" (finished by an earlier command), "started", "compiling" (kernels, for the first
        time on this machine), "progress", "curve" (all points so far, in a hyperparameter search),
        "trial" (a finished trial), "retried" (its worker is lost; it starts again on another one),
        "restarted" (a worker process of its fit died; the fit resumes), "finished" or "failed"
    message : the reason of a failure or of a second attempt
    died : whether the worker process died, instead of reporting an error
    missing_cores : threads of a finished fit that had no free core, on average
    worker : the worker on which a cell has started, if there are several
    """

    cell: Cell
    kind: Literal[
        "reused",
        "started",
        "compiling",
        "progress",
        "curve",
        "trial",
        "retried",
        "restarted",
        "finished",
        "failed",
    ]
    progress: Progress | None = None
    curve: Curve | None = None
    trial: Trial | None = None
    result: CellResult | None = None
    message: str = ""
    died: bool = False
    missing_cores: float = 0.0
    worker: str = ""


def to_message(value: Any) -> bytes:
    """Encode a job or an event as bytes."""
    import msgspec

    return msgspec.msgpack.encode(value, enc_hook=_to_npy)


def from_message(kind: type[Message], content: bytes) -> Message:
    """Decode a job or an event from the bytes of :func:`to_message`."""
    import msgspec

    return msgspec.msgpack.decode(content, type=kind, dec_hook=_from_npy)


def _to_npy(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else to_npy(value)


def _from_npy(_: Any, content: bytes) -> NDArray[Any]:
    return np.asarray(np.load(BytesIO(content), allow_pickle=False))


def run_job(job: CellJob, emit: Callable[[Event], None], launch: Any = None) -> None:
    """Run one cell in this process; emit its progress, trials and result.

    `launch` starts the processes of a fit that several share; by default they run here.

    Raises
    ------
    UserError, OSError, ArithmeticError, MemoryError
        If the cell cannot be run.
    """
    from graduel.contenders import Budget
    from graduel.duel.run.cell import build_contender, run_cell
    from graduel.duel.store.store import Store

    protocol, cell = job.protocol, job.cell
    # At the end of the path, so that they do not shadow installed modules.
    sys.path.extend(entry for entry in job.module_paths if entry not in sys.path)
    dataset = Store(Path(job.data_folder), protocol).dataset()
    trials = EmittedTrials(job.trials, lambda trial: emit(Event(cell, "trial", trial=trial)))
    restarts: list[str] = []

    def emit_restart(message: str) -> None:
        restarts.append(message)
        emit(Event(cell, "restarted", message=message))

    def emit_curve(curve: Curve) -> None:
        if protocol.is_tuned:
            emit(Event(cell, "curve", curve=curve))

    contender = build_contender(
        protocol,
        cell,
        trials,
        job.estimator,
        image=not dataset.columns,
        retries=job.retries,
        on_restart=emit_restart,
        launch=launch,
    )
    with kernels.announce(lambda: emit(Event(cell, "compiling"))):
        outcome, fitted = run_cell(
            contender,
            dataset,
            job.split,
            cell,
            Budget(protocol.threads),
            lambda progress: emit(Event(cell, "progress", progress)),
            list(job.curve),
            emit_curve,
            has_workers=protocol.is_divided(cell.contender),
        )
    outcome = replace(outcome, attempts=job.attempt + len(restarts))
    result = _pack_result(job, dataset, outcome, fitted)
    emit(Event(cell, "finished", result=result, missing_cores=outcome.missing_cores))


def _pack_result(job: CellJob, dataset: Any, outcome: Any, fitted: Any) -> CellResult:
    """Measure robustness and importance of the fitted model, and pack it with its outcome.

    The imports are local so that they do not count in the memory of the fit.
    """
    from tempfile import TemporaryDirectory

    from graduel.contenders import get_family
    from graduel.data.schema import Schema
    from graduel.duel.run.probes import run_probes
    from graduel.models.library_model import CannotSaveError
    from graduel.models.model_file import save_model
    from graduel.models.prediction_sets import calibrate

    protocol, cell = job.protocol, job.cell
    if protocol.probes and not protocol.varies:
        probes = run_probes(fitted, dataset, job.split.test, cell.seed)
        outcome = replace(outcome, probes=probes)
    saved = None
    if protocol.design.kind != "folds":  # the model of one fold is of no use
        spec = protocol.contenders[cell.contender]
        family = get_family(spec["family"])
        y = dataset.y[job.split.valid]
        schema = calibrate(Schema.of(dataset), outcome.valid_probabilities, y)
        model = family.build_model(fitted, schema, spec["title"])
        if model is not None:
            with TemporaryDirectory(prefix="graduel-") as folder, suppress(CannotSaveError):
                save_model(Path(folder) / "model", model)
                saved = (Path(folder) / "model").read_bytes()
    return CellResult(pack_outcome(outcome, saved))


class EmittedTrials:
    """The trial log inside a worker: holds the job's earlier trials and emits finished ones."""

    def __init__(self, trials: tuple[Trial, ...], emit: Callable[[Trial], None]) -> None:
        self._trials, self._emit = [_with_tuples(trial) for trial in trials], emit

    def read(self, space: Any) -> list[Trial]:
        """Return the finished trials in order."""
        return list(self._trials)

    def add(self, trial: Trial, space: Any) -> None:
        """Emit a finished trial."""
        self._trials.append(trial)
        self._emit(trial)


def _with_tuples(trial: Trial) -> Trial:
    """Restore tuples in a trial's parameters, which messages convert to lists."""
    params = {k: tuple(v) if isinstance(v, list) else v for k, v in trial.params.items()}
    return replace(trial, params=params)
