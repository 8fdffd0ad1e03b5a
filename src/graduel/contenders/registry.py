"""The registry of contender families: built-in ones, and those of installed packages.

A package provides a family through an entry point in the group ``graduel.contenders``: its name is
the family's name, its object a :class:`~graduel.contenders.family.Family`. A family is imported on
first use, so that a worker process imports only its own family, and a broken package affects only
duels that use it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from graduel.contenders.contender import TunableContender
    from graduel.contenders.family import Family, NamedContender

GROUP = "graduel.contenders"
"""The entry-point group."""
USER = "user"
"""The family of the user's own estimators; it has no named contenders."""
BUILT_IN: dict[str, tuple[str, tuple[str, ...]]] = {
    "textbook": ("textbook", ("textbook",)),
    "net": ("net", ("net", "net-best", "net-augmented", "net-conv")),
    "xgboost": (
        "xgboost",
        ("xgboost", "xgboost-best", "xgboost-augmented", "xgboost-td", "xgboost-plain"),
    ),
    "lightgbm": ("lightgbm", ("lightgbm",)),
    "catboost": ("catboost", ("catboost",)),
    "hist": ("hist_gradient_boosting", ("hist",)),
    "forest": ("random_forest", ("forest",)),
    "logistic": ("logistic", ("logistic",)),
    "ridge": ("ridge", ("ridge",)),
    "mlp": ("mlp", ("mlp",)),
}
"""Module and contender names of each built-in family, available without importing it."""
BUILT_IN_CONTENDERS = {
    contender: family for family, (_, contenders) in BUILT_IN.items() for contender in contenders
}
"""The family of each built-in contender, in the order used in duels."""


def get_family(name: str) -> Family:
    """Return a family by name.

    Raises
    ------
    UserError
        If no family or several families have that name, or the package is broken.
    """
    if name in BUILT_IN or name == USER:
        module = "user_estimator" if name == USER else BUILT_IN[name][0]
        family: Family = import_module(f"graduel.contenders.{module}").FAMILY
        return family
    points = [point for point in _entry_points() if point.name == name]
    if not points:
        raise unknown("contender family", name, [*BUILT_IN, *_plugin_names()])
    return _load(points)


def list_families() -> dict[str, Family]:
    """Return all families, built-in ones first.

    Raises
    ------
    UserError
        If an installed package is broken, or provides a family under a built-in name.
    """
    points = _entry_points()
    if clash := [point for point in points if point.name in BUILT_IN_CONTENDERS]:
        raise UserError(
            f"the installed package {_package(clash[0])} provides a contender family "
            f"{clash[0].name!r}, which is a built-in name. Uninstall it"
        )
    return {name: get_family(name) for name in [*BUILT_IN, *_plugin_names()]}


def get_contender(name: str) -> tuple[Family, NamedContender]:
    """Return the family and the record of a contender by name.

    Raises
    ------
    UserError
        If no contender has that name, or the package is broken.
    """
    owner = BUILT_IN_CONTENDERS.get(name)
    if owner is None:
        owners = [one for one in _plugin_names() if name == one or name.startswith(f"{one}-")]
        owner = max(owners, key=len, default=None)
    if owner is not None:
        family = get_family(owner)
        for contender in family.contenders:
            if contender.name == name:
                return family, contender
    raise unknown("contender", name, contender_names())


def list_contenders() -> dict[str, tuple[Family, NamedContender]]:
    """Return all contenders with their families, by name; raises like :func:`list_families`."""
    return {
        contender.name: (family, contender)
        for family in list_families().values()
        for contender in family.contenders
    }


def contender_names() -> list[str]:
    """Return the contender names that are known without importing a family."""
    return [*BUILT_IN_CONTENDERS, *_plugin_names()]


def default_contenders() -> list[str]:
    """Return the names of the default contenders."""
    return [name for name in BUILT_IN_CONTENDERS if get_contender(name)[1].default]


def sort_contenders(names: Iterable[str]) -> list[str]:
    """Sort contender names into the order of a duel, so that equal choices give equal plans.

    >>> sort_contenders(["zebra", "xgboost", "net"])
    ['net', 'xgboost', 'zebra']
    """
    ranks = {name: rank for rank, name in enumerate(BUILT_IN_CONTENDERS)}
    return sorted(names, key=lambda name: (ranks.get(name, len(ranks)), name))


def family_packages(name: str) -> tuple[str, ...]:
    """Return the distributions whose versions influence a family's results, its own included."""
    packages = get_family(name).deciding_packages
    if name in BUILT_IN or name == USER:
        return packages
    return (*packages, *(_package(point) for point in _entry_points() if point.name == name))


def known_packages() -> list[str]:
    """Return the deciding packages of the built-in families, and all packages with families."""
    deciding = [package for name in BUILT_IN for package in get_family(name).deciding_packages]
    return list(dict.fromkeys([*deciding, *map(_package, _entry_points())]))


def make_contender(
    name: str,
    family: str,
    recipe: Mapping[str, Any],
    metric: str = "error",
    estimator: bytes | None = None,
) -> TunableContender:
    """Build a contender from the plain data of a plan.

    Parameters
    ----------
    name : the name in the duel
    family, recipe : the family's name and the recipe's fields, from the plan
    metric : the leading metric
    estimator : for the family ``user``: the estimator, pickled by the parent process and received
        through a pipe, never from a file
    """
    record = get_family(family)
    if family != USER:
        from graduel.contenders.family import FamilyContender

        return FamilyContender(record, record.parse_recipe(recipe), name, metric)
    from graduel.contenders.user_estimator import unpickle_contender

    return unpickle_contender(name, record.parse_recipe(recipe), metric, estimator)


def _entry_points() -> list[EntryPoint]:
    """Return the entry points of installed packages, sorted by name and package."""
    from importlib.metadata import entry_points

    return sorted(entry_points(group=GROUP), key=lambda point: (point.name, _package(point)))


def _plugin_names() -> list[str]:
    return list(dict.fromkeys(point.name for point in _entry_points()))


def _package(point: EntryPoint) -> str:
    return "unknown" if point.dist is None else str(point.dist.name)


def _load(points: list[EntryPoint]) -> Family:
    """Load the family of an installed package and validate its names."""
    from graduel.contenders.family import Family

    point, package = points[0], _package(points[0])
    if len(points) > 1:
        raise UserError(
            f"the installed packages {' and '.join(map(_package, points))} both provide a "
            f"contender family {point.name!r}. Uninstall one of them"
        )
    what = f"contender family {point.name!r} of the installed package {package}"
    try:
        family = point.load()
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{what} cannot be imported ({type(error).__name__}: {reason}). Update or uninstall "
            f"{package}"
        ) from None
    if not isinstance(family, Family):
        raise UserError(
            f"{what} must be a graduel.contenders.family.Family; got {type(family).__name__} "
            f"from {point.value}"
        )
    names = [contender.name for contender in family.contenders]
    if family.name != point.name or not re.fullmatch(r"[A-Za-z0-9][\w.-]*", family.name, re.ASCII):
        raise UserError(f"{what} must have the name of its entry point; got {family.name!r}")
    for name in names:
        if name != family.name and not re.fullmatch(rf"{re.escape(family.name)}-[\w.-]+", name):
            raise UserError(
                f"{what}: contender names must be {family.name!r} or start with "
                f"'{family.name}-'; got {name!r}"
            )
    return family
