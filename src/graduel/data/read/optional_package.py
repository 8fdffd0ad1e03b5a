"""Import of the optional packages that read and write some formats."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from graduel.errors import UserError


def import_package(name: str, what: str, extra: str) -> Any:
    """Return an optional package.

    Parameters
    ----------
    what : the files that it reads or writes, in the plural
    extra : the extra of graduel that installs it

    Raises
    ------
    UserError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return import_module(name)
    except ImportError:
        raise UserError(
            f"{what} need the package {name}, which is not installed. Run "
            f"python -m pip install 'graduel[{extra}]'"
        ) from None
