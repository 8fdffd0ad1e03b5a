"""A whole duel in one call."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graduel.data import DATASETS
from graduel.data.source import (
    DataSource,
    SourceSpec,
    open_source,
    sample_if_large,
    source_from_arrays,
)
from graduel.duel.plan.defaults import QUICK_ROWS
from graduel.duel.plan.protocol import Protocol, build_protocol
from graduel.duel.plan.user_estimators import parse_contenders
from graduel.duel.result.build import build_result
from graduel.duel.result.outcome import Run
from graduel.duel.run.executor import run_cells
from graduel.duel.store.finding_file import check_once
from graduel.duel.store.store import Store, open_store
from graduel.duel.suite.training_sizes import (
    load_data,
    open_size,
    parse_sizes,
    plan_sizes,
    shared_options,
)
from graduel.errors import UserError
from graduel.train.recipes import NetRecipe


def default_folder(protocol: Protocol) -> Path:
    """Return the folder of a duel that was given none: its own, so that it is taken up again."""
    quick = "-quick" if protocol.quick else ""
    name = re.sub(r"[^\w.-]+", "-", protocol.dataset).strip("-.")[:60] or "data"
    return Path("duels") / f"{name}{quick}-{protocol.digest}"


def run_duel(
    dataset: Any = "mnist",
    y: Any = None,
    *,
    contenders: Sequence[str] | Mapping[str, Any] | None = None,
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
    budget: str | float | None = None,
    trials: int | None = None,
    show_rows: bool = False,
    sizes: Sequence[int] | str | None = None,
    **source: Any,
) -> Run:
    """Run a duel to its end and return it: ``graduel duel`` from Python.

    Parameters
    ----------
    dataset : the name of a data set; a file or a folder; a table of Polars or pandas with its
        target, or features with `y`
    y : the labels, where `dataset` are the features
    contenders : names; by default 'textbook', 'net' and 'xgboost'. Or classifiers of your own by
        name, ``{"mine": estimator}`` or ``{"mine": (estimator, space)}``, beside the default ones
        or beside those that the mapping names with None
    net : a recipe of one's own for the contender 'net'
    seeds : how often each contender is fitted, with other validation rows and random numbers
    rows : train on a stratified part of the training rows
    quick : 10,000 rows and small budgets
    threads : for each contender; by default all cores
    out : the run's folder; the same call with the same folder takes up where it stopped
    split : ``given``, ``shuffle``, or folds and repeats such as ``5x2``; by default what suits
    metric : what is compared, and what the fits stop by; by default the error, or log loss where
        one class has nearly all rows
    rope : the largest difference in that metric that makes no difference in practice
    probes : try every fitted model on disturbed test rows, and see what it looks at
    budget : seconds of tuning and fitting that each contender has in each run, such as ``"2m"``;
        by default each is fitted once, with its default recipe
    trials : tune with so many settings instead, the default recipe first
    show_rows : let the report show rows of your own data
    sizes : numbers of training rows for a learning curve, or ``auto``; a duel more for each, on the
        same test rows
    source : ``target``, ``categorical``, ``numeric``, ``drop``, ``bins``, ``group``, ``time``,
        ``separator``, ``decimal``, ``encoding``, ``size`` of your own data

    Raises
    ------
    UserError
        If something that was asked for does not exist or cannot be done.
    """
    data = resolve_source(dataset, y, source)
    if isinstance(data, DataSource):
        data = sample_if_large(data, rows or (QUICK_ROWS if quick else None))
    names, own = parse_contenders(contenders)
    options: dict[str, Any] = {
        "contenders": names,
        "own": own,
        "net": net,
        "seeds": seeds,
        "rows": rows,
        "quick": quick,
        "threads": threads,
        "split": split,
        "metric": metric,
        "rope": rope,
        "budget": budget,
        "trials": trials,
        "probes": probes,
    }
    protocol = build_protocol(data, **options)
    mine = data if isinstance(data, DataSource) else None
    smaller = {} if sizes is None else _smaller(sizes, data, protocol, options)
    folder = Path(out) if out else default_folder(protocol)
    called = repr(protocol.dataset) if mine is None else "…"

    estimators = {one.name: one.pickled() for one in own}

    def fight(store: Store) -> Run:
        store.estimators = estimators
        check_once(store, own)
        for _ in run_cells(store):
            pass
        return build_result(store, f"graduel.run_duel({called}, …)", show_rows=show_rows)

    with open_store(folder, protocol, mine) as store:
        run = fight(store)
        for size, one in smaller.items():
            with open_size(folder, size, one, mine) as other:
                fight(other)
        return fight(store) if smaller else run


def _smaller(
    sizes: Sequence[int] | str, data: str | DataSource, protocol: Protocol, options: dict[str, Any]
) -> dict[int, Protocol]:
    """Plan the duels of a learning curve."""
    text = sizes if isinstance(sizes, str) else ",".join(map(str, sizes))

    def replan(size: int) -> Protocol:
        return build_protocol(data, **options | {"rows": size} | shared_options(protocol))

    return plan_sizes(parse_sizes(text), protocol, load_data(data), replan)


def resolve_source(dataset: Any, y: Any, source: dict[str, Any]) -> str | DataSource:
    """Tell names of data sets from sources, and these from what a program holds."""
    unknown = sorted(set(source) - set(SourceSpec.__dataclass_fields__))
    if unknown:
        raise TypeError(f"run_duel() got an unexpected keyword argument {unknown[0]!r}")
    options = {
        key: tuple([value] if isinstance(value, str) else value)
        if key in ("categorical", "numeric", "drop")
        else value
        for key, value in source.items()
    }
    if not isinstance(dataset, str | Path):
        return source_from_arrays(dataset, y, **options)
    if y is not None:
        raise UserError("labels y go with features that a program holds, not with a file's name")
    if str(dataset) in DATASETS and not options:
        return str(dataset)
    return open_source(dataset, **options)
