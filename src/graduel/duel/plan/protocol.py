"""What is duelled, on which rows, under which budget: decided whole before anything is fitted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from json import dumps
from typing import Any, TypeGuard
from zlib import crc32

import numpy as np

from graduel.contenders.registry import (
    USER,
    contender_names,
    default_contenders,
    family_packages,
    get_contender,
    sort_contenders,
)
from graduel.data import DATASETS, load_dataset
from graduel.data.source import DataSource
from graduel.duel.plan.budget import parse_budget, validate_count, validate_trials
from graduel.duel.plan.defaults import QUICK_ROWS, choose_defaults, validate_rope
from graduel.duel.plan.packages import deciding_versions, require
from graduel.duel.plan.splits import Design, Split, check_rows, split_rows
from graduel.duel.plan.user_estimators import UserContender
from graduel.errors import UserError, unknown
from graduel.metrics.metric import default_rope, get_metric
from graduel.train.build.network_builder import check_recipe
from graduel.train.recipes import NetRecipe, known_nets

__all__ = [
    "Cell",
    "Protocol",
    "Split",
    "build_protocol",
    "check_rows",
    "deciding_versions",
    "protocol_for",
    "split_rows",
]

FORMAT = 1
MOST_SEEDS = 1000
MOST_THREADS = 8
"""Or the machine's cores, where there are more."""
ROPE = 0.0025
"""Region of practical equivalence for the error: a quarter of a point, 25 digits in 10,000."""
LATER = {
    "source": None,
    "split": "given",
    "metric": "error",
    "trials": None,
    "seconds": None,
    "probes": True,
}
"""What came later, with what it is where a plan says nothing of it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """The unit of work: one contender, fitted once with one seed on one split."""

    contender: str
    seed: int
    """Counts the runs: split by split, and seed by seed of each."""
    stream: str = ""
    """Whose random numbers it draws, where these are not its own."""

    @property
    def key(self) -> str:
        """Its folder's name."""
        return f"{self.contender}-seed{self.seed}"

    def rng(self) -> np.random.Generator:
        """Random numbers of its stream, whatever the other cells do."""
        return np.random.default_rng([self.seed, crc32((self.stream or self.contender).encode())])


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides a duel's outcome, as plain data.

    ``contenders`` maps each name to ``{"family", "title", "recipe"}``; ``source`` is a
    :class:`~graduel.data.source.SourceSpec` as plain data, None for data known by name.
    Equal protocols give equal results (times and memory apart), so that a duel can be stopped and
    taken up again.
    """

    dataset: str
    contenders: Mapping[str, Mapping[str, Any]]
    seeds: int = 1
    rows: int | None = None
    quick: bool = False
    threads: int = 1
    rope: float = ROPE
    varies: Sequence[str] = ()
    """What differs from one contender to the next, where this is an experiment."""
    versions: Mapping[str, str] = field(default_factory=deciding_versions)
    source: Mapping[str, Any] | None = None
    split: str = "given"
    metric: str = "error"
    trials: int | None = None
    """How many settings each contender is tuned with; None where none or seconds count."""
    seconds: float | None = None
    """Of tuning and fitting that each contender has in each run."""
    probes: bool = True
    """Whether fitted models are tried on disturbed rows."""

    @property
    def budget(self) -> dict[str, Any]:
        """The budget of each side: its kind and how much of it."""
        if self.trials is not None:
            return {"kind": "trials", "value": self.trials}
        return {"kind": "none" if self.seconds is None else "seconds", "value": self.seconds}

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``duel.json``; equal protocols give equal data."""
        found = {"format": FORMAT, **asdict(self), "varies": list(self.varies)}
        return {k: v for k, v in found.items() if k not in LATER or v != LATER[k]}

    @classmethod
    def from_dict(cls, data: Any) -> Protocol:
        """Make a protocol of what :meth:`as_dict` returned, perhaps by way of JSON.

        Raises
        ------
        UserError
            If the data are not a plan of this format.
        """
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise UserError(f"expected a duel's plan of format {FORMAT}; got something else")
        try:
            return cls(**{key: value for key, value in data.items() if key != "format"})
        except TypeError as error:
            raise UserError(f"expected a duel's plan; {error}") from None

    @property
    def digest(self) -> str:
        """Eight characters that tell this protocol from others."""
        return sha256(dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]

    @property
    def splits(self) -> int:
        """How many pairs of training and test rows there are."""
        return Design.read(self.split).splits

    @property
    def runs(self) -> int:
        """How often each contender is fitted: each split with each seed."""
        return self.splits * self.seeds

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, contender by contender.

        The variants of an experiment draw the same random numbers.
        """
        stream = "experiment" if self.varies else ""
        for name in self.contenders:
            for run in range(self.runs):
                yield Cell(name, run, stream)


def build_protocol(
    dataset: str | DataSource = "mnist",
    *,
    contenders: Sequence[str] | None = None,
    net: NetRecipe | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    budget: Any = None,
    trials: int | None = None,
    own: Sequence[UserContender] = (),
    probes: bool = True,
) -> Protocol:
    """Check what was asked for and make a protocol of it.

    Parameters
    ----------
    dataset : a name, or data of one's own
    contenders, net, seeds, rows, quick, threads : see :func:`graduel.run_duel`
    split : ``given``, ``shuffle``, or folds and repeats such as ``5x2``
    metric : what is compared and what the fits stop by
    rope : the largest difference in that metric that makes no difference in practice
    budget, trials : what each side may use for tuning; see :func:`graduel.run_duel`
    own : contenders of the user's own
    probes : try fitted models on disturbed rows

    Raises
    ------
    UserError
        If a name is unknown or a number out of range.
    """
    names = contenders if contenders is not None else default_contenders()
    if not names:
        some = ", ".join(contender_names())
        raise UserError(f"expected at least one contender of {some}; got none")
    known = {name: get_contender(name) for name in names}
    for name in names:
        if list(names).count(name) > 1:
            raise UserError(f"each contender duels once; got '{name}' twice")
        for needed in known[name][0].requires:
            require(needed.package, needed.title, needed.install)
    names = sort_contenders(names)
    taken = [*names, *[one.name for one in own]]
    if twice := [name for name in taken if taken.count(name) > 1]:
        raise UserError(f"each contender duels once; got '{twice[0]}' twice")
    if net is not None and "net" not in names:
        raise UserError("a network of your own is the contender 'net'; add it to --contenders")
    options: dict[str, Any] = {
        "split": split,
        "metric": metric,
        "rope": rope,
        "rows": rows,
        "quick": quick,
    }
    traits = None
    if (
        isinstance(dataset, DataSource)
        and (learning := table_training_rows(dataset, **options)) is not None
    ):
        data = dataset.load()
        vectors = len(data.classes) > 2 and all(c.kind != "categorical" for c in data.columns)
        from graduel.contenders.family import TableTraits

        traits = TableTraits(learning, len(data.classes), vectors)
    chosen: dict[str, tuple[str, str, Any]] = {}
    for name in names:
        family, contender = known[name]
        if (recipes := contender.recipes(traits)) is None:
            if traits is None:
                raise UserError(f"{name} is for tables, and these are images")
            raise UserError(f"{name} is for images; for a table take {family.name}")
        recipe: Any = recipes.quick if quick else recipes.full
        if name == "net" and net is not None:
            from graduel.train.build.recipe_parser import validate_recipe

            recipe = validate_recipe(net)
        chosen[name] = (family.name, contender.title, recipe)
    for one in own:
        chosen[one.name] = (USER, one.title, one.recipe)
    options |= {"budget": budget, "trials": trials}
    found = protocol_for(dataset, chosen, seeds=seeds, threads=threads, **options)
    return replace(found, probes=probes)


def table_training_rows(data: DataSource, **options: Any) -> int | None:
    """Return how many rows of a table would be learned from; None where there are images."""
    found = data.load()
    return choose_defaults(found, **options).learning if found.columns else None


def protocol_for(
    dataset: str | DataSource,
    chosen: Mapping[str, tuple[str, str, Any]],
    *,
    seeds: int,
    rows: int | None,
    quick: bool,
    threads: int | None,
    varies: Sequence[str] = (),
    split: str | None = None,
    metric: str | None = None,
    rope: float | None = None,
    budget: Any = None,
    trials: int | None = None,
) -> Protocol:
    """Make a protocol for contenders given as ``{name: (family, title, recipe)}``.

    Raises
    ------
    UserError
        If the data set is unknown or a number out of range.
    """
    if isinstance(dataset, str) and dataset not in DATASETS:
        raise unknown("data set", dataset, DATASETS)
    seeds = validate_count("seeds", seeds, MOST_SEEDS)
    rows = None if rows is None else validate_count("rows", rows, None)
    most = max(MOST_THREADS, os.cpu_count() or 1)
    threads = default_threads() if threads is None else validate_count("threads", threads, most)
    protocol = Protocol(
        dataset=dataset if isinstance(dataset, str) else dataset.description.name,
        contenders={
            name: {"family": family, "title": title, "recipe": _plain(recipe)}
            for name, (family, title, recipe) in chosen.items()
        },
        seeds=seeds,
        rows=rows if rows is not None else (QUICK_ROWS if quick else None),
        quick=quick,
        threads=threads,
        varies=varies,
    )
    protocol = _with_budget(protocol, budget, trials)
    if isinstance(dataset, DataSource):
        data = dataset.load()
        found = choose_defaults(data, split=split, metric=metric, rope=rope, rows=rows, quick=quick)
        protocol = replace(
            protocol,
            source=dataset.description.as_dict(),
            split=found.split,
            metric=found.metric,
            rope=found.rope,
            rows=found.rows,
        )
        _check_runs(protocol)
    else:
        protocol = _of_known(protocol, dataset, split, metric, rope)
    own = [recipe for _, _, recipe in chosen.values() if _is_own(recipe)]
    if own or (rows is not None and isinstance(dataset, str)):
        data = load_dataset(dataset) if isinstance(dataset, str) else dataset.load()
        check_rows(protocol, data)
        for recipe in own:
            check_recipe(recipe, data.n_features, len(data.classes), image=data.image)
    return protocol


def _check_runs(protocol: Protocol) -> None:
    if protocol.runs > MOST_SEEDS:
        raise UserError(
            f"expected at most {MOST_SEEDS:,} fits of each contender; {protocol.seeds} seeds on "
            f"{protocol.splits} splits are {protocol.runs:,}"
        )


def _with_budget(protocol: Protocol, budget: Any, trials: int | None) -> Protocol:
    """Take in the budget, and the versions of what is only needed here and there."""
    seconds = parse_budget(budget)
    protocol = replace(protocol, seconds=seconds, trials=validate_trials(trials, seconds))
    families = dict.fromkeys(spec["family"] for spec in protocol.contenders.values())
    more = [package for family in families for package in family_packages(family)]
    if protocol.budget["kind"] != "none":
        require("optuna", "Optuna, with which graduel tunes,", "graduel[tune]")
        more.append("optuna")
    return replace(protocol, versions=deciding_versions(more))


def _of_known(
    protocol: Protocol, name: str, split: str | None, metric: str | None, rope: float | None
) -> Protocol:
    """Take in what was asked for of a known data set: its test part, or all rows shuffled."""
    design = Design.read(split or "given")
    if design.kind != "given":
        data, quick = load_dataset(name), protocol.quick
        settled = choose_defaults(
            data, split=str(design), metric="error", rope=0.0, rows=protocol.rows, quick=quick
        )
        protocol = replace(protocol, split=settled.split, rows=settled.rows)
        _check_runs(protocol)
    if metric is not None:
        found = get_metric(metric)
        protocol = replace(protocol, metric=found.name, rope=default_rope(found, table=False))
    return protocol if rope is None else replace(protocol, rope=validate_rope(rope))


def _is_own(recipe: Any) -> TypeGuard[NetRecipe]:
    """Tell whether a recipe is a network of the user's, which must be held against the data."""
    return isinstance(recipe, NetRecipe) and recipe not in known_nets()


def _plain(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON gives it back: lists for tuples."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(recipe).items()}


def default_threads() -> int:
    """Return the cores that this process may use, containers' limits included."""
    from joblib import cpu_count

    return int(cpu_count())
