"""Types and names of the arguments of the Python entry points."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from numbers import Integral, Real
from pathlib import Path
from types import NoneType
from typing import Any, Literal, ParamSpec, TypeVar, get_args, get_origin, get_type_hints

from graduel.errors import UserError

P = ParamSpec("P")
R = TypeVar("R")

WORDS: dict[type, str] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    tuple: "a tuple",
    Sequence: "a list",
    Mapping: "a dict",
}
"""The types that are checked, in the order in which a message names them."""
SYNONYMS = {
    "cores": "threads",
    "cv": "split",
    "delimiter": "separator",
    "exclude": "drop",
    "folder": "out",
    "folds": "split",
    "groups": "group",
    "ignore": "drop",
    "label": "target",
    "labels": "target",
    "model": "contenders",
    "models": "contenders",
    "n_jobs": "threads",
    "n_trials": "trials",
    "na_values": "missing",
    "output": "out",
    "pos_label": "positive",
    "score": "metric",
    "scoring": "metric",
    "sep": "separator",
    "y": "target",
}
"""What other tools call options and parameters, with their names here."""


def check_arguments(function: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    """Raise if an argument does not have the type that the function declares.

    Parameters
    ----------
    function : a function with type hints; parameters with hints other than those in
        :data:`WORDS`, a Literal, unions of them and None are not checked
    arguments : the arguments by name

    Raises
    ------
    UserError
        If an argument has another type.

    Examples
    --------
    >>> def f(seeds: int = 1, names: str | Sequence[str] | None = None): ...
    >>> check_arguments(f, {"seeds": 2, "names": ["a"]})
    >>> check_arguments(f, {"seeds": "2"})
    Traceback (most recent call last):
    graduel.errors.UserError: seeds must be a whole number; got '2'
    >>> check_arguments(f, {"names": 3})
    Traceback (most recent call last):
    graduel.errors.UserError: names must be text or a list; got 3
    >>> def f(kind: Literal["table", "image"] | None = None): ...
    >>> check_arguments(f, {"kind": "tables"})
    Traceback (most recent call last):
    graduel.errors.UserError: kind must be one of 'table', 'image'; got 'tables'
    """
    hints = get_type_hints(function)
    for name, value in arguments.items():
        hint = hints.get(name, Any)
        if value is not None and (options := _options(hint)) and value not in options:
            known = ", ".join(repr(option) for option in options)
            raise UserError(f"{name} must be one of {known}; got {_describe(value)}")
        kinds = _kinds(hint)
        if not kinds or value is None or any(_is_kind(value, kind) for kind in kinds):
            continue
        words = [word for kind, word in WORDS.items() if kind in kinds]
        listed = " or ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
        raise UserError(f"{name} must be {listed}; got {_describe(value)}")


def check_names(function: Callable[..., Any], names: Iterable[str], known: Iterable[str]) -> None:
    """Raise TypeError if a name is not one of the known parameters; the message suggests one.

    >>> check_names(print, ["sepp"], ["sep", "end"])
    Traceback (most recent call last):
    TypeError: print() has no parameter 'sepp'. Did you mean 'sep'?
    """
    known = list(known)
    for name in names:
        if name not in known:
            hint = suggest_name(name, known)
            raise TypeError(f"{function.__name__}() has no parameter '{name}'{hint}")


def suggest_name(got: str, names: Sequence[str], dashes: str = "") -> str:
    """Return the end of a message that suggests an option or a parameter; "" if none is close.

    `dashes` precede an option in the message.

    >>> suggest_name("cv", ["split", "size"], "--"), suggest_name("zzz", ["split"])
    (". Did you mean '--split'?", '')
    """
    from graduel.train.build.synonyms import SYNONYMS as FIELDS

    word = got.lower().replace("-", "_")
    others = (SYNONYMS.get(word), FIELDS["key"].get(word.replace("_", "")))
    near = [one for one in others if one is not None and one in names]
    near += get_close_matches(word, names, n=1)
    if not near:
        return ""
    return f". Did you mean '{dashes}{near[0].replace('_', '-') if dashes else near[0]}'?"


def check_pair(names: Any) -> None:
    """Raise `UserError` unless these are two different names."""
    if isinstance(names, str) or len(names) != 2:
        raise UserError(f"names must be two names such as ('net', 'trees'); got {names!r:.60}")
    if names[0] == names[1]:
        raise UserError(f"expected two different names; got '{names[0]}' twice")


def list_parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the names of a function's parameters."""
    return tuple(signature(function).parameters)


def known_names(function: Callable[P, R]) -> Callable[P, R]:
    """Return `function` with :func:`check_names` before each call."""
    names = list_parameters(function)

    @wraps(function)
    def call(*args: P.args, **options: P.kwargs) -> R:
        check_names(function, options, names)
        return function(*args, **options)

    return call


def _options(hint: Any) -> list[Any]:
    """Return the values of a hint that is a Literal or a Literal or None; of another, none."""
    parts = [one for one in get_args(hint) if one is not NoneType] or [hint]
    literal = hint if get_origin(hint) is Literal else parts[0] if len(parts) == 1 else None
    return list(get_args(literal)) if get_origin(literal) is Literal else []


def _kinds(hint: Any) -> set[type]:
    """Return the types of a hint, or none if one of them is not checked."""
    if hint in (Any, object) or get_origin(hint) is Literal:
        return set()
    parts = (get_origin(one) or one for one in get_args(hint) or (hint,))
    union = hint if get_origin(hint) in (Sequence, Mapping, tuple) else None
    kinds = {get_origin(union)} if union is not None else set(parts)
    kinds.discard(NoneType)
    return kinds if kinds <= WORDS.keys() else set()


def _is_kind(value: Any, kind: type) -> bool:
    """Return whether a value has a type; numbers and lists may be NumPy's or pandas's."""
    if kind is bool:
        return isinstance(value, bool) or type(value).__name__ == "bool"
    if kind in (int, float):
        return isinstance(value, Integral if kind is int else Real) and not isinstance(value, bool)
    if kind is Sequence:
        is_list = isinstance(value, Sequence | set | frozenset) or hasattr(value, "tolist")
        return is_list and not isinstance(value, str) and getattr(value, "ndim", 1) == 1
    if kind is tuple:
        return isinstance(value, tuple | list)
    return isinstance(value, kind)


def _describe(value: Any) -> str:
    """Return a number or a text as it is written, and the type of any other value."""
    if isinstance(value, str | Integral | Real):
        return f"{value!r:.60}"
    return type(value).__name__
