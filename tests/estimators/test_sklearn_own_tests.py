"""scikit-learn's tests of its MLP, from its installation, run with our classes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import sklearn
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning

from graduel.estimators import MLPClassifier
from graduel.train import FullBatch, Rows

TESTS = Path(sklearn.__file__).parent / "neural_network" / "tests" / "test_mlp.py"
THEIR_IMPORT = "from sklearn.neural_network import MLPClassifier, MLPRegressor"
OUR_IMPORT = "from graduel.estimators import MLPClassifier, MLPRegressor"
CONFTEST = """
import pytest

@pytest.fixture
def global_random_seed():
    return 42
"""
EXCEPTIONS = {
    "test_fit": "sets weights before fit, and velocities in private members",
    "test_gradient": "calls _loss_grad_lbfgs",
    "test_learning_rate_warmstart": "reads _optimizer.learning_rate; ours is learning_rate_",
    "test_adaptive_learning_rate": "reads _optimizer.learning_rate; ours is learning_rate_",
    "test_lbfgs_classification_maxfun[X1-y1]": (
        "expects a warning for every activation; for one, our L-BFGS reaches tol within the 10 "
        "evaluations"
    ),
}
"""The tests that fail, with the reason; each is repeated below with our public names."""
MOST = 8
KNOWN = ("1.9",)
"""The versions of scikit-learn for which the list of failures is exact."""


def run(folder):
    """Run scikit-learn's tests with our classes; return all names, and those of the failed ones."""
    text = TESTS.read_text(encoding="utf-8")
    assert text.count(THEIR_IMPORT) == 1
    (folder / "test_mlp.py").write_text(text.replace(THEIR_IMPORT, OUR_IMPORT), encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (folder / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mlp.py"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")} | threads
    done = subprocess.run(
        [*command, "--junitxml=report.xml"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cases = list(ElementTree.parse(folder / "report.xml").iter("testcase"))
    failed = {
        case.get("name")
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
    return [case.get("name") for case in cases], failed


@pytest.mark.skipif(not TESTS.exists(), reason="scikit-learn is installed without its tests")
def test_scikit_learns_tests_pass_except_for_the_listed_ones(tmp_path):
    names, failed = run(tmp_path)
    assert len(names) >= len(re.findall(r"^def test_", TESTS.read_text(encoding="utf-8"), re.M))
    assert len(failed) <= MOST, failed
    if ".".join(sklearn.__version__.split(".")[:2]) in KNOWN:
        assert failed == set(EXCEPTIONS)


def test_the_list_of_exceptions_is_short_with_reasons():
    assert len(EXCEPTIONS) <= MOST
    assert all(len(reason) > 15 for reason in EXCEPTIONS.values())


# --- the same, with our public names ---


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_one_step_of_gradient_descent_by_formula():
    """h = σ(x W₁ + b₁), p = σ(h W₂ + b₂), dz₂ = p − y, dz₁ = dz₂ W₂ᵀ h (1 − h)."""
    x, alpha, lr = np.array([[0.6, 0.8, 0.7]]), 0.1, 0.1
    net = MLPClassifier(
        solver="sgd",
        learning_rate_init=lr,
        alpha=alpha,
        activation="logistic",
        random_state=1,
        hidden_layer_sizes=2,
        momentum=0,
    ).partial_fit(x, [0], classes=[0, 1])
    W1, W2 = np.array([[0.1, 0.2], [0.3, 0.1], [0.5, 0.0]]), np.array([[0.1], [0.2]])
    b1, b2 = np.array([0.1, 0.1]), np.array([1.0])
    net.coefs_ = [W1, W2]
    net.intercepts_[0], net.intercepts_[1] = b1, b2
    h = sigmoid(x @ W1 + b1)
    p = sigmoid(h @ W2 + b2)
    np.testing.assert_allclose(net.predict_proba(x)[:, 1:], p, rtol=1e-12)
    net.partial_fit(x, [0])
    dz1 = p @ W2.T * h * (1 - h)
    expected = [
        (net.coefs_[0], W1 - lr * (x.T @ dz1 + alpha * W1)),
        (net.coefs_[1], W2 - lr * (h.T @ p + alpha * W2)),
        (net.intercepts_[0], b1 - lr * dz1[0]),
        (net.intercepts_[1], b2 - lr * p[0]),
    ]
    for actual, value in expected:
        np.testing.assert_allclose(actual, value, rtol=1e-12)
    assert net.loss_ == pytest.approx(
        -np.log(1 - p[0, 0]) + alpha / 2 * ((W1**2).sum() + (W2**2).sum()), rel=1e-12
    )


def objective(net, X, y):
    """Return the objective of `net`, fitted by L-BFGS to labels 0, 1, …, over its weights."""
    targets = y[:, np.newaxis] if len(net.classes_) == 2 else y
    rows = Rows(X, dtype=net.network_.dtype)
    decay = net.alpha / len(X)
    return FullBatch(net.network_, rows, targets, weights=net.weights_, weight_decay=decay)


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.filterwarnings("ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning")
def test_gradient_by_finite_differences(labels, activation):
    rng = np.random.default_rng(42)
    X, y = rng.random((5, 10)), np.arange(5) % labels
    net = MLPClassifier(
        10, activation=activation, solver="lbfgs", alpha=0.1, max_iter=1, random_state=1
    ).fit(X, y)
    fit, theta = objective(net, X, y), net.weights_.theta
    loss, gradient = fit.objective(theta)
    assert loss == pytest.approx(net.loss_, rel=1e-12)
    gradient, numeric, h = gradient.copy(), np.empty_like(gradient), 1e-5
    for i in range(len(theta)):
        up, down = theta.copy(), theta.copy()
        up[i] += h
        down[i] -= h
        numeric[i] = (fit.objective(up)[0] - fit.objective(down)[0]) / (2 * h)
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)


@pytest.mark.parametrize("learning_rate", ["invscaling", "constant"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_learning_rate_of_a_warm_start(learning_rate):
    X, y = [[3, 2], [1, 6], [5, 6], [-2, -4]], [1, 1, 1, 0]
    net = MLPClassifier(
        4, solver="sgd", learning_rate=learning_rate, max_iter=1, power_t=0.25, warm_start=True
    )
    before, after = net.fit(X, y).learning_rate_, net.fit(X, y).learning_rate_
    if learning_rate == "constant":
        assert before == after == net.learning_rate_init
    else:
        assert before == net.learning_rate_init / (4 + 1) ** net.power_t
        assert after == net.learning_rate_init / (8 + 1) ** net.power_t


def test_adaptive_learning_rate_ends_small():
    net = MLPClassifier(tol=0.5, max_iter=3000, solver="sgd", learning_rate="adaptive")
    net.fit([[3, 2], [1, 6]], [1, 0])
    assert net.n_iter_ < net.max_iter
    assert net.learning_rate_ < 1e-6


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("labels", [2, 3])
def test_lbfgs_respects_max_fun_and_warns_unless_converged(labels, activation):
    X, y = load_digits(n_class=labels, return_X_y=True)
    X, y = X[:200] / 16, y[:200]
    net = MLPClassifier(
        50, solver="lbfgs", max_iter=150, max_fun=10, random_state=1, activation=activation
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, y)
    assert net.n_iter_ <= 10
    _, gradient = objective(net, X, y).objective(net.weights_.theta)
    if np.abs(gradient).max() <= net.tol:
        assert not caught
    else:
        (warning,) = caught
        assert warning.category is ConvergenceWarning
        assert "max_fun=10" in str(warning.message)
