"""Versions of the packages that influence a duel's results, and errors for missing packages."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from graduel.errors import UserError

DECIDING_PACKAGES = ("graduel", "numpy", "scikit-learn", "xgboost")
"""The packages recorded for every duel."""


def deciding_versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of :data:`DECIDING_PACKAGES` and of `more` distributions."""
    return {name: _version(name) for name in dict.fromkeys((*DECIDING_PACKAGES, *more))}


def installed_version(package: str) -> str:
    """Return a distribution's version, "" if it is not installed; xgboost-cpu counts as xgboost."""
    names = (package, "xgboost-cpu") if package == "xgboost" else (package,)
    return next(iter(installed_versions(names).values()), "")


def installed_versions(distributions: Iterable[str]) -> dict[str, str]:
    """Return the versions of those distributions that are installed, by name."""
    versions = {}
    for name in distributions:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def _version(package: str) -> str:
    """Return a distribution's version, or raise `UserError` if it is not installed."""
    if number := installed_version(package):
        return number
    raise UserError(
        f"the package {package}, which a contender needs, is not installed. "
        f"Run python -m pip install {package}"
    )


def require(package: str, title: str, install: str) -> None:
    """Raise an error with the install command if a package is missing.

    Parameters
    ----------
    package : the name to import
    title : the name in the error message
    install : the requirement for ``pip install``, such as ``graduel[tune]``

    Raises
    ------
    UserError
        If `package` is not installed.
    """
    if find_spec(package) is None:
        raise UserError(
            f"{title} is not installed. Run python -m pip install '{install}', or leave it out"
        )
