"""Build a protocol from the user's options; all options are validated before any fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from graduel import kernels
from graduel.contenders.family import Family, NamedContender, TableTraits
from graduel.contenders.registry import (
    USER,
    contender_names,
    default_contenders,
    family_packages,
    get_contender,
    list_contenders,
    sort_contenders,
)
from graduel.data.source import DataSource
from graduel.data.task import TaskKind
from graduel.duel.plan.budget import parse_budget, validate_count, validate_trials
from graduel.duel.plan.defaults import Defaults, choose_defaults
from graduel.duel.plan.packages import deciding_versions, require
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.threads import parse_threads, validate_workers
from graduel.duel.plan.user_estimators import UserContender
from graduel.errors import UserError
from graduel.number_format import format_quantity
from graduel.serialize import to_plain
from graduel.train.build.network_builder import check_recipe
from graduel.train.build.recipe_parser import resolve_recipe
from graduel.train.recipes import NetRecipe, RecipeLike, known_nets, net_recipe

MAX_SEEDS = 1000
"""On machines with more cores, the limit is the number of cores."""


def build_protocol(
    data: DataSource,
    *,
    contenders: Sequence[str] | None = None,
    net: RecipeLike | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | str | None = None,
    split: str | None = None,
    metric: str | None = None,
    positive: object = None,
    rope: float | None = None,
    budget: Any = None,
    trials: int | None = None,
    user_contenders: Sequence[UserContender] = (),
    probes: bool = True,
    workers: int = 1,
) -> Protocol:
    """Validate a user's options and build the protocol of a duel.

    Parameters
    ----------
    data : the data set
    contenders, seeds, rows, quick, threads : see :func:`graduel.run_duel`
    net : the recipe of the contender 'net', or changes to its default: text in the form of
        ``--net``, or a mapping
    split : ``given``, ``shuffle``, or folds and repeats such as ``5x2``
    metric : the metric to compare, also used for model selection and early stopping
    positive : the label of its positive class; by default the rarer of two
    rope : the largest difference in that metric without practical relevance
    budget, trials : the hyperparameter-search budget; see :func:`graduel.run_duel`
    user_contenders : the user's own contenders
    probes : measure robustness and feature importance of the fitted models
    workers : number of processes that share each fit

    Raises
    ------
    UserError
        If a name is unknown or a number out of range.
    """
    names = _contender_names(contenders, user_contenders, net)
    defaults = choose_defaults(
        data, split=split, metric=metric, positive=positive, rope=rope, rows=rows, quick=quick
    )
    traits = _table_traits(data, defaults)
    specs: dict[str, tuple[str, str, Any]] = {}
    task = defaults.task
    for name in names:
        family, contender = get_contender(name)
        if (variants := family.recipes_of(contender, task, traits)) is None:
            if explanation := _explain_task(family, contender, task):
                raise UserError(explanation)
            if traits is None:
                raise UserError(f"{name} is for tables; this data set has images. Leave {name} out")
            raise UserError(f"{name} is for images; this data set is a table. Choose {family.name}")
        recipe: Any = variants.quick if quick else variants.full
        if name == "net" and net is not None:
            base = net_recipe(quick, defaults.table_rows, regression=task == "regression")
            recipe = resolve_recipe(net, base)
        specs[name] = (family.name, contender.title, recipe)
    for one in user_contenders:
        one.check_task(task)
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
        workers=workers,
    )


def _explain_task(family: Family, contender: NamedContender, task: TaskKind) -> str:
    """Return why a contender is not for this kind of target; "" if it is."""
    if task == "classification" and not family.classifies:
        return (
            f"{contender.name} predicts numbers; the target of this data set has classes. Choose "
            "logistic, or give --task regression"
        )
    if task == "regression" and not _predicts_numbers(family, contender.name):
        return (
            f"{contender.name} predicts classes; the target of this data set is a number. Choose "
            f"one of {', '.join(_regressors())}, or give --bins 3 to predict ranges"
        )
    return ""


def _regressors() -> list[str]:
    """Return the names of the contenders that predict numbers."""
    contenders = list_contenders()
    return [name for name, (family, _) in contenders.items() if _predicts_numbers(family, name)]


def _predicts_numbers(family: Family, name: str) -> bool:
    return family.regressor is not None and name in family.regressor.tables


def _contender_names(
    contenders: Sequence[str] | None,
    user_contenders: Sequence[UserContender],
    net: RecipeLike | None,
) -> list[str]:
    """Validate the contenders; return the built-in ones in a fixed order."""
    names = contenders if contenders is not None else default_contenders()
    if not names and not user_contenders:
        known = ", ".join(contender_names())
        raise UserError(f"expected at least one contender of {known}; got none")
    families = [get_contender(name)[0] for name in names]
    every = [*names, *[one.name for one in user_contenders]]
    if twice := [name for name in every if every.count(name) > 1]:
        raise UserError(f"each contender must be named once; got '{twice[0]}' twice")
    for needed in (one for family in families for one in family.requires):
        require(needed.package, needed.title, needed.install)
    if net is not None and "net" not in names:
        raise UserError(
            "--net changes the contender 'net', which is not in this duel; add it to --contenders"
        )
    return sort_contenders(names)


def _table_traits(data: DataSource, defaults: Defaults) -> TableTraits | None:
    """Return the traits of a table that recipes depend on; None for images."""
    if defaults.table_rows is None:
        return None
    dataset = data.load()
    n_classes = dataset.task.n_outputs
    vectors = n_classes > 2 and all(c.kind != "categorical" for c in dataset.columns)
    return TableTraits(defaults.table_rows, n_classes, vectors)


def assemble_protocol(
    data: DataSource,
    defaults: Defaults,
    specs: Mapping[str, tuple[str, str, Any]],
    *,
    seeds: int,
    quick: bool,
    threads: int | str | None,
    varies: Sequence[str] = (),
    budget: Any = None,
    trials: int | None = None,
    probes: bool = True,
    workers: int = 1,
) -> Protocol:
    """Build the protocol for contenders in the form ``{name: (family, title, recipe)}``.

    Raises
    ------
    UserError
        If a number is out of range, or a network does not fit the data.
    """
    seeds = validate_count("seeds", seeds, MAX_SEEDS)
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
        threads=(threads := parse_threads(threads)),
        rope=defaults.rope,
        rope_is_share=defaults.rope_is_share,
        task=defaults.task,
        varies=varies,
        versions=_versions(specs, tuned=is_tuned),
        source=None if data.is_builtin else data.spec.as_dict(),
        split=defaults.split,
        metric=defaults.metric,
        trials=validate_trials(trials, seconds),
        seconds=seconds,
        probes=probes,
        workers=validate_workers(workers, threads),
    )
    if protocol.runs > MAX_SEEDS:
        raise UserError(
            f"expected at most {MAX_SEEDS:,} fits of each contender; got {protocol.runs:,} "
            f"({format_quantity(protocol.seeds, 'seed')} on "
            f"{format_quantity(protocol.splits, 'split')})"
        )
    for _, _, recipe in specs.values():
        if isinstance(recipe, NetRecipe) and recipe not in known_nets():
            dataset = data.load()
            check_recipe(recipe, dataset.n_features, len(dataset.classes), image=dataset.image)
    return protocol


NETWORKS = {"net", USER}
"""Families whose numbers the kernels decide; a user's estimator may be one of graduel's."""


def _versions(specs: Mapping[str, tuple[str, str, Any]], *, tuned: bool) -> dict[str, str]:
    """Return the versions of the packages that influence the results of these contenders."""
    families = dict.fromkeys(family for family, _, _ in specs.values())
    more = [package for family in families for package in family_packages(family)]
    if tuned:
        require("optuna", "Optuna, the hyperparameter search,", "graduel[tune]")
        more.append("optuna")
    versions = deciding_versions(more)
    if NETWORKS & families.keys():
        versions["kernels"] = kernels.describe()
    return versions
