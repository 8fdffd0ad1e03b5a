"""Work survives a reload, the end of a session and a restart of the server."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np
import pytest
from page_numbers import READ, check_page, settle
from test_table import SETTINGS, iris_csv
from test_training import SMALL, Watcher
from web_browser import draw, wait_until
from web_client import Client
from web_server import serve

from graduel.web.http_error import ClientError
from graduel.web.limits import Limits
from graduel.web.state.app_state import AppState
from graduel.web.state.model_bytes import SignedModels
from graduel.web.state.sessions import Sessions

TRAINING = "train?net=8.relu&rows=500&epochs=2&race=no&seed=5"


@contextmanager
def restartable(ready, **limits):
    """Yield an address, and functions that end the server there and start it again."""
    port, servers = 0, []

    def start() -> str:
        nonlocal port
        server = serve(AppState(demo=ready), port=port, limits=Limits(**limits))
        servers.append(server)
        address = server.__enter__()
        port = int(address.rpartition(":")[2])
        return address

    def stop() -> None:
        servers.pop().__exit__(None, None, None)

    def restart() -> None:
        stop()
        start()

    restart.stop, restart.start = stop, start
    try:
        yield start(), restart
    finally:
        for server in servers:
            server.__exit__(None, None, None)


def train(page) -> None:
    """Train a small network and adopt it."""
    page.evaluate("(hash) => { location.hash = hash; }", TRAINING)
    page.wait_for_selector("section:not([hidden]) >> text=Seed")
    settle(page)
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.done")
    settle(page)
    page.get_by_role("button", name="Inspect these models").click()
    page.wait_for_selector("section:not([hidden]) >> text=Layer 1: 8 neurons, ReLU")
    settle(page)


def numbers(page) -> dict:
    shown = page.evaluate(READ)
    return {k: shown[k] for k in ("bar", "origin", "units", "softmax", "hash")}


def test_a_reload_loses_nothing(open_page, ready, mnist):
    page = open_page()
    draw(page, 3, np.random.default_rng(1))
    settle(page)
    train(page)
    before = numbers(page)
    assert "model=trained" in before["hash"]
    assert before["units"]
    page.reload()
    page.wait_for_selector("body[data-ready]")
    settle(page)
    assert numbers(page) == before
    page.get_by_role("link", name="Train").click()
    page.wait_for_selector("polyline")
    assert page.locator(".state.done").count() == 1
    page.get_by_role("button", name="Next example").count()
    page.evaluate("(hash) => { location.hash = hash; }", "draw?test=4")
    settle(page)
    page.reload()
    page.wait_for_selector("body[data-ready]")
    page.get_by_role("button", name="Back to your drawing").click()
    settle(page)
    check_page(page, ready.models, mnist.table[60_000:])
    assert page.evaluate(READ)["now"]["from"] == "drawing"


@pytest.mark.parametrize("how", ["restart", "idle"])
def test_a_lost_session_is_restored(browser_page, ready, how, monkeypatch):
    with restartable(ready, idle_seconds=1800) as (address, restart):
        page = browser_page(address)
        page.get_by_label("Target column")  # the table first, then the network
        page.evaluate("() => { location.hash = 'data'; }")
        file = {"name": "flowers.csv", "mimeType": "text/csv", "buffer": iris_csv()}
        page.get_by_label("CSV file").set_input_files(file)
        page.get_by_label("Target column").select_option("species")
        page.get_by_role("button", name="Load table").click()
        page.wait_for_selector("[data-table=flowers]")
        page.evaluate("() => { location.hash = 'train?data=server'; }")
        settle(page)
        train(page)
        before = numbers(page)
        if how == "restart":
            restart()
        else:
            page.evaluate(END_IDLE)
        page.get_by_role("button", name="Next example").click()
        page.wait_for_selector("#notice [data-kind=session]")
        settle(page)
        text = page.locator("#notice [data-kind=session]").text_content()
        assert "This session has ended" in text
        assert "Restored from this browser: the table “flowers” and the trained models" in text
        page.get_by_role("button", name="Go on").click()
        page.go_back()
        settle(page)
        assert numbers(page) == before
        info = page.evaluate("async () => (await import('/js/state.js')).state.info")
        assert info["table"]["name"] == "flowers"
        assert info["trained"]


# The server keeps only the reason; what the page held is the same as after a restart.
END_IDLE = """async () => {
  const api = await import("/js/api.js");
  await fetch(api.path("end"), { method: "POST" });
}"""


@pytest.fixture
def browser_page(browser):
    contexts = []

    def open_(address: str):
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        return page

    yield open_
    for context in contexts:
        context.close()


def test_a_training_under_way_is_offered_again(browser_page, ready):
    with restartable(ready) as (address, restart):
        page = browser_page(address)
        page.evaluate("(h) => { location.hash = h; }", "train?net=64.relu&epochs=200")
        page.wait_for_selector("section:not([hidden]) >> text=Seed")
        settle(page)
        page.get_by_role("button", name="Start").click()
        wait_until(page, "document.querySelectorAll('polyline').length > 1")
        restart()
        page.wait_for_selector(".state.stopped")
        page.get_by_role("button", name="Next example").count()
        page.get_by_role("link", name="Forward").click()
        page.wait_for_selector("#notice >> text=The training under way ended with the session")
        page.get_by_role("button", name="Train again").click()
        page.wait_for_selector(".state.running")


def test_without_the_server_the_page_stays_and_goes_on_later(browser_page, ready, mnist):
    with restartable(ready) as (address, restart):
        page = browser_page(f"{address}/#forward?test=3")
        settle(page)
        before = numbers(page)
        restart.stop()
        page.get_by_role("button", name="Next example").click()
        page.wait_for_selector("#toast >> text=no response from the server")
        settle(page)
        assert numbers(page) == before
        page.get_by_role("link", name="Backward").click()
        page.get_by_role("button", name="Try again").wait_for()
        restart.start()
        page.get_by_role("button", name="Try again").click()
        page.wait_for_selector("#notice >> text=the server was restarted or the page was closed")
        settle(page)
        assert check_page(page, ready.models, mnist.table[60_000:])["view"] == "backward"


def test_leaving_a_training_under_way_asks_first(open_page):
    page = open_page(view="train?epochs=200")
    settle(page)
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector(".state.running")
    questions = []
    page.once("dialog", lambda one: (questions.append(one.type), one.dismiss()))
    page.close(run_before_unload=True)
    for _ in range(400):
        if questions:
            break
        page.wait_for_timeout(50)
    assert questions == ["beforeunload"]
    assert page.locator(".state.running").count() == 1
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector(".state.stopped")


STORED = """import("/js/storage.js").then((storage) => storage.read("mnist"))
  .then((work) => work?.page?.hash.includes("ablate"))"""


def test_a_new_tab_opens_the_last_work(browser, address):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/#forward?test=18&ablate=1.3")
    page.wait_for_selector("body[data-ready]")
    settle(page)
    wait_until(page, STORED)
    other = context.new_page()
    other.goto(f"{address}/#backward")
    other.wait_for_selector("body[data-ready]")
    settle(other)
    assert other.url.endswith("#backward?test=18&ablate=1.3")
    context.close()


def test_the_server_names_what_it_dropped(ready):
    limits = Limits(sessions=1, busy_seconds=0)
    with serve(AppState(demo=ready), limits=limits) as address, Client(address) as client:
        query = {"target": "species", "name": "flowers"}
        client.post(client.path("table"), params=query, content=iris_csv())
        client.call("training", **SMALL)
        with Client(address) as other:
            assert other.session
        answer = client.get(client.path(""))
        assert answer.status_code == 404
        assert answer.json() == {
            "detail": "this session has ended: it was replaced by the session of a new client; "
            "the server dropped the table “flowers” and a training run (new)",
            "session": "ended",
        }


def test_an_idle_session_says_so():
    clock = iter([0.0, 0.0, 3000.0]).__next__
    sessions = Sessions(Limits(idle_seconds=1800), clock)
    name = sessions.open().name
    sessions.find(name)
    with pytest.raises(ClientError, match="has ended: it was idle for 30 minutes"):
        sessions.find(name)


@pytest.mark.parametrize("data", ["server", "table"])
def test_signed_models_are_restored_and_others_refused(client, ready, data):
    if data == "table":
        client.post(
            client.path("table"), params={"target": "species", "name": "f"}, content=iris_csv()
        )
    client.call("training", **(SETTINGS if data == "table" else SMALL))
    watcher = Watcher(client)
    client.call("training/command", do="run")
    watcher.join()
    content = client.get(client.path("training/models")).content
    client.call("training/adopt")
    assert client.get(client.path("trained")).content == content
    example = client.test(1, model="trained")
    example = {"row": example["row"]} if data == "table" else {"pixels": example["pixels"]["data"]}
    before = client.call("predict", model="trained", **example)
    with Client(str(client.base_url)) as other:
        post = lambda body: other.post(other.path("trained"), content=body)  # noqa: E731
        for wrong in (b"", b"x" * 100, content[:-1], content[:40] + b"\1" + content[41:]):
            assert post(wrong).status_code == 409
            assert "expected models that this machine trained" in post(wrong).json()["detail"]
        if data == "table":
            assert post(content).status_code == 409
            other.post(
                other.path("table"), params={"target": "species", "name": "f"}, content=iris_csv()
            )
        assert post(content).status_code == 200
        assert other.call("predict", model="trained", **example) == before
        assert other.get(other.path("")).json()["trained"]["about"].startswith("trained in this")


def test_the_key_outlives_the_process_and_needs_no_folder(tmp_path):
    first = SignedModels.of(tmp_path / "web")
    assert SignedModels.of(tmp_path / "web") == first
    (tmp_path / "file").write_text("")
    assert len(SignedModels.of(tmp_path / "file" / "web").key) == 32
