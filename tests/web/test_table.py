"""Uploaded tables and exports."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_training import Watcher
from web_client import Client, unpack
from web_server import serve

from graduel.nn import Network
from graduel.web.server import load_state
from graduel.web.state.app_state import AppState


def iris_csv() -> bytes:
    iris = load_iris(as_frame=True)
    table = iris.data.assign(species=[iris.target_names[k] for k in iris.target])
    table["wild"] = ["yes" if k % 3 else "no" for k in range(len(table))]
    table["place"] = [f"place {k % 4}" for k in range(len(table))]
    return table.to_csv(index=False).encode()


def upload(client: Client, content: bytes, **query):
    return client.post(client.path("table"), params=query, content=content)


SETTINGS = {"data": "table", "layers": [6, 5], "activations": ["tanh", "relu"], "epochs": 20,
           "rows": 90, "batch": 10, "rounds": 8, "rate": 0.01}  # fmt: skip


@pytest.fixture
def trained_client(client):
    result = upload(client, iris_csv(), target="species", name="flowers")
    assert result.status_code == 200, result.text
    client.call("training", **SETTINGS)
    watcher = Watcher(client)
    client.call("training/command", do="run")
    watcher.join()
    assert watcher.messages[-1]["state"] == "done", watcher.messages[-1]
    client.call("training/adopt")
    return client


def test_a_table_is_uploaded_trained_on_and_predicted(trained_client):
    session = trained_client.get(trained_client.path("")).json()
    assert session["table"]["name"] == "flowers"
    assert session["table"]["classes"] == ["setosa", "versicolor", "virginica"]
    kinds = {field["name"]: field["kind"] for field in session["trained"]["fields"]}
    assert kinds["wild"] == "boolean"
    assert kinds["place"] == "categorical"
    example = trained_client.test(4, model="trained")
    correct = 0
    for index in range(30):
        one = trained_client.test(index, model="trained")
        predictions = trained_client.call("predict", model="trained", row=one["row"])["predictions"]
        correct += int(np.argmax(predictions["xgboost"]) == one["label"])
    assert correct >= 24
    row = example["row"] | {"wild": None, "place": "elsewhere", "petal width (cm)": None}
    assert trained_client.call("predict", model="trained", row=row)["predictions"]["net"]
    forward = trained_client.call("forward", model="trained", row=example["row"])
    assert len(forward["columns"][1]["a"]) == 6
    attribution = trained_client.call("attribution", model="trained", row=example["row"], label=1)
    assert len(attribution["net"]["names"]) == len(unpack(attribution["net"]["gradient"]))
    assert "place" in attribution["xgboost"]["names"]
    curve = trained_client.call(
        "vary", model="trained", row=example["row"], field="petal length (cm)"
    )
    assert unpack(curve["net"]).shape == (41, 3)
    sweep = trained_client.call("sweep-test", model="trained", row=example["row"], kind="missing")
    assert sweep["rows"] == 30
    assert trained_client.reject("attack", model="trained", row=example["row"], label=0)[0] == 409
    for wrong in ({"petal width (cm)": "wide"}, {"wild": 3}, {"petal width (cm)": True}):
        status, message = trained_client.reject(
            "predict", model="trained", row=example["row"] | wrong
        )
        assert status == 422
        assert "expected" in message


def test_exports_predict_the_same_as_the_page(trained_client):
    import onnxruntime

    example = trained_client.test(7, model="trained")
    body = {"model": "trained", "row": example["row"]}
    predictions = trained_client.call("predict", **body)["predictions"]["net"]
    text = trained_client.post(trained_client.path("export/json"), json=body).text
    plain = json.loads(text)
    network = Network.from_spec(plain["network"])
    weights = network.init(np.random.default_rng(0))
    for name, values in plain["parameters"].items():
        network.layout[name].view(weights.theta)[...] = values
    from graduel.data import NetPreparation
    from graduel.web.state.form_fields import Field, frame_of

    fields = [Field(f["name"], f["kind"]) for f in trained_client.get(trained_client.path("")).json()["trained"]["fields"]]  # fmt: skip  # noqa: E501
    x = NetPreparation.from_spec(plain["preparation"]).transform(frame_of(example["row"], fields))
    np.testing.assert_allclose(network.predict(x, weights)[0], predictions, rtol=1e-5)

    module = ModuleType("exported")
    exec(trained_client.post(trained_client.path("export/python"), json=body).text, module.__dict__)
    p = module.predict_proba([example["row"]])
    np.testing.assert_allclose(p[0], predictions, rtol=1e-5, atol=1e-7)
    model = trained_client.post(trained_client.path("export/onnx"), json=body)
    assert "attachment" in model.headers["content-disposition"]
    onnx = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
    cells = {c["name"]: (c["kind"], example["row"][c["name"]]) for c in plain["columns"]}
    inputs = {
        name: np.array([[cell]], object) if kind == "category" else np.array([[float(cell)]])
        for name, (kind, cell) in cells.items()
    }
    probabilities = onnx.run(["probabilities"], inputs)[0]
    np.testing.assert_allclose(probabilities[0], predictions, rtol=1e-4, atol=1e-6)
    page = trained_client.post(trained_client.path("export/page"), json=body | {"label": 1})
    assert page.status_code == 200, page.text
    assert "<html" in page.text
    assert page.headers["content-type"].startswith("text/plain")
    assert "://" not in page.text.replace("http://www.w3.org", "")


def test_without_a_target_the_columns_are_returned(client):
    result = upload(client, iris_csv()).json()
    assert result["table"] is None
    assert {"name": "species", "distinct": 3} in result["columns"]


@pytest.mark.parametrize(
    ("content", "query", "status", "words"),
    [
        (b"", {}, 422, "empty"),
        (b"PK\x03\x04 zip", {}, 415, "text"),
        (b"\0\1\2\3" * 100, {}, 415, "text"),
        (b"a,b\n1,2\n", {"target": "c"}, 422, "c"),
        (b"a,b\n" + b"1,2\n" * 3000, {}, 422, "at most 2,000 rows"),
        (b",".join(b"c%d" % k for k in range(70)) + b"\n" + b"1," * 69 + b"1\n", {}, 422, "70"),
        (b"a,b\n" + b"\n".join(b"%d,x%d" % (k, k) for k in range(99)), {"target": "b"}, 422, "b"),
        ("a,b\n\ud800".encode("utf-8", "surrogatepass"), {"target": "b"}, 422, ""),
    ],
)
def test_invalid_tables_are_rejected(client, content, query, status, words):
    result = upload(client, content, **query)
    assert result.status_code == status, result.text
    assert words in result.json()["detail"]
    assert "\n" not in result.json()["detail"]


def test_a_server_started_on_a_table(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_bytes(iris_csv())
    with serve(load_state(str(path), {"target": "species"})) as address, Client(address) as client:
        about = client.get("/api/about").json()
        assert (about["table"]["rows"], about["digits"], about["ready"]) == (150, False, False)
        assert client.reject("predict", row={})[0] == 409
        client.call("training", **SETTINGS | {"data": "server"})
        watcher = Watcher(client)
        client.call("training/command", do="run")
        watcher.join()
        client.call("training/adopt")
        row = client.test(0, model="trained")["row"]
        assert client.call("predict", model="trained", row=row)["predictions"]["xgboost"]
    assert path.read_bytes() == iris_csv()


def test_sessions_are_isolated(address, trained_client):
    with Client(address) as other:
        assert other.get(other.path("")).json()["table"] is None
        assert other.reject("predict", model="trained", row={})[0] == 409


def test_a_server_without_models_rejects_predictions():
    with serve(AppState()) as address, Client(address) as client:
        assert client.reject("predict", pixels="")[0] == 409


def test_forward_names_the_cells_of_a_row_and_their_inputs(trained_client):
    example = trained_client.test(4, model="trained")["row"]
    result = trained_client.call("forward", model="trained", row=example)
    features = {one["name"]: one for one in result["features"]}
    assert list(features) == list(example)
    assert features["place"]["raw"] == example["place"]
    values = [part["value"] for one in result["features"] for part in one["inputs"]]
    np.testing.assert_allclose(values, result["columns"][0]["a"], rtol=1e-6)
