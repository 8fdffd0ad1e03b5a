"""The inspection of one example in a saved model, and its HTML page."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from graduel.contenders import Budget, get_family, make_contender
from graduel.data.schema import Schema
from graduel.data.source import source_from_arrays
from graduel.duel.plan.protocol import Cell
from graduel.duel.plan.splits import Split
from graduel.duel.run.cell import run_cell
from graduel.errors import UserError
from graduel.glassbox import inspect_example, prepare_example, render, write_page
from graduel.glassbox.example_page import COLORS
from graduel.glassbox.trees.tree_arrays import get_forest, margin_codes
from graduel.models.model import Model
from graduel.nn import BatchNorm, Dense, Flatten, Network, ReLU, Reshape, Sigmoid
from graduel.nn.layers import Conv2D
from graduel.number_format import format_term
from graduel.report.draw import style

EVIL = '<script>alert("1")</script>'


def table():
    """Return a table with numbers, categories, missing values and HTML in names and values."""
    rng = np.random.default_rng(0)
    n = 240
    y = np.arange(n) % 3
    size = np.where(rng.random(n) < 0.2, None, (rng.normal(size=n) + y).round(2))
    frame = pl.DataFrame(
        {
            "size": pl.Series(list(size), dtype=pl.Float64),
            EVIL: pl.Series(rng.normal(size=n), dtype=pl.Float32),
            "town": rng.choice(["Ulm", "Kiel", EVIL, "Köln"], n),
            "paid": rng.choice(["yes", "no"], n),
            "target": np.array(["a", EVIL, "c"])[y],
        }
    )
    return source_from_arrays(frame, target="target").load()


RECIPES = {
    "net": {"layers": [8], "norm": "batch", "lr": 0.01, "epochs": 2, "batch_size": 32},
    "xgboost": {"n_estimators": 5, "early_stopping_rounds": 3},
}


def fitted(data, name, recipe=None):
    n = len(data.y)
    rows = Split(np.arange(n // 2), np.arange(n // 2, n * 3 // 4), np.arange(n * 3 // 4, n))
    contender = make_contender(name, name, recipe or RECIPES[name])
    model = run_cell(contender, data, rows, Cell(name, 0), Budget(threads=1))[1]
    return get_family(name).to_model(model, Schema.of(data), f"model {EVIL}")


@pytest.fixture(scope="module")
def data():
    return table()


@pytest.fixture(scope="module", params=RECIPES)
def model(request, data):
    return fitted(data, request.param)


def test_table_features_have_raw_and_encoded_values(model, data):
    for at in range(200, 215):
        row = data.X[at : at + 1]
        example = prepare_example(model, row)
        np.testing.assert_array_equal(example.matrix, model.prepare(row)[0])
        built = [one for feature in example.features for one in feature.inputs]
        assert tuple(one.name for one in built) == model.input_names
        np.testing.assert_array_equal([one.value for one in built], example.matrix)
        raw = {feature.name: feature.raw for feature in example.features}
        size = row["size"][0]
        assert raw["size"] == (None if size is None else str(size))
        assert raw["town"] == row["town"][0]
        assert float(raw[EVIL]) == pytest.approx(row[EVIL][0])
        result = inspect_example(model, example, int(data.y[at]))
        np.testing.assert_array_equal(result.probabilities, model.predict_proba(row)[0])


def test_the_formula_of_an_input_gives_its_value(data):
    row = data.X.filter(pl.col("size").is_not_null())[:1]
    example = prepare_example(fitted(data, "net"), row)
    by_name = {feature.name: feature for feature in example.features}
    size, town, paid = (by_name[name] for name in ("size", "town", "paid"))
    center, width = map(
        float,
        re.search(
            r"\(x − ([-.\d]+)\) / ([.\d]+)",
            size.inputs[0].formula.replace("(x - ", "(x − ").replace("(x − −", "(x − -"),
        ).groups(),
    )
    z = (float(size.raw) - center) / width
    assert z / np.sqrt(1 + (z / 3) ** 2) == pytest.approx(size.inputs[0].value, abs=1e-3)
    assert size.inputs[1].formula == "1 if x is missing, else 0"
    towns = sorted(["Ulm", "Kiel", "Köln", EVIL])
    assert [one.formula for one in town.inputs] == [f"1 if x is {name}, else 0" for name in towns]
    assert paid.inputs[0].formula.startswith("1 if x is true, -1 if it is false")
    trees = prepare_example(fitted(data, "xgboost"), row).features
    assert {f.name: f.inputs[0].formula for f in trees}["size"] == "x"
    assert "Formula, x is the raw value" in render(inspect_example(fitted(data, "net"), example))


def test_paths_through_the_trees_use_category_names(data):
    model = fitted(data, "xgboost")
    actual = set()
    for at in range(180, 240):
        trees = inspect_example(model, prepare_example(model, data.X[at : at + 1])).trees
        for path in trees.votes.strongest:
            for split in path.splits:
                if split.name == "town":
                    actual.add(split.value_text)
                    towns = {"Ulm", "Kiel", "Köln", EVIL}
                    assert set(split.left_categories) < towns
                    assert any(town in split.condition for town in towns)
                    is_left = split.value_text in split.left_categories
                    assert split.missing or split.went == ("left" if is_left else "right")
                elif split.name == "size" and split.missing:
                    assert split.value_text == "missing"
    assert actual & {"Ulm", "Kiel", "Köln", EVIL}


def test_the_label_defaults_to_the_prediction(model, data):
    result = inspect_example(model, prepare_example(model, data.X[:1]))
    assert not result.label_known
    assert result.label == result.prediction == result.probabilities.argmax()


def visible(page):
    """Return a page's text without its markup."""
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.S)
    return html.unescape(re.sub(r"<[^>]*>", " ", body))


def test_the_page_escapes_all_text(model, data):
    page = render(inspect_example(model, prepare_example(model, data.X[:1]), 1, where=EVIL))
    assert "<script" not in page
    assert EVIL in visible(page)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://", page)


def test_the_page_contains_the_numbers(data):
    model = fitted(data, "net")
    result = inspect_example(model, prepare_example(model, data.X[7:8]), 2, lr=0.25)
    page = render(result)
    text, net = visible(page), result.net
    for value in (
        net.backward.loss,
        *net.forward.softmax.exponentials,
        *net.backward.dz,
        *(term.product for one in net.neurons for term in one.terms),
        *(one.z for one in net.neurons),
        *(term.product for row in net.rows for term in row.terms),
        *net.forward.columns[1].a,
        net.step.loss_after,
    ):
        assert format_term(value) in text
    assert "dZ₂ = A₂ − Y" in text
    assert "dZ = A[-1] - Y" in text
    assert f"line {net.backward.output[-1].line.number} of nn/textbook.py" in text
    assert "α = 0.25" in text
    assert f'data-helped="{"yes" if net.step.helped else "no"}"' in page


def test_the_same_example_gives_the_same_page(model, data):
    pages = [
        render(inspect_example(model, prepare_example(model, data.X[:1]), 1)) for _ in range(2)
    ]
    assert pages[0] == pages[1]


def test_one_page_shows_several_models(data):
    both = [fitted(data, name) for name in RECIPES]
    result = [inspect_example(one, prepare_example(one, data.X[3:4]), 0) for one in both]
    page = render(result)
    assert page.count('class="headline"') == 2
    assert "SHAP" in page
    assert 'id="softmax1"' in page
    with pytest.raises(UserError, match="expected at least one inspection"):
        render([])


def test_an_inspection_is_plain_data(model, data):
    result = inspect_example(model, prepare_example(model, data.X[:1]), 1)
    plain = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert plain["classes"] == list(data.classes)
    assert (plain["net"] is None) == (model.family == "xgboost")


def small_model(layers, shape, image, scale=1.0, **options):
    net = Network(layers, shape, **options)
    rng = np.random.default_rng(0)
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape).astype(net.dtype)
    classes = tuple(f"class {i}" for i in range(net.output_shape[0]))
    task = Schema("mine", classes, image=image, scale=scale)
    return Model("net", "mine", task, network=net, weights=weights)


def test_images_of_any_shape_are_shown():
    image_shape = (6, 5, 3)
    layers = (
        Reshape(image_shape),
        Conv2D(4),
        BatchNorm(),
        ReLU(),
        Flatten(),
        Dense(4),
        Sigmoid(),
        Dense(3),
    )
    model = small_model(layers, (90,), image_shape, 1 / 255)
    image = np.random.default_rng(0).integers(0, 256, (1, 6, 5, 3), dtype=np.uint8)
    example = prepare_example(model, image)
    np.testing.assert_array_equal(example.image, image[0])
    np.testing.assert_allclose(example.x, image.reshape(-1) / 255, rtol=1e-6)
    result = inspect_example(model, example, 1)
    np.testing.assert_allclose(result.probabilities, result.net.forward.predictions, rtol=1e-6)
    assert [one.place.number for one in result.net.neurons] == [1, 2, 3]
    assert result.net.neurons[0].terms[0].name.startswith("row ")
    text = visible(render(result))
    assert "6 pixels" in text
    assert "channel" in text


def test_other_losses_have_no_softmax_section():
    from graduel.nn import BinaryCrossEntropy

    layers = (Dense(4), ReLU(), Dense(3))
    model = small_model(layers, (6,), None, loss=BinaryCrossEntropy())
    result = inspect_example(model, prepare_example(model, np.ones((1, 6), np.float32)), 1)
    np.testing.assert_array_equal(result.net.backward.target, [0, 1, 0])
    page = render(result)
    assert 'id="softmax1"' not in page
    assert "input 3" in page


def test_a_zero_gradient_is_explained():
    model = small_model((Dense(4), ReLU(), Dense(3)), (6,), None)
    net, weights = model.network, model.weights
    net.layout["0.b"].view(weights.theta)[...] = -100
    result = inspect_example(
        model, prepare_example(model, np.ones((1, 6), np.float32)), 0, layer=1, unit=2
    )
    assert result.net.rows[0].norm == 0
    assert "dz is 0" in render(result)


def test_the_page_has_the_reports_colors():
    report_colors = {c.variable: (c.variable, c.light, c.dark) for c in style.COLORS}
    for color in COLORS:
        assert color == report_colors[color[0]]


def test_a_page_is_written_atomically_and_never_overwrites(tmp_path, model, data):
    result = inspect_example(model, prepare_example(model, data.X[:1]), 1)
    path = write_page(result, tmp_path / "new" / "page.html")
    assert path.read_text("utf-8") == render(result)
    with pytest.raises(UserError, match="must be a new file"):
        write_page(result, path)
    assert [one.name for one in path.parent.iterdir()] == ["page.html"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"label": 3}, "label must be from 0 to 2; got 3"),
        ({"layer": 9}, "layer must be from 1 to 2"),
        ({"unit": 1}, "expected layer and unit together"),
        ({"layer": 1, "unit": 8}, "unit must be from 0 to 7"),
    ],
)
def test_invalid_options_are_rejected(data, options, message):
    model = fitted(data, "net")
    with pytest.raises(UserError, match=message):
        inspect_example(model, prepare_example(model, data.X[:1]), **options)


def test_layers_need_a_network_and_trees_need_xgboost(data):
    trees, net = (fitted(data, name) for name in ("xgboost", "net"))
    with pytest.raises(UserError, match="layer and unit apply to networks"):
        inspect_example(trees, prepare_example(trees, data.X[:1]), layer=1)
    with pytest.raises(UserError, match="expected an XGBoost model"):
        get_forest(net)
    assert get_forest(trees) is get_forest(trees)
    with pytest.raises(UserError, match="expected one example; got 2 rows"):
        prepare_example(net, data.X[:2])


def test_two_classes_and_classes_without_training_rows(data):
    subset = data.y != 2
    two = replace(
        data, X=data.X.filter(pl.Series(subset)), y=data.y[subset], classes=data.classes[:2]
    )
    model = fitted(two, "xgboost")
    assert margin_codes(model) == (1,)
    result = inspect_example(model, prepare_example(model, two.X[:1]), 0)
    assert result.trees.shap.values.shape == (1, 4)
    np.testing.assert_allclose(result.trees.votes.probabilities, result.probabilities, rtol=1e-6)
    n = len(data.y)
    train = np.flatnonzero(data.y[: n // 2] != 1)
    rows = Split(train, np.arange(n // 2, n * 3 // 4), np.arange(n * 3 // 4, n))
    contender = make_contender("xgboost", "xgboost", RECIPES["xgboost"])
    model = run_cell(contender, data, rows, Cell("xgboost", 0), Budget(threads=1))[1]
    without_b = get_family("xgboost").to_model(model, Schema.of(data), "trees")
    assert [data.classes[code] for code in margin_codes(without_b)] == ["c"]
    result = inspect_example(without_b, prepare_example(without_b, data.X[:1]), 1)
    assert result.probabilities[1] == 0
    assert result.prediction != result.label
    assert 'class="wrong"' in render(result)
