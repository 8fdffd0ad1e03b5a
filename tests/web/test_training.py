"""Trainings that are watched: run, paused, stepped, changed, stopped, each its own client's."""

from __future__ import annotations

import json
import threading
import time

import httpx
import numpy as np
import pytest
from web_client import Client, encoded
from web_served import served

from graduel.train.recipes import NetRecipe
from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.training.boosting_run import BoostingRun, TreeSettings
from graduel.web.training.training_queue import TrainingQueue
from graduel.web.training.training_run import TrainingRun
from graduel.web.training.watched_training import WatchedTraining

SMALL = {"layers": [8], "activations": ["relu"], "rows": 300, "batch": 30, "epochs": 2, "rounds": 3}


class Watcher:
    """Reads a training's stream in a thread of its own."""

    def __init__(self, client: Client) -> None:
        self.messages: list[dict] = []
        self._client, self._enough = client, False
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with (
            httpx.Client(base_url=self._client.base_url, timeout=30) as one,
            one.stream("GET", self._client.path("training/events")) as answer,
        ):
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    self.messages.append(json.loads(line[6:]))
                if self._enough:
                    return

    def wait(self, condition, seconds: float = 30.0) -> None:
        until = time.monotonic() + seconds
        while not condition(self.messages):
            assert time.monotonic() < until, self.messages[-3:]
            time.sleep(0.01)

    def state(self, *wanted: str) -> None:
        self.wait(lambda result: any(m.get("state") in wanted for m in result[-400:]))

    def close(self) -> None:
        self._enough = True

    def join(self) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()


def of(messages, kind):
    return [m for m in messages if m["type"] == kind]


def test_a_training_runs_to_its_end_and_is_taken_over(client):
    actual = client.ask("training", **SMALL)
    assert actual == {"state": "new", "parameters": 785 * 8 + 9 * 10, "steps": 20}
    watcher = Watcher(client)
    client.ask("training/command", do="run")
    watcher.join()
    end = watcher.messages[-1]
    assert (end["type"], end["state"]) == ("end", "done")
    assert of(watcher.messages, "step")[-1]["step"] == 20
    net = [m for m in of(watcher.messages, "point") if m["who"] == "net"]
    trees = [m for m in of(watcher.messages, "point") if m["who"] == "trees"]
    assert [m["step"] for m in trees] == [1, 2, 3]
    assert net[-1]["step"] == 20
    assert [m["seconds"] for m in net] == sorted(m["seconds"] for m in net)
    layers = of(watcher.messages, "layers")[-1]
    assert [layer["units"] for layer in layers["layers"]] == [8, 10]
    assert sum(layers["layers"][0]["activations"]["counts"]) == 256 * 8
    assert layers["weights"]["shape"] == [8, 784]
    described = client.ask("training/adopt")
    assert [layer["units"] for layer in described["net"]["layers"]] == [8, 10]
    pixels = client.test(3)["pixels"]["data"]
    answers = client.ask("predict", model="trained", pixels=pixels)["answers"]
    assert sum(answers["net"]) == pytest.approx(1, abs=1e-5)
    assert answers["net"] != client.ask("predict", pixels=pixels)["answers"]["net"]
    assert client.ask("forward", model="trained", pixels=pixels)["columns"][1]["number"] == 1
    assert client.refused("training/command", do="run")[0] == 409


def test_pause_one_batch_resume_and_a_change_in_mid_run(client):
    client.ask("training", **SMALL | {"epochs": 200, "race": False, "dropout": 0.1})
    watcher = Watcher(client)
    client.ask("training/command", do="step")
    watcher.wait(lambda result: of(result, "step"))
    watcher.state("paused")
    assert of(watcher.messages, "step")[-1]["step"] == 1
    client.ask("training/command", do="slow", value=0.01)
    client.ask("training/command", do="run")
    watcher.wait(lambda result: of(result, "step")[-1]["step"] > 5)
    client.ask("training/command", do="rate", value=0.03)
    client.ask("training/command", do="dropout", value=0.5)
    watcher.wait(lambda result: of(result, "step")[-1]["rate"] == pytest.approx(0.03))
    client.ask("training/command", do="pause")
    watcher.wait(
        lambda result: [m for m in result if m["type"] == "state"][-1]["state"] == "paused"
    )
    stood = of(watcher.messages, "step")[-1]["step"]
    time.sleep(0.2)
    assert of(watcher.messages, "step")[-1]["step"] == stood
    client.ask("training/command", do="step")
    watcher.wait(lambda result: of(result, "step")[-1]["step"] == stood + 1)
    client.ask("training/command", do="stop")
    watcher.join()
    assert watcher.messages[-1]["state"] == "stopped"


def test_a_client_that_goes_away_stops_its_training(client):
    client.ask("training", **SMALL | {"epochs": 200, "race": False})
    watcher = Watcher(client)
    client.ask("training/command", do="slow", value=0.05)
    client.ask("training/command", do="run")
    watcher.wait(lambda result: of(result, "step"))
    watcher.close()
    watcher.join()
    until = time.monotonic() + 20
    while client.get(client.path("training")).json()["state"] != "stopped":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_trainings_wait_for_each_other(address, client):
    with Client(address) as other:
        for one in (client, other):
            one.ask("training", **SMALL | {"epochs": 200, "race": False})
        first, second = Watcher(client), Watcher(other)
        client.ask("training/command", do="slow", value=0.05)
        client.ask("training/command", do="run")
        first.state("running")
        other.ask("training/command", do="run")
        second.wait(lambda result: any(m["type"] == "place" and m["place"] == 1 for m in result))
        assert not of(second.messages, "step")
        client.ask("training/command", do="stop")
        second.wait(lambda result: of(result, "step"))
        other.ask("training/command", do="stop")
        first.join()
        second.join()


def test_what_a_training_may_not_be(client):
    for wrong, words in (
        ({"layers": [0]}, "layers"),
        ({"activations": ["relu", "tanh"]}, "one for all"),
        ({"activations": ["rleu"]}, "activation must be one of"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of"),
        ({"rate": -1}, "rate"),
        ({"rate": float(10**9)}, "rate"),
        ({"layers": [1024] * 6, "activations": ["relu"]}, "weights"),
        ({"data": "table"}, "upload a table"),
        ({"secret": 1}, "secret"),
    ):
        status, message = client.refused("training", **SMALL | wrong)
        assert status in (409, 422)
        assert words in message
    assert client.refused("training/command", do="run")[0] == 409
    assert client.refused("training/adopt")[0] == 409
    assert client.get(client.path("training/events")).status_code == 409


def test_a_rate_that_is_too_high_ends_in_words(client):
    client.ask("training", **SMALL | {"optimizer": "sgd", "rate": 10, "race": False, "epochs": 50})
    watcher = Watcher(client)
    client.ask("training/command", do="run")
    watcher.join()
    assert watcher.messages[-1]["type"] == "end"
    if watcher.messages[-1]["state"] == "failed":
        assert "lower the learning rate" in watcher.messages[-1]["message"]


def part(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] > 0).astype(int)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_race_is_fair_and_repeats(classes):
    def once():
        train, valid = part(200, 0), part(80, 1)
        live = TrainingRun(
            NetRecipe(layers=(6,), epochs=8, batch_size=20, lr=0.02, schedule="constant"),
            train,
            valid,
            classes,
            BoostingRun(TreeSettings(rounds=5), *train, valid[0], classes),
        )
        order = []
        while (who := live.advance()) is not None:
            order.append(who)
            if order[-1] == "net":
                behind = live.seconds["trees"] < live.seconds["net"]
                assert behind or live.trees.done or live.seconds["trees"] >= live.seconds["net"]
        return live, order

    first, second = once(), once()
    assert sorted(first[1]) == sorted(second[1]) == ["net"] * 80 + ["trees"] * 5
    for who in ("net", "trees"):
        a, b = first[0].validate(who), second[0].validate(who)
        assert (a.valid_error, a.valid_loss) == (b.valid_error, b.valid_loss)
        assert a.valid_error < 0.2
    assert (first[0].fit.weights.theta == second[0].fit.weights.theta).all()


def test_a_training_that_lasts_lets_others_go_first(monkeypatch):
    monkeypatch.setattr("graduel.web.training.watched_training.TURN_SECONDS", 0.0)
    recipe = NetRecipe(layers=(4,), epochs=3000, batch_size=20)
    queue = TrainingQueue(Limits())
    queue.start()
    try:
        both = [
            WatchedTraining(lambda: TrainingRun(recipe, part(100, 0), part(20, 1), 2), Limits(), 0)
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


def test_a_queue_has_an_end(ready):
    with served(AppState(demo=ready), limits=Limits(queue=1)) as address:
        clients = [Client(address) for _ in range(3)]
        try:
            for one in clients:
                one.ask("training", **SMALL | {"epochs": 200, "race": False})
                one.ask("training/command", do="slow", value=0.2)
            clients[0].ask("training/command", do="run")
            until = time.monotonic() + 20
            while clients[0].get(clients[0].path("training")).json()["state"] != "running":
                assert time.monotonic() < until
                time.sleep(0.02)
            clients[1].ask("training/command", do="run")
            assert clients[2].refused("training/command", do="run")[0] == 429
            for one in clients:
                one.ask("training/command", do="stop")
        finally:
            for one in clients:
                one.close()


def test_fifty_clients_at_once_do_not_meet(ready, mnist):
    """Each with edits of its own, while a training waits; every answer is its own."""
    pair = ready.models
    rows = mnist.table[60_000:60_050]
    expected = pair.net.predict_proba(rows)
    failed: list[object] = []
    with served(AppState(demo=ready)) as address, Client(address) as busy:
        busy.ask("training", **SMALL | {"epochs": 200})
        watcher = Watcher(busy)
        busy.ask("training/command", do="run")

        def work(number: int) -> None:
            try:
                with Client(address) as one:
                    pixels = encoded(rows[number])
                    plain = one.ask("predict", pixels=pixels)["answers"]["net"]
                    bias = [{"layer": "6", "unit": number % 10, "index": None, "value": 90.0}]
                    bent = one.ask("predict", pixels=pixels, weights=bias)["answers"]["net"]
                    again = one.ask("predict", pixels=pixels)["answers"]["net"]
                    np.testing.assert_allclose(plain, expected[number], atol=1e-5)
                    assert int(np.argmax(bent)) == number % 10
                    assert plain == again
                    assert one.refused("predict", model="trained", pixels=pixels)[0] == 409
            except BaseException as error:
                failed.append((number, error))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        busy.ask("training/command", do="stop")
        watcher.join()
    assert not failed, failed[:3]
