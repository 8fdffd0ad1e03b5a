"""Validate the spec in a file against the classes that it names, before any is built.

A network validates its own arguments. A damaged or malicious file can contain anything: text in
place of a number, a loss among the layers, a million layers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from graduel.errors import UserError
from graduel.nn import Initializer, Layer, Loss, Network
from graduel.nn.serialization import PARTS
from graduel.train.io.container import one_line

AXES = 16
LARGEST = 2**53
"""Sizes must be below this, so that products of a few of them stay small integers."""
MOST_PARTS = 10_000
MOST_VALUES = 100_000
DEEPEST = 32
"""The maximum nesting depth; a nested layer takes two levels."""
KINDS: dict[Any, tuple[str, tuple[str, ...]]] = {
    Layer: ("a layer", ("plan", "forward", "backward")),
    Loss: ("a loss", ("value_and_gradient", "link")),
    Initializer: ("an initializer", ("__call__",)),
}
"""The name of each kind of part, and the methods its class must have."""
PLAIN: dict[Any, tuple[type, ...]] = {
    float: (int, float),
    int: (int,),
    bool: (bool,),
    str: (str,),
    type(None): (type(None),),
}
"""The exact types of plain data that a field accepts: a bool is not a number."""


def check_spec(spec: Any, parts: Sequence[type] = ()) -> None:
    """Validate the size of a spec and the type of each value; the network validates the rest.

    Parameters
    ----------
    spec : plain data from JSON
    parts : custom classes that it may name

    Raises
    ------
    UserError
        If it is too large, or a value has the wrong type.

    Examples
    --------
    >>> from graduel.nn import Dense, Network
    >>> spec = Network((Dense(3),), (4,)).to_spec()
    >>> spec["layers"][0]["units"] = "3"
    >>> check_spec(spec)
    Traceback (most recent call last):
        ...
    graduel.errors.UserError: layer 0.units must be int; got '3'
    """
    if not isinstance(spec, dict):
        raise UserError(f"expected a network's spec; got {type(spec).__name__}")
    _check_size(spec)
    shape, layers = spec.get("input_shape"), spec.get("layers")
    if not isinstance(layers, list) or not isinstance(spec.get("dtype"), str):
        raise UserError(
            "expected a network's spec with a list of layers and a dtype; got layers "
            f"{_shown(layers)} and dtype {_shown(spec.get('dtype'))}"
        )
    if not _sizes(shape):
        raise UserError(f"input_shape must be a list of positive integers; got {_shown(shape)}")
    known = {**PARTS, **{part.__name__: part for part in parts}}
    items = [(layer, Layer, f"layer {i}") for i, layer in enumerate(layers)]
    for value, kind, where in [*items, (spec.get("loss"), Loss, "the loss")]:
        problem = _problem(value, kind, where, known)
        if problem:
            raise UserError(problem)


def check_axes(network: Network) -> None:
    """Raise `UserError` if a parameter, state or output of a layer has more than AXES axes."""
    for top in network.nodes:
        for node in top.walk():
            arrays = [*node.plan.params.values(), *node.plan.state.values()]
            axes = max(map(len, [node.plan.out, *(array.shape for array in arrays)]))
            if axes > AXES:
                raise UserError(
                    f"layer {node.name} must have arrays of at most {AXES} axes; got {axes}"
                )


def _check_size(spec: Any) -> None:
    """Raise `UserError` for too many parts, values or levels, or too large integers.

    It neither recurses nor copies, so that huge specs are rejected safely.
    """
    levels: list[Iterator[tuple[Any, Any]]] = [iter([("spec", spec)])]
    keys: list[Any] = []
    values = parts = 0
    while levels:
        for key, value in levels[-1]:
            values += 1
            if isinstance(value, int) and abs(value) >= LARGEST:
                place = ".".join(one_line(key, 20) for key in [*keys, key][1:])
                raise UserError(
                    f"{place}: integers in the spec must be below {LARGEST:,}; got one of "
                    f"{value.bit_length()} bits"
                )
            if isinstance(value, dict | list):
                parts += isinstance(value, dict)
                levels.append(iter(value.items() if isinstance(value, dict) else enumerate(value)))
                keys.append(key)
                break
        else:
            levels.pop()
            del keys[len(levels) :]
        if len(levels) > DEEPEST or values > MOST_VALUES or parts > MOST_PARTS:
            raise UserError(
                f"the spec must have at most {MOST_PARTS:,} parts, {MOST_VALUES:,} values and "
                f"{DEEPEST} levels; got more"
            )


@cache
def _hints(part: type) -> dict[str, Any]:
    return get_type_hints(part)


def _problem(value: Any, hint: Any, where: str, known: Mapping[str, type]) -> str | None:
    """Return an error message if plain data do not fit a field's annotation, or None."""
    if hint in KINDS:
        return _part_problem(value, hint, where, known)
    origin, inner = get_origin(hint), get_args(hint)
    fits = True  # other annotations are not checked
    if hint in PLAIN:
        fits = type(value) in PLAIN[hint]
    elif origin in (Union, UnionType):
        fits = any(_problem(value, one, where, known) is None for one in inner)
    elif origin is Literal:
        fits = value in inner
    elif origin is Callable:
        fits = isinstance(value, dict)
    elif origin is tuple:
        fits = isinstance(value, list)
        if fits and inner[-1] is ...:
            inner = inner[:1] * len(value)
        if fits and len(inner) == len(value):
            problems = (
                _problem(one, kind, f"{where}.{i}", known)
                for i, (one, kind) in enumerate(zip(value, inner, strict=True))
            )
            return next(filter(None, problems), None)
        fits = False
    name = hint.__name__ if isinstance(hint, type) else str(hint)
    return None if fits else f"{where} must be {name}; got {_shown(value)}"


def _part_problem(value: Any, kind: Any, where: str, known: Mapping[str, type]) -> str | None:
    """Return an error message if plain data do not describe a part of this kind, or None."""
    what, needs = KINDS[kind]
    name = value.get("type") if isinstance(value, dict) else None
    if not isinstance(name, str):
        return f"{where} must be {what}, an object with the key 'type'; got {_shown(value)}"
    part = known.get(name)
    if part is None:
        return None  # Network.from_spec lists the known parts
    if not all(any(need in vars(base) for base in part.__mro__) for need in needs):
        return f"{where} must be {what}; got '{name}'"
    if part is not PARTS.get(name):
        return None  # fields of custom classes are not checked
    hints = _hints(part)
    problems = (
        _problem(value[field.name], hints[field.name], f"{where}.{field.name}", known)
        for field in fields(part)
        if field.name in value
    )
    return next(filter(None, problems), None)


def _sizes(value: Any) -> bool:
    """Return whether plain data are a shape: at most AXES integers of at least 1."""
    return (
        isinstance(value, list)
        and len(value) <= AXES
        and all(type(n) is int and 0 < n < LARGEST for n in value)
    )


def _shown(value: Any) -> str:
    return one_line(repr(value), 60)
