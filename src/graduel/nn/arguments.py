"""Checks of a network's arguments, whose errors say what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from numbers import Integral
from typing import Any

from graduel.nn.part import Composite, Part


def as_layers(value: Any) -> tuple[Any, ...]:
    """Return layers as a tuple.

    Raises
    ------
    TypeError
        If `value` is not a sequence of layers.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        name = f"{type(value).__name__}(…)" if _is_part(value, "plan") else _describe(value)
        hint = f"({name},)" if _is_part(value, "plan") else "(Dense(10), ReLU())"
        raise TypeError(f"layers must be a sequence of layers; got {name}. Write {hint}")
    layers = tuple(value)
    for i, layer in enumerate(layers):
        check_part(layer, f"layer {i}", "plan")
    return layers


def check_part(value: Any, name: str, method: str) -> None:
    """Raise TypeError unless `value` is a layer or a loss, which has `method`."""
    if _is_part(value, method):
        return
    known = value if isinstance(value, type) else _find_class(value, method)
    if known is not None and hasattr(known, method):
        raise TypeError(f"{name} must be an object; got {_describe(value)}. Write {_call(known)}")
    names = ", ".join(sorted(_classes(method)))
    raise TypeError(
        f"{name} must be an object with a method {method!r}, such as {names}; got "
        f"{_describe(value)}"
    )


def as_shape(value: Any) -> tuple[int, ...]:
    """Return the shape of one example as a tuple of integers.

    Raises
    ------
    TypeError
        If it is not a sequence of integers.
    """
    if isinstance(value, Integral):
        raise TypeError(f"input_shape must be a tuple; got {value}. Write ({value},)")
    axes = () if isinstance(value, str) or not isinstance(value, Iterable) else tuple(value)
    if not isinstance(value, Iterable) or not all(isinstance(axis, Integral) for axis in axes):
        raise TypeError(
            "input_shape must be a tuple of integers such as (4,), the shape of one example; "
            f"got {value!r}"
        )
    return tuple(int(axis) for axis in axes)


def _is_part(value: Any, method: str) -> bool:
    return not isinstance(value, type) and callable(getattr(value, method, None))


def _find_class(value: Any, method: str) -> type | None:
    """Return the layer or loss of this name, upper case or lower."""
    if not isinstance(value, str):
        return None
    wanted = value.replace("_", "").replace(" ", "").lower()
    return next((one for name, one in _classes(method).items() if name.lower() == wanted), None)


def _classes(method: str) -> dict[str, type]:
    """Return the layers or losses of this package by name."""
    classes: dict[str, type] = {}
    for one in (*_subclasses(Part), *_subclasses(Composite)):
        ours = one.__module__.startswith("graduel.") and one.__name__[0] != "_"
        if ours and is_dataclass(one) and hasattr(one, method):
            classes[one.__name__] = one
    return classes


def _subclasses(base: type) -> Iterator[type]:
    one: type
    for one in base.__subclasses__():
        yield one
        yield from _subclasses(one)


def _describe(value: Any) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__}"
    return f"the text {value!r}" if isinstance(value, str) else repr(value)


def _call(value: type) -> str:
    """Return how an object of a class is written."""
    required = [
        one.name
        for one in (fields(value) if is_dataclass(value) else ())
        if one.init and one.default is MISSING and one.default_factory is MISSING
    ]
    return f"{value.__name__}({', '.join(f'{name}=…' for name in required)})"
