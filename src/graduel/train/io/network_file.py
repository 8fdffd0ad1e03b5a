"""Save and load a network with its weights as safetensors, with a JSON description."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from graduel.atomic_io import atomic_write
from graduel.errors import UserError
from graduel.layout import Entry
from graduel.nn.network import Network
from graduel.nn.weights import Weights
from graduel.train.io.container import (
    DTYPES,
    FORMAT,
    KEY,
    OTHER,
    check_file,
    check_sum,
    one_line,
    pack_file,
    parse,
    parse_header,
)
from graduel.train.io.spec_check import check_axes, check_spec

STATE = "state:"
"""Prefix of the names of the state's arrays."""


@dataclass(frozen=True, slots=True)
class SavedNetwork:
    """The contents of a network file: a network, its weights, and notes (plain data)."""

    network: Network
    weights: Weights
    notes: dict[str, Any] = field(default_factory=dict)


def save_network(
    path: str | Path,
    network: Network,
    weights: Weights,
    notes: Mapping[str, Any] | None = None,
) -> None:
    """Save a network and its weights to one file, atomically.

    The file is safetensors: every parameter under its index path (``0.W``), the state under
    ``state:`` and its index path, and in the metadata, under ``graduel``, the JSON ``{"format": 2,
    "graduel": version, "spec": network.to_spec(), "notes": …, "sha256": …}``, whose last value is
    a checksum of the others and of the arrays. Equal models give identical bytes. Missing folders
    are created.

    Parameters
    ----------
    path : the file; an existing one is replaced
    network, weights : the network, and its weights, which are stored exactly
    notes : plain data (class names, scales, scores, …) to store with the model; JSON turns tuples
        into lists and keys into text. At most 786 kB together with the network

    Raises
    ------
    UserError
        If the weights do not fit the network, or if the network or the notes are not plain data
        or are too long.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from graduel.nn import Dense
    >>> net = Network((Dense(3),), (4,))
    >>> weights = net.init(np.random.default_rng(0))
    >>> with TemporaryDirectory() as folder:
    ...     save_network(f"{folder}/net.safetensors", net, weights, {"classes": ["a", "b", "c"]})
    ...     model = load_network(f"{folder}/net.safetensors")
    >>> model.network == net, bool((model.weights.theta == weights.theta).all()), model.notes
    (True, True, {'classes': ['a', 'b', 'c']})
    """
    try:
        network.workspace(weights, gradient=False)  # checks the sizes
        if {weights.theta.dtype, weights.state.dtype} != {np.dtype(network.dtype)}:
            raise ValueError(
                f"theta and state must be {network.dtype}, the network's dtype; got theta "
                f"{weights.theta.dtype}, state {weights.state.dtype}"
            )
        spec = network.to_spec()
        parts = [type(node.layer) for top in network.nodes for node in top.walk()]
        check_spec(json.loads(json.dumps(spec)), parts)  # nothing is saved that would not load
        check_axes(network)
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
        text.encode()
        about = parse(text)  # after a round trip
    except (TypeError, ValueError, RecursionError) as error:
        raise UserError(
            "notes must be plain JSON data (text, numbers, lists, dicts with distinct keys); "
            f"{error}"
        ) from None
    arrays = {
        name: np.asarray(entry.view(vector), order="C")  # safetensors copies the memory as is
        for name, entry, vector in _arrays(network, weights)
    }
    atomic_write(path, pack_file(about, arrays))


def load_network(path: str | Path, parts: Sequence[type] = ()) -> SavedNetwork:
    """Load a file that :func:`save_network` wrote, without executing or unpickling anything.

    Untrusted files are safe: no array is allocated before the file is known to be long enough for
    it. The file is closed afterwards; the weights are copies.

    Parameters
    ----------
    path : the file
    parts : custom classes of layers, losses and initializers that occur in the network

    Raises
    ------
    UserError
        If the file does not exist, is not a model file, is damaged or of another format, or if it
        names a class that is neither graduel's nor in `parts`.
    """
    path = Path(path)
    where = one_line(path)
    try:
        check_file(path)
        with safe_open(path, framework="numpy") as file:
            return _read_network(file, parts)
    except UserError as error:
        raise UserError(f"{where}: {one_line(error)}") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or one_line(error)})") from None
    except Exception as error:  # a damaged file can raise anything
        detail = one_line(f"{type(error).__name__}: {error}")
        raise UserError(f"{where}: {OTHER} ({detail})") from None


def _read_network(file: Any, parts: Sequence[type]) -> SavedNetwork:
    """Read the network of an open file, whose header safe_open has checked."""
    text = (file.metadata() or {}).get(KEY)
    if text is None:
        raise UserError(
            f"expected a model file; this safetensors file has no '{KEY}' in its metadata"
        )
    about = parse_header(text)
    network = _build_network(about.get("spec"), parts)
    _check_arrays(network, file)
    weights = Weights(
        np.empty(network.layout.size, network.dtype),
        np.empty(network.state_layout.size, network.dtype),
    )
    arrays = []
    for name, entry, vector in _arrays(network, weights):
        arrays.append((name, entry.view(vector)))
        arrays[-1][1][...] = file.get_tensor(name)
    check_sum(about, arrays)
    return SavedNetwork(network, weights, about["notes"])


def _arrays(network: Network, weights: Weights) -> list[tuple[str, Entry, NDArray[Any]]]:
    """Return the name of each array in the file, its layout entry, and its flat vector."""
    return [
        (prefix + entry.name, entry, vector)
        for prefix, layout, vector in (
            ("", network.layout, weights.theta),
            (STATE, network.state_layout, weights.state),
        )
        for entry in layout.entries
    ]


def _build_network(spec: Any, parts: Sequence[type]) -> Network:
    """Validate a spec and build its network."""
    try:
        check_spec(spec, parts)
        network = Network.from_spec(spec, parts)
        check_axes(network)
        return network
    except ValueError as error:
        message = str(error).replace("from_spec(…,", "load_network(…,")
        raise UserError(f"the network cannot be built: {message}") from None


def _check_arrays(network: Network, file: Any) -> None:
    """Raise `UserError` unless the file's arrays match the network in name, shape and dtype."""
    dtype = DTYPES[network.dtype]
    expected = {
        prefix + entry.name: (dtype, entry.shape)
        for prefix, layout in (("", network.layout), (STATE, network.state_layout))
        for entry in layout.entries
    }
    stored = dict.fromkeys(file.keys())
    for name in {**expected, **stored}:
        actual = None
        if name in stored:
            array = file.get_slice(name)
            actual = (array.get_dtype(), tuple(array.get_shape()))
        if actual != expected.get(name):
            texts = [
                f"{pair[0]} of shape {pair[1]}" if pair else "no such array"
                for pair in (expected.get(name), actual)
            ]
            raise UserError(
                f"the network expects {texts[0]} under '{name}'; the file holds {texts[1]}"
            )
