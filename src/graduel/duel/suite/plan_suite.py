"""A suite: several data sets, a duel on each with the same options; decided before anything runs.

suite.json          the plan: which data sets, in which order, under which options
NAME/               a duel's folder for each data set (see :mod:`graduel.duel.store.store`)
suite-result.json   what all of them say together; suite.html beside it
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from graduel.data import load_dataset
from graduel.data.source import DataSource, open_source
from graduel.duel.plan.defaults import cap_rows
from graduel.duel.plan.protocol import (
    Protocol,
    build_protocol,
    deciding_versions,
    default_threads,
    table_training_rows,
)
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.store.lock import locked_folder
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.serialize import read_json, write_json
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.recipes import NetRecipe, net_recipe

SUITE, SUITE_RESULT = "suite.json", "suite-result.json"
TAKEN = (SUITE, SUITE_RESULT, "suite.html")
"""No data set's folder may be called so."""
FORMAT = 1
ROW_OPTIONS = ("split", "metric", "rope", "rows", "quick")
"""The options that decide how many rows of a table are learned from."""


@dataclass(frozen=True, slots=True)
class Member:
    """One data set of a suite."""

    name: str
    """What it is called, and its duel's folder."""
    data: str | DataSource

    def as_dict(self) -> dict[str, Any]:
        """Return plain data: how the data are read, not where they lie."""
        if isinstance(self.data, str):
            return {"name": self.name, "dataset": self.data}
        return {"name": self.name, "source": self.data.spec.as_dict()}


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """Everything that decides a suite's outcome.

    Attributes
    ----------
    members : the data sets, in order
    options : what every duel is planned with, as
        :func:`graduel.duel.plan.protocol.build_protocol` takes it; what
        was not asked for is left out, so that each data set gets what suits it. Its rows are the
        most: a data set that has fewer gives all
    net : the network of the user's own, as text (each data set completes it by its own default)
        or as a recipe
    mine : contenders of the user's own
    versions : of the packages that decide the numbers
    """

    members: tuple[Member, ...]
    options: Mapping[str, Any]
    net: str | NetRecipe | None = None
    mine: tuple[UserContender, ...] = ()
    versions: Mapping[str, str] = field(default_factory=deciding_versions)

    def protocol(self, member: Member) -> Protocol:
        """Plan the duel on one data set.

        Raises
        ------
        UserError
            If this data set cannot be duelled on in this way.
        """
        recipe, options = self.net, dict(self.options)
        if options.get("rows") is not None:
            data = (
                member.data.load()
                if isinstance(member.data, DataSource)
                else load_dataset(member.data)
            )
            quick, split = bool(options.get("quick")), options.get("split")
            options["rows"] = cap_rows(options["rows"], data, split, quick=quick)
        if isinstance(recipe, str):
            asked = {name: options.get(name) for name in ROW_OPTIONS}
            quick = bool(asked["quick"])
            rows = None
            if isinstance(member.data, DataSource):
                rows = table_training_rows(member.data, **asked | {"quick": quick})
            recipe = parse_recipe(recipe, net_recipe(quick, rows))
        return build_protocol(member.data, net=recipe, own=self.mine, **options)

    @property
    def metric(self) -> Metric:
        """What data sets are put together by: the metric that was asked for, else the error."""
        return get_metric(self.options.get("metric", "error"))

    @property
    def rope(self) -> float:
        """The region of practical equivalence across data sets."""
        asked = self.options.get("rope")
        return default_rope(self.metric, table=self.tables) if asked is None else float(asked)

    @property
    def tables(self) -> bool:
        """Tell whether there are tables among the data sets."""
        return any(isinstance(member.data, DataSource) for member in self.members)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``suite.json``; equal plans give equal data."""
        net = asdict(self.net) if isinstance(self.net, NetRecipe) else self.net
        found = {
            "format": FORMAT,
            "datasets": [member.as_dict() for member in self.members],
            "options": dict(self.options),
            "net": net,
            "own": {one.name: asdict(one.recipe) for one in self.mine},
            "versions": dict(self.versions),
        }
        return json.loads(json.dumps(found))

    @property
    def digest(self) -> str:
        """Eight characters that tell this plan from others."""
        return sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]


def plan_suite(
    data: Sequence[str | DataSource],
    *,
    names: Sequence[str] | None = None,
    net: str | NetRecipe | None = None,
    mine: Sequence[UserContender] = (),
    threads: int | None = None,
    **options: Any,
) -> SuitePlan:
    """Check what was asked for and make a plan of it.

    No data set is read here: one that cannot be duelled on is told when its turn comes, and the
    others go on. What is wrong for all of them (no such contender, metric or split) is refused.

    Parameters
    ----------
    data : the data sets: names, or data of one's own
    names : what they are called; by default what their files are
    net : a network of one's own
    mine : contenders of one's own
    threads, options : as :func:`graduel.duel.plan.protocol.build_protocol` takes them

    Raises
    ------
    UserError
        If there are no data sets, or an option is wrong whatever the data set.
    """
    if not data:
        raise UserError("a suite needs data sets; got none")
    called = list(names) if names is not None else [_title(one) for one in data]
    folders = _folders(called)
    given = {k: v for k, v in options.items() if v is not None and v is not False}
    given["threads"] = default_threads() if threads is None else threads
    members = tuple(Member(name, one) for name, one in zip(folders, data, strict=True))
    # What fails here would fail on every data set.
    if isinstance(net, str):
        parse_recipe(net, net_recipe(bool(given.get("quick"))))
    anywhere = {k: v for k, v in given.items() if k != "rows" and (k, v) != ("split", "given")}
    build_protocol(open_source("iris"), own=mine, **anywhere)
    return SuitePlan(members, given, net, tuple(mine))


def _title(data: str | DataSource) -> str:
    return data if isinstance(data, str) else data.spec.name


def _folders(names: Sequence[str]) -> list[str]:
    """Return a folder's name for each data set, on every system and no two the same.

    >>> _folders(["a", "A", "a b/c", ""])
    ['a', 'A-2', 'a-b-c', 'data']
    """
    found: list[str] = []
    taken = set(TAKEN)
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "data"
        tries = (plain if i == 1 else f"{plain}-{i}" for i in count(1))
        free = next(one for one in tries if one.lower() not in taken)
        taken.add(free.lower())
        found.append(free)
    return found


@contextmanager
def open_suite(path: Path, plan: SuitePlan) -> Iterator[None]:
    """Hold a folder for a suite: a new one, or one that this very suite began.

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, holds something else, or another suite.
    """
    path = Path(path)
    with locked_folder(path, SUITE, "suite", lambda: _claim(path, plan)):
        yield


def _claim(path: Path, plan: SuitePlan) -> None:
    """Write the plan into a new folder; compare it with the plan of an old one."""
    mine = plan.as_dict()
    if not (path / SUITE).exists():
        write_json(path / SUITE, mine)
        return
    theirs = read_json(path / SUITE)
    if theirs != mine:
        raise UserError(
            f"{path} holds another suite ({_difference(theirs, mine)}). Choose another --out"
        )


def _difference(theirs: Any, mine: dict[str, Any]) -> str:
    """Say in a few words what the first difference of two plans is."""
    try:
        old, new = theirs["datasets"], mine["datasets"]
        before, now = ([one["name"] for one in datasets] for datasets in (old, new))
        if before != now:
            return f"of {', '.join(before)}; here {', '.join(now)}"
        for one, other in zip(old, new, strict=True):
            if one != other:
                same = {**one["source"], "sha256": ""} == {**other["source"], "sha256": ""}
                return f"{one['name']} {'has changed since' if same else 'is read otherwise'}"
        for key in ("options", "versions"):
            for name in sorted({**theirs[key], **mine[key]}):
                there, here = theirs[key].get(name), mine[key].get(name)
                if there != here:
                    return f"{name} {there!r} there, {here!r} here"
        if theirs["own"] != mine["own"]:
            return "of other contenders of your own"
        return f"net {theirs['net']!r} there, {mine['net']!r} here"
    except (TypeError, KeyError, AttributeError):
        return f"its {SUITE} is no suite's"
