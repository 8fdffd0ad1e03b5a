"""Errors that a user can fix, worded as: expected, got, what to do."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from functools import cache, wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

OPTION = re.compile(r"--([a-z][a-z-]*)(?: (?!--)('[^']*'|[^\s;()]*[^\s;,().:]))?")
"""An option in a message, and the word after it."""
NOT_VALUES = frozenset(
    (
        *("and", "applies", "as", "changes", "conflicts", "expects", "for", "has", "in", "is"),
        *("makes", "must", "name", "names", "needs", "one", "or", "out", "to", "unless"),
        *("which", "with", "without"),
    )
)
"""Words after an option that are not its value."""
LISTS = ("categorical", "numeric", "drop", "missing", "names", "contenders", "vary")
SWITCHES = {"no-probes": "probes=False", "quick": "quick=True", "show-rows": "show_rows=True"}
PARAMETERS = {"on": "executor", "contender": "contenders"}
"""Parameters with another name than the option."""


class UserError(ValueError):
    """An error in the user's input. The command line prints its message without a traceback."""


class WorkerError(RuntimeError):
    """A worker process died without reporting an error: a bug, or killed by the operating system.

    The command line prints its message without a traceback.
    """


def unknown(
    what: str, got: str, options: Iterable[str], suggestion: str | None = None
) -> UserError:
    """Return the error for an unknown name; it lists the valid names and suggests one.

    Without a `suggestion` it is the closest name.

    >>> print(unknown("activation", "rleu", ["relu", "tanh"]))
    activation must be one of 'relu', 'tanh'; got 'rleu'. Did you mean 'relu'?
    """
    names = list(options)
    hint = suggest(got, names) if suggestion is None else f". Did you mean '{suggestion}'?"
    listed = ", ".join(f"'{name}'" for name in names)
    return UserError(f"{what} must be one of {listed}; got '{got}'{hint}")


def suggest(got: str, names: list[str]) -> str:
    """Return the end of a message that suggests the name closest to `got`; "" if none is close.

    >>> suggest("rleu", ["relu", "tanh"])
    ". Did you mean 'relu'?"
    """
    near = get_close_matches(got.lower(), names, n=1)
    return f". Did you mean '{near[0]}'?" if near else ""


def to_parameters(text: str, names: Mapping[str, str] = PARAMETERS) -> str:
    """Return an error message with options of the command line as parameters in Python.

    `names` has the parameters with another name than their option.

    >>> print(to_parameters("Give --bins 3, or another --target. Leave --net out"))
    Give bins=3, or another target. Leave net out
    >>> print(to_parameters("Run it with --no-probes --drop 'a b' --categorical CODE"))
    Run it with probes=False drop=['a b'] categorical=['CODE']
    """

    def parameter(match: re.Match[str]) -> str:
        option, value = match[1], match[2]
        rest = "" if value is None else f" {value}"
        if option in SWITCHES:
            return SWITCHES[option] + rest
        name = names.get(option, option.replace("-", "_"))
        if value is None or value in NOT_VALUES:
            return name + rest
        if option == "size" and "x" in value:
            return f"{name}=({', '.join(value.split('x'))})"
        if option == "header" and value in ("yes", "no"):
            return f"{name}={value == 'yes'}"
        if not re.fullmatch(r"'.*'|[\d.]+|[A-Z]", value):
            value = f"'{value}'"
        return f"{name}=[{value}]" if option in LISTS else f"{name}={value}"

    return OPTION.sub(parameter, text)


def python_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with errors in the words of Python.

    The message of a `UserError` names parameters instead of options of the command line. The
    traceback of a `UserError` or `WorkerError` ends here, at the call that the user wrote.
    """

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        try:
            return function(*args, **options)
        except UserError as error:
            error.args = (to_parameters(str(error)),)
            raise error.with_traceback(None) from None
        except WorkerError as error:
            raise error.with_traceback(None) from None

    return call


def describe_error(error: BaseException) -> str:
    """Return an exception of a user's code in one line, with its place in that code.

    >>> try:
    ...     [][1]
    ... except IndexError as error:
    ...     print(describe_error(error).partition(" (line 2 of ")[0])
    IndexError: list index out of range
    """
    reason = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {reason}{_describe_place(error)}"


@cache
def _library_folders() -> tuple[str, ...]:
    """Return the folders of graduel, the standard library and installed packages."""
    import sysconfig

    installed = [sysconfig.get_path(kind) for kind in ("stdlib", "purelib", "platlib")]
    return tuple(str(Path(path).resolve()) for path in (str(Path(__file__).parent), *installed))


def _describe_place(error: BaseException) -> str:
    """Return the last line of the traceback that is neither graduel's nor a library's."""
    from traceback import extract_tb

    frames = [
        frame
        for frame in extract_tb(error.__traceback__)
        if not str(Path(frame.filename).resolve()).startswith(_library_folders())
        and not frame.filename.startswith("<frozen")
    ]
    if not frames:
        return ""
    last = frames[-1]
    file = Path(last.filename)
    where = last.filename
    if "ipykernel_" in last.filename or last.filename.startswith(("<ipython", "<dynamic")):
        where = "a notebook cell"
    elif file.is_absolute() and file.is_relative_to(Path.cwd()):
        where = str(file.relative_to(Path.cwd()))
    function = "" if last.name.startswith("<") else f", in {last.name}"
    code = f": {last.line[:120]}" if last.line else ""
    return f" (line {last.lineno} of {where}{function}{code})"
