"""Errors of the libraries that read files, as errors of the user with the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graduel.data.read.column_names import strip_control
from graduel.errors import UserError

LONGEST = 200
"""Maximum number of characters of a library's text in a message."""


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
            f"({error.strerror or describe_error(error)}). {remedy}"
        ) from None
    except BaseException as error:
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UserError(
            f"{path}: expected {expected}; it cannot be read ({describe_error(error)}). {remedy}"
        ) from None


def describe_error(error: BaseException) -> str:
    """Return the first line of an error's message, or its type if it has none."""
    lines = str(error).strip().splitlines()
    return shorten(lines[0]).rstrip(".") if lines else type(error).__name__


def shorten(text: str) -> str:
    r"""Return a library's text in one line of at most :data:`LONGEST` characters.

    >>> shorten("malformed (\n)"), len(shorten(999 * "x"))
    ('malformed ( )', 201)
    """
    line = strip_control(" ".join(text.split()))
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"
