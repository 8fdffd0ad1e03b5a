"""Checkpoints of a training: its arrays and its progress in one safetensors file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from graduel.atomic_io import atomic_write
from graduel.errors import UserError
from graduel.train.io.container import (
    FORMAT,
    KEY,
    OTHER,
    check_file,
    check_sum,
    one_line,
    pack_file,
    parse_header,
)

Array = NDArray[Any]
KIND = "training checkpoint"


def save_checkpoint(
    path: str | Path, progress: Mapping[str, Any], arrays: Mapping[str, Array]
) -> None:
    """Write plain data and arrays atomically; a process killed meanwhile leaves the old file.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    about = {"format": FORMAT, "graduel": version("graduel"), "kind": KIND, "notes": dict(progress)}
    whole = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    atomic_write(path, pack_file(about, whole))


def load_checkpoint(path: str | Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return the plain data and the arrays of a checkpoint; nothing is executed or unpickled.

    Raises
    ------
    UserError
        If the file cannot be read, is no checkpoint, or does not match its checksum.
    """
    path = Path(path)
    try:
        check_file(path)
        with safe_open(str(path), framework="numpy") as file:
            about = parse_header((file.metadata() or {}).get(KEY, ""))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        if about.get("kind") != KIND:
            raise UserError(f"expected a {KIND}; got another file of graduel")
        check_sum(about, arrays.items())
    except UserError as error:
        raise UserError(f"{path}: {error}. Delete it to train from the start") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or one_line(error)})") from None
    except Exception as error:  # a damaged file can raise anything
        raise UserError(f"{path}: {OTHER} ({one_line(error)})") from None
    return about["notes"], arrays


def collect_state(state: Any) -> tuple[dict[str, float], dict[str, Array]]:
    """Return the numbers and arrays of an optimizer's state by their paths.

    The state is any tree of dataclasses, lists, tuples and dicts. Frozen dataclasses and numbers in
    tuples are configuration; fields named ``scratch`` are not part of the state.

    >>> from graduel.layout import Layout
    >>> from graduel.optim import SGD
    >>> state = SGD(momentum=0.9).init(Layout.build([("0.W", (2,), "weight")]), "float32")
    >>> numbers, arrays = collect_state(state)
    >>> numbers["step"], list(arrays)
    (0, ['moments.0'])
    """
    numbers: dict[str, float] = {}
    arrays: dict[str, Array] = {}
    for path, value, _ in _walk(state, "", None):
        if isinstance(value, np.ndarray):
            arrays[path] = value
        else:
            numbers[path] = value
    return numbers, arrays


def restore_state(state: Any, numbers: Mapping[str, float], arrays: Mapping[str, Array]) -> None:
    """Copy numbers and arrays of :func:`collect_state` into a state of the same structure.

    Raises
    ------
    UserError
        If the state has others.
    """
    slots = list(_walk(state, "", None))
    own = {path: value.shape for path, value, _ in slots if isinstance(value, np.ndarray)}
    if own != {path: array.shape for path, array in arrays.items()} or (
        {path for path, _, _ in slots} - own.keys() != set(numbers)
    ):
        raise UserError(
            "the checkpoint has the state of another optimizer; delete it to train from the start"
        )
    for path, value, assign in slots:
        if isinstance(value, np.ndarray):
            np.copyto(value, arrays[path])
        elif assign is not None:
            assign(numbers[path])


Assign = Callable[[Any], None] | None


def _walk(value: Any, path: str, assign: Assign) -> Iterator[tuple[str, Any, Assign]]:
    """Yield the arrays and assignable numbers of a state with their paths."""
    if isinstance(value, np.ndarray) or (isinstance(value, int | float) and assign is not None):
        yield path, value, assign
        return
    children: list[tuple[str, Any, Assign]] = []
    if is_dataclass(value) and not isinstance(value, type):
        if not type(value).__dataclass_params__.frozen:  # type: ignore[attr-defined]
            children = [
                (field.name, getattr(value, field.name), _attribute(value, field.name))
                for field in fields(value)
                if field.name != "scratch"
            ]
    elif isinstance(value, tuple):
        children = [(str(i), inner, None) for i, inner in enumerate(value)]
    elif isinstance(value, list):
        children = [(str(i), inner, _item(value, i)) for i, inner in enumerate(value)]
    elif isinstance(value, dict):
        children = [(str(key), inner, _item(value, key)) for key, inner in value.items()]
    for name, inner, put in children:
        yield from _walk(inner, f"{path}.{name}" if path else name, put)


def _attribute(owner: Any, name: str) -> Callable[[Any], None]:
    return lambda value: setattr(owner, name, value)


def _item(owner: Any, key: Any) -> Callable[[Any], None]:
    def put(value: Any) -> None:
        owner[key] = value

    return put
