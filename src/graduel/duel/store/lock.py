"""A folder reserved for one plan and locked by one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from graduel.errors import UserError

LOCK = ".lock"

Claimed = TypeVar("Claimed")


@contextmanager
def locked_folder(
    path: Path, plan: str, what: str, claim: Callable[[], Claimed]
) -> Iterator[Claimed]:
    """Lock a folder while the block runs.

    Parameters
    ----------
    path : the folder; created if it does not exist
    plan : name of the plan file, which marks a folder as graduel's
    what : the kind of plan for error messages: "duel" or "suite"
    claim : writes the plan or compares it with the existing one; its return value is yielded

    Raises
    ------
    UserError
        If the folder cannot be written, is in use, or holds other files.
    """
    with ExitStack() as stack:
        try:
            _create_folder(path, plan, what)
            stack.enter_context(FileLock(path / LOCK, timeout=0))
            claimed = claim()
        except Timeout:
            raise UserError(
                f"{path} is in use by another graduel process; wait for it or choose another --out"
            ) from None
        except OSError as error:
            raise UserError(
                f"--out must be a folder that can be written; got {path}: {error.strerror}"
            ) from None
        yield claimed


def _create_folder(path: Path, plan: str, what: str) -> None:
    """Create the folder; raise if it holds other files."""
    if path.exists() and not path.is_dir():
        raise UserError(f"--out must be a folder; {path} is a file")
    path.mkdir(parents=True, exist_ok=True)
    if (path / plan).exists():
        return
    names = (entry.name for entry in path.iterdir())
    unfinished = f".{plan}."  # left by a process killed while writing the plan
    others = sorted(name for name in names if name != LOCK and not name.startswith(unfinished))
    if others:
        raise UserError(
            f"--out must be a new or empty folder, or the folder of this {what}; {path} holds "
            f"other files ({others[0]}). Choose another folder"
        )
