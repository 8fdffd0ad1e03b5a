"""A whole duel in one call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from graduel.data import DATASETS
from graduel.data.description import Description, Own, own, own_arrays
from graduel.duel.finish import finish
from graduel.duel.protocol import Protocol, plan
from graduel.duel.results import Run
from graduel.duel.runner import run_cells
from graduel.duel.store import open_store
from graduel.errors import UserError
from graduel.recipes import NetRecipe


def default_folder(protocol: Protocol) -> Path:
    """Return the folder of a duel that was given none: its own, so that it is taken up again."""
    quick = "-quick" if protocol.quick else ""
    name = re.sub(r"[^\w.-]+", "-", protocol.dataset).strip("-.")[:60] or "data"
    return Path("duels") / f"{name}{quick}-{protocol.digest}"


def run_duel(
    dataset: Any = "mnist",
    y: Any = None,
    *,
    contenders: list[str] | None = None,
    net: NetRecipe | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    out: str | Path | None = None,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    probes: bool = True,
    show_rows: bool = False,
    **source: Any,
) -> Run:
    """Run a duel to its end and return it: ``graduel duel`` from Python.

    Parameters
    ----------
    dataset : the name of a data set; a file or a folder; a table of Polars or pandas with its
        target, or features with `y`
    y : the labels, where `dataset` are the features
    contenders : names; by default 'textbook', 'net' and 'xgboost'
    net : a recipe of one's own for the contender 'net'
    seeds : how often each contender is fitted, with other validation rows and random numbers
    rows : train on a stratified part of the training rows
    quick : 10,000 rows and small budgets
    threads : for each contender; by default all cores
    out : the run's folder; the same call with the same folder takes up where it stopped
    split : ``given``, ``holdout``, or folds and repeats such as ``5x2``; by default what suits
    metric : what is compared, and what the fits stop by; by default the error, or log loss where
        one class has nearly all rows
    rope : the largest difference in that metric that makes no difference in practice
    probes : try every fitted model on disturbed test rows, and see what it looks at
    show_rows : let the report show rows of your own data
    source : ``target``, ``categorical``, ``numeric``, ``drop``, ``bins``, ``group``, ``time``,
        ``separator``, ``decimal``, ``encoding``, ``size`` of your own data

    Raises
    ------
    UserError
        If something that was asked for does not exist or cannot be done.
    """
    data = _data(dataset, y, source)
    protocol = plan(
        data,
        contenders=contenders,
        net=net,
        seeds=seeds,
        rows=rows,
        quick=quick,
        threads=threads,
        split=split,
        metric=metric,
        rope=rope,
        probes=probes,
    )
    mine = data if isinstance(data, Own) else None
    with open_store(Path(out) if out else default_folder(protocol), protocol, mine) as store:
        for _ in run_cells(store):
            pass
        called = repr(protocol.dataset) if mine is None else "…"
        return finish(store, f"graduel.run_duel({called}, …)", show_rows=show_rows)


def _data(dataset: Any, y: Any, source: dict[str, Any]) -> str | Own:
    """Tell names of data sets from sources, and these from what a program holds."""
    unknown = sorted(set(source) - set(Description.__dataclass_fields__))
    if unknown:
        raise TypeError(f"run_duel() got an unexpected keyword argument {unknown[0]!r}")
    options = {
        key: tuple([value] if isinstance(value, str) else value)
        if key in ("categorical", "numeric", "drop")
        else value
        for key, value in source.items()
    }
    if not isinstance(dataset, str | Path):
        return own_arrays(dataset, y, **options)
    if y is not None:
        raise UserError("labels y go with features that a program holds, not with a file's name")
    if str(dataset) in DATASETS and not options:
        return str(dataset)
    return own(dataset, **options)
