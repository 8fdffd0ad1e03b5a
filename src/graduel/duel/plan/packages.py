"""Which packages decide a duel's numbers, and what is said where one is not installed."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from graduel.errors import UserError

DECIDING_PACKAGES = ("graduel", "numpy", "scikit-learn", "xgboost")


def deciding_versions() -> dict[str, str]:
    """Return the versions of the packages that decide the numbers."""
    return {name: version(_installed(name)) for name in DECIDING_PACKAGES}


def _installed(package: str) -> str:
    """Return the distribution that stands for a package: xgboost-cpu where xgboost is not."""
    try:
        version(package)
    except PackageNotFoundError:
        return "xgboost-cpu" if package == "xgboost" else package
    return package


def require(package: str, title: str, extra: str) -> None:
    """Refuse what is not installed, with the command that installs it.

    Raises
    ------
    UserError
        If `package` is not there; `extra` is the extra of graduel's that brings it.
    """
    if find_spec(package) is None:
        raise UserError(
            f"{title} is not installed. python -m pip install 'graduel[{extra}]', or leave it out"
        )
