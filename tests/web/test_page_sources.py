"""The page of a server that was started on a table or on a model file."""

from __future__ import annotations

import numpy as np
import pytest
from page_numbers import READ, settle
from test_table import iris_csv
from web_server import serve

from graduel.data import NetPreparation
from graduel.data.schema import Schema
from graduel.data.source import open_source
from graduel.models.model_file import Model, save_model
from graduel.nn import Dense, Network, ReLU
from graduel.web.server import load_state


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "flowers.csv"
    path.write_bytes(iris_csv())
    return path


@pytest.fixture
def open_server(browser):
    """Return a function that opens the page of a server; no error may occur there."""
    errors, contexts = [], []

    def open_(address: str):
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        page.wait_for_selector("body[data-ready]")
        settle(page)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


def test_a_table_is_trained_on_with_settings_of_its_size(open_server, table):
    with serve(load_state(str(table), {"target": "species"})) as address:
        page = open_server(address)
        assert page.locator("#tabs a").all_text_contents() == ["Train", "Your data"]
        assert page.get_by_label("Training rows").input_value() == "96"
        assert page.get_by_label("Batch size").input_value() == "16"
        assert page.url.endswith("#train")
        page.get_by_label("Epochs").fill("3")
        page.get_by_role("button", name="Start").click()
        page.wait_for_selector(".state.done")
        page.get_by_role("button", name="Inspect these models").click()
        page.wait_for_selector("text=Input: the row and its prepared values")
        settle(page)
        assert page.evaluate(READ)["now"]["from"] == "test"
        page.reload()
        page.wait_for_selector("text=Input: the row and its prepared values")
        settle(page)
        assert page.evaluate(READ)["now"]["model"] == "trained"
        assert page.locator("#notice p").count() == 0


def test_a_model_without_data_has_a_form(open_server, table, tmp_path):
    data = open_source(table, target="species").load()
    preparation = NetPreparation.fit(data.X, data.columns)
    network = Network((Dense(5), ReLU(), Dense(3)), (len(preparation.names),))
    weights = network.init(np.random.default_rng(0))
    model = Model("net", "NumPy network", Schema.of(data), preparation, network, weights)
    save_model(tmp_path / "flowers.safetensors", model)
    state = load_state(str(tmp_path / "flowers.safetensors"), {})
    with serve(state) as address:
        page = open_server(f"{address}/#forward")
        shown = page.evaluate(READ)
        assert shown["now"]["from"] == "form"
        assert page.locator("[data-summary]").count() == 1
        page.get_by_role("link", name="Your data").click()
        settle(page)
        page.get_by_label("petal width (cm)").fill("2")
        settle(page)
        page.get_by_role("link", name="Forward").click()
        settle(page)
        row = page.evaluate(READ)["now"]["row"]
        assert row["petal width (cm)"] == 2
