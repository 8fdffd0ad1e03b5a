"""What is duelled, on which rows, under which budget: decided whole before anything is fitted."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from importlib.metadata import version
from json import dumps
from typing import Any, TypeGuard
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from graduel.data import DATASETS, Dataset, load_dataset
from graduel.errors import UserError, unknown
from graduel.recipes import CONTENDERS, NetRecipe, Recipe
from graduel.train.recipe import check

FORMAT = 1
MOST_SEEDS = 1000
MOST_THREADS = 8
"""Or the machine's cores, where there are more."""
QUICK_ROWS = 10_000
ROWS_A_CLASS = 10
"""The fewest training rows that a class needs: some to learn from, one at least to validate on."""
VALID_SHARE = 1 / 12
"""Of the training rows, kept for early stopping: 5,000 of MNIST's 60,000."""
ROPE = 0.0025
"""Region of practical equivalence for the error: a quarter of a point, 25 digits in 10,000."""
DECIDING_PACKAGES = ("graduel", "numpy", "scikit-learn", "xgboost")


@dataclass(frozen=True, slots=True)
class Cell:
    """The unit of work: one contender, fitted once with one seed."""

    contender: str
    seed: int
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
class Split:
    """Row numbers of a data set: to learn from, to choose on, to be judged on."""

    train: NDArray[np.intp]
    valid: NDArray[np.intp]
    test: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides a duel's outcome, as plain data.

    ``contenders`` maps each name to ``{"family", "title", "recipe"}``. Equal protocols give equal
    results (times and memory apart), so that a duel can be stopped and taken up again.
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
    versions: Mapping[str, str] = field(
        default_factory=lambda: {name: version(_installed(name)) for name in DECIDING_PACKAGES}
    )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``duel.json``; equal protocols give equal data."""
        return {"format": FORMAT, **asdict(self), "varies": list(self.varies)}

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

    def cells(self) -> Iterator[Cell]:
        """Yield every cell, contender by contender.

        The variants of an experiment draw the same random numbers.
        """
        stream = "experiment" if self.varies else ""
        for name in self.contenders:
            for seed in range(self.seeds):
                yield Cell(name, seed, stream)


def _installed(package: str) -> str:
    """Return the distribution that stands for a package: xgboost-cpu where xgboost is not."""
    from importlib.metadata import PackageNotFoundError

    try:
        version(package)
    except PackageNotFoundError:
        return "xgboost-cpu" if package == "xgboost" else package
    return package


def plan(
    dataset: str = "mnist",
    *,
    contenders: Sequence[str] | None = None,
    net: NetRecipe | None = None,
    seeds: int = 1,
    rows: int | None = None,
    quick: bool = False,
    threads: int | None = None,
) -> Protocol:
    """Check what was asked for and make a protocol of it.

    Raises
    ------
    UserError
        If a name is unknown or a number out of range.
    """
    names = (
        contenders if contenders is not None else [k for k, e in CONTENDERS.items() if e.default]
    )
    if not names:
        raise UserError(f"expected at least one contender of {', '.join(CONTENDERS)}; got none")
    for name in names:
        if name not in CONTENDERS:
            raise unknown("contender", name, CONTENDERS)
        if list(names).count(name) > 1:
            raise UserError(f"each contender duels once; got '{name}' twice")
    # One order for all, so that the same contenders are the same duel.
    names = [name for name in CONTENDERS if name in names]
    if net is not None and "net" not in names:
        raise UserError("a network of your own is the contender 'net'; add it to --contenders")
    chosen: dict[str, tuple[str, str, Recipe]] = {}
    for name in names:
        entry = CONTENDERS[name]
        recipe: Recipe = entry.quick if quick else entry.full
        if name == "net" and net is not None:
            from graduel.train.netspec import checked

            recipe = checked(net)
        chosen[name] = (entry.family, entry.title, recipe)
    return plan_contenders(dataset, chosen, seeds=seeds, rows=rows, quick=quick, threads=threads)


def plan_contenders(
    dataset: str,
    chosen: Mapping[str, tuple[str, str, Recipe]],
    *,
    seeds: int,
    rows: int | None,
    quick: bool,
    threads: int | None,
    varies: Sequence[str] = (),
) -> Protocol:
    """Make a protocol for contenders given as ``{name: (family, title, recipe)}``.

    Raises
    ------
    UserError
        If the data set is unknown or a number out of range.
    """
    if dataset not in DATASETS:
        raise unknown("data set", dataset, DATASETS)
    seeds = _whole("seeds", seeds, MOST_SEEDS)
    rows = None if rows is None else _whole("rows", rows, None)
    most = max(MOST_THREADS, os.cpu_count() or 1)
    threads = default_threads() if threads is None else _whole("threads", threads, most)
    protocol = Protocol(
        dataset=dataset,
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
    own = [recipe for _, _, recipe in chosen.values() if _is_own(recipe)]
    if rows is not None or own:
        data = load_dataset(dataset)
        check_rows(protocol, data)
        for recipe in own:
            check(recipe, data.n_features, len(data.classes), image=data.image)
    return protocol


def _is_own(recipe: Recipe) -> TypeGuard[NetRecipe]:
    """Tell whether a recipe is a network of the user's, which must be held against the data."""
    known = (CONTENDERS["net"].full, CONTENDERS["net"].quick)
    return isinstance(recipe, NetRecipe) and recipe not in known


def _whole(name: str, value: int, most: int | None) -> int:
    """Return a whole number from 1 to `most`; rows have a message of their own."""
    try:
        number = operator.index(value)
    except TypeError:
        raise UserError(f"{name} must be a whole number; got {value!r}") from None
    if most is not None and not 1 <= number <= most:
        raise UserError(f"{name} must be at least 1 and at most {most}; got {number}")
    return number


def _plain(recipe: Any) -> dict[str, Any]:
    """Return a recipe as JSON gives it back: lists for tuples."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(recipe).items()}


def default_threads() -> int:
    """Return the cores that this process may use, containers' limits included."""
    from joblib import cpu_count

    return int(cpu_count())


def check_rows(protocol: Protocol, dataset: Dataset) -> None:
    """Refuse a number of rows that the data set cannot give.

    Raises
    ------
    UserError
        If there are too few rows for the classes, or more than there are.
    """
    k, available = len(dataset.classes), len(dataset.train_rows)
    least = ROWS_A_CLASS * k
    if protocol.rows is not None and not least <= protocol.rows <= available:
        raise UserError(
            f"rows must be between {least:,} ({ROWS_A_CLASS} for each of {k} classes) and "
            f"{available:,}, the training rows of {dataset.name}; got {protocol.rows:,}"
        )


def split(protocol: Protocol, dataset: Dataset, seed: int) -> Split:
    """Divide the given training rows into rows to learn from and rows to choose on, by class.

    The part that ``rows`` asks for is the same for every seed; the validation rows are drawn
    anew for each. Test rows are the data set's own.
    """
    from sklearn.model_selection import train_test_split
    from sklearn.utils import resample

    check_rows(protocol, dataset)
    pool = dataset.train_rows
    if protocol.rows is not None and protocol.rows < len(pool):
        pool = resample(
            pool,
            replace=False,
            n_samples=protocol.rows,
            stratify=dataset.y[pool],
            random_state=0,
        )
    n_valid = max(len(dataset.classes), round(len(pool) * VALID_SHARE))
    state = int(np.random.default_rng([seed, 2]).integers(2**31))
    train, valid = train_test_split(
        pool, test_size=n_valid, stratify=dataset.y[pool], random_state=state
    )
    return Split(np.sort(train), np.sort(valid), dataset.test_rows)
