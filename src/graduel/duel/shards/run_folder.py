"""The folder of a planned duel, experiment or suite, with all of its cells in one numbering."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from graduel.duel.plan.protocol import Cell
from graduel.duel.store.plan_file import PLAN
from graduel.duel.store.store import Store, read_store
from graduel.duel.suite.suite_plan import SUITE
from graduel.duel.suite.training_sizes import SIZES
from graduel.errors import UserError
from graduel.serialize import read_json

State = Literal["missing", "running", "finished"]


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """A cell and the folder of its duel."""

    store: Store
    cell: Cell
    name: str
    """The path of the duel's folder within the run, before the cell's key: ``first/net-seed0``."""

    @property
    def state(self) -> State:
        """Whether the cell is finished, or a process that shares the folder runs it."""
        if self.store.is_finished(self.cell):
            return "finished"
        return "running" if self.store.is_running(self.cell) else "missing"


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A planned run.

    Attributes
    ----------
    path : the folder
    is_suite : whether it is that of a suite
    stores : the folders of its duels; the sizes of a duel follow it
    unplanned : data sets of a suite without a plan
    """

    path: Path
    is_suite: bool
    stores: tuple[Store, ...]
    unplanned: tuple[str, ...] = ()

    def duels(self) -> list[list[Store]]:
        """Return the folders of each duel: its sizes, then the duel itself."""
        mains = [store for store in self.stores if store.path.parent.name != SIZES]
        return [
            [*(one for one in self.stores if one.path.parent == main.path / SIZES), main]
            for main in mains
        ]

    def cells(self) -> Sequence[PlannedCell]:
        """Return all cells, in an order that depends on the plans only."""
        return [
            PlannedCell(store, cell, (store.path.relative_to(self.path) / cell.key).as_posix())
            for store in self.stores
            for cell in store.protocol.cells()
        ]


def read_run_folder(path: Path) -> RunFolder:
    """Return the planned run in a folder.

    Raises
    ------
    UserError
        If the folder has no plan.
    """
    is_suite = (path / SUITE).exists()
    if not is_suite and not (path / PLAN).exists():
        what = f"has no {PLAN} or {SUITE}" if path.is_dir() else "is not a folder"
        raise UserError(
            f"expected the folder of a planned duel, experiment or suite; {path} {what}. Plan it "
            "with graduel duel … --plan-only"
        )
    if not is_suite:
        return RunFolder(path, False, tuple(_read_stores(path)))
    try:
        names = [str(one["name"]) for one in read_json(path / SUITE)["datasets"]]
    except (TypeError, KeyError):
        raise UserError(f"expected a suite's plan; {path / SUITE} is damaged") from None
    planned = [name for name in names if (path / name / PLAN).exists()]
    stores = [store for name in planned for store in _read_stores(path / name)]
    unplanned = tuple(name for name in names if name not in planned)
    return RunFolder(path, True, tuple(stores), unplanned)


def _read_stores(path: Path) -> list[Store]:
    sizes = [file.parent for file in path.glob(f"{SIZES}/*/{PLAN}")]
    return [read_store(one) for one in (path, *sorted(sizes, key=lambda one: int(one.name)))]


def check_contenders(folder: RunFolder) -> None:
    """Raise `UserError` if a duel has an estimator of the user's, which no folder holds."""
    for store in folder.stores:
        for name, spec in store.protocol.contenders.items():
            if spec["family"] == "user":
                raise UserError(
                    f"{store.path}: expected contenders that graduel cells can build; got '{name}',"
                    " an estimator of your own, which is never written to a file. Repeat the "
                    "command of the duel to resume it"
                )
