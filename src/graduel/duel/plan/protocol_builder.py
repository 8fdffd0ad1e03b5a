"""From a user's options to a protocol: everything is checked before anything is fitted."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from graduel import kernels
from graduel.contenders.family import TableTraits
from graduel.contenders.registry import (
    USER,
    contender_names,
    default_contenders,
    family_packages,
    get_contender,
    sort_contenders,
)
from graduel.data.source import DataSource
from graduel.duel.plan.budget import parse_budget, validate_count, validate_trials
from graduel.duel.plan.defaults import Defaults, choose_defaults
from graduel.duel.plan.packages import deciding_versions, require
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.user_estimators import UserContender
from graduel.errors import UserError
from graduel.serialize import to_plain
from graduel.train.build.network_builder import check_recipe
from graduel.train.build.recipe_parser import parse_recipe, validate_recipe
from graduel.train.recipes import NetRecipe, known_nets, net_recipe

MOST_SEEDS = 1000
MOST_THREADS = 8
"""Or the machine's cores, where there are more."""


def build_protocol(
    data: DataSource,
    *,
    contenders: Sequence[str] | None = None,
    net: NetRecipe | str | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    budget: Any = None,
    trials: int | None = None,
    user_contenders: Sequence[UserContender] = (),
    probes: bool = True,
) -> Protocol:
    """Check a user's options and build the protocol of a duel.

    Parameters
    ----------
    data : the data set
    contenders, seeds, rows, quick, threads : see :func:`graduel.run_duel`
    net : the recipe of the contender 'net', or changes to its default as ``--net`` takes them
    split : ``given``, ``shuffle``, or folds and repeats such as ``5x2``
    metric : the metric that is compared and that fits are stopped by
    rope : the largest difference in that metric that makes no difference in practice
    budget, trials : what each side may use for tuning; see :func:`graduel.run_duel`
    user_contenders : the user's own contenders
    probes : probe fitted models with perturbed rows

    Raises
    ------
    UserError
        If a name is unknown or a number out of range.
    """
    names = _contender_names(contenders, user_contenders, net)
    defaults = choose_defaults(
        data, split=split, metric=metric, rope=rope, rows=whole_rows(rows), quick=quick
    )
    traits = _table_traits(data, defaults)
    specs: dict[str, tuple[str, str, Any]] = {}
    for name in names:
        family, contender = get_contender(name)
        if (variants := contender.recipes(traits)) is None:
            if traits is None:
                raise UserError(f"{name} is for tables, and these are images")
            raise UserError(f"{name} is for images; for a table take {family.name}")
        recipe: Any = variants.quick if quick else variants.full
        if name == "net" and net is not None:
            base = net_recipe(quick, defaults.table_rows)
            recipe = parse_recipe(net, base) if isinstance(net, str) else validate_recipe(net)
        specs[name] = (family.name, contender.title, recipe)
    for one in user_contenders:
        specs[one.name] = (USER, one.title, one.recipe)
    return assemble_protocol(
        data,
        defaults,
        specs,
        seeds=seeds,
        quick=quick,
        threads=threads,
        budget=budget,
        trials=trials,
        probes=probes,
    )


def _contender_names(
    contenders: Sequence[str] | None,
    user_contenders: Sequence[UserContender],
    net: NetRecipe | str | None,
) -> list[str]:
    """Return the names of built-in contenders in one order, so that equal sets are equal duels."""
    names = contenders if contenders is not None else default_contenders()
    if not names:
        known = ", ".join(contender_names())
        raise UserError(f"expected at least one contender of {known}; got none")
    families = [get_contender(name)[0] for name in names]
    every = [*names, *[one.name for one in user_contenders]]
    if twice := [name for name in every if every.count(name) > 1]:
        raise UserError(f"each contender duels once; got '{twice[0]}' twice")
    for needed in (one for family in families for one in family.requires):
        require(needed.package, needed.title, needed.install)
    if net is not None and "net" not in names:
        raise UserError("a network of your own is the contender 'net'; add it to --contenders")
    return sort_contenders(names)


def _table_traits(data: DataSource, defaults: Defaults) -> TableTraits | None:
    """Return what recipes depend on in a table; None for images."""
    if defaults.table_rows is None:
        return None
    dataset = data.load()
    n_classes = len(dataset.classes)
    vectors = n_classes > 2 and all(c.kind != "categorical" for c in dataset.columns)
    return TableTraits(defaults.table_rows, n_classes, vectors)


def assemble_protocol(
    data: DataSource,
    defaults: Defaults,
    specs: Mapping[str, tuple[str, str, Any]],
    *,
    seeds: int,
    quick: bool,
    threads: int | None,
    varies: Sequence[str] = (),
    budget: Any = None,
    trials: int | None = None,
    probes: bool = True,
) -> Protocol:
    """Build the protocol of contenders given as ``{name: (family, title, recipe)}``.

    Raises
    ------
    UserError
        If a number is out of range, or a network does not fit the data.
    """
    seeds = validate_count("seeds", seeds, MOST_SEEDS)
    most = max(MOST_THREADS, os.cpu_count() or 1)
    seconds = parse_budget(budget)
    is_tuned = seconds is not None or trials is not None
    protocol = Protocol(
        dataset=data.name,
        contenders={
            name: {"family": family, "title": title, "recipe": to_plain(recipe)}
            for name, (family, title, recipe) in specs.items()
        },
        seeds=seeds,
        rows=defaults.rows,
        quick=quick,
        threads=default_threads() if threads is None else validate_count("threads", threads, most),
        rope=defaults.rope,
        varies=varies,
        versions=_versions(specs, tuned=is_tuned),
        source=None if data.is_builtin else data.spec.as_dict(),
        split=defaults.split,
        metric=defaults.metric,
        trials=validate_trials(trials, seconds),
        seconds=seconds,
        probes=probes,
    )
    if protocol.runs > MOST_SEEDS:
        raise UserError(
            f"expected at most {MOST_SEEDS:,} fits of each contender; {protocol.seeds} seeds on "
            f"{protocol.splits} splits are {protocol.runs:,}"
        )
    for _, _, recipe in specs.values():
        if isinstance(recipe, NetRecipe) and recipe not in known_nets():
            dataset = data.load()
            check_recipe(recipe, dataset.n_features, len(dataset.classes), image=dataset.image)
    return protocol


def whole_rows(rows: int | None) -> int | None:
    """Return a number of rows; raise if it is not a whole number."""
    return None if rows is None else validate_count("rows", rows, None)


NETWORKS = {"net", USER}
"""Families whose numbers the kernels decide; a user's estimator may be one of graduel's."""


def _versions(specs: Mapping[str, tuple[str, str, Any]], *, tuned: bool) -> dict[str, str]:
    """Return the versions of the packages that decide the numbers of these contenders."""
    families = dict.fromkeys(family for family, _, _ in specs.values())
    more = [package for family in families for package in family_packages(family)]
    if tuned:
        require("optuna", "Optuna, with which graduel tunes,", "graduel[tune]")
        more.append("optuna")
    versions = deciding_versions(more)
    if NETWORKS & families.keys():
        versions["kernels"] = kernels.describe()
    return versions


def default_threads() -> int:
    """Return the cores that this process may use, containers' limits included."""
    from joblib import cpu_count

    return int(cpu_count())
