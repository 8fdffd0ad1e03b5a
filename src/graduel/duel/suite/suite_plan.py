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
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

from graduel.atomic_io import remove_unfinished
from graduel.data.source import DataSource, open_source
from graduel.duel.plan.defaults import cap_rows
from graduel.duel.plan.packages import deciding_versions
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol, default_threads
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.store.lock import locked_folder
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.serialize import read_json, to_plain, write_json
from graduel.train.build.recipe_parser import parse_recipe
from graduel.train.recipes import NetRecipe, net_recipe

SUITE, SUITE_RESULT = "suite.json", "suite-result.json"
TAKEN = (SUITE, SUITE_RESULT, "suite.html")
"""No data set's folder may be called so."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One data set of a suite."""

    name: str
    """Its name, and its duel's folder."""
    data: DataSource

    def as_dict(self) -> dict[str, Any]:
        """Return plain data: how the data are read, not where they are."""
        return {"name": self.name, "source": self.data.spec.as_dict()}


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """Everything that decides a suite's outcome.

    Attributes
    ----------
    members : the data sets, in order
    options : of every duel, as :func:`~graduel.duel.plan.protocol_builder.build_protocol` takes
        them, without those that the user left out, so that each data set gets its own defaults. A
        data set with fewer than `rows` rows gives all
    net : the recipe of the contender 'net', or changes to each data set's default as text
    user_contenders : the user's own contenders
    versions : of the packages that decide the numbers
    """

    members: tuple[Member, ...]
    options: Mapping[str, Any]
    net: str | NetRecipe | None = None
    user_contenders: tuple[UserContender, ...] = ()
    versions: Mapping[str, str] = field(default_factory=deciding_versions)

    def protocol(self, member: Member) -> Protocol:
        """Build the protocol of the duel on one data set.

        Raises
        ------
        UserError
            If there can be no such duel on this data set.
        """
        options = dict(self.options)
        if options.get("rows") is not None:
            quick, split = bool(options.get("quick")), options.get("split")
            options["rows"] = cap_rows(options["rows"], member.data.load(), split, quick=quick)
        return build_protocol(
            member.data, net=self.net, user_contenders=self.user_contenders, **options
        )

    @property
    def metric(self) -> Metric:
        """The metric that is compared across data sets: the user's, else the error."""
        return get_metric(self.options.get("metric", "error"))

    @property
    def rope(self) -> float:
        """The region of practical equivalence across data sets."""
        rope = self.options.get("rope")
        return default_rope(self.metric, table=self.tables) if rope is None else float(rope)

    @property
    def tables(self) -> bool:
        """Whether any data set is the user's."""
        return not all(member.data.is_builtin for member in self.members)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for ``suite.json``; equal plans give equal data."""
        return {
            "format": FORMAT,
            "datasets": [member.as_dict() for member in self.members],
            **to_plain(
                {
                    "options": self.options,
                    "net": self.net,
                    "own": {one.name: one.recipe for one in self.user_contenders},
                    "versions": self.versions,
                }
            ),
        }

    @property
    def digest(self) -> str:
        """Eight characters that distinguish this plan from others."""
        return sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]


def plan_suite(
    data: Sequence[DataSource],
    *,
    names: Sequence[str] | None = None,
    net: str | NetRecipe | None = None,
    user_contenders: Sequence[UserContender] = (),
    threads: int | None = None,
    **options: Any,
) -> SuitePlan:
    """Check a user's options and plan a duel for each data set.

    No data set is read here: one that cannot be read fails when its turn comes, and the others go
    on. An option that is wrong for all of them (no such contender, metric or split) is an error.

    Parameters
    ----------
    data : the data sets
    names : their names; by default those of their files
    net : the recipe of the contender 'net', or changes to its default as text
    user_contenders : the user's own contenders
    threads, options : as :func:`~graduel.duel.plan.protocol_builder.build_protocol` takes them

    Raises
    ------
    UserError
        If there are no data sets, or an option is wrong whatever the data set.
    """
    if not data:
        raise UserError("a suite needs data sets; got none")
    folders = _folders([one.name for one in data] if names is None else names)
    # Left out are unset options: None, and switches at their default.
    defaults = {"probes": True}
    shared = {k: v for k, v in options.items() if v is not None and v is not defaults.get(k, False)}
    shared["threads"] = default_threads() if threads is None else threads
    members = tuple(Member(name, one) for name, one in zip(folders, data, strict=True))
    # What fails here would fail on every data set.
    if isinstance(net, str):
        parse_recipe(net, net_recipe(bool(shared.get("quick"))))
    anywhere = {k: v for k, v in shared.items() if k != "rows" and (k, v) != ("split", "given")}
    build_protocol(open_source("iris"), user_contenders=user_contenders, **anywhere)
    return SuitePlan(members, shared, net, tuple(user_contenders))


def _folders(names: Sequence[str]) -> list[str]:
    """Return a folder's name for each data set: valid on every system, no two the same.

    >>> _folders(["a", "A", "a b/c", ""])
    ['a', 'A-2', 'a-b-c', 'data']
    """
    folders: list[str] = []
    taken = set(TAKEN)
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "data"
        tries = (plain if i == 1 else f"{plain}-{i}" for i in count(1))
        free = next(one for one in tries if one.lower() not in taken)
        taken.add(free.lower())
        folders.append(free)
    return folders


@contextmanager
def open_suite(path: Path, plan: SuitePlan) -> Iterator[None]:
    """Hold a folder for a suite: a new one, or one that this very suite began.

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, holds something else, or another suite.
    """
    path = Path(path)
    with locked_folder(path, SUITE, "suite", lambda: _claim(path, plan.as_dict())):
        yield


def _claim(path: Path, plan: dict[str, Any]) -> None:
    """Write the plan into a new folder; compare it with the plan of an old one."""
    remove_unfinished(path)
    if not (path / SUITE).exists():
        write_json(path / SUITE, plan)
        return
    earlier = read_json(path / SUITE)
    if earlier != plan:
        raise UserError(
            f"{path} holds another suite ({_difference(earlier, plan)}). Choose another --out"
        )


def _difference(earlier: Any, plan: dict[str, Any]) -> str:
    """Return the first difference of two plans in a few words."""
    try:
        old, new = earlier["datasets"], plan["datasets"]
        before, now = ([one["name"] for one in datasets] for datasets in (old, new))
        if before != now:
            return f"of {', '.join(before)}; here {', '.join(now)}"
        for one, other in zip(old, new, strict=True):
            if one != other:
                same = {**one["source"], "sha256": ""} == {**other["source"], "sha256": ""}
                return f"{one['name']} {'has changed since' if same else 'is read otherwise'}"
        for key in ("options", "versions"):
            for name in sorted({**earlier[key], **plan[key]}):
                there, here = earlier[key].get(name), plan[key].get(name)
                if there != here:
                    return f"{name} {there!r} there, {here!r} here"
        if earlier["own"] != plan["own"]:
            return "of other contenders of your own"
        return f"net {earlier['net']!r} there, {plan['net']!r} here"
    except (TypeError, KeyError, AttributeError):
        return f"its {SUITE} is no suite's"
