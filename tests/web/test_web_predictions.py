"""The server's results against those of the models and the glass box."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from web_client import draw_pixels, encode_pixels, unpack

from graduel import glassbox
from graduel.web.drawing_input import read_picture
from graduel.web.http_error import ClientError


def test_predictions_equal_the_models(client, ready, mnist):
    pair = ready.models
    for index in (0, 5, 77):
        result = client.test(index)
        row = mnist.table[60_000 + index][np.newaxis]
        assert unpack(result["pixels"]).tolist() == row[0].tolist()
        assert result["label"] == mnist.y[60_000 + index]
        predictions = client.call("predict", pixels=result["pixels"]["data"])["predictions"]
        assert predictions["net"] == pair.net.predict_proba(row)[0].tolist()
        assert predictions["xgboost"] == pair.trees.predict_proba(row)[0].tolist()


def test_the_demo_models_are_accurate(ready, mnist):
    X, y = mnist.table[60_000:], mnist.y[60_000:]
    for side, most in ((ready.models.net, 0.04), (ready.models.trees, 0.06)):
        assert np.mean(side.predict_proba(X).argmax(axis=1) != y) < most


def test_demo_models_are_cached_and_a_damaged_cache_is_replaced(ready, tmp_path, monkeypatch):
    from graduel.web.state.demo_models import DemoModels, DemoRecipe
    from graduel.web.training.boosting_run import TreeSettings

    recipe = DemoRecipe(net_rows=300, tree_rows=300, valid_rows=50, trees=TreeSettings(rounds=2))
    first = DemoModels(recipe, tmp_path)
    first.run()
    X = np.zeros((1, 784), np.uint8)
    again = DemoModels(recipe, tmp_path)
    monkeypatch.setattr(
        DemoModels, "_train", lambda self: pytest.fail("the models were not loaded")
    )
    again.run()
    monkeypatch.undo()
    assert again.models.predict_example(X) == first.models.predict_example(X)
    trees = next(tmp_path.glob("*xgboost*"))
    trees.write_bytes(trees.read_bytes()[:-1] + b"?")
    third = DemoModels(recipe, tmp_path)
    third.run()
    assert third.models.predict_example(X) == first.models.predict_example(X)


def test_two_hundred_drawings_are_classified(client):
    """Drawings of any pen, size, position and slant: at least 95 % accuracy if prepared."""
    rng = np.random.default_rng(7)
    correct = {"net": 0, "xgboost": 0}
    unprepared = 0
    for number in range(200):
        digit = number % 10
        pixels = encode_pixels(draw_pixels(digit, rng))
        predictions = client.call("draw", pixels=pixels, size=280)["predictions"]
        for contender in correct:
            correct[contender] += int(np.argmax(predictions[contender]) == digit)
        if number < 100:
            raw = client.call("draw", pixels=pixels, size=280, prepare=False)["predictions"]["net"]
            unprepared += int(np.argmax(raw) == digit)
    assert correct["net"] >= 190, correct
    assert correct["xgboost"] >= 190, correct
    assert unprepared < 70  # the preparation matters


def test_preparation_steps_equal_the_glass_box(client):
    ink = draw_pixels(3, np.random.default_rng(0))
    result = client.call("draw", pixels=encode_pixels(ink), size=280)
    digit = glassbox.prepare_digit(ink)
    assert [step["name"] for step in result["steps"]] == ["drawing", "crop", "scale", "center"]
    for actual, step in zip(result["steps"], digit.steps, strict=True):
        assert (unpack(actual["image"]) == step.image).all()
    assert unpack(result["pixels"]).tolist() == digit.image.reshape(-1).tolist()
    assert client.call("draw", pixels=encode_pixels(np.zeros((20, 20))), size=20)["empty"]


def test_forward_and_backward_equal_the_glass_box(client, ready):
    net = ready.models.net
    pixels = client.test(3)["pixels"]
    x = net.scale(unpack(pixels)[np.newaxis])[0]
    expected = glassbox.backward(net.network, net.weights, x, 4)
    forward = client.call("forward", pixels=pixels["data"])
    for actual, column in zip(forward["columns"], expected.forward.columns, strict=True):
        np.testing.assert_allclose(actual["a"], column.a, rtol=1e-6, atol=1e-12)
    back = client.call("backward", pixels=pixels["data"], label=4, rate=0.05)
    assert back["loss"] == pytest.approx(expected.loss)
    np.testing.assert_allclose(back["dz"], expected.dz, rtol=1e-6, atol=1e-12)
    by_path = {one.place.path: one for one in expected.layers}
    for actual in back["layers"]:
        gradients = by_path[actual["place"]["path"]].gradients
        if actual["W"] is not None:
            np.testing.assert_array_equal(unpack(actual["W"]), gradients["W"].T)
        if actual["norms"] is not None:
            norms = np.linalg.norm(gradients["W"], axis=0)
            np.testing.assert_allclose(unpack(actual["norms"]), norms, rtol=1e-6)
    step = glassbox.step(net.network, net.weights, x, 4, 0.05)
    assert back["step"]["loss_after"] == pytest.approx(step.loss_after)
    assert back["step"]["helped"] == step.helped
    row = client.call("gradient", pixels=pixels["data"], label=4, layer="0", unit=9)
    np.testing.assert_array_equal(
        unpack(row["image"]).reshape(-1), by_path["0"].gradients["W"][:, 9]
    )


def test_a_neurons_sum_adds_up(client):
    pixels = client.test(3)["pixels"]["data"]
    for layer, unit in (("0", 0), ("0", 63), ("3", 31), ("6", 9)):
        one = client.call("neuron", pixels=pixels, layer=layer, unit=unit)
        total = sum(term["product"] for term in one["terms"]) + one["rest"] + one["bias"]
        assert total == pytest.approx(one["z"], abs=1e-4)


def test_leaf_values_and_shap_values_equal_xgboosts(client, ready):
    import xgboost

    trees = ready.models.trees
    pixels = client.test(8)["pixels"]
    matrix = xgboost.DMatrix(unpack(pixels)[np.newaxis].astype(np.float32))
    margin = trees.booster.predict(matrix, output_margin=True)[0]
    votes = client.call("trees", pixels=pixels["data"])
    np.testing.assert_allclose(votes["margin"], margin, rtol=1e-6)
    total = np.array(votes["base"]) + np.sum(votes["by_round"], axis=0)
    np.testing.assert_allclose(total, margin, rtol=1e-4)
    shap = trees.booster.predict(matrix, pred_contribs=True)[0]
    for label in (0, 5):
        attribution = client.call("attribution", pixels=pixels["data"], label=label)
        np.testing.assert_array_equal(unpack(attribution["xgboost"]["values"]), shap[label, :-1])
        assert attribution["xgboost"]["margin"] == pytest.approx(float(margin[label]))
    path = client.call("tree", pixels=pixels["data"], tree=votes["strongest"][0]["tree"])
    assert path["value"] == pytest.approx(votes["strongest"][0]["value"])


def test_edits_are_made_on_copies(client, ready):
    pixels = client.test(3)["pixels"]["data"]
    before = client.call("predict", pixels=pixels)["predictions"]
    ablations = [{"layer": "3", "unit": unit} for unit in range(32)]
    changed = client.call("predict", pixels=pixels, ablations=ablations)["predictions"]
    bias = ready.models.net.network.layout["6.b"].view(ready.models.net.weights.theta)
    expected = np.exp(bias - bias.max())
    np.testing.assert_allclose(changed["net"], expected / expected.sum(), rtol=1e-5)
    assert changed["xgboost"] == before["xgboost"]
    weights = [{"layer": "6", "unit": 2, "index": None, "value": 50.0}]
    assert (
        np.argmax(client.call("predict", pixels=pixels, weights=weights)["predictions"]["net"]) == 2
    )
    assert client.call("predict", pixels=pixels)["predictions"] == before
    for wrong in (
        {"ablations": [{"layer": "6", "unit": 0}]},
        {"ablations": [{"layer": "3", "unit": 32}]},
        {"weights": [{"layer": "1", "unit": 0, "index": 0, "value": 1}]},
        {"weights": [{"layer": "0", "unit": 0, "index": 784, "value": 1}]},
    ):
        assert client.reject("predict", pixels=pixels, **wrong)[0] == 422


def test_perturbations_and_adversarial_examples(client, ready, mnist):
    pixels = client.test(0)["pixels"]["data"]
    for kind in ("noise", "rotate", "shift", "occlude"):
        result = client.call("perturb", pixels=pixels, kind=kind, strength=5.4)
        assert len(unpack(result["pixels"])) == 784
        curve = client.call("sweep", pixels=pixels, kind=kind)
        assert unpack(curve["net"]).shape == (len(curve["strengths"]), 10)
        still = curve["strengths"].index(0.0)
        predictions = client.call("predict", pixels=pixels)["predictions"]
        np.testing.assert_allclose(unpack(curve["net"])[still], predictions["net"], atol=1e-6)
    whole = client.call("sweep-test", pixels=pixels, kind="noise")
    X, y = mnist.table[60_000:61_000], mnist.y[60_000:61_000]
    error = float(np.mean(ready.models.net.predict_proba(X).argmax(axis=1) != y))
    assert whole["errors"]["net"][0] == error
    assert whole["errors"]["net"][-1] > 0.3
    assert whole["errors"]["xgboost"][-1] > 0.3
    attack = client.call("attack", pixels=pixels, label=7, epsilon=0.25)
    assert attack["outcomes"]["net"]["fooled"]
    moved = np.abs(unpack(attack["pixels"]).astype(int) - np.array(list(mnist.table[60_000])))
    assert moved.max() <= 64
    assert client.reject("sweep-test", pixels=pixels, kind="missing")[0] == 422
    assert client.reject("vary", pixels=pixels, field="a")[0] == 422


def picture(array: np.ndarray, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("dark_on_light", [True, False])
def test_an_image_file_is_read_as_a_drawing(client, kind, dark_on_light):
    ink = draw_pixels(3, np.random.default_rng(3))
    array = 255 - ink if dark_on_light else ink
    photo = np.clip(array * 0.7 + 40 + np.random.default_rng(0).normal(0, 4, array.shape), 0, 255)
    result = client.post(client.path("image"), content=picture(photo.astype(np.uint8), kind))
    assert result.status_code == 200, result.text
    assert np.argmax(result.json()["predictions"]["net"]) == 3


def test_invalid_image_files_are_rejected(client):
    bomb = picture(np.zeros((1, 1), np.uint8))
    for content, status in (
        (b"", 415),
        (b"GIF89a" + b"\0" * 50, 415),
        (bomb[:40], 415),
        (picture(np.zeros((5001, 5001), np.uint8)), 413),
    ):
        assert client.post(client.path("image"), content=content).status_code == status
    white = picture(np.full((50, 50, 3), 255, np.uint8))
    assert client.post(client.path("image"), content=white).json()["empty"]


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"])
)
def test_any_bytes_are_an_image_or_a_client_error(content, start):
    try:
        assert read_picture(start + content).dtype == np.uint8
    except ClientError as error:
        assert error.status in (413, 415)
