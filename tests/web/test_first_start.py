"""The first start: the page is usable when the network is ready; the terminal names each step."""

from __future__ import annotations

from page_numbers import settle
from web_browser import wait_until
from web_client import Client
from web_server import serve

from graduel.train.recipes import NetRecipe
from graduel.web.state.app_state import AppState
from graduel.web.state.demo_models import DemoModels, DemoRecipe
from graduel.web.state.model_pair import ModelPair
from graduel.web.training.boosting_run import TreeSettings

RECIPE = DemoRecipe(
    net=NetRecipe(layers=(4,), epochs=1, batch_size=64),
    trees=TreeSettings(rounds=2, max_bin=8),
    net_rows=300,
    tree_rows=300,
    valid_rows=100,
)


def test_the_terminal_names_each_step_and_the_network_comes_first(tmp_path):
    lines: list[str] = []
    demo = DemoModels(RECIPE, folder=tmp_path, threads=1)
    seen = []

    def log(line: str) -> None:
        lines.append(line)
        seen.append(None if demo.models is None else sorted(demo.models.models))

    demo.log = log
    demo.run()
    assert demo.error == ""
    assert [line.partition(": ")[2] for line in lines] == [
        "training the network, once, for this and later starts.",
        "the network is ready and the page usable, XGBoost is still training.",
        "ready.",
    ]
    assert seen == [None, ["net"], ["net", "xgboost"]]
    assert demo.is_complete
    lines.clear()
    again = DemoModels(RECIPE, folder=tmp_path, threads=1)
    again.log = lines.append
    again.run()
    assert lines == ["Models for the page: ready."]


def test_the_page_is_usable_while_xgboost_trains(browser, ready, tmp_path):
    demo = DemoModels(folder=tmp_path)
    demo.models = ModelPair.of((ready.models.net,), "XGBoost is still training")
    with serve(AppState(demo=demo)) as address:
        with Client(address) as client:
            about = client.get("/api/about").json()
            assert about["ready"]
            assert about["training"]
        page = browser.new_page()
        page.goto(f"{address}/#forward?test=3")
        page.wait_for_selector("body[data-ready]")
        settle(page)
        assert page.locator("#notice >> text=XGBoost is still training").count() == 1
        assert page.locator("section >> text=XGBoost is still training.").count() == 1
        assert page.locator("[data-summary]").count() == 1
        assert page.locator(".outputs .unit").count() == 10
        demo.models, demo.is_complete = ready.models, True
        wait_until(page, "document.querySelectorAll('[data-summary]').length === 2")
        settle(page)
        assert page.locator("#notice p").count() == 0
        assert page.locator("canvas.votes").count() == 1
        page.close()
