"""``run_duel``: contenders, recipes and progress in the forms that a user has them."""

from __future__ import annotations

import io
import sys
from traceback import extract_tb
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import graduel
from graduel.data.source import open_source
from graduel.duel.duel_progress import NotebookProgress, TerminalProgress, make_observer
from graduel.duel.plan.user_estimators import parse_contenders
from graduel.duel.session import Observer
from graduel.duel.suite.suite_plan import plan_suite
from graduel.train.build.recipe_parser import parse_recipe, recipe_text, resolve_recipe
from graduel.train.recipes import NetRecipe

N = 60
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.arange(N) % 2
OPTIONS = {"quick": True, "threads": 1, "probes": False, "split": "holdout"}


def names(contenders):
    known, own = parse_contenders(contenders)
    return known, [one.name for one in own]


@pytest.mark.parametrize(
    ("contenders", "expected"),
    [
        (None, (None, [])),
        ("net", (["net"], [])),
        ("net, xgboost", (["net", "xgboost"], [])),
        (["net"], (["net"], [])),
        (("net", GaussianNB()), (["net"], ["GaussianNB"])),
        ([GaussianNB(), GaussianNB()], ([], ["GaussianNB", "GaussianNB-2"])),
        ([GaussianNB, LogisticRegression()], ([], ["GaussianNB", "LogisticRegression"])),
        ([(GaussianNB(), {"var_smoothing": (1e-9, 1.0)})], ([], ["GaussianNB"])),
        ({"mine": GaussianNB()}, (None, ["mine"])),
        ({"mine": GaussianNB(), "net": None}, (["net"], ["mine"])),
    ],
)
def test_contenders_are_names_or_estimators(contenders, expected):
    assert names(contenders) == expected


@given(
    st.lists(st.sampled_from(["net", "xgboost", GaussianNB(), LogisticRegression()]), max_size=5)
)
def test_a_list_keeps_each_contender_once(contenders):
    known, own = names(contenders)
    assert known == [one for one in contenders if isinstance(one, str)]
    assert len(set(own)) == len(own) == len(contenders) - len(known)


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "layers": st.lists(st.integers(1, 99), min_size=1, max_size=3).map(tuple),
            "dropout": st.floats(0, 0.9),
            "lr": st.floats(1e-6, 1.0),
            "epochs": st.integers(1, 99),
            "ntk": st.booleans(),
            "activation": st.sampled_from(["relu", "leaky_relu(slope=0.2)"]),
        },
    ).filter(len)
)
def test_a_mapping_is_a_recipe_like_text(changes):
    recipe = resolve_recipe(changes, NetRecipe())
    assert recipe == parse_recipe(recipe_text(changes), NetRecipe())
    assert all(getattr(recipe, name) == value for name, value in changes.items())
    assert resolve_recipe(recipe, NetRecipe()) == recipe


def test_text_mapping_and_recipe_are_the_same_duel(tmp_path):
    runs = [
        graduel.run_duel(X, Y, contenders=["net"], net=net, out=tmp_path / "run", **OPTIONS)
        for net in ("layers=4 epochs=2", {"layers": (4,), "epochs": 2})
    ]
    assert runs[0].result.contenders == runs[1].result.contenders
    assert runs[0].result.contenders["net"].recipe["layers"] == [4]


def test_a_suite_takes_the_same_recipes():
    plans = [
        plan_suite([open_source("iris")], contenders=["net"], net=net, threads=1)
        for net in ({"layers": (4,), "epochs": 2}, "layers=4 epochs=2")
    ]
    assert plans[0].digest == plans[1].digest
    with pytest.raises(graduel.UserError, match="a key in net must be one of") as error:
        graduel.run_suite(["iris"], net={"layer": 4})
    assert "--" not in str(error.value)
    assert len(extract_tb(error.value.__traceback__)) == 2


def test_only_estimators_of_the_user(tmp_path):
    run = graduel.run_duel(
        X, Y, contenders=[GaussianNB(), LogisticRegression()], out=tmp_path / "run", **OPTIONS
    )
    assert list(run.result.contenders) == ["GaussianNB", "LogisticRegression"]
    assert len(run.result.comparisons) == 1


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_and_in_a_notebook(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert type(make_observer("auto")) is Observer
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(make_observer("auto"), TerminalProgress)
    shell = SimpleNamespace(kernel=None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert isinstance(make_observer("auto"), NotebookProgress)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert isinstance(make_observer("auto"), TerminalProgress)


def test_a_terminal_shows_one_line(monkeypatch, tmp_path):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    graduel.run_duel(
        X,
        Y,
        contenders=[GaussianNB(), "textbook"],
        progress="terminal",
        out=tmp_path / "run",
        **OPTIONS,
    )
    shown = screen.getvalue()
    assert shown.count("\n") == 1
    lines = shown.strip("\n").split("\r")[1:]
    assert all(len(line) < 80 for line in lines)
    assert "fit 1 of 2: textbook network" in lines[0]
    assert lines[-1].startswith("100 %  data: 2 fits in ")


def test_a_notebook_shows_a_bar(monkeypatch):
    shown = []
    handle = SimpleNamespace(update=shown.append)

    def display(html, display_id):
        shown.append(html)
        return handle

    fake = SimpleNamespace(HTML=lambda text: text, display=display)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    progress = NotebookProgress()
    progress.show(0.25, "fit 1 of 2: <b>")
    progress.show(1.0, "2 fits")
    assert len(shown) == 2
    assert '<progress value="0.250"' in shown[0]
    assert "&lt;b&gt;" in shown[0]
