"""A whole duel in one call."""

from __future__ import annotations

from pathlib import Path

from graduel.duel.finish import finish
from graduel.duel.protocol import Protocol, plan
from graduel.duel.results import Run
from graduel.duel.runner import run_cells
from graduel.duel.store import open_store
from graduel.recipes import NetRecipe


def default_folder(protocol: Protocol) -> Path:
    """Return the folder of a duel that was given none: its own, so that it is taken up again."""
    quick = "-quick" if protocol.quick else ""
    return Path("duels") / f"{protocol.dataset}{quick}-{protocol.digest}"


def run_duel(
    dataset: str = "mnist",
    *,
    contenders: list[str] | None = None,
    net: NetRecipe | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    out: str | Path | None = None,
) -> Run:
    """Run a duel to its end and return it: ``graduel duel`` from Python.

    Parameters
    ----------
    dataset : name of a data set
    contenders : names; by default 'textbook', 'net' and 'xgboost'
    net : a recipe of one's own for the contender 'net'
    seeds : how often each contender is fitted, with other validation rows and random numbers
    rows : train on a stratified part of the training rows
    quick : 10,000 rows and small budgets
    threads : for each contender; by default all cores
    out : the run's folder; the same call with the same folder takes up where it stopped

    Raises
    ------
    UserError
        If something that was asked for does not exist or cannot be done.
    """
    protocol = plan(
        dataset,
        contenders=contenders,
        net=net,
        seeds=seeds,
        rows=rows,
        quick=quick,
        threads=threads,
    )
    with open_store(Path(out) if out else default_folder(protocol), protocol) as store:
        for _ in run_cells(store):
            pass
        return finish(store, f"graduel.run_duel({dataset!r}, …)")
