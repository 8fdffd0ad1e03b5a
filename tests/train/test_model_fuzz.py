"""Fuzzing of model files: each damaged file raises a one-line error or loads unchanged.

Every mutant is generated from one number; a failure reports it, and ``mutant(number)`` repeats it.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from collections import Counter
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from graduel.errors import UserError
from graduel.nn import (
    GELU,
    AveragePool2D,
    BatchNorm,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlorotUniform,
    LayerNorm,
    MaxPool2D,
    Network,
    ParametricReLU,
    ReLU,
    Reshape,
    Residual,
    Scale,
    SoftmaxCrossEntropy,
    SquaredError,
)
from graduel.train import SavedNetwork, load_network, save_network

GOLDEN = Path(__file__).parents[1] / "golden" / "models"
SECONDS, BYTES = 3.0, 32 << 20

NETWORKS = [
    Network(
        (Dense(4), ReLU(), Dense(3)), (5,), SoftmaxCrossEntropy(0.1, class_weight=(1.0, 2.0, 0.5))
    ),
    Network(
        (Dense(4), BatchNorm(), Residual((Dense(4), Residual((GELU(),)), LayerNorm())), Dense(1)),
        (3,),
        BinaryCrossEntropy(),
        "float64",
    ),
    Network(
        (
            Reshape((6, 5, 1)),
            Conv2D(2, (3, 2), init=GlorotUniform()),
            ParametricReLU(),
            MaxPool2D(2, (2, 1)),
            AveragePool2D((1, 2)),
            Flatten(),
            Dropout(0.1),
            Scale(),
        ),
        (30,),
        SquaredError(),
    ),
    Network((ReLU(),), (2, 3)),
]
NOTES = [{"classes": ["yes", "nö", "日本"], "error": 0.125}, {}, {"a": {"b": [1, None]}}, {"x": ""}]

NASTY = [
    None,
    True,
    False,
    0,
    1,
    -1,
    2,
    6.0,
    0.5,
    -1e308,
    float("inf"),
    float("nan"),
    2**31,
    2**53 - 1,
    2**53,
    2**64,
    -(10**400),
    "",
    "6",
    "\n\x1b[31m\u202e",
    "\ud800",
    "x" * 3000,
    [],
    [0],
    [1] * 40,
    [2, 2],
    [10**9, 10**9],
    [[[[]]]],
    {},
    {"type": None},
    {"type": "Nothing"},
    {"type": "Zeros"},
    {"type": "SquaredError"},
    {"type": "Flatten"},
    {"type": "Dense", "units": 2},
    {"type": "Dense", "units": 2, "init": {"type": "Dense", "units": 2}},
    {"type": "Conv2D", "filters": 1, "size": 10**9},
    {"type": "Residual", "layers": []},
    {"type": "Residual", "layers": [{"type": "Residual", "layers": [{"type": "ReLU"}] * 9}] * 9},
    {"type": "Reshape", "shape": [1] * 20},
    "F16",
    "BF16",
    "I64",
    "F32",
    "F64",
    "same",
    1,
    2,
]


@dataclass
class Source:
    """A valid file and, if it was written here, its contents."""

    content: bytes
    model: SavedNetwork | None


def sources():
    files = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "net"
        for i, (network, notes) in enumerate(zip(NETWORKS, NOTES, strict=True)):
            rng = np.random.default_rng(i)
            weights = network.init(rng)
            weights.theta[...] = rng.normal(size=weights.theta.shape)
            weights.state[...] = rng.uniform(0.5, 1.5, size=weights.state.shape)
            save_network(path, network, weights, notes)
            files.append(Source(path.read_bytes(), SavedNetwork(network, weights, notes)))
    return files + [Source(p.read_bytes(), None) for p in sorted(GOLDEN.glob("*.safetensors"))]


SOURCES = sources()


def header_of(content):
    end = 8 + int.from_bytes(content[:8], "little")
    return json.loads(content[8:end]), content[end:]


def flip(rng, content):
    """Flip some bits, half of the time in the header."""
    damaged = bytearray(content)
    end = len(content) if rng.random() < 0.5 else len(content) - len(header_of(content)[1])
    for at in rng.integers(end, size=rng.integers(1, 9)):
        damaged[at] ^= 1 << rng.integers(8)
    return bytes(damaged)


def cut(rng, content):
    """Return the beginning or the end of a file."""
    at = rng.integers(len(content))
    return content[:at] if rng.random() < 0.8 else content[at:]


def block(rng, content):
    """Overwrite, insert, delete, duplicate or swap a block."""
    size = int(rng.integers(1, 40))
    i, j = sorted(rng.integers(len(content) + 1, size=2).tolist())
    piece, other = content[i : i + size], content[j : j + size]
    return [
        content[:i] + rng.bytes(size) + content[i + size :],
        content[:i] + rng.bytes(size) + content[i:],
        content[:i] + content[i + size :],
        content[:i] + piece + content[i:],
        content[:i] + other + content[i + size : j] + piece + content[j + size :],
    ][rng.integers(5)]


def splice(rng, content):
    """Join two files, at the arrays or anywhere."""
    other = SOURCES[rng.integers(len(SOURCES))].content
    if rng.random() < 0.5:
        return content[: len(content) - len(header_of(content)[1])] + header_of(other)[1]
    return content[: rng.integers(len(content))] + other[rng.integers(len(other)) :]


def iter_keys(value):
    """Yield every container with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from iter_keys(value[key])


def edit(rng, tree):
    """Change one value anywhere."""
    keys = list(iter_keys(tree))
    if not keys:
        return
    at, key = keys[rng.integers(len(keys))]
    what = rng.integers(6)
    if what == 0:
        del at[key]
    elif what == 1:
        other, there = keys[rng.integers(len(keys))]
        at[key] = deepcopy(other[there])
    elif what == 2 and isinstance(at, dict):
        at[["type", "x\n", "self", "", "0.W", "init"][rng.integers(6)]] = at.pop(key)
    elif what == 3 and isinstance(at, list):
        at.insert(key, deepcopy(at[key]))
    elif what == 4 and type(at[key]) in (int, float):
        at[key] = at[key] + [1, -1, 0.5][rng.integers(3)]
    else:
        at[key] = deepcopy(NASTY[rng.integers(len(NASTY))])


def written(rng, tree):
    """Return JSON, sometimes with a duplicate key."""
    text = json.dumps(tree)
    if rng.random() < 0.1 and isinstance(tree, dict) and tree:
        key = list(tree)[rng.integers(len(tree))]
        text = f"{{{json.dumps(key)}: {json.dumps(NASTY[rng.integers(len(NASTY))])}, {text[1:]}"
    return text


def json_aware(rng, content, forge):
    """Change the description or the header; with `forge`, update the checksum."""
    header, data = header_of(content)
    metadata = header["__metadata__"]
    about = json.loads(metadata["graduel"])
    for _ in range(rng.integers(1, 4)):
        edit(rng, about if rng.random() < 0.2 else about.get("spec"))
    before = metadata["graduel"]
    if rng.random() < 0.3:
        edit(rng, header)
    if forge:
        # The file can be too damaged for a checksum.
        with suppress(AttributeError, KeyError, TypeError, ValueError):
            about["sha256"] = checksum(about, header, data)
    if metadata.get("graduel") == before:  # else the header edit has changed it
        metadata["graduel"] = written(rng, about)
    text = written(rng, header).encode()
    length = len(text) + (rng.random() < 0.1) * int(rng.integers(-9, 9))
    return max(length, 0).to_bytes(8, "little") + text + data


def checksum(about, header, data):
    """Return the checksum, computed independently of graduel."""
    rest = {key: value for key, value in about.items() if key != "sha256"}
    digest = sha256(json.dumps(rest, sort_keys=True, separators=(",", ":")).encode())
    for name in sorted(set(header) - {"__metadata__"}):
        begin, end = header[name]["data_offsets"]
        head = json.dumps([name, header[name]["dtype"], header[name]["shape"]])
        digest.update(b"\n" + head.encode() + b"\n" + data[begin:end])
    return digest.hexdigest()


def mutant(number):
    """Return a damaged file, its source, and whether the checksum was updated."""
    rng = np.random.default_rng(number)
    source = SOURCES[rng.integers(len(SOURCES))]
    if rng.random() < 0.6:
        forge = bool(rng.random() < 0.7)
        return json_aware(rng, source.content, forge), source, forge
    change = [flip, cut, block, splice][rng.integers(4)]
    return change(rng, source.content), source, False


def outcome(path, number):
    """Load a mutant; return 'refused', 'unharmed' or 'another model'; check time and memory."""
    content, source, forged = mutant(number)
    path.write_bytes(content)
    tracemalloc.reset_peak()
    start, before = time.thread_time(), tracemalloc.get_traced_memory()[0]
    try:
        model = load_network(path)
    except UserError as error:
        assert str(path) in str(error)
        assert str(error).isprintable()
        assert len(str(error)) < 1500
        model = None
    assert time.thread_time() - start < SECONDS
    assert tracemalloc.get_traced_memory()[1] - before < BYTES
    if model is None:
        return "refused"
    if source.model is not None and not forged:
        assert model.network == source.model.network
        assert model.notes == source.model.notes
        for name in ("theta", "state"):
            a, b = (getattr(m.weights, name) for m in (model, source.model))
            assert a.dtype == b.dtype
            assert a.tobytes() == b.tobytes()
        return "unharmed"
    network = model.network
    assert model.weights.nbytes <= len(content)
    if prod(network.input_shape) < 10**6:
        x = np.ones((2, *network.input_shape))
        with np.errstate(all="ignore"):
            assert network.predict(x, model.weights).shape == (2, *network.output_shape)
    return "another model"


def outcomes(path, numbers):
    tracemalloc.start()
    try:
        counts = Counter()
        for number in numbers:
            try:
                counts[outcome(path, number)] += 1
            except BaseException as error:
                error.add_note(f"mutant({number})")
                raise
        return counts
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("chunk", range(10))
def test_a_damaged_file_raises_or_loads_unchanged(tmp_path, chunk):
    counts = outcomes(tmp_path / "net", range(50 * chunk, 50 * chunk + 50))
    assert counts["refused"] >= 25


@pytest.mark.long
@pytest.mark.parametrize("chunk", range(20))
def test_ten_thousand_damaged_files(tmp_path, chunk):
    counts = outcomes(tmp_path / "net", range(1000 + 500 * chunk, 1500 + 500 * chunk))
    # All three outcomes occur: some mutants are harmless, some are other valid models.
    assert set(counts) == {"refused", "unharmed", "another model"}


def test_the_same_number_gives_the_same_mutant():
    for number in range(40):
        assert mutant(number)[0] == mutant(number)[0]
