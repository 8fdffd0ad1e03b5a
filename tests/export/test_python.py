"""Python export: the generated file gives the network's outputs, runs alone, and escapes text."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from table_export import LAYERS, LOSSES, ODD, OF_ENSEMBLES, batches, docstring, grown, name, parts

from graduel.errors import UserError
from graduel.export import to_python
from graduel.export.python_layers import LAYERS as EXPORTERS
from graduel.export.python_text import format_array
from graduel.nn import (
    ELU,
    GELU,
    AveragePool2D,
    BatchNorm,
    BinaryCrossEntropy,
    Columns,
    Conv2D,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleOutput,
    Flatten,
    LayerNorm,
    LeakyReLU,
    MaxPool2D,
    Network,
    ReLU,
    Reshape,
    Residual,
    SoftmaxCrossEntropy,
    Tanh,
    Weights,
)


def run_module(source):
    """Run a module and return its names."""
    module = {"__name__": "generated"}
    exec(compile(source, "generated.py", "exec"), module)
    return module


def iris(**options):
    """Return a small network for three classes."""
    network, weights = grown([Dense(4), ReLU(), Dense(3)], (4,), loss=SoftmaxCrossEntropy())
    return network, weights, to_python(network, weights, **options)


def mixed():
    """Return a network that uses many helpers."""
    return grown(
        [
            *(Reshape((8, 8, 1)), Conv2D(4), GELU(), MaxPool2D(), AveragePool2D(2), Flatten()),
            *(Residual((Dense(16), BatchNorm(), Dropout())), Tanh(), Dense(40), Dense(1)),
        ],
        (64,),
        loss=BinaryCrossEntropy(),
    )


def test_every_layer_is_covered():
    assert set(EXPORTERS) == parts("plan")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=name)
def test_every_layer_gives_equal_outputs(layer, shape, dtype):
    network, weights = grown([layer], shape, dtype=dtype)
    predict = run_module(to_python(network, weights))["predict"]
    tolerance = 1e-6 if dtype == "float32" else 1e-12
    for X in (*batches(shape, dtype), np.empty((0, *shape), dtype)):
        before, result = X.copy(), predict(X)
        np.testing.assert_array_equal(X, before)
        expected = network.predict(X, weights)
        assert (result.dtype, result.shape) == (expected.dtype, expected.shape)
        # Sums of large numbers depend on the order of summation.
        close = tolerance * max(1, np.abs(X).max(initial=0))
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=close)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", LOSSES, ids=name)
def test_every_loss_gives_equal_outputs(loss, dtype):
    network, weights = grown([Dense(4)], (3,), loss=loss, dtype=dtype)
    module = run_module(to_python(network, weights))
    predict = module.get("predict_proba", module["predict"])
    for X in (*batches((3,), dtype), np.full((2, 3), 1e4, dtype), np.empty((0, 3), dtype)):
        result = predict(X)
        assert np.isfinite(result).all()
        np.testing.assert_allclose(result, network.predict(X, weights), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", OF_ENSEMBLES, ids=name)
def test_predictions_of_ensemble_members_are_averaged(loss, dtype):
    layers = [EnsembleDense(6, 5), ReLU(), EnsembleOutput(4, 5)]
    network, weights = grown(layers, (3,), loss=loss, dtype=dtype)
    module = run_module(to_python(network, weights))
    predict = module.get("predict_proba", module["predict"])
    for X in (*batches((3,), dtype), np.empty((0, 3), dtype)):
        expected = network.predict(X, weights)
        assert predict(X).shape == expected.shape
        np.testing.assert_allclose(predict(X), expected, rtol=2e-5, atol=1e-5)


def test_codes_that_are_missing_or_out_of_range():
    network, weights = grown([Columns(1, (4, 4))], (3,))
    X = np.array([[1, v, v] for v in ODD], "float32")
    result = run_module(to_python(network, weights))["predict"](X)
    np.testing.assert_array_equal(result, network.predict(X, weights))


def test_a_repeated_layer_has_separate_arrays():
    layer = Dense(5)
    network, weights = grown([layer, layer, Residual((layer, Tanh(), Residual((layer,))))], (5,))
    X = np.random.default_rng(1).normal(size=(9, 5)).astype("float32")
    result = run_module(to_python(network, weights))["predict"](X)
    np.testing.assert_allclose(result, network.predict(X, weights), rtol=1e-5, atol=1e-5)


def test_a_network_with_many_kinds_of_layers():
    network, weights = mixed()
    module = run_module(to_python(network, weights, classes=["no", "yes"], scale=1 / 16))
    X = np.random.default_rng(1).integers(0, 17, (30, 64))
    p = network.predict(X / 16, weights)
    np.testing.assert_allclose(module["predict_proba"](X), np.hstack([1 - p, p]), atol=2e-6)
    assert module["predict"](X).tolist() == ["yes" if yes else "no" for yes in p[:, 0] > 0.5]
    rows = X.reshape(30, 8, 8).tolist()
    np.testing.assert_array_equal(module["predict"](rows), module["predict"](X))
    with pytest.raises(ValueError, match="cannot reshape"):
        module["predict"](X[:, :32])


def test_numpy_scalars_as_settings():
    two, tenth = np.int64(2), np.float64(0.1)
    layers = [Conv2D(two, two, (two, two)), LeakyReLU(tenth), ELU(tenth), LayerNorm(tenth)]
    network, weights = grown([*layers, BatchNorm(eps=tenth), MaxPool2D(two)], (np.int64(6), 6, 1))
    source = to_python(network, weights, scale=tenth)
    assert "np.int64" not in source
    assert "np.float64" not in source
    X = np.random.default_rng(1).normal(size=(3, 6, 6, 1)).astype("float32")
    result = run_module(source)["predict"](X)
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, network.predict(X / 10, weights), rtol=1e-5, atol=1e-5)


def test_labels():
    X = np.random.default_rng(1).normal(size=(40, 4))
    network, weights = grown([Dense(3)], (4,), loss=SoftmaxCrossEntropy())
    codes = network.predict(X, weights).argmax(axis=1)
    assert set(codes) == {0, 1, 2}
    for labels in (["setosa", 'it\'s "odd"', "\\n"], [5, 7, -1]):
        for classes in (labels, np.array(labels)):
            result = run_module(to_python(network, weights, classes=classes))["predict"](X)
            assert result.tolist() == [labels[k] for k in codes]
    assert run_module(to_python(network, weights))["predict"](X).tolist() == codes.tolist()


def test_several_binary_outputs():
    network, weights = grown([Dense(3)], (4,), loss=BinaryCrossEntropy())
    X = np.random.default_rng(1).normal(size=(40, 4))
    result = run_module(to_python(network, weights, classes=["a", "b", "c"]))["predict"](X)
    np.testing.assert_array_equal(result, network.predict(X, weights) > 0.5)


def test_the_docstring_and_the_code():
    _, _, source = iris(
        classes=["setosa", "versicolor", "virginica"],
        title="Irises",
        columns=["sepal length", "sepal width", "petal length", "petal width"],
        scale=1 / 8,
    )
    message = docstring(source)
    assert message.startswith("Irises\n\nA trained network of 35 parameters, computed in float32:")
    assert "Dense    4  20 parameters" in message
    assert "X / 8" in message
    assert "Classes: 'setosa', 'versicolor', 'virginica'." in message
    assert run_module(source)["COLUMNS"][1] == "sepal width"
    for line in (
        "    X = X / 8                                        # scaled as in training",
        "    Z1 = X @ W1 + b1                                 # Dense, 4 -> 4: Z1 = X W1 + b1",
        "    A1 = np.maximum(0, Z1)                           # ReLU: A1 = max(0, Z1)",
        "    P = E / E.sum(axis=-1, keepdims=True)            # P_k = E_k / sum_j E_j",
    ):
        assert line in source.split("\n")


def test_many_classes_are_summarized():
    network, weights = grown([Dense(300)], (2,), loss=SoftmaxCrossEntropy())
    classes = [f"class-{k}" for k in range(300)]
    source = to_python(network, weights, classes=classes)
    assert "and 280 more" in docstring(source)
    assert run_module(source)["CLASSES"] == classes
    assert max(map(len, source.split("\n"))) <= 100


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5,), (4, 3), (60, 1), (1, 30), (2, 2, 3, 1), (101,), (11, 11)])
def test_arrays_are_exact(dtype, shape):
    rng = np.random.default_rng(1)
    value = (rng.normal(size=shape) * 10.0 ** rng.integers(-37, 37, shape)).astype(dtype)
    check_array(value)


@given(arrays(np.float32, (7,)))
def test_any_array_is_exact(value):
    check_array(value)


def check_array(value):
    code = {"float32": "<f4", "float64": "<f8"}[str(value.dtype)]
    lines = format_array("W", value)
    assert max(map(len, lines)) <= 100
    module = run_module(
        "import base64\nimport numpy as np\n\ndef decode(shape, text):\n"
        f"    return np.frombuffer(base64.b64decode(text), '{code}').reshape(shape)\n\n"
        + "\n".join(lines)
    )
    assert (module["W"].dtype, module["W"].shape) == (value.dtype, value.shape)
    np.testing.assert_array_equal(module["W"], value)
    np.testing.assert_array_equal(np.signbit(module["W"]), np.signbit(value))


texts = st.text() | st.text("\"'\\\n# {}", max_size=200)


def statements(source):
    """Return the statements of a module without docstring, and separately the user's names."""
    first, *rest = ast.parse(source).body
    assert isinstance(first.value.value, str)
    given_names, others = {}, []
    for node in rest:
        if isinstance(node, ast.Assign) and node.targets[0].id in ("CLASSES", "COLUMNS"):
            given_names[node.targets[0].id] = ast.literal_eval(node.value)
        else:
            others.append(ast.dump(node))
    return others, given_names


@given(
    texts,
    st.lists(texts, min_size=3, max_size=3, unique=True),
    st.lists(texts, min_size=4, max_size=4),
)
def test_text_stays_inside_literals(title, classes, columns):
    """Any text of users stays inside literals: the statements of the module are the same."""
    network, weights = grown([Dense(3)], (4,), loss=SoftmaxCrossEntropy())
    source = to_python(network, weights, classes=classes, title=title, columns=columns)
    source.encode("utf-8")
    others, names = statements(source)
    assert names == {"CLASSES": classes, "COLUMNS": columns}
    plain = to_python(network, weights, classes=["a", "b", "c"], columns=["p", "q", "r", "s"])
    assert others == statements(plain)[0]


@pytest.mark.parametrize(
    "title", ['"""', 'a"', "a\\", "\\", 'x"""\nimport os\n"""', "é\r\n\u2028#", " "]
)
def test_a_title_stays_in_the_docstring(title):
    _, _, source = iris(title=title)
    plain = ast.parse(iris()[2])
    tree = ast.parse(source)
    assert [ast.dump(n) for n in tree.body[1:]] == [ast.dump(n) for n in plain.body[1:]]


def test_a_long_title_is_wrapped():
    title = "word " * 60 + '"' * 10
    assert docstring(iris(title=title)[2]).replace("\n", " ").startswith(title)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_generated_code_passes_ruff(tmp_path, dtype):
    ruff = shutil.which("ruff")
    if ruff is None:
        pytest.skip("ruff is not installed")
    for i, (layer, shape) in enumerate(LAYERS):
        source = to_python(*grown([layer], shape, dtype=dtype))
        (tmp_path / f"layer{i}.py").write_text(source, encoding="utf-8")
    (tmp_path / "iris.py").write_text(iris(classes=["a", "b", "c"])[2], encoding="utf-8")
    (tmp_path / "mixed.py").write_text(to_python(*mixed()), encoding="utf-8")
    done = subprocess.run(
        [ruff, "check", "--isolated", "--select", "E,F,W,I", "--line-length", "100", tmp_path],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("kind", ["classes", "numbers"])
def test_the_file_runs_alone(tmp_path, kind):
    """Run it in isolated mode without graduel, on a CSV file."""
    if kind == "classes":
        network, weights, source = iris(classes=["à", "b", "c"])
    else:
        network, weights = grown([Dense(30), Tanh(), Dense(2)], (4,))
        source = to_python(network, weights)
    X = np.random.default_rng(1).normal(size=(5, 4)).round(3)
    script, rows = tmp_path / "net.py", tmp_path / "rows.csv"
    script.write_text(source, encoding="utf-8")
    np.savetxt(rows, X, "%.3f", delimiter=",")
    start = (
        "import runpy, sys\n"
        "sys.modules['graduel'] = None\n"
        f"sys.argv = ['net.py', *{[str(rows)]!r}]\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n"
    )
    message = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", "-c", start],
        check=True,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    ).stdout.split()
    outputs = network.predict(X, weights)
    if kind == "classes":
        assert message == [["à", "b", "c"][k] for k in outputs.argmax(axis=1)]
    else:
        result = [[float(v) for v in line.split(",")] for line in message]
        np.testing.assert_allclose(result, outputs, rtol=1e-5, atol=1e-6)


def test_without_arguments_it_prints_the_usage(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["net.py"])
    with pytest.raises(SystemExit, match=r"usage: python net\.py rows\.csv"):
        run_module(iris()[2])["main"]()


def test_non_finite_weights():
    network = Network((Dense(2),), (1,))
    weights = Weights(np.array([np.nan, np.inf, 1, 2], "float32"), np.empty(0, "float32"))
    module = run_module(to_python(network, weights))
    np.testing.assert_array_equal(module["W1"], [[np.nan, np.inf]])


@dataclass(frozen=True, slots=True)
class CustomLayer(Tanh):
    """A custom layer."""


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        (Network((CustomLayer(), Dense(2)), (3,)), {}, "layer 0 is of the class CustomLayer"),
        (
            Network((Dense(2),), (3,)),
            {"columns": ["a", "b"]},
            r"got 2 names for inputs of shape \(3,\)",
        ),
        (Network((Dense(2),), (3,)), {"columns": "abc"}, "columns must be a list"),
        (
            Network((Flatten(), Dense(2)), (3, 1)),
            {"columns": ["a"] * 3},
            "columns require a network",
        ),
        (Network((Dense(2),), (3,)), {"classes": ["a", "b", "c"]}, "2 labels"),
    ],
)
def test_invalid_arguments_raise(network, options, message):
    weights = network.init(np.random.default_rng(0))
    with pytest.raises(UserError, match=message):
        to_python(network, weights, **options)
