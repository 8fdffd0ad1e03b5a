"""Tables of the client's own, and everything one takes away."""

from __future__ import annotations

import json
from types import ModuleType

import numpy as np
import pytest
from sklearn.datasets import load_iris
from test_training import Watcher
from web_client import Client, unpacked
from web_served import served

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


TRAINED = {"data": "table", "layers": [6, 5], "activations": ["tanh", "relu"], "epochs": 20,
           "rows": 90, "batch": 10, "rounds": 8, "rate": 0.01}  # fmt: skip


@pytest.fixture
def trained(client):
    result = upload(client, iris_csv(), target="species", name="flowers")
    assert result.status_code == 200, result.text
    client.ask("training", **TRAINED)
    watcher = Watcher(client)
    client.ask("training/command", do="run")
    watcher.join()
    assert watcher.messages[-1]["state"] == "done", watcher.messages[-1]
    client.ask("training/adopt")
    return client


def test_a_table_is_understood_trained_on_and_asked_by_a_form(trained):
    now = trained.get(trained.path("")).json()
    assert now["table"]["name"] == "flowers"
    assert now["table"]["classes"] == ["setosa", "versicolor", "virginica"]
    kinds = {field["name"]: field["kind"] for field in now["trained"]["fields"]}
    assert kinds["wild"] == "boolean"
    assert kinds["place"] == "categorical"
    example = trained.test(4, model="trained")
    right = 0
    for index in range(30):
        one = trained.test(index, model="trained")
        answers = trained.ask("predict", model="trained", row=one["row"])["answers"]
        right += int(np.argmax(answers["xgboost"]) == one["label"])
    assert right >= 24
    row = example["row"] | {"wild": None, "place": "elsewhere", "petal width (cm)": None}
    assert trained.ask("predict", model="trained", row=row)["answers"]["net"]
    seen = trained.ask("forward", model="trained", row=example["row"])
    assert len(seen["columns"][1]["a"]) == 6
    why = trained.ask("attribution", model="trained", row=example["row"], label=1)
    assert len(why["net"]["names"]) == len(unpacked(why["net"]["gradient"]))
    assert "place" in why["xgboost"]["names"]
    curve = trained.ask("vary", model="trained", row=example["row"], field="petal length (cm)")
    assert unpacked(curve["net"]).shape == (41, 3)
    broken = trained.ask("sweep-test", model="trained", row=example["row"], kind="missing")
    assert broken["rows"] == 30
    assert trained.refused("attack", model="trained", row=example["row"], label=0)[0] == 409
    for wrong in ({"petal width (cm)": "wide"}, {"wild": 3}, {"petal width (cm)": True}):
        status, message = trained.refused("predict", model="trained", row=example["row"] | wrong)
        assert status == 422
        assert "expected" in message


def test_what_is_taken_away_answers_as_the_page_does(trained):
    import onnxruntime

    example = trained.test(7, model="trained")
    body = {"model": "trained", "row": example["row"]}
    answers = trained.ask("predict", **body)["answers"]["net"]
    text = trained.post(trained.path("export/json"), json=body).text
    plain = json.loads(text)
    network = Network.from_spec(plain["network"])
    weights = network.init(np.random.default_rng(0))
    for name, values in plain["parameters"].items():
        network.layout[name].view(weights.theta)[...] = values
    from graduel.data import NetPreparation
    from graduel.web.state.form_fields import Field, frame_of

    fields = [Field(f["name"], f["kind"]) for f in trained.get(trained.path("")).json()["trained"]["fields"]]  # fmt: skip  # noqa: E501
    x = NetPreparation.from_spec(plain["preparation"]).transform(frame_of(example["row"], fields))
    np.testing.assert_allclose(network.predict(x, weights)[0], answers, rtol=1e-5)

    module = ModuleType("taken")
    exec(trained.post(trained.path("export/python"), json=body).text, module.__dict__)
    np.testing.assert_allclose(module.predict_proba(x)[0], answers, rtol=1e-5, atol=1e-7)
    model = trained.post(trained.path("export/onnx"), json=body)
    assert "attachment" in model.headers["content-disposition"]
    onnx = onnxruntime.InferenceSession(model.content, providers=["CPUExecutionProvider"])
    probabilities = onnx.run(["probabilities"], {"X": x})[0]
    np.testing.assert_allclose(probabilities[0], answers, rtol=1e-4, atol=1e-6)
    page = trained.post(trained.path("export/page"), json=body | {"label": 1})
    assert page.status_code == 200, page.text
    assert "<html" in page.text
    assert page.headers["content-type"].startswith("text/plain")
    assert "://" not in page.text.replace("http://www.w3.org", "")


def test_without_a_target_the_columns_are_told(client):
    result = upload(client, iris_csv()).json()
    assert result["table"] is None
    assert {"name": "species", "different": 3} in result["columns"]


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
def test_tables_that_cannot_be_used_are_told_why(client, content, query, status, words):
    result = upload(client, content, **query)
    assert result.status_code == status, result.text
    assert words in result.json()["detail"]
    assert "\n" not in result.json()["detail"]


def test_a_path_at_start_is_a_table_to_train_on(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_bytes(iris_csv())
    with served(load_state(str(path), {"target": "species"})) as address, Client(address) as client:
        about = client.get("/api/about").json()
        assert (about["table"]["rows"], about["digits"], about["ready"]) == (150, False, False)
        assert client.refused("predict", row={})[0] == 409
        client.ask("training", **TRAINED | {"data": "home"})
        watcher = Watcher(client)
        client.ask("training/command", do="run")
        watcher.join()
        client.ask("training/adopt")
        row = client.test(0, model="trained")["row"]
        assert client.ask("predict", model="trained", row=row)["answers"]["xgboost"]
    assert path.read_bytes() == iris_csv()


def test_nothing_of_one_client_is_seen_by_another(address, trained):
    with Client(address) as other:
        assert other.get(other.path("")).json()["table"] is None
        assert other.refused("predict", model="trained", row={})[0] == 409


def test_a_server_without_models_says_so():
    with served(AppState()) as address, Client(address) as client:
        assert client.refused("predict", pixels="")[0] == 409
