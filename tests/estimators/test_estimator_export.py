"""Export of estimators: ONNX files and Python files give the same predictions."""

from __future__ import annotations

import ast
import subprocess
import sys

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from sklearn.exceptions import NotFittedError

from graduel import MLPClassifier, MLPRegressor, nn
from graduel.errors import UserError

RNG = np.random.default_rng(11)
X = RNG.normal(size=(50, 4))
CODES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
SEVERAL = (X[:, :3] > 0).astype(int)
IMAGES = RNG.integers(0, 256, size=(50, 6, 5), dtype=np.uint8)
NASTY = [
    '"',
    "'",
    '"""',
    "\\",
    "\n",
    "a\n'''\nimport os",
    "{x}",
    "%s",
    "#",
    "ß日",
    "\\N{DEGREE}",
    "\r",
]

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations:sklearn.exceptions.ConvergenceWarning"
)


def classifier(X, y, **params):
    params = {"hidden_layer_sizes": (5, 4), "max_iter": 25, "batch_size": 10} | params
    params = {"activation": "tanh", "learning_rate_init": 0.02} | params
    return MLPClassifier(random_state=0, **params).fit(X, y)


def regressor(y, **params):
    params = {"hidden_layer_sizes": (5, 4), "max_iter": 25, "batch_size": 10} | params
    params = {"activation": "tanh", "learning_rate_init": 0.02} | params
    return MLPRegressor(random_state=0, **params).fit(X, y)


def several_sparse():
    return classifier(X, csr_matrix(SEVERAL))


NEAR = 3e-6
"""Tolerance for networks in float32: each product rounds by 6e-8 of logits of some tens, in an
order that depends on the processor. (Single layers agree to 1e-6; see tests/export.)"""
CLASSIFIERS = {
    "two": lambda: classifier(X, CODES > 0),
    "two texts": lambda: classifier(X, np.array(["yes", "nö"])[CODES % 2]),
    "three": lambda: classifier(X, CODES - 5),
    "texts": lambda: classifier(X, np.array(["b", "a", "日"], dtype=object)[CODES]),
    "floats": lambda: classifier(X, CODES * 2.0),
    "small integers": lambda: classifier(X, CODES.astype(np.uint8)),
    "float32": lambda: classifier(X.astype("f4"), CODES),
    "softmax of two": lambda: classifier(X, CODES > 0, loss="softmax"),
    "several": lambda: classifier(X, SEVERAL),
    "several, sparse": several_sparse,
    "pixels": lambda: classifier(IMAGES.reshape(50, -1), CODES),
    "images": lambda: classifier(IMAGES, CODES, layers=["conv3", "maxpool", 4], norm="batch"),
    "everything": lambda: classifier(
        X,
        CODES,
        activation=["prelu", "gelu"],
        norm=["batch", "layer"],
        dropout=0.2,
        ema=0.9,
        label_smoothing=0.1,
        input_scale=0.5,
    ),
}
REGRESSORS = {
    "one": lambda: regressor(X[:, 0]),
    "three": lambda: regressor(X[:, :3]),
    "rates": lambda: regressor(np.exp(X[:, 0]), loss="poisson"),
    "huber": lambda: regressor(X[:, 0], loss=nn.Huber(0.5), norm="layer", activation="silu"),
    "scaled": lambda: regressor(X[:, 0], input_scale=0.1),
}


def rows_for(net):
    return IMAGES.reshape(50, -1) if net.n_features_in_ == 30 else X


def in_onnx(net, rows, folder):
    net.to_onnx(str(folder / "deep" / "net.onnx"))
    session = onnxruntime.InferenceSession(folder / "deep" / "net.onnx")
    (input_info,) = session.get_inputs()
    assert input_info.shape[1:] == [net.n_features_in_]
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, {"X": rows.astype(net.network_.dtype)}), strict=True))


def dense(values):
    return values.toarray() if hasattr(values, "toarray") else values


def module(net):
    namespace = {"__name__": "exported"}
    exec(net.to_python(), namespace)
    return namespace


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_in_onnx(tmp_path, name):
    net = CLASSIFIERS[name]()
    rows = rows_for(net)
    outputs = in_onnx(net, rows, tmp_path)
    assert set(outputs) == {"label", "probabilities"}
    np.testing.assert_array_equal(outputs["label"], dense(net.predict(rows)))
    np.testing.assert_allclose(outputs["probabilities"], net.predict_proba(rows), atol=1e-5)
    assert len(np.unique(outputs["label"])) > 1  # not a constant prediction


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_in_onnx(tmp_path, name):
    net = REGRESSORS[name]()
    outputs = in_onnx(net, X, tmp_path)
    assert set(outputs) == {"predictions"}
    expected = net.predict(X)
    assert expected.std() > 0.01
    predictions = outputs["predictions"].reshape(expected.shape)
    np.testing.assert_allclose(predictions, expected, atol=1e-5)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_in_plain_python(name):
    net = CLASSIFIERS[name]()
    rows, exported = rows_for(net), module(net)
    np.testing.assert_array_equal(exported["predict"](rows), dense(net.predict(rows)))
    np.testing.assert_allclose(exported["predict_proba"](rows), net.predict_proba(rows), atol=NEAR)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_regressor_in_plain_python(name):
    net = REGRESSORS[name]()
    expected = net.predict(X)
    np.testing.assert_allclose(
        module(net)["predict"](X).reshape(expected.shape), expected, rtol=1e-6, atol=1e-6
    )


ALONE = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
import net
assert not [name for name in sys.modules if name.split(".")[0] in ("graduel", "sklearn", "scipy")]
np.save(sys.argv[1] + "/out", net.predict_proba(np.load(sys.argv[1] + "/in.npy")))
"""


@pytest.mark.parametrize("name", ["texts", "images"])
def test_the_python_file_runs_alone(tmp_path, name):
    net = CLASSIFIERS[name]()
    rows = rows_for(net)
    (tmp_path / "net.py").write_text(net.to_python(), encoding="utf-8")
    np.save(tmp_path / "in", rows)
    subprocess.run([sys.executable, "-I", "-W", "error", "-c", ALONE, tmp_path], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "out.npy"), net.predict_proba(rows), atol=NEAR)
    np.savetxt(tmp_path / "rows.csv", rows[:7], delimiter=",")
    done = subprocess.run(
        [sys.executable, "-I", "-X", "utf8", tmp_path / "net.py", tmp_path / "rows.csv"],
        check=True,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.stdout.split() == [str(label) for label in net.predict(rows[:7])]


@pytest.mark.parametrize("nasty", NASTY, ids=ascii)
def test_any_text_as_names_and_labels_is_harmless(tmp_path, nasty):
    frame = pd.DataFrame(X, columns=["a", nasty, f"{nasty} again", f'"""\n{nasty}'])
    labels = np.array(["plain", nasty, f"{nasty * 2}, {{0}}"])
    net = classifier(frame, labels[CODES])
    source = net.to_python()
    exported = module(net)
    np.testing.assert_array_equal(exported["predict"](X), net.predict(frame))
    assert exported["COLUMNS"] == frame.columns.tolist()
    assert list(exported["CLASSES"]) == net.classes_.tolist()
    imports = {
        alias.name
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert imports <= {"numpy", "sys", "base64"}
    np.testing.assert_array_equal(in_onnx(net, X, tmp_path)["label"], net.predict(frame))


def test_the_title_describes_input_and_output():
    assert "A neural network from 4 features to 3 classes" in CLASSIFIERS["three"]().to_python()
    assert "from images of 6 × 5 × 1 to 3 classes" in CLASSIFIERS["images"]().to_python()
    assert "from 4 features to 3 labels" in CLASSIFIERS["several"]().to_python()
    assert "from 4 features to 1 number" in REGRESSORS["one"]().to_python()


@pytest.mark.parametrize(
    "net",
    [
        lambda: classifier(X, CODES, loss="binary"),
        lambda: classifier(X, CODES, loss="squared"),
        lambda: classifier(X, CODES > 0, loss="huber"),
        lambda: classifier(X, SEVERAL, loss="squared"),
        lambda: classifier(X, CODES, loss="poisson"),
        lambda: classifier(X, np.zeros(50)),
    ],
)
def test_classifiers_that_cannot_be_exported_raise(tmp_path, net):
    net = net()
    for use in (lambda: net.to_onnx(tmp_path / "net"), net.to_python):
        with pytest.raises(UserError, match="export expects a classifier of at least two labels"):
            use()
    assert not (tmp_path / "net").exists()


def test_export_before_fit_raises(tmp_path):
    for use in (MLPClassifier().to_python, lambda: MLPRegressor().to_onnx(tmp_path / "net")):
        with pytest.raises(NotFittedError):
            use()


def test_labels_that_are_not_utf8_raise(tmp_path):
    net = classifier(X, np.array(["a", "\ud800"])[CODES % 2])
    for use in (lambda: net.to_onnx(tmp_path / "net"), lambda: net.save(tmp_path / "net")):
        with pytest.raises(UserError):
            use()
