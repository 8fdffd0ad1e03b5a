"""Families of installed packages: the example of docs/contenders.md, and broken packages."""

from __future__ import annotations

import json
import os
import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import graduel
from graduel.cli import main
from graduel.contenders import registry
from graduel.contenders.family import Family
from graduel.data.source import DataSource
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.plan.user_estimators import describe_estimator
from graduel.duel.store.store import Store
from graduel.errors import UserError
from graduel.models.model_file import load_model

MNIST = DataSource.builtin("mnist")
PAGE = Path(__file__).parents[2] / "docs" / "contenders.md"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install one-module packages as pip does: the module and its metadata."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(str(site))
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    modules = []

    def install(package, module, code, points):
        (site / f"{module}.py").write_text(code, encoding="utf-8")
        info = site / f"{package.replace('-', '_')}-0.1.dist-info"
        info.mkdir()
        about = f"Metadata-Version: 2.1\nName: {package}\nVersion: 0.1\n"
        (info / "METADATA").write_text(about, encoding="utf-8")
        lines = "\n".join(f"{name} = {value}" for name, value in points.items())
        (info / "entry_points.txt").write_text(f"[{registry.GROUP}]\n{lines}\n", encoding="utf-8")
        modules.append(module)

    yield install
    for module in modules:
        sys.modules.pop(module, None)


@pytest.fixture
def example(install):
    """Install the example package of the page."""
    page = PAGE.read_text(encoding="utf-8")
    (project,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    about = tomllib.loads(project)["project"]
    install(about["name"], "graduel_extra_trees", code, about["entry-points"][registry.GROUP])


@pytest.fixture
def table(tmp_path):
    """Write a table with numbers, categories and missing values."""
    rng = np.random.default_rng(0)
    n = 150
    y = np.arange(n) % 3
    town = np.array(["Ulm", "Bonn", "Kiel"], object)[(y + rng.integers(2, size=n)) % 3]
    age = 10 * y + rng.normal(20, 6, size=n)
    frame = pl.DataFrame(
        {
            "age": [None if i % 13 == 0 else round(float(v), 1) for i, v in enumerate(age)],
            "size": rng.normal(size=n).round(3),
            "town": list(town),
            "label": [f"class {code}" for code in y],
        }
    )
    path = tmp_path / "table.csv"
    frame.write_csv(path)
    return path


def test_contenders_of_a_package_are_known_by_name(example):
    names = registry.contender_names()
    assert names[-2:] == ["discriminant", "extra-trees"]
    listed = registry.list_contenders()
    assert list(listed)[-2:] == names[-2:]
    family, contender = listed["extra-trees"]
    assert (family.title, contender.title) == ("extra trees", "extra trees")
    with pytest.raises(UserError, match=r"'extra-trees'; got 'extra-tree'\. Did you mean"):
        build_protocol(MNIST, contenders=["extra-tree"])
    with pytest.raises(UserError, match="give yours another name"):
        describe_estimator("extra-trees", object)
    plan = build_protocol(MNIST, contenders=["extra-trees", "net"], threads=1)
    assert list(plan.contenders) == ["net", "extra-trees"]
    assert plan.contenders["extra-trees"]["recipe"]["max_features"] == 0.5
    assert plan.versions["graduel-extra-trees"] == "0.1"


@pytest.mark.processes
def test_a_duel_with_a_package_tunes_saves_and_predicts(example, table, tmp_path, capsys):
    run = graduel.run_duel(
        table,
        target="label",
        contenders=["discriminant", "extra-trees", "xgboost"],
        split="shuffle",
        trials=2,
        quick=True,
        threads=1,
        out=tmp_path / "run",
    )
    assert list(run.result.contenders) == ["xgboost", "discriminant", "extra-trees"]
    for name, entry in run.result.contenders.items():
        assert entry.test_error < 0.4, name
        assert [trial.number for trial in entry.trials[0]] == [0, 1]
    first, second = run.result.contenders["extra-trees"].trials[0]
    assert first.params == {"criterion": "gini", "max_features": 0.5, "min_samples_leaf": 1}
    assert second.params != first.params
    assert run.result.environment.versions["graduel-extra-trees"] == "0.1"
    plan = Protocol.from_dict(json.loads((tmp_path / "run" / "duel.json").read_text()))
    store = Store(tmp_path / "run", plan)
    assert not store.model_path(Cell("extra-trees", 0)).exists()  # its family has no to_model
    path = store.model_path(Cell("discriminant", 0))
    model, outcome = load_model(path), store.read_cell(Cell("discriminant", 0))
    assert model.title == "linear discriminant"
    frame = pl.read_csv(table)
    p = model.predict_proba(frame.drop("label")[store.read_split(0).test])
    np.testing.assert_allclose(p, outcome.probabilities, rtol=1e-4, atol=1e-5)
    assert main(["predict", str(path), str(table)]) == 0
    assert "class 0" in capsys.readouterr().out


def test_cross_validation_with_a_package_resumes(example, table, tmp_path):
    options = {"target": "label", "split": "5x2", "threads": 1, "quick": True}
    names = ["extra-trees", "logistic"]
    run = graduel.run_duel(table, contenders=names, out=tmp_path / "run", **options)
    again = graduel.run_duel(table, contenders=names, out=tmp_path / "run", **options)
    assert len(run.result.contenders["extra-trees"].test_errors) == 10
    assert again.result.contenders == run.result.contenders


@pytest.mark.parametrize(
    ("code", "value", "message"),
    [
        ("import no_such_module_at_all", "broken:FAMILY", "cannot be imported .*no_such_module"),
        ("", "broken:FAMILY", "cannot be imported .*has no attribute 'FAMILY'"),
        ("FAMILY = 3", "broken:FAMILY", r"must be a graduel\.contenders\.family\.Family; .*int"),
        ("NAME = 'other'", "broken:FAMILY", "must have the name of its entry point.*'other'"),
        ("NAME, MORE = 'broken', 'net-2'", "broken:FAMILY", "start with 'broken-'; got 'net-2'"),
    ],
)
def test_a_broken_package_is_named_and_affects_no_duel_without_it(install, code, value, message):
    if "NAME" in code:
        code += """
from graduel.contenders.family import Family, NamedContender
from graduel.contenders.logistic import LogisticRecipe, fit

more = [NamedContender(MORE, "x", None, None)] if "MORE" in globals() else []
FAMILY = Family(NAME, "x", LogisticRecipe, fit, contenders=tuple(more))
"""
    install("graduel-broken", "broken", code, {"broken": value})
    for load in (registry.get_family, lambda name: registry.list_families()):
        with pytest.raises(UserError, match=message) as error:
            load("broken")
        assert "graduel-broken" in str(error.value)
        assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="graduel-broken"):
        build_protocol(MNIST, contenders=["net", "broken"])
    assert main(["duel", "iris", "--contenders", "broken"]) == 2
    assert list(build_protocol(MNIST, threads=1).contenders) == ["textbook", "net", "xgboost"]


FAMILY_CODE = """
from graduel.contenders.family import Family, Requirement
from graduel.contenders.logistic import LogisticRecipe, fit

needs = (Requirement("no_such_module_at_all", "Nothing", "graduel-mine[nothing]"),)
FAMILY = Family({name!r}, "mine", LogisticRecipe, fit, requires=needs)
"""


def test_two_packages_with_the_same_family_name_clash_on_use(install):
    for package, module in (("graduel-a", "family_a"), ("graduel-b", "family_b")):
        install(package, module, FAMILY_CODE.format(name="mine"), {"mine": f"{module}:FAMILY"})
    with pytest.raises(UserError, match=r"graduel-a and graduel-b both provide .*'mine'"):
        registry.get_contender("mine")
    assert registry.get_family("net").name == "net"


def test_a_built_in_name_cannot_be_replaced(install):
    code = FAMILY_CODE.format(name="net-best")
    install("graduel-a", "family_a", code, {"net-best": "family_a:FAMILY"})
    assert registry.get_contender("net-best")[0].name == "net"
    with pytest.raises(UserError, match="graduel-a provides a contender family 'net-best'"):
        registry.list_families()


def test_a_missing_requirement_is_named_with_its_install_command(install):
    install("graduel-a", "family_a", FAMILY_CODE.format(name="mine"), {"mine": "family_a:FAMILY"})
    assert isinstance(registry.get_family("mine"), Family)
    with pytest.raises(UserError, match=r"Nothing is not installed.*'graduel-mine\[nothing\]'"):
        build_protocol(MNIST, contenders=["mine"])
