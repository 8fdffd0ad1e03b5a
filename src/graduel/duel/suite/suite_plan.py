"""The plan of a suite: a duel on each of several data sets, with the same options.

The folder of a suite:

suite.json          the plan: data sets in order, and options
NAME/               a duel's folder for each data set (see :mod:`graduel.duel.store.store`)
suite-result.json   the comparison across data sets; suite.html beside it
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
from graduel.data.spec import SourceSpec
from graduel.duel.plan.defaults import cap_rows
from graduel.duel.plan.packages import deciding_versions
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.threads import parse_threads
from graduel.duel.plan.user_estimators import UserContender
from graduel.duel.store.lock import LOCKS, locked_folder
from graduel.duel.store.plan_file import INVOCATION
from graduel.errors import UserError
from graduel.metrics.metric import Metric, default_rope, get_metric
from graduel.metrics.positive_class import check_positive
from graduel.serialize import read_json, to_plain, write_json
from graduel.train.build.recipe_parser import recipe_text, resolve_recipe
from graduel.train.recipes import NetRecipe, RecipeLike, net_recipe

SUITE, SUITE_RESULT = "suite.json", "suite-result.json"
FAILURES = "failures.json"
"""The data sets that ``--plan-only`` could not plan, with the reasons."""
RESERVED_NAMES = (SUITE, SUITE_RESULT, FAILURES, INVOCATION, LOCKS, "suite.html")
"""Names that no data set's folder may have."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Member:
    """One data set of a suite."""

    name: str
    """The name of the data set and of its duel's folder."""
    data: DataSource

    def as_dict(self) -> dict[str, Any]:
        """Return plain data: how the data are read, without their location."""
        return {"name": self.name, "source": self.data.spec.as_dict()}


@dataclass(frozen=True, slots=True)
class SuitePlan:
    """Everything that determines the result of a suite.

    Attributes
    ----------
    members : the data sets, in order
    options : options of every duel, see
        :func:`~graduel.duel.plan.protocol_builder.build_protocol`. Unset options are left out, so
        that each data set gets its own defaults. A data set with fewer than `rows` training rows
        uses all of them
    net : the recipe of the contender 'net', or changes to each data set's default as text
    user_contenders : the user's own contenders
    versions : versions of the packages that influence the results
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
            If the options do not suit this data set.
        """
        options = dict(self.options)
        if not member.data.is_builtin and member.data.load().task.kind == "regression":
            raise UserError(
                f"expected a target of classes; that of {member.name} is a number, and errors in "
                "different units cannot be compared across data sets. Run its duel alone, or give "
                "--bins 3 to predict ranges"
            )
        if options.get("rows") is not None:
            quick, split = bool(options.get("quick")), options.get("split")
            options["rows"] = cap_rows(options["rows"], member.data.load(), split, quick=quick)
        return build_protocol(
            member.data, net=self.net, user_contenders=self.user_contenders, **options
        )

    @property
    def metric(self) -> Metric:
        """The metric to compare across data sets: the user's choice, by default the error."""
        return get_metric(self.options.get("metric", "error"))

    @property
    def rope(self) -> float:
        """The region of practical equivalence across data sets."""
        rope = self.options.get("rope")
        return default_rope(self.metric, table=self.tables) if rope is None else float(rope)

    @property
    def tables(self) -> bool:
        """Whether any data set is user data."""
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
        """The first eight hexadecimal digits of the plan's SHA-256 hash."""
        return sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]


def plan_suite(
    data: Sequence[DataSource],
    *,
    names: Sequence[str] | None = None,
    net: RecipeLike | None = None,
    user_contenders: Sequence[UserContender] = (),
    threads: int | str | None = None,
    workers: int = 1,
    **options: Any,
) -> SuitePlan:
    """Validate the options and plan a duel for each data set.

    No data set is read here: a data set that cannot be read fails when its duel starts, without
    stopping the others. An option that is wrong for all data sets (an unknown contender, metric or
    split) is an error here.

    Parameters
    ----------
    data : the data sets
    names : names of the data sets; by default those of the files
    net : the recipe of the contender 'net', or changes to its default as text or a
        mapping
    user_contenders : the user's own contenders
    threads, workers, options : see :func:`~graduel.duel.plan.protocol_builder.build_protocol`

    Raises
    ------
    UserError
        If there are no data sets, or an option is wrong for any data set.
    """
    if not data:
        raise UserError("a suite needs at least one data set; got none")
    folders = _folders([one.name for one in data] if names is None else names)
    # Unset options are left out: None, and switches with their default value.
    defaults = {"probes": True}
    shared = {k: v for k, v in options.items() if v is not None and v is not defaults.get(k, False)}
    shared["threads"] = parse_threads(threads) or "auto"
    if workers != 1:
        shared["workers"] = workers
    members = tuple(Member(name, one) for name, one in zip(folders, data, strict=True))
    if "metric" in shared:
        metric = get_metric(shared["metric"])
        if "positive" in shared:
            shared["positive"] = str(shared["positive"])
            check_positive(metric.name)
    # An error here would occur on every data set.
    if net is not None:
        resolve_recipe(net, net_recipe(bool(shared.get("quick"))))
    if isinstance(net, Mapping):
        net = recipe_text(net)
    data_options = ("rows", "metric", "positive")
    anywhere = {k: v for k, v in shared.items() if k not in data_options}
    if anywhere.get("split") == "given":
        del anywhere["split"]
    build_protocol(open_source("iris"), user_contenders=user_contenders, **anywhere)
    return SuitePlan(members, shared, net, tuple(user_contenders))


def _folders(names: Sequence[str]) -> list[str]:
    """Return a unique folder name for each data set, valid on every system.

    >>> _folders(["a", "A", "a b/c", ""])
    ['a', 'A-2', 'a-b-c', 'data']
    """
    folders: list[str] = []
    used = set(RESERVED_NAMES)
    for name in names:
        plain = re.sub(r"[^\w.-]+", "-", name).strip("-.")[:60] or "data"
        candidates = (plain if i == 1 else f"{plain}-{i}" for i in count(1))
        free = next(one for one in candidates if one.lower() not in used)
        used.add(free.lower())
        folders.append(free)
    return folders


def read_suite_plan(path: Path) -> SuitePlan:
    """Return the plan in a suite's folder, without the location of the data.

    Raises
    ------
    UserError
        If it is missing or damaged.
    """
    plan = read_json(path / SUITE)
    try:
        members = tuple(
            Member(one["name"], DataSource(SourceSpec.from_dict(one["source"]), None))
            for one in plan["datasets"]
        )
        return SuitePlan(members, plan["options"], versions=plan["versions"])
    except (TypeError, KeyError) as error:
        raise UserError(f"expected a suite's plan; {path / SUITE} is damaged ({error})") from None


@contextmanager
def open_suite(path: Path, plan: SuitePlan) -> Iterator[None]:
    """Lock a folder for a suite: a new folder, or the folder of this suite.

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, or holds other files or another suite.
    """
    path = Path(path)
    with locked_folder(path, SUITE, "suite", lambda: _claim(path, plan.as_dict())):
        yield


def _claim(path: Path, plan: dict[str, Any]) -> None:
    """Write the plan to a new folder, or compare it with the plan of an existing one."""
    remove_unfinished(path)
    if not (path / SUITE).exists():
        write_json(path / SUITE, plan)
        return
    earlier = read_json(path / SUITE)
    if earlier != plan:
        raise UserError(
            f"{path} holds a different suite ({_difference(earlier, plan)}). Choose another --out"
        )


def _difference(earlier: Any, plan: dict[str, Any]) -> str:
    """Describe the first difference of two plans in a few words."""
    try:
        old, new = earlier["datasets"], plan["datasets"]
        before, now = ([one["name"] for one in datasets] for datasets in (old, new))
        if before != now:
            return f"data sets there: {', '.join(before)}; here: {', '.join(now)}"
        for one, other in zip(old, new, strict=True):
            if one != other:
                same = {**one["source"], "sha256": ""} == {**other["source"], "sha256": ""}
                return (
                    f"{one['name']} {'has changed since' if same else 'is read with other options'}"
                )
        for key in ("options", "versions"):
            for name in sorted({**earlier[key], **plan[key]}):
                there, here = earlier[key].get(name), plan[key].get(name)
                if there != here:
                    return f"{name} {there!r} there, {here!r} here"
        if earlier["own"] != plan["own"]:
            return "with other contenders of your own"
        return f"net {earlier['net']!r} there, {plan['net']!r} here"
    except (TypeError, KeyError, AttributeError):
        return f"its {SUITE} is not a suite's plan"
