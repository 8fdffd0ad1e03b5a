"""Live trainings: run, pause, single step, changes, stop, queue, isolation."""

from __future__ import annotations

import json
import threading
import time

import httpx
import numpy as np
import pytest
from web_client import Client, encode_pixels
from web_server import serve

from graduel.train.recipes import NetRecipe
from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.training.boosting_run import BoostingRun, TreeSettings
from graduel.web.training.training_queue import TrainingQueue
from graduel.web.training.training_run import TrainingRun
from graduel.web.training.watched_training import WatchedTraining

SMALL = {"layers": [8], "activations": ["relu"], "rows": 300, "batch": 30, "epochs": 2, "rounds": 3}


class Watcher:
    """Reads a training's event stream in a background thread."""

    def __init__(self, client: Client) -> None:
        self.messages: list[dict] = []
        self._client, self._closed = client, False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with (
            httpx.Client(base_url=self._client.base_url, timeout=30) as one,
            one.stream("GET", self._client.path("training/events")) as stream,
        ):
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    self.messages.append(json.loads(line[6:]))
                if self._closed:
                    return

    def wait(self, condition, seconds: float = 30.0) -> None:
        until = time.monotonic() + seconds
        while not condition(self.messages):
            assert time.monotonic() < until, self.messages[-3:]
            time.sleep(0.01)

    def state(self, *states: str) -> None:
        self.wait(lambda result: any(m.get("state") in states for m in result[-400:]))

    def close(self) -> None:
        self._closed = True

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def messages_of(messages, kind):
    return [m for m in messages if m["type"] == kind]


def test_a_training_runs_to_its_end_and_is_adopted(client):
    actual = client.call("training", **SMALL)
    assert actual == {"state": "new", "parameters": 785 * 8 + 9 * 10, "steps": 20}
    watcher = Watcher(client)
    client.call("training/command", do="run")
    watcher.join()
    end = watcher.messages[-1]
    assert (end["type"], end["state"]) == ("end", "done")
    assert messages_of(watcher.messages, "step")[-1]["step"] == 20
    net = [m for m in messages_of(watcher.messages, "point") if m["contender"] == "net"]
    trees = [m for m in messages_of(watcher.messages, "point") if m["contender"] == "trees"]
    assert [m["step"] for m in trees] == [1, 2, 3]
    assert net[-1]["step"] == 20
    assert [m["seconds"] for m in net] == sorted(m["seconds"] for m in net)
    layers = messages_of(watcher.messages, "layers")[-1]
    assert [layer["units"] for layer in layers["layers"]] == [8, 10]
    assert sum(layers["layers"][0]["activations"]["counts"]) == 256 * 8
    assert layers["weights"]["shape"] == [8, 784]
    described = client.call("training/adopt")
    assert [layer["units"] for layer in described["net"]["layers"]] == [8, 10]
    pixels = client.test(3)["pixels"]["data"]
    predictions = client.call("predict", model="trained", pixels=pixels)["predictions"]
    assert sum(predictions["net"]) == pytest.approx(1, abs=1e-5)
    assert predictions["net"] != client.call("predict", pixels=pixels)["predictions"]["net"]
    assert client.call("forward", model="trained", pixels=pixels)["columns"][1]["number"] == 1
    assert client.reject("training/command", do="run")[0] == 409


def test_pause_single_step_resume_and_changes(client):
    client.call("training", **SMALL | {"epochs": 200, "race": False, "dropout": 0.1})
    watcher = Watcher(client)
    client.call("training/command", do="step")
    watcher.wait(lambda result: messages_of(result, "step"))
    watcher.state("paused")
    assert messages_of(watcher.messages, "step")[-1]["step"] == 1
    client.call("training/command", do="slow", value=0.01)
    client.call("training/command", do="run")
    watcher.wait(lambda result: messages_of(result, "step")[-1]["step"] > 5)
    client.call("training/command", do="rate", value=0.03)
    client.call("training/command", do="dropout", value=0.5)
    watcher.wait(lambda result: messages_of(result, "step")[-1]["rate"] == pytest.approx(0.03))
    client.call("training/command", do="pause")
    watcher.wait(
        lambda result: [m for m in result if m["type"] == "state"][-1]["state"] == "paused"
    )
    paused_at = messages_of(watcher.messages, "step")[-1]["step"]
    time.sleep(0.2)
    assert messages_of(watcher.messages, "step")[-1]["step"] == paused_at
    client.call("training/command", do="step")
    watcher.wait(lambda result: messages_of(result, "step")[-1]["step"] == paused_at + 1)
    client.call("training/command", do="stop")
    watcher.join()
    assert watcher.messages[-1]["state"] == "stopped"


def test_a_disconnecting_client_stops_its_training(client):
    client.call("training", **SMALL | {"epochs": 200, "race": False})
    watcher = Watcher(client)
    client.call("training/command", do="slow", value=0.05)
    client.call("training/command", do="run")
    watcher.wait(lambda result: messages_of(result, "step"))
    watcher.close()
    watcher.join()
    until = time.monotonic() + 20
    while client.get(client.path("training")).json()["state"] != "stopped":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_trainings_run_one_at_a_time(address, client):
    with Client(address) as other:
        for one in (client, other):
            one.call("training", **SMALL | {"epochs": 200, "race": False})
        first, second = Watcher(client), Watcher(other)
        client.call("training/command", do="slow", value=0.05)
        client.call("training/command", do="run")
        first.state("running")
        other.call("training/command", do="run")
        second.wait(
            lambda result: any(m["type"] == "position" and m["position"] == 1 for m in result)
        )
        assert not messages_of(second.messages, "step")
        client.call("training/command", do="stop")
        second.wait(lambda result: messages_of(result, "step"))
        other.call("training/command", do="stop")
        first.join()
        second.join()


def test_invalid_trainings_are_rejected(client):
    for wrong, words in (
        ({"layers": [0]}, "layers"),
        ({"activations": ["relu", "tanh"]}, "activations"),
        ({"activations": ["rleu"]}, "activation must be one of"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of"),
        ({"rate": -1}, "rate"),
        ({"rate": float(10**9)}, "rate"),
        ({"layers": [1024] * 6, "activations": ["relu"]}, "parameters"),
        ({"data": "table"}, "upload a table"),
        ({"secret": 1}, "secret"),
    ):
        status, message = client.reject("training", **SMALL | wrong)
        assert status in (409, 422)
        assert words in message
    assert client.reject("training/command", do="run")[0] == 409
    assert client.reject("training/adopt")[0] == 409
    assert client.get(client.path("training/events")).status_code == 409


def test_a_diverged_training_fails_with_advice(client):
    client.call("training", **SMALL | {"optimizer": "sgd", "rate": 10, "race": False, "epochs": 50})
    watcher = Watcher(client)
    client.call("training/command", do="run")
    watcher.join()
    assert watcher.messages[-1]["type"] == "end"
    if watcher.messages[-1]["state"] == "failed":
        assert "lower the learning rate" in watcher.messages[-1]["message"]


def make_rows(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_race_is_fair_and_reproducible(classes):
    def once():
        train, valid = make_rows(200, 0), make_rows(80, 1)
        live = TrainingRun(
            NetRecipe(layers=(6,), epochs=8, batch_size=20, lr=0.02, schedule="constant"),
            train,
            valid,
            classes,
            BoostingRun(TreeSettings(rounds=5), *train, valid[0], classes),
        )
        order = []
        while (contender := live.advance()) is not None:
            order.append(contender)
            if order[-1] == "net":
                behind = live.seconds["trees"] < live.seconds["net"]
                assert behind or live.trees.done or live.seconds["trees"] >= live.seconds["net"]
        return live, order

    first, second = once(), once()
    assert sorted(first[1]) == sorted(second[1]) == ["net"] * 80 + ["trees"] * 5
    for contender in ("net", "trees"):
        a, b = first[0].validate(contender), second[0].validate(contender)
        assert (a.valid_error, a.valid_loss) == (b.valid_error, b.valid_loss)
        assert a.valid_error < 0.2
    assert (first[0].fit.weights.theta == second[0].fit.weights.theta).all()


def test_a_long_training_yields_to_others(monkeypatch):
    monkeypatch.setattr("graduel.web.training.watched_training.TURN_SECONDS", 0.0)
    recipe = NetRecipe(layers=(4,), epochs=3000, batch_size=20)
    queue = TrainingQueue(Limits())
    queue.start()
    try:
        both = [
            WatchedTraining(
                lambda: TrainingRun(recipe, make_rows(100, 0), make_rows(20, 1), 2), Limits(), 0
            )
            for _ in range(2)
        ]
        for one in both:
            one.set_command("run")
            queue.submit(one)
        until = time.monotonic() + 20
        while min(one.current_run.step if one.current_run else 0 for one in both) < 5:
            assert time.monotonic() < until
            time.sleep(0.01)
    finally:
        for one in both:
            one.stop()
        queue.close()


def test_the_queue_is_limited(ready):
    with serve(AppState(demo=ready), limits=Limits(queue=1)) as address:
        clients = [Client(address) for _ in range(3)]
        try:
            for one in clients:
                one.call("training", **SMALL | {"epochs": 200, "race": False})
                one.call("training/command", do="slow", value=0.2)
            clients[0].call("training/command", do="run")
            until = time.monotonic() + 20
            while clients[0].get(clients[0].path("training")).json()["state"] != "running":
                assert time.monotonic() < until
                time.sleep(0.02)
            clients[1].call("training/command", do="run")
            assert clients[2].reject("training/command", do="run")[0] == 429
            for one in clients:
                one.call("training/command", do="stop")
        finally:
            for one in clients:
                one.close()


def test_fifty_concurrent_clients_are_isolated(ready, mnist):
    """Each client edits its own copy of the network while a training runs."""
    pair = ready.models
    rows = mnist.table[60_000:60_050]
    expected = pair.net.predict_proba(rows)
    failed: list[object] = []
    with serve(AppState(demo=ready)) as address, Client(address) as busy:
        busy.call("training", **SMALL | {"epochs": 200})
        watcher = Watcher(busy)
        busy.call("training/command", do="run")

        def work(number: int) -> None:
            try:
                with Client(address) as one:
                    pixels = encode_pixels(rows[number])
                    plain = one.call("predict", pixels=pixels)["predictions"]["net"]
                    bias = [{"layer": "6", "unit": number % 10, "index": None, "value": 90.0}]
                    bent = one.call("predict", pixels=pixels, weights=bias)["predictions"]["net"]
                    again = one.call("predict", pixels=pixels)["predictions"]["net"]
                    np.testing.assert_allclose(plain, expected[number], atol=1e-5)
                    assert int(np.argmax(bent)) == number % 10
                    assert plain == again
                    assert one.reject("predict", model="trained", pixels=pixels)[0] == 409
            except BaseException as error:
                failed.append((number, error))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        busy.call("training/command", do="stop")
        watcher.join()
    assert not failed, failed[:3]
