"""Every number that a view shows, compared with the engine for the state that the page names."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import numpy as np

from graduel import glassbox
from graduel.data import perturb
from graduel.web.request_schemas import UnitAblation, WeightEdit
from graduel.web.state.form_fields import frame_of
from graduel.web.state.model_pair import ModelPair

SETTLE = """async () => {
  for (let calm = 0; calm < 3;) {
    await new Promise((resolve) => setTimeout(resolve, 8));
    calm = Number(document.documentElement.dataset.pending) ? 0 : calm + 1;
  }
}"""

READ = Path(__file__).with_name("read_page.js").read_text(encoding="utf-8")

POWERS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def assert_shown(text: str, value: float, where: str) -> None:
    """Compare a number as the page writes it with a value, to the digits that it shows."""
    plain = text.replace("−", "-").replace(" %", "").replace(",", "")
    if "·10" in plain:
        mantissa, power = plain.split("·10")
        actual = float(mantissa) * 10.0 ** int(power.translate(POWERS))
        tolerance = 0.06 * abs(actual)
    else:
        actual = float(plain)
        tolerance = 0.5 * 10.0 ** -len(plain.partition(".")[2]) + 2e-5
    value = 100 * value if text.endswith("%") else value
    assert abs(actual - value) <= tolerance * 1.01 + 1e-5 * abs(value), (where, text, value)


def settle(page: Any) -> None:
    page.evaluate(SETTLE)


def edited_models(models: ModelPair, now: dict[str, Any]) -> ModelPair:
    """Apply the edits of a state, whose layers are numbered as shown."""
    network = models.net.network
    paths = [
        name.split(".")[0] for name in (e.name for e in network.layout.entries) if ".W" in name
    ]
    layer = lambda edit: {**edit, "layer": paths[edit["layer"] - 1]}  # noqa: E731
    return models.edit(
        [WeightEdit(**layer(one)) for one in now["weights"]],
        [UnitAblation(**layer(one)) for one in now["ablations"]],
    )


def check_page(page: Any, models: ModelPair, test_pixels: Any) -> dict[str, Any]:
    """Compare all numbers of the current view with the engine; return what the page shows."""
    shown = page.evaluate(READ)
    now, view = shown["now"], shown["view"]
    assert shown["hash"] == shown["written"]
    assert shown["tab"].lower().replace("your ", "") == view
    example = now["example"]
    if example is None:
        assert not shown["bar"], shown["bar"]
        assert view not in ("forward", "backward", "robustness", "export") or shown["hidden"]
        assert not shown["pairs"]
        return shown
    X: Any
    if example.get("row") is not None:
        X = frame_of(example["row"], models.fields)
    else:
        X = np.frombuffer(base64.b64decode(example["pixels"]), np.uint8)[np.newaxis]
    if now["from"] == "test":
        assert f"test={now['index']}" in shown["hash"] or now["index"] == 0
        if test_pixels is not None:
            np.testing.assert_array_equal(X[0], test_pixels[now["index"]])
        assert shown["origin"].startswith(f"Test example {now['index']}") or shown["bar"] is None
    elif shown["bar"] is not None:
        origin = {"drawing": "Your drawing", "form": "Form values"}[now["from"]]
        assert shown["origin"].startswith(origin), shown["origin"]
    pair = edited_models(models, now)
    p = {family: model.predict_proba(X)[0] for family, model in pair.models.items()}
    if shown["bar"] is not None:
        assert len(shown["bar"]) == 2
        for text, (family, row) in zip(shown["bar"], p.items(), strict=True):
            name, percent = text.split(": ")[1].split(", ")
            assert name == pair.classes[row.argmax()], (text, family)
            assert_shown(percent, row.max(), "bar")
    check = CHECKS.get(view)
    if check is not None:
        check(shown, pair, p, X)
    return shown


def _check_draw(shown: Any, pair: ModelPair, p: Any, X: Any) -> None:
    assert len(shown["pairs"]) == len(pair.classes)
    for k, (net, trees) in enumerate(shown["pairs"]):
        assert_shown(net, p["net"][k], "draw, network")
        assert_shown(trees, p["xgboost"][k], "draw, XGBoost")


def _scaled(pair: ModelPair, X: Any) -> Any:
    return pair.net.scale(pair.net.prepare(X))[0]


def _check_forward(shown: Any, pair: ModelPair, p: Any, X: Any) -> None:
    net = pair.net
    result = glassbox.forward(net.network, net.weights, _scaled(pair, X), classes=net.classes)
    hidden = result.columns[1:-1]
    assert len(shown["units"]) == len(hidden)
    for labels, column in zip(shown["units"], hidden, strict=True):
        for label, value in zip(labels, column.a, strict=True):
            assert_shown(label.split(": ")[1], value, "forward, neuron")
    for k, text in enumerate(shown["outputs"]):
        assert_shown(text, p["net"][k], "forward, output")
    for k, row in enumerate(shown["softmax"][: len(pair.classes)]):
        assert_shown(row[1], result.softmax.z[k], "softmax, z")
        assert_shown(row[4], p["net"][k], "softmax, p")
    for k, row in enumerate(shown["scores"]):
        assert_shown(row[5], p["xgboost"][k], "trees, p")
    now = shown["now"]
    if now["layer"] is not None:
        output = now["layer"] == len(hidden) + 1
        expected = (
            f"Output neuron “{pair.classes[now['unit']]}”"
            if output
            else (f"Neuron {now['unit']} of layer {now['layer']}")
        )
        assert expected in shown["heading"]


def _check_backward(shown: Any, pair: ModelPair, p: Any, X: Any) -> None:
    truth, net = shown["truth"], pair.net
    (loss,) = shown["loss"]
    match = re.match(r"Loss: −log\((.+)\) = (.+)", loss)
    assert_shown(match[1], p["net"][truth], "loss, p")
    assert_shown(match[2], -np.log(p["net"][truth]), "loss")
    for k, row in enumerate(shown["dz"]):
        assert_shown(row[3], p["net"][k] - (k == truth), "dZ")
    step = glassbox.step(net.network, net.weights, _scaled(pair, X), truth, shown["now"]["rate"])
    for row in shown["step"]:
        k = pair.classes.index(row[0].removesuffix(" (true)"))
        assert_shown(row[1], step.before[k], "step, before")
        assert_shown(row[2], step.after[k], "step, after")


STARTS = {"noise": 0.3, "rotate": 30, "shift": 4, "occlude": 8}


def _check_robustness(shown: Any, pair: ModelPair, p: Any, X: Any) -> None:
    now = shown["now"]
    if pair.image is not None:
        _check_perturbed(shown, pair, X)
    n = len(now["ablations"])
    assert shown["ablated"][-1].startswith(f"{n} ablated" if n else "No neuron is ablated")
    layer, unit, index = now["layer"] or 1, now["unit"] or 0, now["input"]
    network = pair.net.network
    names = [entry.name for entry in network.layout.entries if ".W" in entry.name]
    W = network.layout[names[layer - 1]].view(pair.net.weights.theta)
    (text,) = shown["weight"]
    assert_shown(re.search(r"is ([^,]+?)(, changed by you)?\.$", text)[1], W[index, unit], "weight")


def _check_perturbed(shown: Any, pair: ModelPair, X: Any) -> None:
    now = shown["now"]
    strength = STARTS[now["kind"]] if now["strength"] is None else now["strength"]
    rng = np.random.default_rng(0) if now["kind"] == "noise" else None
    perturbed = getattr(perturb, now["kind"])(X.reshape(1, 28, 28), float(strength), rng)
    rows = [model.predict_proba(perturbed.reshape(1, -1))[0] for model in pair.models.values()]
    for k, texts in enumerate(shown["pairs"]):
        for text, row in zip(texts, rows, strict=True):
            assert_shown(text, row[k], "robustness")


CHECKS = {
    "draw": _check_draw,
    "data": lambda shown, pair, p, X: pair.fields and _check_draw(shown, pair, p, X),
    "forward": _check_forward,
    "backward": _check_backward,
    "robustness": _check_robustness,
}
