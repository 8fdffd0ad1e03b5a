"""Networks with their weights in one file: safetensors, with the network as JSON in its header."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.layout import Entry
from graduel.nn.network import Network
from graduel.nn.tree import Weights

FORMAT = 1
KEY = "graduel"
"""Under this key stands the JSON in the file's metadata."""
STATE = "state:"
"""Goes before the names of the state's arrays."""
DTYPES = {"float32": "F32", "float64": "F64"}


@dataclass(frozen=True, slots=True)
class Model:
    """What a file holds: the network, its weights, and what else its writer noted."""

    network: Network
    weights: Weights
    notes: dict[str, Any] = field(default_factory=dict)


def save_model(
    path: str | Path,
    network: Network,
    weights: Weights,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Write a network and its weights to one file, whole or not at all.

    The file is safetensors: every parameter under its index path (``0.W``), the state under
    ``state:`` and its index path, and in the metadata, under ``graduel``, the JSON ``{"format": 1,
    "graduel": version, "spec": network.to_spec(), "notes": …}``. Missing folders are made.

    Parameters
    ----------
    path : where to; a file that is there is replaced
    network, weights : what to write, bit by bit
    notes : plain data (class names, scales, scores, …) that comes back with the model; JSON makes
        lists of tuples and text of keys

    Raises
    ------
    UserError
        If weights do not fit the network, or the network or the notes are no plain data.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(3),), (4,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> with TemporaryDirectory() as folder:
    ...     save_model(f"{folder}/net.safetensors", net, weights, {"classes": ["a", "b", "c"]})
    ...     model = load_model(f"{folder}/net.safetensors")
    >>> model.network == net, bool((model.weights.theta == weights.theta).all()), model.notes
    (True, True, {'classes': ['a', 'b', 'c']})
    """
    from safetensors.numpy import save

    try:
        network.workspace(weights, gradient=False)  # it checks the sizes
        if {weights.theta.dtype, weights.state.dtype} != {np.dtype(network.dtype)}:
            raise ValueError(
                f"weights must be {network.dtype}, as the network computes; got "
                f"{weights.theta.dtype} and, for the state, {weights.state.dtype}"
            )
        spec = network.to_spec()
    except ValueError as error:
        raise UserError(f"cannot save the network: {error}") from None
    about = {
        "format": FORMAT,
        "graduel": version("graduel"),
        "spec": spec,
        "notes": dict(notes or {}),
    }
    try:
        text = json.dumps(about, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(
            f"notes must be plain data for JSON (text, numbers, lists, dicts); {error}"
        ) from None
    arrays = {
        name: np.ascontiguousarray(entry.view(vector))
        for name, entry, vector in _arrays(network, weights)
    }
    _write(Path(path), save(arrays, metadata={KEY: text}))


def load_model(path: str | Path, parts: Sequence[type] = ()) -> Model:
    """Read a file that :func:`save_model` wrote. Nothing in it is ever executed or unpickled.

    Parameters
    ----------
    path : the file
    parts : classes of one's own layers, losses and initializers that occur in the network

    Raises
    ------
    UserError
        If there is no such file, if it is no model, damaged, of a newer format, or if it names a
        part that is not in `parts`.
    """
    from safetensors import safe_open

    path = Path(path)
    try:
        with safe_open(path, framework="numpy") as file:
            return _read(file, parts, path)
    except UserError:
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:  # a damaged file may lead anywhere
        raise UserError(
            f"{path}: expected a model that save_model wrote; the file is another's, damaged or "
            f"cut short ({type(error).__name__}: {error})"
        ) from None


def _read(file: Any, parts: Sequence[type], path: Path) -> Model:
    """Make a model of an open file, whose header safetensors has held against its size."""
    about = _about((file.metadata() or {}).get(KEY), path)
    network = _network(about.get("spec"), parts, path)
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (no mapping)
    # No array is made before the file is known to hold as many numbers.
    _agree(network, {k: (s.get_dtype(), s.get_shape()) for k, s in slices.items()}, path)
    weights = Weights(
        np.empty(network.layout.size, network.dtype),
        np.empty(network.state_layout.size, network.dtype),
    )
    for name, entry, vector in _arrays(network, weights):
        entry.view(vector)[...] = file.get_tensor(name)
    return Model(network, weights, about["notes"])


def _arrays(network: Network, weights: Weights) -> list[tuple[str, Entry, NDArray[Any]]]:
    """Name each array in the file, with its place in a vector, and the vector."""
    return [
        (prefix + entry.name, entry, vector)
        for prefix, layout, vector in (
            ("", network.layout, weights.theta),
            (STATE, network.state_layout, weights.state),
        )
        for entry in layout.entries
    ]


def _about(text: str | None, path: Path) -> dict[str, Any]:
    """Read the JSON of the metadata."""
    if text is None:
        raise UserError(
            f"{path}: expected a model that save_model wrote; this safetensors file has no "
            f"'{KEY}' in its metadata"
        )
    try:
        about = json.loads(text)
        number, notes = about["format"], about["notes"]
        if not isinstance(number, int) or number < 1 or not isinstance(notes, dict):
            raise TypeError("format or notes are of another kind")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: the model's description is damaged ({error!r})") from None
    if number > FORMAT:
        raise UserError(
            f"{path}: expected a model of format {FORMAT} or older; got format {number}, written "
            f"by graduel {about.get('graduel')}. Install that version or a newer one"
        )
    return dict(about)


def _network(spec: Any, parts: Sequence[type], path: Path) -> Network:
    """Make the network that the spec tells."""
    try:
        return Network.from_spec(spec, parts)
    except ValueError as error:
        message = str(error).replace("from_spec(…,", "load_model(…,")
        raise UserError(f"{path}: the network cannot be made: {message}") from None


def _agree(network: Network, found: Mapping[str, tuple[str, list[int]]], path: Path) -> None:
    """Check names, shapes and dtypes of the file's arrays against the network's layout."""
    dtype = DTYPES[network.dtype]
    want = {
        prefix + entry.name: (dtype, list(entry.shape))
        for prefix, layout in (("", network.layout), (STATE, network.state_layout))
        for entry in layout.entries
    }
    for name in [*want, *found]:
        if want.get(name) != found.get(name):
            texts = [
                f"{pair[0]} of shape {tuple(pair[1])}" if pair else "no such array"
                for pair in (want.get(name), found.get(name))
            ]
            raise UserError(
                f"{path}: the network expects {texts[0]} under '{name}'; the file holds {texts[1]}"
            )


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside its place, then moved there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    try:
        with aside.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
