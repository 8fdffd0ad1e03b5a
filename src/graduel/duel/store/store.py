"""The folder of a duel: plan, finished cells, result.

    duel.json                   the protocol, written first; it identifies the folder
    source.json                 the location of user data; data.* is a copy of data in memory
    splits/seed0.npz            row numbers: train, valid, test
    cells/net-seed0/            see :mod:`graduel.duel.store.cell_files`
    tuning/net-seed0.sqlite     finished trials of a hyperparameter search; .json, its curve so far
    cache/                      the loaded data, until every cell is finished
    locks/                      of processes that share the folder, and of the cells that they run
    invocation.json             the command that planned cells to be run later, for the result
    findings.json               findings of the checks, see ``dataset_summary``
    failures.json               why contenders failed in the last run, if any did
    result.json                 the result; report.html beside it

Files and cell folders are written atomically, by the process that holds the lock: that of the
folder, or that of the cell if processes share the folder.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, Literal
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from graduel.atomic_io import atomic_write, atomic_write_folder, remove_unfinished
from graduel.contenders.search.trials import TrialLog
from graduel.data import Dataset, load_dataset
from graduel.data.dataset_cache import is_intact, read_dataset, write_dataset
from graduel.data.source import DataSource
from graduel.data.spec import SourceSpec
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.result.outcome import Curve, Outcome
from graduel.duel.store.cell_files import MODEL, read_outcome
from graduel.duel.store.lock import LOCKS, locked_folder, shared_folder
from graduel.duel.store.lock_file import Holder, LockFile, acquire, is_locked, read_holder
from graduel.duel.store.plan_file import PLAN, claim_plan
from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, to_plain, write_json

SOURCE, CACHE, FAILURES = "source.json", "cache", "failures.json"
FOLDERS = ("cells", "splits", "tuning", CACHE)
DAMAGE = (
    UserError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    BadZipFile,
    zlib.error,
)
"""Exceptions that reading a damaged file can raise."""


class Store:
    """The folder of one duel, locked by this process (see :func:`open_store`).

    `is_shared` means that other processes may run its cells at the same time, each under its lock.
    """

    def __init__(
        self,
        path: Path,
        protocol: Protocol,
        estimators: Mapping[str, bytes] | None = None,
        *,
        is_shared: bool = False,
    ) -> None:
        self.path, self.protocol, self.is_shared = path, protocol, is_shared
        self.estimators = estimators or {}
        self._cells = path / "cells"
        self._dataset: Dataset | None = None
        self.tuning = path / "tuning"

    def dataset(self) -> Dataset:
        """Return the data set of the duel, from its source if the cache is not intact.

        Raises
        ------
        UserError
            If the source has been moved or changed.
        """
        if self._dataset is None:
            try:
                self._dataset = read_dataset(self.path / CACHE)
            except UserError:  # no cache, or a damaged one
                self._dataset = self._load_source()
        return self._dataset

    def cache_dataset(self) -> None:
        """Load the data from their source and write the cache, from which workers read them.

        Built-in data are not cached. If the cache cannot be written (disk full), workers read the
        source instead.

        Raises
        ------
        UserError
            If the source has been moved or changed.
        """
        if self.protocol.source is None:
            return
        self._dataset = self._load_source()
        if not is_intact(self.path / CACHE):
            try:
                write_dataset(self.path / CACHE, self._dataset)
            except OSError:
                self.drop_cache()

    def drop_cache(self) -> None:
        """Delete the cache, so that a finished duel's folder holds no rows of the user's file."""
        shutil.rmtree(self.path / CACHE, ignore_errors=True)

    def _load_source(self) -> Dataset:
        if self.protocol.source is None:
            return load_dataset(self.protocol.dataset)
        spec = SourceSpec.from_dict(self.protocol.source)
        location, root = read_json(self.path / SOURCE), self.path.resolve()
        place, test_place = (
            None if location.get(name) is None else root / location[name]
            for name in ("place", "test_place")
        )
        return DataSource(spec, place, test_place=test_place).load()

    def write_source(self, data: DataSource) -> None:
        """Record the location of the data; save a copy of data in memory."""
        place = None if data.place is None else str(data.place)
        if data.content is not None:
            place = data.spec.file
            atomic_write(self.path / place, data.content)
        location = {"place": place}
        if data.test_place is not None:
            location["test_place"] = str(data.test_place)
        write_json(self.path / SOURCE, location)

    def is_finished(self, cell: Cell) -> bool:
        """Return whether a cell is finished."""
        return (self._cells / cell.key).is_dir()

    def all_finished(self) -> bool:
        """Return whether all cells are finished."""
        return all(self.is_finished(cell) for cell in self.protocol.cells())

    def lock_cell(self, cell: Cell) -> LockFile | None:
        """Lock an unfinished cell of a shared folder; return None if another process runs it."""
        return acquire(self._lock_path(cell))

    def is_running(self, cell: Cell) -> bool:
        """Return whether a process that shares the folder runs a cell."""
        return is_locked(self._lock_path(cell))

    def read_cell_holder(self, cell: Cell) -> Holder | None:
        """Return the process that has locked a cell."""
        return read_holder(self._lock_path(cell))

    def _lock_path(self, cell: Cell) -> Path:
        return self.path / LOCKS / f"cell-{cell.key}"

    def read_cell(self, cell: Cell) -> Outcome:
        """Return a finished cell's outcome.

        Raises
        ------
        UserError
            If its files are damaged.
        """
        folder = self._cells / cell.key
        try:
            rows = self.read_split(cell.seed)
            outcome = read_outcome(folder, len(rows.test), len(rows.valid), self.protocol.task)
            if (outcome.contender, outcome.seed) != (cell.contender, cell.seed):
                raise ValueError(f"it belongs to {outcome.contender}, seed {outcome.seed}")
        except DAMAGE as error:
            raise UserError(
                f"{folder}: expected a finished cell; it is damaged ({_first_line(error)}). "
                "Delete this folder and run the duel again"
            ) from None
        return outcome

    def write_cell(self, cell: Cell, files: Mapping[str, bytes]) -> None:
        """Write the files of a cell, as returned by ``pack_outcome``, atomically."""
        atomic_write_folder(self._cells / cell.key, files)

    def write_failures(self, failures: Mapping[str, str]) -> None:
        """Record why contenders failed, by name, in place of those of an earlier run."""
        path = self.path / FAILURES
        if failures:
            write_json(path, failures)
        else:
            path.unlink(missing_ok=True)

    def read_failures(self) -> dict[str, str]:
        """Return why contenders failed in the last run, by name."""
        path = self.path / FAILURES
        return from_plain(dict[str, str], read_json(path), str(path)) if path.exists() else {}

    def trial_log(self, cell: Cell) -> TrialLog:
        """Return the trial log of a cell's hyperparameter search."""
        return TrialLog(self.tuning / f"{cell.key}.sqlite")

    def read_curve(self, cell: Cell) -> Curve:
        """Return the curve points of an unfinished search; empty if it has not started."""
        path = self.tuning / f"{cell.key}.json"
        return from_plain(Curve, read_json(path), str(path)) if path.exists() else []

    def write_curve(self, cell: Cell, curve: Curve) -> None:
        """Write the curve points of an unfinished search."""
        write_json(self.tuning / f"{cell.key}.json", curve)

    def model_path(self, cell: Cell) -> Path:
        """Return the path of a finished cell's model, which exists if the model was saved."""
        return self._cells / cell.key / MODEL

    def remove_unfinished(self) -> None:
        """Remove partially written files of killed processes."""
        self._cells.mkdir(exist_ok=True)
        for folder in (self.path, *(self.path / name for name in FOLDERS)):
            remove_unfinished(folder)

    def _split_path(self, run: int) -> Path:
        return self.path / "splits" / f"seed{run}.npz"

    def has_split(self, run: int) -> bool:
        """Return whether the rows of a run have been written."""
        return self._split_path(run).exists()

    def write_split(
        self,
        run: int,
        split: Split,
        truth: NDArray[np.integer] | None = None,
        valid_truth: NDArray[np.integer] | None = None,
        places: NDArray[np.integer] | None = None,
    ) -> None:
        """Write the rows of a run.

        For user data, the true classes of the test and validation rows are saved too, and the row
        numbers of the test rows in the user's file, so that a finished duel can be read without its
        data.
        """
        labels = {"truth": truth, "valid_truth": valid_truth, "places": places}
        more: dict[str, Any] = {k: v for k, v in labels.items() if v is not None}
        content = BytesIO()
        np.savez(content, train=split.train, valid=split.valid, test=split.test, **more)
        atomic_write(self._split_path(run), content.getvalue())

    def read_split(self, run: int) -> Split:
        """Return the rows of a run."""
        rows = self._read_rows(run, "train", "valid", "test")
        return Split(*rows.values())

    def read_labels(self, run: int, part: Literal["valid", "test"]) -> NDArray[Any]:
        """Return the true class codes, or numbers, of a run's validation or test rows."""
        name = "truth" if part == "test" else "valid_truth"
        if self.protocol.source is None:
            return np.asarray(self.dataset().y[self._read_rows(run, part)[part]])
        rows = self._read_rows(run, part, name)
        if len(rows[part]) != len(rows[name]):
            raise self._length_error(run, f"{part} rows and {name}", rows[part], rows[name])
        return rows[name]

    def read_places(self, run: int) -> NDArray[np.int64] | None:
        """Return the row numbers of a run's test rows in the user's file; None for other data."""
        rows = self._read_rows(run, "test", optional="places")
        if "places" in rows and len(rows["places"]) != len(rows["test"]):
            raise self._length_error(run, "test rows and places", rows["test"], rows["places"])
        return rows.get("places")

    def _length_error(self, run: int, what: str, *arrays: NDArray[np.int64]) -> UserError:
        return UserError(
            f"{self._split_path(run)}: expected {what} of the same length; got "
            f"{' and '.join(str(len(one)) for one in arrays)}. Delete the duel's folder and run it "
            "again"
        )

    def _read_rows(self, run: int, *names: str, optional: str = "") -> dict[str, NDArray[Any]]:
        path = self._split_path(run)
        try:
            with path.open("rb") as file, np.load(file) as archive:
                more = [optional] if optional in archive else []
                rows = {name: archive[name] for name in (*names, *more)}
            if not all(_is_valid(name, array) for name, array in rows.items()):
                raise ValueError("values that are no row numbers")
        except DAMAGE as error:
            raise UserError(
                f"{path}: expected row numbers; the file is damaged "
                f"({_first_line(error)}). Delete the duel's folder and run it again"
            ) from None
        return rows


def _is_valid(name: str, array: NDArray[Any]) -> bool:
    """Return whether an array holds row numbers or class codes, or true numbers of a regression."""
    if name in ("truth", "valid_truth") and array.dtype.kind == "f":
        return array.ndim == 1 and bool(np.isfinite(array).all())
    return array.ndim == 1 and array.dtype.kind == "i" and bool(array.min() >= 0)


def _first_line(error: BaseException) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"{Path(error.filename).name}: {error.strerror}"
    return (str(error) or type(error).__name__).splitlines()[0][:120]


@contextmanager
def open_store(
    path: Path,
    protocol: Protocol,
    data: DataSource | None = None,
    estimators: Mapping[str, bytes] | None = None,
) -> Iterator[Store]:
    """Open and lock a folder for a duel: a new folder, or the folder of this duel.

    Parameters
    ----------
    path : the folder
    protocol : the protocol of the duel
    data : the source of user data; not needed for built-in data
    estimators : the user's own contenders, pickled; never written to the folder

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, or holds other files or another duel.
    """
    path = Path(path)

    def claim() -> Store:
        claim_plan(path, to_plain(protocol.as_dict()))
        store = Store(path, protocol, estimators)
        store.remove_unfinished()
        if data is not None and not data.is_builtin:
            store.write_source(data)
        return store

    with locked_folder(path, PLAN, "duel", claim) as store:
        yield store


def read_store(path: Path, *, is_shared: bool = False) -> Store:
    """Return the folder of a planned duel, to read it or to share it.

    Raises
    ------
    UserError
        If the folder has no plan, or one of another format.
    """
    plan = read_json(path / PLAN)
    try:
        return Store(path, Protocol.from_dict(plan), is_shared=is_shared)
    except UserError as error:
        raise UserError(f"{path / PLAN}: {error}") from None


@contextmanager
def share_store(path: Path) -> Iterator[Store]:
    """Open the folder of a planned duel while other processes run its cells.

    Raises
    ------
    UserError
        If a process has locked the folder for itself, or it cannot be written.
    """
    store = read_store(path, is_shared=True)
    with shared_folder(path):
        yield store
