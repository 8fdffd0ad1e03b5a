"""Properties of each built-in contender family."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import FrozenInstanceError, fields, is_dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

import graduel
from graduel.contenders import registry
from graduel.contenders.contender import Budget, LabelledRows
from graduel.contenders.family import Family, FamilyContender, Recipes, TableTraits
from graduel.contenders.logistic import LogisticRecipe
from graduel.errors import UserError

SOURCE = Path(graduel.__file__).parent
OWN = [*registry.BUILT_IN, registry.USER]


@pytest.mark.parametrize("name", OWN)
def test_a_family_matches_the_registry(name):
    family = registry.get_family(name)
    assert family.name == name
    assert is_dataclass(family.recipe)
    if name != registry.USER:
        assert tuple(one.name for one in family.contenders) == registry.BUILT_IN[name][1]
        assert family.contenders[0].title == family.title
        assert set(family.space.of(image=False)) <= {one.name for one in fields(family.recipe)}
        assert set(family.space.lengths) <= set(family.space.table)
    for package in family.deciding_packages:
        assert version(package)
    with pytest.raises(FrozenInstanceError):
        family.title = "another"


def test_a_recipe_survives_the_round_trip_through_a_plan():
    for name, (family, contender) in registry.list_contenders().items():
        for table in (None, TableTraits(300), TableTraits(10**5, 40, vector_leaves=True)):
            for recipe in contender.recipes(table) or ():
                plain = {k: list(v) if isinstance(v, tuple) else v for k, v in vars_of(recipe)}
                assert family.parse_recipe(plain) == recipe, name


def vars_of(recipe):
    return [(one.name, getattr(recipe, one.name)) for one in fields(recipe)]


def test_default_contenders():
    assert registry.default_contenders() == ["textbook", "net", "xgboost"]


@pytest.mark.parametrize("is_stochastic", [True, False])
def test_a_family_that_is_not_stochastic_draws_the_same_numbers_with_any_seed(is_stochastic):
    def fit(recipe, job):
        yield from ()
        return job.draw_seed()

    family = Family("mine", "mine", LogisticRecipe, fit, is_stochastic=is_stochastic)
    rows = LabelledRows(np.zeros((2, 1)), np.arange(2), 2)
    numbers = set()
    for seed in range(3):
        fitting = FamilyContender(family, LogisticRecipe(), "mine").fit(
            rows, rows, rng=np.random.default_rng(seed), budget=Budget(1), notify=lambda _: None
        )
        with pytest.raises(StopIteration) as end:
            next(fitting)
        numbers.add(end.value.value)
    assert len(numbers) == (3 if is_stochastic else 1)


@pytest.mark.parametrize(
    ("options", "images", "tables"),
    [
        ({}, LogisticRecipe(), LogisticRecipe()),
        ({"images": Recipes(LogisticRecipe(2), LogisticRecipe(3))}, LogisticRecipe(2), None),
        ({"tables": Recipes(LogisticRecipe(2), LogisticRecipe(3))}, None, LogisticRecipe(2)),
    ],
)
def test_a_family_names_one_contender_after_itself(options, images, tables):
    (contender,) = Family("mine", "My", LogisticRecipe, lambda *_: None, **options).contenders
    assert (contender.name, contender.title, contender.default) == ("mine", "My", False)
    recipes = contender.recipes(None), contender.recipes(TableTraits(100))
    assert [one and one.full for one in recipes] == [images, tables]


def test_an_unknown_family_is_refused_with_a_suggestion():
    with pytest.raises(UserError, match=r"contender family must be .*Did you mean 'xgboost'\?"):
        registry.get_family("xgbost")


def test_a_family_without_contenders_gets_one_with_its_name():
    logistic = registry.get_family("logistic")
    (only,) = Family("mine", "my title", logistic.recipe, logistic.fit).contenders
    assert (only.name, only.title, only.default) == ("mine", "my title", False)
    assert only.recipes(None) == only.recipes(TableTraits(5))
    assert only.recipes(None).full == logistic.recipe()


@pytest.mark.parametrize("name", OWN)
def test_a_process_that_uses_a_family_imports_no_other(name):
    code = (
        f"import sys; from graduel.contenders import get_family; get_family({name!r});"
        "print(*sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(out.stdout.split())
    modules = {f"graduel.contenders.{module}" for module, _ in registry.BUILT_IN.values()}
    module = registry.BUILT_IN.get(name, ("user_estimator",))[0]
    assert loaded & modules <= {f"graduel.contenders.{module}"}
    assert not loaded & {
        "xgboost",
        "lightgbm",
        "catboost",
        "sklearn",
        "optuna",
        "graduel.models.model",
    }


@pytest.mark.parametrize("name", ["lightgbm", "catboost"])
def test_a_family_is_defined_in_one_file(name):
    files = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if re.search(name, path.read_text(encoding="utf-8"), re.IGNORECASE)
    }
    saved_form = "models/library_model.py"
    assert files == {f"contenders/{name}.py", "contenders/registry.py", saved_form}
