"""Network files: exact round trips, atomic writes, untrusted input."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import threading
import tracemalloc
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save

from graduel.errors import UserError
from graduel.nn import (
    BatchNorm,
    Constant,
    Dense,
    Dropout,
    Network,
    Plan,
    ReLU,
    Residual,
    Spec,
    SquaredError,
    Weights,
)
from graduel.train import SavedNetwork, load_network, save_network
from graduel.train.io import container

NET = Network(
    (Dense(6), BatchNorm(), ReLU(), Residual((Dense(6), BatchNorm())), Dropout(0.1), Dense(2)),
    (5,),
    loss=SquaredError(),
)


def drawn(net, seed=0):
    rng = np.random.default_rng(seed)
    weights = net.init(rng)
    weights.theta[...] = rng.normal(size=len(weights.theta))
    weights.state[...] = rng.normal(size=len(weights.state))
    return weights


def same_bits(a, b):
    return a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "net.safetensors"
    save_network(path, NET, drawn(NET), {"classes": ["yes", "no"], "error": 0.125})
    return path


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "net", [NET, Network((ReLU(),), (3,)), Network((BatchNorm(),), (1,))], ids=str
)
def test_a_round_trip_preserves_every_bit(tmp_path, net, dtype):
    net = Network(net.layers, net.input_shape, net.loss, dtype)
    weights = drawn(net)
    for vector in (weights.theta, weights.state):
        vector[:4] = [np.nan, -0.0, np.inf, np.finfo(dtype).smallest_subnormal][: len(vector)]
    notes = {"lr": 1e-3, "names": ["ä", "b"], "none": None, "deep": {"a": [1, [2]]}}
    save_network(str(tmp_path / "net"), net, weights, notes)
    model = load_network(tmp_path / "net")
    assert model.network == net
    assert same_bits(model.weights.theta, weights.theta)
    assert same_bits(model.weights.state, weights.state)
    assert model.notes == notes
    assert isinstance(model, SavedNetwork)
    assert model.weights.theta.flags.writeable
    assert model.weights.theta.flags.owndata


def test_the_file_is_valid_safetensors(file):
    weights = drawn(NET)
    with safe_open(file, framework="numpy") as opened:
        entries = [*NET.layout.entries, *(e for e in NET.state_layout.entries)]
        names = {e.name for e in NET.layout.entries}
        names |= {f"state:{e.name}" for e in NET.state_layout.entries}
        assert set(opened.keys()) == names
        assert len(entries) == len(names)
        W = opened.get_tensor("3.0.W")
        np.testing.assert_array_equal(W, NET.layout["3.0.W"].view(weights.theta))
        about = json.loads(opened.metadata()["graduel"])
        assert set(opened.metadata()) == {"graduel"}
    assert struct.unpack("<Q", file.read_bytes()[:8])[0] % 8 == 0  # the arrays are aligned
    assert set(about) == {"format", "graduel", "spec", "notes", "sha256"}
    assert about["format"] == 2
    assert about["spec"] == NET.to_spec()
    assert about["notes"] == {"classes": ["yes", "no"], "error": 0.125}


def test_equal_models_give_identical_bytes(file, tmp_path):
    save_network(tmp_path / "b", NET, drawn(NET), {"classes": ["yes", "no"], "error": 0.125})
    assert (tmp_path / "b").read_bytes() == file.read_bytes()


WRITER = """
import sys
import numpy as np
from graduel.nn import BatchNorm, Dense, Network
from graduel.train import save_network
net = Network((Dense(6), BatchNorm(), Dense(2)), (5,))
weights = net.init(np.random.default_rng(0))
save_network(sys.argv[1], net, weights, {"b": [1.5], "a": {"d": 1, "c": None}})
"""


def test_equal_models_give_identical_bytes_in_every_process(tmp_path):
    for i in range(3):
        subprocess.run(
            [sys.executable, "-c", WRITER, tmp_path / str(i)],
            env={**os.environ, "PYTHONHASHSEED": str(i)},
            check=True,
        )
    assert len({(tmp_path / str(i)).read_bytes() for i in range(3)}) == 1


def test_non_contiguous_weights_are_saved_correctly(tmp_path):
    weights = drawn(NET)
    scattered = Weights(np.repeat(weights.theta, 2)[::2], np.repeat(weights.state, 3)[::3])
    assert not scattered.theta.flags.c_contiguous
    save_network(tmp_path / "net", NET, scattered)
    model = load_network(tmp_path / "net")
    assert same_bits(model.weights.theta, weights.theta)
    assert same_bits(model.weights.state, weights.state)


def test_notes_keep_their_order_and_numeric_keys_become_text(tmp_path):
    save_network(tmp_path / "net", NET, drawn(NET), {"b": 1, "a": {9: 1, 10: 2, 1.5: (3, 4)}})
    notes = load_network(tmp_path / "net").notes
    assert list(notes) == ["b", "a"]
    assert list(notes["a"].items()) == [("9", 1), ("10", 2), ("1.5", [3, 4])]


@dataclass(frozen=True, slots=True)
class Shift:
    """y = x + b."""

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    by: float = 1.0

    def plan(self, shape):
        return Plan(shape, {"b": Spec(shape, Constant(self.by), "shift")})

    def forward(self, x, w, call):
        return np.add(x, w.p.b, out=w.buf("y", x.shape, x.dtype))

    def backward(self, dy, w, call, *, need_dx=True):
        np.sum(dy, axis=0, out=w.g.b)
        return dy


def test_custom_classes_load_when_passed_as_parts(tmp_path):
    net = Network((Dense(3), Shift(2.0)), (4,))
    weights = drawn(net)
    save_network(tmp_path / "own", net, weights)
    model = load_network(tmp_path / "own", parts=[Shift])
    assert model.network == net
    assert same_bits(model.weights.theta, weights.theta)
    with pytest.raises(UserError, match=r"got 'Shift'.*load_network\(…, parts=\[…\]\)"):
        load_network(tmp_path / "own")


def test_an_error_in_a_custom_class_is_a_user_error(tmp_path, monkeypatch):
    net = Network((Shift(),), (4,))
    save_network(tmp_path / "own", net, drawn(net))

    def fail(self, shape):
        raise KeyError("inside\nof it")

    monkeypatch.setattr(Shift, "plan", fail)
    with pytest.raises(UserError, match=r"own: expected a model .*\(KeyError: ") as caught:
        load_network(tmp_path / "own", parts=[Shift])
    assert str(caught.value).isprintable()


def test_missing_folders_are_created_and_no_other_files_remain(tmp_path):
    save_network(tmp_path / "a" / "b" / "net", NET, drawn(NET))
    save_network(tmp_path / "a" / "b" / "net", NET, drawn(NET, seed=1))
    assert os.listdir(tmp_path / "a" / "b") == ["net"]
    assert same_bits(load_network(tmp_path / "a/b/net").weights.theta, drawn(NET, seed=1).theta)


@pytest.mark.parametrize("fails", ["fsync", "replace"])
def test_a_failed_write_leaves_the_old_file_only(file, monkeypatch, fails):
    before = file.read_bytes()

    def refuse(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, fails, refuse)
    with pytest.raises(OSError, match="No space left"):
        save_network(file, NET, drawn(NET, seed=1))
    assert file.read_bytes() == before
    assert os.listdir(file.parent) == [file.name]


def test_concurrent_writers_leave_one_valid_file(tmp_path):
    path, seeds = tmp_path / "net", range(8)

    def write(seed):
        for _ in range(5):
            save_network(path, NET, drawn(NET, seed), {"seed": seed})

    threads = [threading.Thread(target=write, args=(seed,)) for seed in seeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    model = load_network(path)
    assert same_bits(model.weights.theta, drawn(NET, model.notes["seed"]).theta)
    assert os.listdir(tmp_path) == ["net"]


def test_the_checksum_is_as_documented(file):
    with safe_open(file, framework="numpy") as opened:
        about = json.loads(opened.metadata()["graduel"])
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    checksum = about.pop("sha256")
    hashed = json.dumps(about, sort_keys=True, separators=(",", ":")).encode()
    for name in sorted(arrays):
        hashed += b"\n" + json.dumps([name, "F32", arrays[name].shape]).encode() + b"\n"
        hashed += arrays[name].tobytes()
    assert checksum == sha256(hashed).hexdigest()


GOLDEN = Path(__file__).parents[1] / "golden" / "models"
CASES = json.loads((GOLDEN / "models.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", CASES)
def test_files_of_every_format_load(name):
    case = CASES[name]
    model = load_network(GOLDEN / name)
    assert model.network == Network.from_spec(case["spec"])
    assert model.notes == case["notes"]
    for which in ("theta", "state"):
        assert sha256(getattr(model.weights, which).tobytes()).hexdigest() == case[which]
    predictions = model.network.predict(np.array(case["x"]), model.weights)
    np.testing.assert_allclose(predictions, case["predictions"], rtol=1e-6, atol=1e-6)


def test_there_are_files_of_every_format():
    formats = range(2, container.FORMAT + 1)  # the first was never released
    names = {f"format{i}-{name}.safetensors" for i in formats for name in ("dense", "image")}
    assert set(CASES) == names


def test_a_flipped_bit_in_any_byte_raises(tmp_path):
    content = (GOLDEN / "format2-dense.safetensors").read_bytes()
    numbers = 8 + struct.unpack("<Q", content[:8])[0]
    path = tmp_path / "net"
    for i in range(len(content)):
        damaged = bytearray(content)
        damaged[i] ^= 1 << i % 8
        path.write_bytes(damaged)
        message = "do not match its checksum" if i >= numbers else None
        with pytest.raises(UserError, match=message):
            load_network(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'\\"yes\\"', b'\\"yet\\"'),
        (b'\\"gain\\": 1.4', b'\\"gain\\": 1.5'),
        (b'\\"graduel\\": \\"0', b'\\"graduel\\": \\"1'),
    ],
)
def test_a_changed_description_does_not_match_the_checksum(tmp_path, old, new):
    content = (GOLDEN / "format2-dense.safetensors").read_bytes()
    assert old in content
    (tmp_path / "net").write_bytes(content.replace(old, new))
    with pytest.raises(UserError, match="do not match its checksum"):
        load_network(tmp_path / "net")


@pytest.mark.parametrize("checksum", [{}, {"sha256": None}, {"sha256": "0" * 64}], ids=str)
def test_a_missing_or_wrong_checksum_raises(tmp_path, checksum):
    with safe_open(GOLDEN / "format2-dense.safetensors", framework="numpy") as opened:
        arrays = {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118
        about = json.loads(opened.metadata()["graduel"])
    about.pop("sha256", None)
    text = json.dumps(about | checksum)
    (tmp_path / "net").write_bytes(save(arrays, metadata={"graduel": text}))
    with pytest.raises(UserError, match="do not match its checksum"):
        load_network(tmp_path / "net")


def held_open(path):
    """Return whether this process has a file open or memory-mapped."""
    process = psutil.Process()
    paths = {opened.path for opened in process.open_files()}
    if hasattr(process, "memory_maps"):  # not on macOS
        paths |= {mapped.path for mapped in process.memory_maps()}
    return str(path) in paths


def test_a_loaded_model_does_not_keep_its_file_open(file):
    model = load_network(file)
    assert not held_open(file)
    with safe_open(file, framework="numpy") as opened:
        assert opened.keys()
        assert held_open(file) or not hasattr(psutil.Process, "memory_maps")
    file.write_bytes(bytes(file.stat().st_size))
    assert same_bits(model.weights.theta, drawn(NET).theta)
    save_network(file, NET, model.weights)
    assert same_bits(load_network(file).weights.state, drawn(NET).state)


def tampered(path, change=lambda about: None, arrays=lambda arrays: None):
    """Rewrite a file with another description or other arrays and a matching checksum."""
    with safe_open(path, framework="numpy") as opened:
        about = json.loads(opened.metadata()["graduel"])
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    change(about)
    arrays(tensors)
    del about["sha256"]
    known = {k: v for k, v in tensors.items() if v.dtype.kind == "f"}
    about["sha256"] = container.compute_checksum(about, known.items())
    path.write_bytes(save(tensors, metadata={"graduel": json.dumps(about)}))


def test_valid_files_of_the_helper_load(file):
    tampered(file, lambda about: about.update(notes={"b": 1, "a": 1e400}))
    assert load_network(file).notes == {"b": 1, "a": float("inf")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.update(format=3), "format 2; got format 3, written by graduel"),
        (lambda a: a.update(format=1), "format 2; got format 1, written by graduel"),
        (lambda a: a.update(format="1"), "description is damaged"),
        (lambda a: a.update(format=0), "description is damaged"),
        (lambda a: a.update(notes=[]), "description is damaged"),
        (lambda a: a.pop("notes"), "description is damaged.*notes"),
        (lambda a: a.pop("spec"), "expected a network's spec; got NoneType"),
        (lambda a: a["spec"].update(format=9), "spec of format 1; got format 9"),
        (lambda a: a["spec"].update(dtype="float64"), r"expects F64 of shape \(5, 6\) under '0.W'"),
        (lambda a: a["spec"].update(dtype="int8"), "dtype must be 'float32'"),
        (
            lambda a: a["spec"]["layers"][-1].update(units=3),
            r"F32 of shape \(6, 3\) under '5.W'; the file holds F32 of shape \(6, 2\)",
        ),
        (
            lambda a: a["spec"]["layers"][0].update(units=7),
            r"layer 3 \(Residual\): Residual expects",
        ),
        (
            lambda a: a["spec"]["layers"][0].update(units=6.0),
            r"layer 0\.units must be int; got 6.0",
        ),
        (
            lambda a: a["spec"]["layers"][0].update(units="x"),
            r"layer 0\.units must be int; got 'x'",
        ),
        (lambda a: a["spec"]["layers"][0].update(unit=6), "TypeError"),
        (lambda a: a["spec"]["layers"][0].update(type="Dens"), "Did you mean 'Dense'"),
        (lambda a: a["spec"]["layers"].pop(), "'5.W'; the file holds F32|expects no such array"),
        (
            lambda a: a["spec"].update(input_shape=[10**30]),
            "integers in the spec must be below 9,007",
        ),
        (lambda a: a["spec"].update(input_shape=None), "input_shape must be .* got None"),
        (lambda a: a["spec"].update(layers=[[[]]]), r"layer 0 must be a layer.*got \[\[\]\]"),
    ],
)
def test_an_invalid_description_raises(file, change, message):
    tampered(file, change)
    with pytest.raises(UserError, match=message) as caught:
        load_network(file)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (lambda a: a.pop("0.b"), r"expects F32 of shape \(6,\) under '0.b'; .* no such array"),
        (lambda a: a.pop("state:1.mean"), "under 'state:1.mean'; the file holds no such array"),
        (lambda a: a.update(x=np.zeros(2)), "expects no such array under 'x'; .*F64 of shape"),
        (lambda a: a.update({"0.b": np.zeros(6)}), "F32 of shape .* holds F64 of shape"),
        (lambda a: a.update({"0.b": np.zeros((6, 1), "f4")}), r"the file holds F32 .*\(6, 1\)"),
        (lambda a: a.update({"0.b": np.zeros(6, "i4")}), "the file holds I32"),
    ],
)
def test_arrays_that_do_not_match_raise(file, arrays, message):
    tampered(file, arrays=arrays)
    with pytest.raises(UserError, match=message):
        load_network(file)


def test_files_other_than_models_raise(tmp_path, file):
    other = tmp_path / "other"
    for content, message in (
        (b"", "expected a model file"),
        (b"not a model at all", "expected a model file"),
        (pickle.dumps({"a": 1}), "expected a model file"),
        (struct.pack("<Q", 2**63), "expected a model file"),
        (file.read_bytes()[:-1], "damaged or truncated"),
        (file.read_bytes()[:100], "damaged or truncated"),
        (file.read_bytes() + b"\0", "expected a model file"),
        (save({"a": np.zeros(2)}), "no 'graduel' in its metadata"),
        (save({"a": np.zeros(2)}, metadata={"graduel": "{"}), "description is damaged"),
        (save({}, metadata={"graduel": "[" * 100_000}), "description is damaged"),
        (save({}, metadata={"graduel": "[]"}), "description is damaged"),
    ):
        other.write_bytes(content)
        with pytest.raises(UserError, match=message):
            load_network(other)
    with pytest.raises(UserError, match="missing: cannot be read"):
        load_network(tmp_path / "missing")
    with pytest.raises(UserError, match="cannot be read"):
        load_network(tmp_path)


@given(st.binary(max_size=300))
def test_random_bytes_raise_a_user_error(tmp_path_factory, junk):
    path = tmp_path_factory.getbasetemp() / "junk"
    path.write_bytes(junk)
    with pytest.raises(UserError, match="expected a model file"):
        load_network(path)


def test_wrong_sizes_in_a_file_allocate_no_memory(file):
    for units in (10**9, 10**15):
        huge = Network((Dense(units),), (5,)).to_spec()
        tampered(file, lambda about, spec=huge: about.update(spec=spec))
        tracemalloc.start()
        with pytest.raises(UserError, match="expects F32 of shape"):
            load_network(file)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 2_000_000


def test_invalid_models_raise_before_anything_is_written(tmp_path):
    weights = drawn(NET)
    path = tmp_path / "net"
    short = Weights(weights.theta[:-1], weights.state)
    with pytest.raises(UserError, match=r"cannot save the network: θ must have shape"):
        save_network(path, NET, short)
    double = Weights(weights.theta.astype(float), weights.state)
    with pytest.raises(UserError, match=r"must be float32, .* got theta float64, state float32"):
        save_network(path, NET, double)
    with pytest.raises(UserError, match=r"notes must be plain JSON data.*set is not JSON"):
        save_network(path, NET, weights, {"x": {1, 2}})
    odd = Network((Dropout(lambda t: t),), (5,))
    with pytest.raises(UserError, match=r"layer 0\.rate must be numbers"):
        save_network(path, odd, drawn(odd))
    assert os.listdir(tmp_path) == []
