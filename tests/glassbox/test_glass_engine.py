"""The page's engine in JavaScript: equal to the textbook network, XGBoost and Pillow."""

from __future__ import annotations

import json

import chromium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.errors import UserError
from graduel.glassbox import draw_digit, draw_strokes, prepare_digit, read_forest
from graduel.glassbox.standalone.page_data import forest_as_dict, pack
from graduel.glassbox.standalone.script_bundle import ENGINE, bundle_modules
from graduel.nn import textbook


@pytest.fixture(scope="module")
def browser():
    yield from chromium.launch()


@pytest.fixture(scope="module")
def page(browser):
    """A page with the modules that compute."""
    page = browser.new_page()
    page.add_script_tag(content=bundle_modules(ENGINE))
    yield page
    page.close()


FORWARD_BACKWARD_STEP = """(text) => {
  const [X, Y, W, b, rate] = JSON.parse(text);
  const { backward, crossEntropy, forward, fromRows, step, toRows } = globalThis.graduel;
  const [net_W, net_b, x, y] = [W.map(fromRows), b.map(fromRows), fromRows(X), fromRows(Y)];
  const { Z, A } = forward(x, net_W, net_b), { dW, db } = backward(Z, A, y, net_W);
  const next = step(net_W, net_b, dW, db, rate), rows = (list) => list.map(toRows);
  return JSON.stringify({
    Z: rows(Z), A: rows(A), dW: rows(dW), db: rows(db), W: rows(next.W), b: rows(next.b),
    loss: crossEntropy(A.at(-1), y) });
}"""


def check_network(page, sizes, m, seed, rate=0.3):
    """Compare forward, loss, backward and one step with nn/textbook.py."""
    rng = np.random.default_rng(seed)
    X, Y = (
        rng.normal(size=(sizes[0], m)),
        textbook.one_hot(rng.integers(0, sizes[-1], m), sizes[-1]),
    )
    W, b = textbook.initialize(sizes, rng)
    b = [v + rng.normal(size=v.shape) for v in b]
    Z, A = textbook.forward(X, W, b)
    dW, db = textbook.backward(Z, A, Y, W)
    (next_W, next_b, loss), *_ = textbook.descend(X, Y, W, b, rate=rate, steps=1)
    arguments = [X.tolist(), Y.tolist(), *([a.tolist() for a in one] for one in (W, b)), rate]
    result = json.loads(page.evaluate(FORWARD_BACKWARD_STEP, json.dumps(arguments)))
    assert result.pop("loss") == pytest.approx(loss, abs=1e-9)
    expected = {"Z": Z, "A": A, "dW": dW, "db": db, "W": next_W, "b": next_b}
    for name, arrays in expected.items():
        for actual, array in zip(result[name], arrays, strict=True):
            np.testing.assert_allclose(actual, array, rtol=1e-9, atol=1e-9, err_msg=name)


def test_the_engine_equals_the_textbook_network_on_digits(page):
    check_network(page, [784, 64, 32, 10], 5, 0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 6), min_size=2, max_size=4), st.integers(1, 7), st.integers(0, 2**31)
)
def test_the_engine_equals_the_textbook_network(page, sizes, m, seed):
    check_network(page, sizes, m, seed)


def test_the_trees_equal_xgboost_on_500_digits(page, mnist):
    from xgboost import XGBClassifier

    options = {"n_estimators": 6, "max_depth": 5, "max_bin": 8, "colsample_bynode": 0.1}
    booster = XGBClassifier(**options, n_jobs=1, random_state=0)
    booster.fit(mnist.table[:1_500], mnist.y[:1_500])
    X = mnist.table[60_000:60_500]
    result = page.evaluate(
        """([forest, pixels]) => {
          const { treeProbabilities, unpack, unpackForest } = globalThis.graduel;
          const trees = unpackForest(forest), X = unpack(pixels);
          return Array.from({ length: X.length / 784 },
                            (_, i) => treeProbabilities(trees, X.subarray(784 * i, 784 * i + 784)));
        }""",
        [forest_as_dict(read_forest(booster)), pack(X, "u1")],
    )
    np.testing.assert_allclose(result, booster.predict_proba(X), rtol=0, atol=1e-5)


def test_trees_of_other_kinds_are_rejected():
    from xgboost import XGBClassifier

    rng = np.random.default_rng(0)
    model = XGBClassifier(n_estimators=2, n_jobs=1).fit(rng.normal(size=(30, 2)), np.arange(30) % 2)
    with pytest.raises(UserError, match="expected one tree for each of at least two classes"):
        forest_as_dict(read_forest(model))


def test_drawings_are_prepared_as_in_python(page):
    rng = np.random.default_rng(3)
    drawings = [draw_strokes(*draw_digit(k % 10, rng)) for k in range(50)]
    drawings += [rng.random(shape) ** 8 for shape in ((5, 9), (20, 13), (1, 1), (40, 28))]
    drawings = [np.rint(255 * np.asarray(ink)).astype(np.uint8) for ink in drawings]
    result = page.evaluate(
        """(drawings) => {
          const { prepareDigit, unpack } = globalThis.graduel;
          return drawings.map((one) => {
            const ink = Float32Array.from(unpack(one), (v) => v / 255);
            return [...prepareDigit(ink, one.shape[1], one.shape[0])];
          });
        }""",
        [pack(ink, "u1") for ink in drawings],
    )
    for image, ink in zip(result, drawings, strict=True):
        expected = prepare_digit(ink, steps=False).image.astype(int)
        assert np.abs(np.reshape(image, (28, 28)) - expected).max() <= 2


def test_an_empty_drawing_has_no_digit(page):
    script = "() => globalThis.graduel.prepareDigit(new Float32Array(100), 10, 10)"
    assert page.evaluate(script) is None


@pytest.mark.parametrize("seed", range(4))
def test_boosting_equals_xgboost(page, seed):
    import xgboost

    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] + rng.normal(0, 0.3, 200) > 0).astype(int)
    params = {"tree_method": "exact", "max_depth": 3, "base_score": 0.5, "nthread": 1}
    booster = xgboost.train(
        {"objective": "binary:logistic", **params}, xgboost.DMatrix(X, label=y), num_boost_round=10
    )
    points = rng.normal(size=(200, 2)).astype(np.float32)
    result = page.evaluate(
        """([X, y, points]) => {
          const { boost, boostedProbability } = globalThis.graduel;
          let trees = [];
          for (let round = 0; round < 10; round++) trees = boost(X, y, trees);
          return points.map((x) => boostedProbability(trees, x));
        }""",
        [X.tolist(), y.tolist(), points.tolist()],
    )
    np.testing.assert_allclose(result, booster.predict(xgboost.DMatrix(points)), atol=1e-5, rtol=0)


def test_random_numbers_are_standard_normal(page):
    script = """() => { const normal = globalThis.graduel.normalFrom(globalThis.graduel.uniform(1));
                        return Array.from({ length: 20000 }, normal); }"""
    numbers = np.array(page.evaluate(script))
    assert abs(numbers.mean()) < 0.03
    assert abs(numbers.std() - 1) < 0.03
    assert page.evaluate(script) == numbers.tolist()


def test_a_module_before_those_that_it_imports_is_rejected():
    with pytest.raises(ValueError, match=r"engine.js imports \['matrix'\]"):
        bundle_modules(("engine", "matrix"))


def test_packed_arrays_are_json():
    assert json.loads(json.dumps(pack(np.arange(3), "<u2"))) == pack(np.arange(3), "<u2")
