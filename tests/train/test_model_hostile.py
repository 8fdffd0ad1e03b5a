"""Malicious model files: each raises a one-line error, quickly and with little memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import tracemalloc
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import pytest

from graduel.errors import UserError
from graduel.nn import Dense, Network, Plan, Scale, Spec, SquaredError
from graduel.nn.layers.activation import Elementwise
from graduel.nn.serialization import PARTS
from graduel.train import load_network, save_network
from graduel.train.io import container, spec_check

SECONDS, BYTES = 5.0, 64 << 20
FULL = container.HEADER - 500
RELU = {"type": "ReLU"}
LOSS = {"type": "SquaredError"}


def raw(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def described(text, data=b"", **arrays):
    """Return a file without a checksum, which is verified last."""
    return raw({"__metadata__": {"graduel": text}, **arrays}, data)


def signed(content):
    """Return the file with a matching checksum."""
    header = json.loads(content[8 : 8 + container.header_size(content)])
    data = content[8 + container.header_size(content) :]
    description = json.loads(header["__metadata__"]["graduel"])
    values = {
        name: np.frombuffer(data[slice(*place["data_offsets"])], "<f4").reshape(place["shape"])
        for name, place in header.items()
        if name != "__metadata__"
    }
    description["sha256"] = container.compute_checksum(description, values.items())
    header["__metadata__"]["graduel"] = json.dumps(description)
    return raw(header, data)


def net(layers, shape=(2,), **others):
    spec = {"format": 1, "input_shape": list(shape), "dtype": "float32", "loss": LOSS}
    spec |= {"layers": layers, **others}
    return described(json.dumps({"format": 2, "graduel": "0", "spec": spec, "notes": {}}))


def about(**values):
    """Return a file whose description has these JSON texts as values."""
    spec = (
        f'{{"format":1,"input_shape":[2],"dtype":"float32","loss":{json.dumps(LOSS)},"layers":[]}}'
    )
    parts = {"format": "2", "graduel": '"0"', "spec": spec, "notes": "{}"} | values
    return described("{" + ",".join(f'"{key}":{value}' for key, value in parts.items()) + "}")


def nested(levels):
    layer = RELU
    for _ in range(levels):
        layer = {"type": "Residual", "layers": [layer]}
    return layer


SCALES = Network((Scale(), Scale()), (2,), SquaredError())


EMPTY = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def entry(data=bytes(16), others=(), **values):
    """Return a valid file except for the entry of one array, or for additional arrays."""
    text = json.dumps({"format": 2, "spec": SCALES.to_spec(), "notes": {}})
    arrays = {
        "0.s": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "1.s": {"dtype": "F32", "shape": [2], "data_offsets": [8, 16]} | values,
    }
    return described(text, data, **arrays, **dict.fromkeys(others, EMPTY))


def many(unit):
    return unit * (FULL // len(unit))


HEADERS = {
    "empty": b"",
    "one byte": b"\0",
    "eight bytes": bytes(8),
    "zeros": bytes(10_000),
    "a length of 2**64 - 1": b"\xff" * 8 + b"{}",
    "a length beyond the file": raw(b"{}", length=3),
    "a length that ends too soon": raw(b'{"a":1}', length=6),
    "a header above the limit": raw(b" " * (container.HEADER + 1)),
    "no JSON": raw(b"not JSON at all"),
    "a list": raw(b"[]"),
    "not UTF-8": raw(b'{"__metadata__":{"graduel":"\xff"}}'),
    "UTF-16": raw('{"__metadata__":{}}'.encode("utf-16")),
    "a byte order mark": raw('\ufeff{"__metadata__":{}}'.encode()),
    "a key twice": raw(b'{"__metadata__":{},"__metadata__":{}}'),
    "metadata of numbers": raw({"__metadata__": {"graduel": 1}}),
    "metadata that is a list": raw({"__metadata__": ["graduel"]}),
    "brackets": raw(b"[" * FULL),
    "brackets in the metadata": described("[" * FULL),
    "lists": raw(b'{"x":"\xf0\x9f\x98\x80","y":[' + many(b"[],")[:-1] + b"]}"),
    "objects": raw(b'{"x":"\xf0\x9f\x98\x80","y":[' + many(b"{},")[:-1] + b"]}"),
    "lists within lists": raw(b'{"y":[' + many(b"[" * 100 + b"0" + b"]" * 100 + b",")[:-1] + b"]}"),
    "objects within objects": raw(
        b'{"y":[' + many(b'{"":' * 100 + b"0" + b"}" * 100 + b",")[:-1] + b"]}"
    ),
    "lists within a shape": entry(shape=[json.loads("[" * 100 + "]" * 100)] * 3000),
    "lists in the metadata": raw(
        b'{"__metadata__":{"y":[' + many(b"[" * 100 + b"0" + b"]" * 100 + b",")[:-1] + b"]}}"
    ),
    "keys": raw({f"{i:05x}": {} for i in range(60_000)}),
    "keys of the metadata": raw({"__metadata__": {f"{i:05x}": "" for i in range(55_000)}}),
    "arrays": raw({f"{i:x}": EMPTY for i in range(12_000)}),
    "unexpected arrays": entry(others=map(str, range(11_000))),
    "no offsets": raw({"0.W": {"dtype": "F32", "shape": [2]}}, bytes(8)),
    "no dtype that there is": entry(dtype="F31"),
    "a dtype with a line feed": entry(dtype="x\n"),
    "a shape that is text": entry(shape="2"),
    "a shape of floats": entry(shape=[2.0]),
    "a negative size": entry(shape=[-2, -1]),
    "a shape that overflows": entry(shape=[2**32, 2**32, 2]),
    "a huge size": entry(shape=[10**400]),
    "thousands of axes": entry(shape=[1] * 10_000 + [2]),
    "an offset that is a float": entry(data_offsets=[8.0, 16]),
    "negative offsets": entry(data_offsets=[-8, 0]),
    "offsets the wrong way": entry(data_offsets=[16, 8]),
    "offsets beyond the file": entry(data_offsets=[8, 24], shape=[4]),
    "an overlap": entry(data_offsets=[0, 8], data=bytes(8)),
    "a gap": entry(data_offsets=[12, 20], data=bytes(20)),
    "more numbers than arrays": entry(data=bytes(20)),
    "three offsets": entry(data_offsets=[8, 16, 16]),
    "a shape that is too small": entry(shape=[1]),
    "a dtype that is a list": entry(dtype=["F32"]),
}

DESCRIPTIONS = {
    "no format": described("{}"),
    "a number": described("1"),
    "format true": about(format="true"),
    "format 2.0": about(format="2.0"),
    "format 1e400": about(format="1e400"),
    "format text": about(format='"2"'),
    "format of 1000 digits": about(format="9" * 1000),
    "format of 10,000 digits": about(format="9" * 10_000),
    "a newer format by a long name": about(format="9", graduel='"' + "x\\n" * 9999 + '"'),
    "format twice": described('{"format":2,"format":2,"spec":{},"notes":{}}'),
    "a key of the notes twice": about(notes='{"a":1,"a":2}'),
    "notes as text": about(notes='"x"'),
    "notes as a list": about(notes="[[]]"),
    "deep notes": about(notes='{"a":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "no spec": about(spec="null"),
    "a spec of text": about(spec='"Dense"'),
}

SPECS = {
    "thirty thousand layers": net([RELU] * 30_000),
    "parts within parts": net([{"type": "Residual", "layers": [RELU] * 99}] * 300),
    "Residual, 40 deep": net([nested(40)]),
    "Residual, 10,000 deep": described(
        '{"format":2,"notes":{},"spec":{"layers":['
        + '{"type":"Residual","layers":[' * 10_000
        + "]}" * 10_000
        + "]}}"
    ),
    "two hundred thousand weights": net(
        [], loss={"type": "SoftmaxCrossEntropy", "class_weight": [0] * 200_000}
    ),
    "layers as text": net("Dense"),
    "layers as an object": net({"0": RELU}),
    "layers without end": net([[[[[]]]]]),
    "no layer": net([None]),
    "a layer without type": net([{"units": 3}]),
    "an unknown layer": net([{"type": "Nothing"}]),
    "a type of half a million letters": net([{"type": "x" * 500_000}]),
    "a type with control characters": net([{"type": "\n\x1b[31m\u202e\u2028\x85"}]),
    "a lone surrogate": net([{"type": "\ud800"}]),
    "a field with control characters": net([{"type": "Dense", "units": 1, "\n": 1}]),
    "a field self": net([{"type": "Dense", "units": 1, "self": 1}]),
    "an initializer as a layer": net([{"type": "Zeros"}]),
    "a loss as a layer": net([LOSS]),
    "a layer as a loss": net([], loss=RELU),
    "an initializer as a loss": net([], loss={"type": "Zeros"}),
    "a layer as an initializer": net([{"type": "Dense", "units": 1, "init": RELU}]),
    "text as an initializer": net([{"type": "Dense", "units": 1, "init": "Zeros"}]),
    "an initializer in Residual": net([{"type": "Residual", "layers": [{"type": "Zeros"}]}]),
    "Residual of text": net([{"type": "Residual", "layers": "ReLU"}]),
    "units as text": net([{"type": "Dense", "units": "3"}]),
    "units as a list": net([{"type": "Dense", "units": [3]}]),
    "units as a float": net([{"type": "Dense", "units": 3.0}]),
    "units true": net([{"type": "Dense", "units": True}]),
    "negative units": net([{"type": "Dense", "units": -3}]),
    "no units": net([{"type": "Dense", "units": 0}]),
    "10**1000 units": net([{"type": "Dense", "units": 10**1000}]),
    "units infinite": net([{"type": "Dense", "units": float("inf")}]),
    "a rate as text": net([{"type": "Dropout", "rate": "0.5"}]),
    "a rate of NaN": net([{"type": "Dropout", "rate": float("nan")}]),
    "a gain as text": net([{"type": "Scale", "init": {"type": "HeNormal", "gain": "1"}}]),
    "a value as a list": net([{"type": "Scale", "init": {"type": "Constant", "value": [1]}}]),
    "weights as text": net([], loss={"type": "BinaryCrossEntropy", "positive_weight": "12"}),
    "an unknown padding": net([{"type": "Conv2D", "filters": 1, "padding": ["same"]}], (2, 2, 1)),
    "a window of three": net([{"type": "MaxPool2D", "size": [1, 1, 1]}], (2, 2, 1)),
    "a stride of 0": net([{"type": "MaxPool2D", "stride": 0}], (2, 2, 1)),
    "a shape of 30 axes": net([{"type": "Reshape", "shape": [1] * 29 + [2]}]),
    "an input of 30 axes": net([RELU], [1] * 30),
    "an input of none": net([RELU], [0]),
    "a negative input": net([RELU], [-1]),
    "an input of floats": net([RELU], [2.0]),
    "an infinite input": net([RELU], [float("inf")]),
    "an input as text": net([RELU], input_shape="22"),
    "a dtype int8": net([RELU], dtype="int8"),
    "a dtype that is a list": net([RELU], dtype=["float32"]),
    "a spec of format 2": net([RELU], format=2),
}
ARRAYS = {
    "10**12 units": net([{"type": "Dense", "units": 10**12}]),
    "a window of 10**15": net([{"type": "Conv2D", "filters": 1, "size": 10**15}], (2, 2, 1)),
    "an image of 10**18 pixels": net(
        [{"type": "Flatten"}, {"type": "Dense", "units": 1}], [10**9] * 2
    ),
    "a missing array": net([{"type": "Scale"}]),
}
CASES = HEADERS | DESCRIPTIONS | SPECS | ARRAYS


def load_error(path):
    """Load a file that must raise; check time and memory; return the message."""
    tracemalloc.start()
    start = time.thread_time()
    try:
        with pytest.raises(UserError) as caught:
            load_network(path)
        assert time.thread_time() - start < SECONDS
        assert tracemalloc.get_traced_memory()[1] < BYTES
    finally:
        tracemalloc.stop()
    message = str(caught.value)
    assert str(path) in message
    assert message.isprintable()
    assert len(message) < 1500
    return message


@pytest.mark.parametrize("name", CASES)
def test_a_malicious_file_raises(tmp_path, name):
    path = tmp_path / "net"
    path.write_bytes(CASES[name])
    message = load_error(path)
    if name in SPECS and "10,000 deep" not in name:  # too deep for the JSON parser
        assert "the network cannot be built" in message
    if name in ARRAYS:
        assert "the network expects F32 of shape" in message


def test_valid_files_of_the_helpers_load(tmp_path):
    for content in (about(), net([nested(9)]), net([RELU] * 5000), entry()):
        (tmp_path / "net").write_bytes(signed(content))
        assert load_network(tmp_path / "net").network.input_shape == (2,)


def test_a_header_longer_than_the_limit_raises(tmp_path):
    path, good = tmp_path / "net", signed(about())[8:]
    path.write_bytes(raw(good.ljust(container.HEADER)))
    assert load_network(path).notes == {}
    path.write_bytes(raw(good.ljust(container.HEADER + 1)))
    assert "a header of 786,433 bytes, 786,432 at most, in a file of 786,441" in load_error(path)
    path.write_bytes(raw(good, length=len(good) + 1))
    assert f"a header of {len(good) + 1} bytes" in load_error(path)


def test_malicious_descriptions_are_within_the_header_limit():
    for content in (DESCRIPTIONS | SPECS | ARRAYS).values():
        assert int.from_bytes(content[:8], "little") <= container.HEADER


def test_additional_keys_of_an_array_entry_are_ignored(tmp_path):
    content = signed(entry(np.arange(4, dtype="<f4").tobytes(), more=[1]))
    (tmp_path / "net").write_bytes(content)
    assert load_network(tmp_path / "net").weights.theta.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("dtype", "size"),
    [("F16", 4), ("BF16", 4), ("F64", 16), ("I64", 16), ("I32", 8), ("F8_E4M3", 2), ("BOOL", 2)],
)
def test_other_dtypes_raise(tmp_path, dtype, size):
    text = json.dumps(
        {
            "format": 2,
            "spec": Network((Dense(1),), (2,)).to_spec(),
            "notes": {},
        }
    )
    path = tmp_path / "net"
    path.write_bytes(
        described(
            text,
            bytes(size + 4),
            **{
                "0.W": {"dtype": dtype, "shape": [2, 1], "data_offsets": [0, size]},
                "0.b": {"dtype": "F32", "shape": [1], "data_offsets": [size, size + 4]},
            },
        )
    )
    assert "expects F32 of shape (2, 1) under '0.W'" in load_error(path)


@pytest.mark.skipif(sys.platform == "win32", reason="it would not be sparse there")
def test_a_sparse_file_of_a_gigabyte_raises_quickly(tmp_path):
    path = tmp_path / "net"
    for start in (b"", (2**30 - 8).to_bytes(8, "little"), (2**20).to_bytes(8, "little")):
        path.write_bytes(start)
        os.truncate(path, 2**30)
        start = time.thread_time()
        load_error(path)
        assert time.thread_time() - start < 1


def test_folders_and_missing_files_raise(tmp_path):
    assert "got a folder" in load_error(tmp_path)
    assert "cannot be read" in load_error(tmp_path / "missing")
    assert "cannot be read" in load_error(tmp_path / "missing" / "net")
    with pytest.raises(UserError, match=r"a\\x00b: "):
        load_network("a\0b")


def test_a_name_with_a_line_feed_stays_on_one_line(tmp_path):
    with pytest.raises(UserError, match=r"a\\nb: cannot be read") as caught:
        load_network(tmp_path / "a\nb")
    assert str(caught.value).isprintable()


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_loop_of_links_raises_and_a_link_is_followed(tmp_path):
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert "cannot be read" in load_error(tmp_path / "a")
    (tmp_path / "net").write_bytes(signed(about()))
    (tmp_path / "link").symlink_to(tmp_path / "net")
    assert load_network(tmp_path / "link").notes == {}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_and_a_device_raise_without_blocking(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    messages = []

    def load():
        try:
            load_network(tmp_path / "pipe")
        except UserError as error:
            messages.append(str(error))

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert "got a pipe or a device" in messages[0]
    assert "got a pipe or a device" in load_error("/dev/zero")


LIMITED = """
import resource, sys
from graduel.errors import UserError
from graduel.train import load_network
import numpy, hashlib, graduel.nn
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
for path in sys.argv[1:]:
    try:
        load_network(path)
    except UserError as error:
        print("MemoryError" in str(error))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of memory are Linux's")
def test_malicious_files_raise_without_memory_errors(tmp_path):
    paths = []
    for i, content in enumerate(CASES.values()):
        paths.append(tmp_path / str(i))
        paths[-1].write_bytes(content)
    os.truncate(tmp_path / "0", 2**30)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *paths], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["False"] * len(CASES), done.stderr[-2000:]


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
def test_the_annotations_of_every_part_can_be_evaluated(part):
    """Annotations are evaluated at loading: imports for type checkers only would break it."""
    hints = spec_check._hints(part)
    assert {field.name for field in fields(part)} <= set(hints)


@dataclass(frozen=True, slots=True)
class Own(Elementwise):
    """y = x, a custom layer with a wrong annotation."""

    smooth: ClassVar[bool] = True
    units: int = "many"
    axes: int = 1

    def plan(self, shape):
        return Plan(shape, {"p": Spec((1,) * self.axes)})

    def forward(self, x, w, call):
        return x

    def backward(self, dy, w, call, *, need_dx=True):
        return dy


def test_fields_of_custom_classes_are_not_checked(tmp_path):
    path = tmp_path / "net"
    network = Network((Own(), Own((1,) * 40)), (3,))
    save_network(path, network, network.init(np.random.default_rng(0)))
    assert load_network(path, parts=[Own]).network == network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Network((), (0,)), "input_shape must be a list of positive integers"),
        (Network((), (1,) * 17), "input_shape must be a list of positive integers"),
        (Network((Own(2**60),), (2,)), "integers in the spec must be below"),
        (Network((Own(),) * 10_000, (2,)), "at most 10,000 parts"),
        (Network((Own(axes=17),), (2,)), "layer 0 must have arrays of at most 16 axes; got 17"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_network_that_would_not_load_is_not_saved(tmp_path, network, message):
    weights = network.init(np.random.default_rng(0))
    with pytest.raises(UserError, match=f"cannot save the network: .*{message}"):
        save_network(tmp_path / "net", network, weights)
    assert os.listdir(tmp_path) == []


def test_notes_that_would_not_load_are_not_saved(tmp_path):
    path, network = tmp_path / "net", Network((), (1,))
    weights = network.init(np.random.default_rng(0))
    for notes, message in (
        ({1: "a", "1": "b"}, "distinct keys.*occurs twice"),
        ({"a": "\ud800"}, "notes must be plain JSON data"),
        ({"a": '"' * (container.HEADER * 2 // 5)}, "must fit into 786,432 bytes"),
        ({"a": "x" * container.HEADER}, "must fit into 786,432 bytes"),
    ):
        with pytest.raises(UserError, match=message):
            save_network(path, network, weights, notes)
    assert os.listdir(tmp_path) == []
    save_network(path, network, weights, {"a": "x" * FULL})
    assert load_network(path).notes == {"a": "x" * FULL}


def test_too_large_notes_never_reach_safetensors(tmp_path, monkeypatch):
    """safetensors raises its own error for headers of 100 MB and more."""
    monkeypatch.setattr(container, "save", None)
    network = Network((), (1,))
    with pytest.raises(UserError, match="must fit into 786,432 bytes"):
        save_network(
            tmp_path / "net",
            network,
            network.init(np.random.default_rng(0)),
            {"a": "x" * container.HEADER},
        )
