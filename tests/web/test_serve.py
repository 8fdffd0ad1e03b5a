"""``graduel serve``: sources, startup messages, errors in one line."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import numpy as np
import pytest
from test_table import iris_csv
from web_client import Client
from web_server import serve

from graduel.cli.app import main
from graduel.data.schema import Schema
from graduel.data.source import open_source
from graduel.duel.plan.protocol import Protocol
from graduel.duel.plan.splits import Split
from graduel.duel.store.store import Store
from graduel.errors import UserError
from graduel.models.model_file import Model, save_model
from graduel.serialize import write_json
from graduel.web.server import load_state
from graduel.web.state.app_state import AppState
from graduel.web.state.holdout import HoldoutData

CONTENDERS = {"net": {"family": "net", "title": "NumPy network", "recipe": {}}}


def run_and_get_error(capsys, *args: str) -> str:
    assert main(["serve", *args]) == 2
    message = capsys.readouterr().err
    assert message.startswith("graduel: ")
    assert message.count("\n") == 1
    return message


def test_errors_are_one_line(capsys, tmp_path, monkeypatch):
    assert "there is no such path" in run_and_get_error(capsys, str(tmp_path / "no.csv"))
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    assert "bad.safetensors" in run_and_get_error(capsys, str(tmp_path / "bad.safetensors"))
    (tmp_path / "duel.json").write_text("{}")
    assert "expected a duel's plan" in run_and_get_error(capsys, str(tmp_path))
    write_json(tmp_path / "duel.json", Protocol("iris", CONTENDERS).as_dict())
    assert "expected a finished duel" in run_and_get_error(capsys, str(tmp_path))
    assert "--target applies to tables" in run_and_get_error(capsys, "--target", "a")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        assert "cannot listen" in run_and_get_error(capsys, "--port", port)
    assert "cannot listen" in run_and_get_error(capsys, "--host", "203.0.113.7")
    monkeypatch.setattr("graduel.cli.actions.serve.find_spec", lambda name: None)
    assert 'pip install "graduel[web]"' in run_and_get_error(capsys)


def test_startup_messages_and_ctrl_c(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_bytes(iris_csv())
    command = [sys.executable, "-m", "graduel", "serve", str(path), "--target", "species"]
    with subprocess.Popen(
        [*command, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    ) as server:
        first, second = server.stdout.readline(), server.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", first).group()
        assert "Only this machine" in second
        assert "glass box" in httpx.get(address, timeout=30).text
        server.send_signal(signal.SIGINT)
        _, message = server.communicate(timeout=30)
    assert "Traceback" not in message


def test_local_and_wildcard_addresses():
    from graduel.web.middleware import is_local, is_wildcard

    assert [is_local(h) for h in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "10.0.0.1")] == [
        True, True, True, False, False,
    ]  # fmt: skip
    assert is_wildcard("::")


@pytest.fixture
def duel(tmp_path, ready):
    """A duel's folder on a table, with the saved model of a cell."""
    from graduel.data import NetPreparation
    from graduel.nn import Dense, Network, ReLU

    path = tmp_path / "flowers.csv"
    path.write_bytes(iris_csv())
    source = open_source(path, target="species")
    data = source.load()
    preparation = NetPreparation.fit(data.X, data.columns)
    network = Network((Dense(5), ReLU(), Dense(3)), (len(preparation.names),))
    weights = network.init(np.random.default_rng(0))
    folder = tmp_path / "duel"
    cell = folder / "cells" / "net-seed0"
    cell.mkdir(parents=True)
    model = Model("net", "NumPy network", Schema.of(data), preparation, network, weights)
    save_model(cell / "model.safetensors", model)
    protocol = Protocol("flowers", CONTENDERS, source=source.spec.as_dict())
    write_json(folder / "duel.json", protocol.as_dict())
    (folder / "splits").mkdir()
    store = Store(folder, protocol)
    store.write_source(source)
    store.write_split(0, Split(*(np.array(rows) for rows in ([0, 1], [2, 4], [7, 3, 90]))))
    return folder, model, data


def test_a_duels_folder_provides_models_and_test_rows(duel):
    folder, model, data = duel
    state = load_state(str(folder), {})
    assert state.table is not None
    assert state.table.test.tolist() == [3, 7, 90]
    with serve(state) as address, Client(address) as client:
        one = client.test(1)
        assert (one["index"], one["count"], one["label"]) == (1, 3, int(data.y[7]))
        predictions = client.call("predict", row=one["row"])["predictions"]
        np.testing.assert_allclose(
            predictions["net"], model.predict_proba(data.X[7:8])[0], rtol=1e-5
        )
        assert predictions["xgboost"] is None
        assert client.reject("trees", row=one["row"])[0] == 409


def test_a_duels_folder_works_without_its_table(duel):
    folder, _model, _data = duel
    (folder / "splits" / "seed0.npz").write_bytes(b"damaged")
    state = load_state(str(folder), {})
    assert state.table is None
    assert state.models is not None


def test_a_model_file_has_a_form_for_its_columns(duel):
    folder, _model, data = duel
    state = load_state(str(folder / "cells" / "net-seed0" / "model.safetensors"), {})
    with serve(state) as address, Client(address) as client:
        assert client.get(client.path("test")).status_code == 409
        predictions = client.call("predict", row={})["predictions"]["net"]
        assert sum(predictions) == pytest.approx(1, abs=1e-5)
        now = client.get(client.path("")).json()["ready"]
        assert [f["name"] for f in now["fields"]] == [c.name for c in data.columns]


def test_test_rows_are_not_used_for_training(mnist):
    for data in (open_source("iris").load(), mnist):
        holdout = HoldoutData.of(data)
        for seed in (0, 3):
            train, valid = holdout.draw_rows(10_000, seed)
            assert not np.intersect1d(train, holdout.test).size
            assert not np.intersect1d(valid, holdout.test).size
            assert not np.intersect1d(train, valid).size


def test_a_folder_of_images_is_rejected_with_advice(tmp_path):
    from PIL import Image

    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for k in range(3):
            Image.new("L", (8, 8), 40 * k).save(tmp_path / name / f"{k}.png")
    with pytest.raises(UserError, match="graduel duel"):
        load_state(str(tmp_path), {})
    assert AppState(table=None).is_digits
