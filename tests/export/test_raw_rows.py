"""Exports of models take raw rows, and give the probabilities of `Model.predict_proba`."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_models import NETS, PLAIN, onnx_inputs, people, prepare_by_formulas, table_model
from test_python import run_module

from graduel.data import NetPreparation
from graduel.data.coerce import category_text
from graduel.data.column import Column
from graduel.data.prepare.target_scale import TargetScale
from graduel.data.schema import Schema
from graduel.errors import UserError
from graduel.models.model import Model
from graduel.models.model_export import export_json, export_onnx, export_python
from graduel.nn import EnsembleMean, Network, Poisson, SquaredError
from graduel.train.build.network_builder import build_network
from graduel.train.recipes import NetRecipe


@pytest.mark.parametrize("is_log", [False, True])
@pytest.mark.parametrize("loss", [SquaredError(), Poisson(), EnsembleMean(SquaredError())])
def test_every_export_of_a_model_of_numbers(loss, is_log):
    recipe = NETS["ensemble"] if isinstance(loss, EnsembleMean) else PLAIN
    model = table_model(recipe)
    network = build_network(recipe, len(model.input_names), 1, loss=loss, inputs=model.preparation)
    scale = TargetScale(0.5, 2.0, -1.0, 1.5, is_log)
    schema = replace(model.schema, classes=(), target_scale=scale)
    weights = network.init(np.random.default_rng(0))
    model = replace(model, schema=schema, network=network, weights=weights)
    frame = unseen()
    expected = model.predict_proba(frame)
    assert len(np.unique(expected)) > 5
    result = run_module(export_python(model))["predict"](frame)
    assert result.dtype == np.float64
    close(result, expected)
    onnxruntime = pytest.importorskip("onnxruntime")
    exported = export_onnx(model)
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    close(session.run(["predictions"], onnx_inputs(exported, frame))[0], expected)
    assert export_json(model)["target"].items() >= asdict(scale).items()


def unseen(n: int = 60) -> pl.DataFrame:
    """Return rows with unseen categories and numbers far outside of training."""
    frame = people(n, seed=1)
    first = pl.int_range(pl.len()) < 5
    return frame.with_columns(
        pl.when(first).then(pl.lit("elsewhere")).otherwise(pl.col("town")).alias("town"),
        pl.when(first).then(pl.lit("?!")).otherwise(pl.col("Mul_1")).alias("Mul_1"),
        pl.when(first)
        .then(pl.Series(["7", "1.50", "x", "", "3"] + [""] * (n - 5)))
        .otherwise(pl.col("grade"))
        .alias("grade"),
        pl.when(first).then(pl.lit(1e300)).otherwise(pl.col("label")).alias("label"),
    )


def predict_json(model: Model, frame: pl.DataFrame) -> np.ndarray:
    """Predict by network.json: the formulas of the columns, then its layers and parameters."""
    plain = json.loads(json.dumps(export_json(model), allow_nan=False))
    network = Network.from_spec(plain["network"])
    weights = network.init(np.random.default_rng(0))
    for key, layout, flat in (
        ("parameters", network.layout, weights.theta),
        ("state", network.state_layout, weights.state),
    ):
        for name, values in plain[key].items():
            layout[name].view(flat)[...] = values
    p = network.predict(prepare_by_formulas(plain["columns"], frame), weights).clip(0)
    p += np.finfo(p.dtype).tiny
    return p / p.sum(axis=1, keepdims=True)


def predict_onnx(model: Model, inputs) -> np.ndarray:
    onnxruntime = pytest.importorskip("onnxruntime")
    exported = export_onnx(model)
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    label, p = session.run(["label", "probabilities"], inputs(exported))
    assert label.tolist() == [model.classes[k] for k in p.argmax(axis=1)]
    return p


def close(result, expected):
    np.testing.assert_allclose(result, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("missing", [True, False])
@pytest.mark.parametrize("name", NETS)
def test_every_export_of_a_table_takes_raw_rows(name, missing):
    model = table_model(NETS[name], people(missing=missing))
    frame = unseen()
    expected = model.predict_proba(frame)
    assert np.ptp(expected, axis=0).min() > 0.05
    module = run_module(export_python(model))
    for rows in (
        frame,
        frame.to_dicts(),
        frame.to_dict(as_series=False),
        pd.DataFrame(frame.to_dicts()),
    ):
        close(module["predict_proba"](rows), expected)
    assert module["predict"](frame).tolist() == [model.classes[k] for k in expected.argmax(axis=1)]
    close(module["predict_proba"](frame.to_dicts()[7]), expected[7:8])
    assert module["predict_proba"](frame[:0]).shape == (0, 3)
    close(predict_onnx(model, lambda exported: onnx_inputs(exported, frame)), expected)
    none = predict_onnx(model, lambda exported: onnx_inputs(exported, frame[:0]))
    assert none.shape == (0, 3)
    close(predict_json(model, frame), expected)


@pytest.mark.parametrize("layers", [(6,), ("conv3", "maxpool", 5)])
@pytest.mark.parametrize("loss", ["softmax", "binary"])
def test_every_export_of_images_takes_raw_pixels(layers, loss):
    rng = np.random.default_rng(0)
    recipe = NetRecipe(layers=layers, loss=loss)
    network = build_network(recipe, 36, 3, image=(6, 6, 1))
    schema = Schema("images", ("0", "1", "2"), (6, 6, 1), 1 / 255)
    model = Model("net", "Network", schema, network=network, weights=network.init(rng))
    pixels = rng.integers(0, 256, (9, 6, 6), np.uint8)
    expected = model.predict_proba(pixels)
    rows = pixels.reshape(9, 36)
    close(run_module(export_python(model))["predict_proba"](rows), expected)
    close(predict_onnx(model, lambda _: {"X": rows.astype("float32")}), expected)
    assert export_json(model)["scale"] == 1 / 255


CELLS = st.one_of(
    st.none(),
    st.floats(width=32),
    st.integers(-(10**6), 10**6),
    st.sampled_from(["", "Graz", "m", "yes", "2.50", "0", "NA", "1,5", "1.500"]),
)

COLUMNS = ["age", "rate", "town", "grade", "paid"]


@pytest.fixture(scope="module")
def small():
    model = table_model(PLAIN)
    return model, run_module(export_python(model))


@settings(max_examples=60)
@given(st.lists(CELLS, min_size=1, max_size=6), st.sampled_from(COLUMNS))
def test_cells_of_every_type_are_read_as_the_model_reads_them(small, cells, column):
    # One type in each column, as in a table. The file refuses what the model refuses, and numbers
    # whose decimal sign depends on the other cells.
    kind = type(next((c for c in cells if c is not None), 0))
    cells = [c if c is None else kind(c) for c in cells if c is None or isinstance(c, kind)]
    model, module = small
    frame = people(len(cells), seed=2).with_columns(pl.Series(column, cells, strict=False))
    try:
        expected = model.predict_proba(frame)
    except UserError:
        expected = None
    try:
        result = module["predict_proba"](frame.to_dicts())
    except ValueError as error:
        assert str(error).startswith(f"column '{column}': expected")
        result = None
    is_notation = kind is str and column in ("age", "rate")
    assert (result is None) == (expected is None) or (is_notation and result is None)
    if result is not None:
        close(result, expected)


def test_dates_of_every_type(small):
    model, module = small
    frame = people(4, seed=3, missing=False)
    row = frame.to_dicts()[0] | {"when": datetime.datetime(2020, 2, 29, 23, 59)}
    expected = model.predict_proba(pl.DataFrame([row]))
    utc = datetime.timezone(datetime.timedelta(hours=2))
    for when in ("2020-02-29 23:59", "2020-02-29T23:59:00", np.datetime64("2020-02-29T23:59"),
                 datetime.datetime(2020, 3, 1, 1, 59, tzinfo=utc)):  # fmt: skip
        close(module["predict_proba"]([row | {"when": when}]), expected)
    day = model.predict_proba(pl.DataFrame([row | {"day": "29.02.2020"}]))
    for value in ("29.02.2020", datetime.date(2020, 2, 29)):
        close(module["predict_proba"]([row | {"day": value}]), day)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": "old"}, "column 'age': expected a number such as 1.5; got 'old'"),
        ({"rate": "1.500"}, "column 'rate': expected a number such as 1,5; got '1.500'"),
        ({"paid": "perhaps"}, "column 'paid': expected true or false; got 'perhaps'"),
        ({"when": "soon"}, "column 'when': expected a date such as 2024-02-29; got 'soon'"),
        ({"when": 3}, "column 'when': expected a date such as 2024-02-29; got 3"),
        ({"age": [1]}, "column 'age': expected numbers"),
    ],
)
def test_invalid_cells_are_named(small, change, message):
    row = people(1, missing=False).to_dicts()[0]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        small[1]["predict_proba"]([row | change])
    assert str(caught.value).startswith(message)


def test_a_missing_column_is_named(small):
    frame = people(3).drop("town")
    for rows in (frame, frame.to_dicts(), np.zeros((3, 4))):
        with pytest.raises(ValueError, match="expected rows with a column"):
            small[1]["predict_proba"](rows)


def test_the_file_reads_a_csv_file_with_names(small, tmp_path):
    model, _ = small
    frame = people(30, seed=4).drop("target")
    frame.write_csv(tmp_path / "rows.csv")
    (tmp_path / "network.py").write_text(export_python(model), encoding="utf-8")
    command = [sys.executable, "-I", "network.py", "rows.csv"]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    expected = model.predict_proba(pl.read_csv(tmp_path / "rows.csv")).argmax(axis=1)
    assert run.stdout.split() == [model.classes[k] for k in expected]


def test_a_preparation_of_another_network(small):
    from graduel.export import to_python
    from graduel.export.table.raw_columns import TableInput
    from graduel.nn import Dense

    model, _ = small
    table = TableInput.of(model.schema, model.preparation)
    network = Network((Dense(3),), (2,))
    weights = network.init(np.random.default_rng(0))
    with pytest.raises(UserError, match=r"requires a network with inputs of shape \(\d+,\)"):
        to_python(network, weights, table=table)
    with pytest.raises(UserError, match="either columns or a table"):
        to_python(model.network, model.weights, table=table, columns=["a"])


def test_a_model_without_a_network(small):
    with pytest.raises(UserError, match="expected a network"):
        export_json(replace(small[0], network=None))


DATES = [
    *("%d.%m.%Y", "%m/%d/%Y %I:%M %p", "%Y-%m-%d %H:%M:%S%.f", "%G-W%V", "%Y-%m", "%YQ%q"),
    *("%d %b %Y", "%Y-%m-%dT%H:%MZ", "%Y-%m-%d %H:%M%z", "%d/%m/%y", "%Y%m%d", "epoch s"),
]


@pytest.mark.parametrize("form", DATES)
def test_dates_of_every_format(form):
    rng = np.random.default_rng(0)
    first = datetime.datetime(2001, 1, 3, 4, 5, tzinfo=datetime.UTC)
    times = [first + datetime.timedelta(days=int(d)) for d in rng.integers(0, 8000, 120)]

    def write(time):
        if form == "epoch s":
            return int(time.timestamp())
        text = time.strftime(form.replace("%.f", ".%f").replace("%q", str((time.month + 2) // 3)))
        return int(text) if form == "%Y%m%d" else text

    cells = [write(time) for time in times]
    frame = pl.DataFrame({"time": cells, "x": rng.normal(size=120), "target": ["a", "b"] * 60})
    model = table_model(PLAIN, frame, date_order="dmy")
    assert model.schema.date_formats == {"time": form}
    module = run_module(export_python(model))
    expected = model.predict_proba(frame)
    close(module["predict_proba"](frame), expected)
    close(module["predict_proba"](frame.with_columns(pl.col("time").cast(pl.String))), expected)


BLANK_IN_PYTHON_ONLY = "\x1c\x1d\x1e\x1f"
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters=BLANK_IN_PYTHON_ONLY)
NAMES = st.text(LETTERS, min_size=1, max_size=12) | st.sampled_from(
    ["label", "Cast_1", "number 0.0", "classes", "input label", '"""', "\\", "{x}", "\n#", "0.W"]
)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(NAMES, min_size=3, max_size=3, unique=True), st.lists(NAMES, min_size=2, unique=True)
)
def test_names_and_categories_of_any_text(names, categories):
    categories = sorted({*category_text(pl.Series(categories))} - {""}) or ["a"]
    n = 12
    frame = pl.DataFrame(
        {
            names[0]: np.arange(n) / 7,
            names[1]: [categories[i % len(categories)] for i in range(n)],
            names[2]: [i % 3 > 0 for i in range(n)],
        }
    )
    kinds = ("numeric", "categorical", "boolean")
    columns = tuple(Column(*pair) for pair in zip(names, kinds, strict=True))
    preparation = NetPreparation.fit(frame, columns)
    network = build_network(PLAIN, len(preparation.names), 2, inputs=preparation)
    schema = Schema(names[0], ("no", "yes"), columns=columns)
    weights = network.init(np.random.default_rng(0))
    model = Model("net", "Network", schema, preparation, network, weights)
    expected = model.predict_proba_prepared(preparation.transform(frame))
    close(run_module(export_python(model))["predict_proba"](frame.to_dicts()), expected)
    close(predict_onnx(model, lambda exported: onnx_inputs(exported, frame)), expected)
