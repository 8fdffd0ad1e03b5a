"""Errors of the libraries that read files, as errors of the user with the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graduel.errors import UserError


@contextmanager
def reading_errors(path: Path, expected: str, remedy: str = "Get the file again") -> Iterator[None]:
    """Turn every error of a library into a UserError: ``expected a complete Excel file; …``.

    Panics of libraries in Rust derive from BaseException, and each library has its own class.

    Parameters
    ----------
    expected : the kind of file
    remedy : what to do about it, a sentence without a full stop
    """
    try:
        yield
    except UserError:
        raise
    except OSError as error:
        raise UserError(
            f"{path}: expected {expected}; it cannot be read "
            f"({error.strerror or _first_line(error)}). {remedy}"
        ) from None
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UserError(
            f"{path}: expected {expected}; it cannot be read ({_first_line(error)}). {remedy}"
        ) from None


def _first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
