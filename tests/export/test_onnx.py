"""ONNX export: every layer and loss gives the network's outputs in onnxruntime, in both dtypes."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from table_export import LAYERS, LOSSES, ODD, OF_ENSEMBLES, batches, grown, name, parts

from graduel.errors import UserError
from graduel.export import onnx_model, to_onnx
from graduel.export.export_graph import LINKS
from graduel.export.onnx_layers import LAYERS as EXPORTERS
from graduel.nn import (
    BinaryCrossEntropy,
    Columns,
    Conv2D,
    Dense,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Huber,
    Network,
    Poisson,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    SquaredError,
    Weights,
)

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


def run(model, X):
    """Return the outputs by name."""
    onnx.checker.check_model(model, full_check=True)
    session = runtime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": X}), strict=True))


def test_every_layer_and_every_loss_is_covered():
    assert set(EXPORTERS) == parts("plan") == {type(layer) for layer, _ in LAYERS}
    assert {*LINKS, EnsembleMean} == parts("link")
    assert set(LINKS) == {type(loss) for loss in LOSSES}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=name)
def test_every_layer_gives_equal_outputs(layer, shape, dtype, tolerance):
    network, weights = grown([layer], shape, dtype=dtype)
    model = onnx_model(network, weights)
    for X in batches(shape, dtype):
        result = run(model, X)["predictions"]
        assert result.dtype == dtype
        np.testing.assert_allclose(
            result, network.predict(X, weights), rtol=tolerance, atol=tolerance
        )


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_every_loss_gives_equal_outputs(loss, dtype, tolerance):
    network, weights = grown([Dense(4)], (3,), loss=loss, dtype=dtype)
    model = onnx_model(network, weights)
    for X in (*batches((3,), dtype), np.full((2, 3), 1e4, dtype), np.empty((0, 3), dtype)):
        np.testing.assert_allclose(
            run(model, X)["predictions"],
            network.predict(X, weights),
            rtol=tolerance,
            atol=tolerance,
        )


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize("loss", OF_ENSEMBLES, ids=name)
def test_predictions_of_ensemble_members_are_averaged(loss, dtype, tolerance):
    layers = [EnsembleDense(6, 5), ReLU(), EnsembleOutput(4, 5)]
    network, weights = grown(layers, (3,), loss=loss, dtype=dtype)
    model = onnx_model(network, weights)
    for X in (*batches((3,), dtype), np.empty((0, 3), dtype)):
        expected = network.predict(X, weights)
        result = run(model, X)["predictions"]
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


def test_ensembles_predict_classes():
    layers = [EnsembleDense(6, 5), ReLU(), EnsembleOutput(3, 5)]
    network, weights = grown(layers, (4,), loss=EnsembleMean(SoftmaxCrossEntropy()))
    X = np.random.default_rng(1).normal(size=(40, 4)).astype("float32")
    P = network.predict(X, weights)
    result = run(onnx_model(network, weights, classes=["a", "b", "c"]), X)
    assert result["label"].tolist() == ["abc"[k] for k in P.argmax(axis=1)]
    np.testing.assert_allclose(result["probabilities"], P, atol=1e-6)
    layers = [EnsembleDense(6, 5), EnsembleOutput(1, 5)]
    network, weights = grown(layers, (4,), loss=EnsembleMean(BinaryCrossEntropy()))
    p = network.predict(X, weights)
    result = run(onnx_model(network, weights, classes=["no", "yes"]), X)
    np.testing.assert_allclose(result["probabilities"], np.hstack([1 - p, p]), atol=1e-6)


def test_codes_that_are_missing_or_out_of_range():
    network, weights = grown([Columns(1, (4, 4))], (3,))
    X = np.array([[1, v, v] for v in ODD], "float32")
    result = run(onnx_model(network, weights), X)["predictions"]
    np.testing.assert_array_equal(result, network.predict(X, weights))


def test_networks_without_layers_and_scalar_inputs():
    for shape in ((3,), ()):
        network = Network((), shape, Huber())
        model = onnx_model(network, network.init(np.random.default_rng(0)))
        X = np.ones((2, *shape), "float32")
        np.testing.assert_array_equal(run(model, X)["predictions"], X)


def test_the_scale_is_applied():
    network, weights = grown([Dense(4), ReLU(), Dense(3)], (5,), loss=SoftmaxCrossEntropy())
    X = np.arange(10, dtype="float32").reshape(2, 5)
    result = run(onnx_model(network, weights, scale=1 / 255), X)["predictions"]
    np.testing.assert_allclose(result, network.predict(X / 255, weights), atol=1e-6)
    assert not np.allclose(result, network.predict(X, weights), atol=1e-3)


@pytest.mark.parametrize("classes", [[7, -2, 2**40], ["no", "perhaps", "はい"]], ids=str)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_classes_with_softmax(classes, dtype):
    network, weights = grown([Dense(3)], (4,), loss=SoftmaxCrossEntropy(), dtype=dtype)
    X = np.random.default_rng(1).normal(size=(40, 4)).astype(dtype)
    P = network.predict(X, weights)
    for labels in (classes, np.array(classes)):
        result = run(onnx_model(network, weights, classes=labels), X)
        assert list(result) == ["label", "probabilities"]
        assert result["label"].tolist() == [classes[k] for k in P.argmax(axis=1)]
        np.testing.assert_allclose(result["probabilities"], P, atol=1e-6)
    assert len(set(P.argmax(axis=1))) == 3


def test_two_classes_with_one_output():
    network, weights = grown([Dense(1)], (4,), loss=BinaryCrossEntropy())
    X = np.random.default_rng(1).normal(size=(40, 4)).astype("float32")
    p = network.predict(X, weights)
    result = run(onnx_model(network, weights, classes=["no", "yes"]), X)
    np.testing.assert_allclose(result["probabilities"], np.hstack([1 - p, p]), atol=1e-6)
    assert result["label"].tolist() == ["yes" if yes else "no" for yes in p[:, 0] > 0.5]
    assert set(result["label"]) == {"no", "yes"}


def test_equal_probabilities_give_the_first_class():
    network = Network((Dense(1),), (1,), BinaryCrossEntropy())
    weights = Weights(np.zeros(2, "float32"), np.zeros(0, "float32"))
    result = run(onnx_model(network, weights, classes=[3, 4]), np.ones((1, 1), "float32"))
    assert result["label"].tolist() == [3]


def test_several_binary_outputs():
    network, weights = grown([Dense(3)], (4,), loss=BinaryCrossEntropy())
    X = np.random.default_rng(1).normal(size=(40, 4)).astype("float32")
    P = network.predict(X, weights)
    model = onnx_model(network, weights, classes=["a", "b", "c"])
    result = run(model, X)
    np.testing.assert_allclose(result["probabilities"], P, atol=1e-6)
    np.testing.assert_array_equal(result["label"], P > 0.5)
    assert result["label"].dtype == np.int64
    assert {p.key: json.loads(p.value) for p in model.metadata_props} == {
        "classes": ["a", "b", "c"]
    }


def test_the_file_has_opset_and_ir_version(tmp_path):
    network, weights = grown([Conv2D(2)], (4, 4, 1))
    path = tmp_path / "new" / "net.onnx"
    to_onnx(network, weights, path)
    model = onnx.load(path)
    assert [(o.domain, o.version) for o in model.opset_import] == [("", 17)]
    assert model.ir_version == 8
    assert model.producer_name == "graduel"
    assert model == onnx_model(network, weights)


def test_a_file_is_replaced_atomically(tmp_path, monkeypatch):
    path = tmp_path / "net.onnx"
    path.write_text("old content")
    network, weights = grown([Dense(2)], (3,))

    def full(descriptor):
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            to_onnx(network, weights, path)
    assert path.read_text() == "old content"
    to_onnx(network, weights, str(path))
    assert len(onnx.load(path).graph.node) == 3
    assert [p.name for p in tmp_path.iterdir()] == ["net.onnx"]


def test_a_missing_onnx_package_raises_with_the_pip_command(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    network, weights = grown([Dense(2)], (3,))
    with pytest.raises(UserError, match=r'pip install "graduel\[onnx\]"'):
        to_onnx(network, weights, tmp_path / "net.onnx")
    assert not list(tmp_path.iterdir())


def test_weights_beyond_the_size_limit_raise():
    network = Network((Dense(2**20),), (2**10,))
    # One number broadcast to a billion takes no memory.
    theta = np.broadcast_to(np.float32(0), network.layout.size)
    with pytest.raises(UserError, match="at most 2,146,435,072 bytes"):
        onnx_model(network, Weights(theta, np.empty(0, "float32")))


@dataclass(frozen=True, slots=True)
class CustomLayer(ReLU):
    """A custom layer."""


@dataclass(frozen=True, slots=True)
class CustomError(SquaredError):
    """A custom loss."""


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (Network((Dense(2), CustomLayer()), (3,)), {}, "layer 1 is of the class CustomLayer"),
        (
            Network((Residual((CustomLayer(),)),), (3,)),
            {},
            r"layer 0\.0 is of the class CustomLayer",
        ),
        (Network((Dense(2),), (3,), CustomError()), {}, "got the loss CustomError"),
        (Network((Dense(2),), (3,), EnsembleMean(CustomError())), {}, "got the loss CustomError"),
        (Network((Dense(2),), (3,), EnsembleMean()), {}, "End it with EnsembleOutput"),
        (Network((Dense(2),), (3,)), {"scale": float("nan")}, "scale must be a finite number"),
        (Network((Dense(2),), (3,)), {"scale": "1/255"}, "scale must be a finite number"),
        (Network((Dense(2),), (3,)), {"classes": "ab"}, "classes must be a list"),
        (Network((Dense(2),), (3,)), {"classes": 2}, "classes must be a list"),
        (Network((Dense(2),), (3,)), {"classes": ["a"]}, "2 labels, one for each output; got 1"),
        (Network((Dense(2),), (3,)), {"classes": ["a", 1]}, "got int, str"),
        (Network((Dense(2),), (3,)), {"classes": [True, False]}, "got bool"),
        (Network((Dense(2),), (3,)), {"classes": np.eye(2)}, "got list"),
        (Network((Dense(2),), (3,)), {"classes": [1, 2**63]}, "64 bits"),
        (Network((Dense(2),), (3,)), {"classes": ["a", "\ud800"]}, "UTF-8"),
        (Network((Dense(2),), (3,)), {"classes": ["a", "a"]}, "must be distinct"),
        (Network((Dense(1),), (3,)), {"classes": ["a", "b"]}, "1 labels"),
        (
            Network((Dense(1),), (3,), BinaryCrossEntropy()),
            {"classes": ["a", "b", "c"]},
            "or 2 labels for one output; got 3",
        ),
        (
            Network((Dense(2),), (3,), Poisson()),
            {"classes": ["a", "b"]},
            "got Poisson with outputs",
        ),
    ],
)
def test_invalid_arguments_raise(network, options, message):
    weights = network.init(np.random.default_rng(0))
    with pytest.raises(UserError, match=message):
        onnx_model(network, weights, **options)


def test_weights_of_another_network_or_dtype_raise():
    _, weights = grown([Dense(2)], (3,))
    with pytest.raises(UserError, match="must have shape"):
        onnx_model(Network((Dense(3),), (3,)), weights)
    with pytest.raises(UserError, match="theta and state must be float64"):
        onnx_model(Network((Dense(2),), (3,), dtype="float64"), weights)
