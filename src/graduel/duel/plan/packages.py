"""Versions of the packages that decide a duel's numbers, and errors about missing ones."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from graduel.errors import UserError

DECIDING_PACKAGES = ("graduel", "numpy", "scikit-learn", "xgboost")
"""Those that take part in every duel."""


def deciding_versions(more: Iterable[str] = ()) -> dict[str, str]:
    """Return the versions of the packages that decide the numbers, and of `more` distributions."""
    return {name: _version(name) for name in dict.fromkeys((*DECIDING_PACKAGES, *more))}


def _version(package: str) -> str:
    """Return a distribution's version: that of xgboost-cpu where xgboost is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        if package == "xgboost":
            return version("xgboost-cpu")
        raise UserError(
            f"the package {package}, which decides a contender's numbers, is not installed"
        ) from None


def require(package: str, title: str, install: str) -> None:
    """Raise unless a package is installed, with the command that installs it.

    Parameters
    ----------
    package : name that is imported
    title : name in the error
    install : what pip installs, such as ``graduel[tune]``

    Raises
    ------
    UserError
        If `package` is not installed.
    """
    if find_spec(package) is None:
        raise UserError(
            f"{title} is not installed. python -m pip install '{install}', or leave it out"
        )
