"""A duel's folder: its plan, its finished cells, its result.

    duel.json                   the protocol, written first: whose folder this is
    source.json                 where data of the user's own lie; data.* if a program held them
    splits/seed0.npz            row numbers: train, valid, test
    cells/net-seed0/            outcome.json, probabilities.npy, and model.safetensors where one
                                fit is the model; written whole or not at all
    tuning/net-seed0.sqlite     the finished trials of a tuning; .json, the curve so far
    result.json                 the whole result; report.html beside it

A folder is written aside and then renamed, so that a process killed at any moment leaves a
whole cell or none. A lock keeps a second process out.
"""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from graduel.data import Dataset, load_dataset
from graduel.data.source import DataSource, SourceSpec
from graduel.duel.plan.protocol import Cell, Protocol, Split
from graduel.duel.result.outcome import Curve, Outcome
from graduel.duel.store.cell_files import extra_files, read_extra_files
from graduel.duel.store.lock import locked_folder
from graduel.errors import UserError

PLAN = "duel.json"
PLACE = "source.json"
MODEL = "model.safetensors"
ARRAYS = ("probabilities", "valid_probabilities", "probes")
"""What of an outcome has a file of its own."""

NUMBERS = (
    "fit_seconds",
    "predict_row_seconds",
    "predict_batch_seconds",
    "peak_memory_bytes",
    "model_bytes",
)
DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    RecursionError,
    BadZipFile,
    zlib.error,
)
"""What reading a damaged file can raise."""


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:120]


def _write(path: Path, content: bytes) -> None:
    """Write a file and see it on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def write_json(path: Path, content: Any) -> None:
    """Write JSON whole or not at all."""
    aside = path.with_name(f".{path.name}.tmp")
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    try:
        _write(aside, text.encode("utf-8"))
        os.replace(aside, path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Read JSON, or say in one line why not."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except DAMAGE as error:
        raise UserError(
            f"{path}: expected readable JSON of a duel; got {_first_line(error)}"
        ) from None


class Store:
    """One duel's folder, open for this process alone (see :func:`open_store`)."""

    def __init__(self, path: Path, protocol: Protocol) -> None:
        self.path, self.protocol = path, protocol
        self._cells = path / "cells"
        self._dataset: Dataset | None = None
        self.tuning = path / "tuning"
        self.estimators: Mapping[str, bytes] = {}
        """Of contenders of the user's own, pickled: they go through a pipe, never into a file."""

    def dataset(self) -> Dataset:
        """Return what is duelled on.

        Raises
        ------
        UserError
            If data of the user's own are not where they were, or have changed.
        """
        if self._dataset is None:
            self._dataset = self._read_dataset()
        return self._dataset

    def _read_dataset(self) -> Dataset:
        if self.protocol.source is None:
            return load_dataset(self.protocol.dataset)
        described = SourceSpec.from_dict(self.protocol.source)
        found = read_json(self.path / PLACE).get("place")
        return DataSource(described, None if found is None else self.path.resolve() / found).load()

    def place(self, data: DataSource) -> None:
        """Write down where the data are; keep a copy of what a program holds."""
        place = None if data.place is None else str(data.place)
        if data.content is not None:
            place = data.description.file
            _write(self.path / f".{place}.tmp", data.content)
            os.replace(self.path / f".{place}.tmp", self.path / place)
        write_json(self.path / PLACE, {"place": place})

    def finished(self, cell: Cell) -> bool:
        """Tell whether a cell's outcome is there."""
        return (self._cells / cell.key).is_dir()

    def read_cell(self, cell: Cell) -> Outcome:
        """Return a finished cell's outcome.

        Raises
        ------
        UserError
            If its files are damaged.
        """
        folder = self._cells / cell.key
        try:
            found = json.loads((folder / "outcome.json").read_text(encoding="utf-8"))
            found["curve"] = [(float(s), float(e)) for s, e in found["curve"]]
            for name in NUMBERS:
                float(found[name])
            with (folder / "probabilities.npy").open("rb") as file:
                outcome = Outcome(**found, probabilities=np.lib.format.read_array(file))
            p, rows = outcome.probabilities, self.read_split(cell.seed)
            n_test = len(rows.test)
            if (outcome.contender, outcome.seed) != (cell.contender, cell.seed):
                raise ValueError(f"it is of {outcome.contender}, seed {outcome.seed}")
            if p.dtype != np.float32 or p.ndim != 2 or len(p) != n_test or not np.isfinite(p).all():
                raise ValueError("the probabilities are not those of the test rows")
            outcome = replace(outcome, **read_extra_files(folder, (len(rows.valid), p.shape[1])))
        except DAMAGE as error:
            raise UserError(
                f"{folder}: expected a finished cell; it is damaged ({_first_line(error)}). "
                "Delete this folder and run the duel again"
            ) from None
        return outcome

    def write_cell(
        self, cell: Cell, outcome: Outcome, keep: Callable[[Path], None] | None = None
    ) -> None:
        """Keep a cell's outcome, whole or not at all; `keep` writes its model to a file."""
        aside = self._cells / f".{cell.key}.{os.getpid()}.tmp"
        try:
            aside.mkdir(parents=True)
            plain = {k: v for k, v in _fields(outcome).items() if k not in ARRAYS}
            write_json(aside / "outcome.json", plain)
            content = BytesIO()
            np.save(content, outcome.probabilities, allow_pickle=False)
            _write(aside / "probabilities.npy", content.getvalue())
            for name, extra in extra_files(outcome):
                _write(aside / name, extra)
            if keep is not None:
                keep(aside / MODEL)
            os.replace(aside, self._cells / cell.key)
        except OSError:  # a full disk: what is half written takes up room
            shutil.rmtree(aside, ignore_errors=True)
            raise

    def read_curve(self, cell: Cell) -> Curve:
        """Return the points of a tuning under way; none where it has not begun."""
        path = self.tuning / f"{cell.key}.json"
        if not path.exists():
            return []
        try:
            return [(float(s), float(e)) for s, e in read_json(path)]
        except (TypeError, ValueError):
            raise UserError(f"{path}: expected the points of a curve; it is damaged") from None

    def write_curve(self, cell: Cell, curve: Curve) -> None:
        """Keep the points of a tuning under way; other fits begin anew and keep none."""
        if self.protocol.trials is None and self.protocol.seconds is None:
            return
        self.tuning.mkdir(exist_ok=True)
        write_json(self.tuning / f"{cell.key}.json", [list(point) for point in curve])

    def model_path(self, cell: Cell) -> Path:
        """Where a finished cell's model is, if it was kept."""
        return self._cells / cell.key / MODEL

    def sweep(self) -> None:
        """Remove what a killed process left half written."""
        self._cells.mkdir(exist_ok=True)
        for left in self._cells.glob(".*.tmp"):
            shutil.rmtree(left, ignore_errors=True)

    def _split_path(self, seed: int) -> Path:
        return self.path / "splits" / f"seed{seed}.npz"

    def has_split(self, seed: int) -> bool:
        """Tell whether the rows of a seed are fixed already."""
        return self._split_path(seed).exists()

    def write_split(
        self,
        seed: int,
        split: Split,
        truth: NDArray[np.integer] | None = None,
        **more: NDArray[np.integer] | None,
    ) -> None:
        """Fix the rows of a run; of data of the user's own, with the test rows' true classes.

        So a finished duel can be read where its data are no longer. `more` are the validation
        rows' true classes (``valid_truth``), and where test rows stand in a table (``places``).
        """
        path = self._split_path(seed)
        path.parent.mkdir(exist_ok=True)
        aside = path.with_name(f".{path.name}")
        content = BytesIO()
        told: dict[str, Any] = {k: v for k, v in {"truth": truth, **more}.items() if v is not None}
        np.savez(content, train=split.train, valid=split.valid, test=split.test, **told)
        _write(aside, content.getvalue())
        os.replace(aside, path)

    def read_split(self, seed: int) -> Split:
        """Return the rows of a run."""
        return Split(*self._rows(seed, "train", "valid", "test"))

    def read_truth(self, seed: int) -> NDArray[np.int64]:
        """Return the codes of the true classes of a run's test rows."""
        if self.protocol.source is None:
            return np.asarray(self.dataset().y[self.read_split(seed).test])
        test, truth = self._rows(seed, "test", "truth")
        if len(test) != len(truth):
            raise UserError(f"{self._split_path(seed)}: test rows and true classes do not fit")
        return truth

    def read_valid_truth(self, seed: int) -> NDArray[np.int64] | None:
        """Return the same of its validation rows; None in folders of before they were kept."""
        if self.protocol.source is None:
            return np.asarray(self.dataset().y[self.read_split(seed).valid])
        return self._optional(seed, "valid", "valid_truth")

    def read_places(self, seed: int) -> NDArray[np.int64] | None:
        """Return where a run's test rows stand in the user's table; None where it is not told."""
        return self._optional(seed, "test", "places")

    def _optional(self, seed: int, of: str, name: str) -> NDArray[np.int64] | None:
        """Return an array for the rows `of` a run that an old folder may lack."""
        rows, *found = self._rows(seed, of, name, lack=name)
        if found and len(found[0]) != len(rows):
            raise UserError(f"{self._split_path(seed)}: {of} rows and {name} do not fit")
        return found[0] if found else None

    def _rows(self, seed: int, *names: str, lack: str = "") -> list[NDArray[np.int64]]:
        try:
            with self._split_path(seed).open("rb") as file, np.load(file) as rows:
                parts = [rows[name] for name in names if name != lack or name in rows]
            if any(p.ndim != 1 or p.dtype.kind != "i" or p.min() < 0 for p in parts):
                raise ValueError("these are no row numbers")
        except DAMAGE as error:
            raise UserError(
                f"{self._split_path(seed)}: expected row numbers; the file is damaged "
                f"({_first_line(error)}). Delete the duel's folder and run it again"
            ) from None
        return parts


def _fields(outcome: Outcome) -> dict[str, Any]:
    return {name: getattr(outcome, name) for name in Outcome.__dataclass_fields__}


@contextmanager
def open_store(path: Path, protocol: Protocol, data: DataSource | None = None) -> Iterator[Store]:
    """Open a folder for a duel: a new one, or one that this very duel began.

    `data` are the user's own, where the duel is on such.

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, holds something else, or another duel.
    """
    path = Path(path)

    def claim() -> Store:
        store = _claim(path, protocol)
        if data is not None:
            store.place(data)
        return store

    with locked_folder(path, PLAN, "duel", claim) as store:
        yield store


def _claim(path: Path, protocol: Protocol) -> Store:
    """Write the plan into a new folder; compare it with the plan of an old one."""
    mine = json.loads(json.dumps(protocol.as_dict()))
    if (path / PLAN).exists():
        theirs = read_json(path / PLAN)
        if _changed(theirs, mine):
            raise UserError(
                f"{mine['source']['file']} has changed since the duel in {path} began. Choose "
                "another --out"
            )
        if theirs != mine:
            what = "experiment" if mine["varies"] else "duel"
            raise UserError(
                f"{path} holds another {what} ({_difference(theirs, mine)}). Choose another --out"
            )
    else:
        write_json(path / PLAN, mine)
    store = Store(path, protocol)
    store.sweep()
    return store


def _changed(theirs: Any, mine: dict[str, Any]) -> bool:
    """Tell whether the plans differ by the content of a file of one name."""
    if not isinstance(theirs, dict) or not isinstance(theirs.get("source"), dict):
        return False
    old, new = theirs["source"], mine.get("source") or {}
    return old.get("file") == new.get("file") and old.get("sha256") != new.get("sha256")


def _difference(theirs: Any, mine: dict[str, Any]) -> str:
    """Say in a few words what the first difference of two plans is."""
    if not isinstance(theirs, dict):
        return "its duel.json is not a plan"
    for key, value in mine.items():
        if theirs.get(key) != value:
            if isinstance(value, dict) and isinstance(theirs.get(key), dict):
                return f"{key}: {_difference(theirs[key], value)}"
            if isinstance(value, dict):
                return f"'{key}' is not among them"
            return f"{key} {theirs.get(key)!r} there, {value!r} here"
    return "it has " + ", ".join(sorted(set(theirs) - set(mine)))
