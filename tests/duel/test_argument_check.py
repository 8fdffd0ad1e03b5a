"""Arguments of the Python entry points with other types and names."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier

import graduel
from graduel.duel.argument_check import SYNONYMS, check_arguments, suggest_name
from graduel.duel.verdict.predictions import compare_predictions
from graduel.duel.verdict.scores import compare_scores
from graduel.errors import UserError

X, Y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
RUN_DUEL = graduel.run_duel.__wrapped__.__wrapped__
HINTS = get_type_hints(RUN_DUEL)
SCALARS = {str: "3", int: 3, float: 0.5, bool: True}
NAMES = [n for n in HINTS if n not in ("return", "progress", "contenders", "executor", "positive")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rope": "0.01"}, "rope must be a number; got '0.01'"),
        ({"split": RandomForestClassifier()}, "split must be a whole number or text; got RandomF"),
        ({"sizes": 100}, "sizes must be text or a list; got 100"),
        ({"bins": "3"}, "bins must be a whole number; got '3'"),
        ({"group": np.arange(20)}, "group must be text; got ndarray"),
        ({"metric": max}, "metric must be text; got builtin_function_or_method"),
        ({"out": 3}, "out must be text or a path; got 3"),
        ({"contenders": RandomForestClassifier()}, "contenders must be a list of names and cl"),
    ],
)
def test_an_argument_of_another_type_is_named(options, message):
    with pytest.raises(UserError, match=message):
        graduel.run_duel(X, Y, **options)
    if not options.keys() & {"sizes", "out"}:
        with pytest.raises(UserError, match=message):
            graduel.run_suite(["iris"], **options)


@given(st.sampled_from(NAMES), st.sampled_from(sorted(SCALARS, key=str)), st.booleans())
def test_each_parameter_takes_the_types_of_its_hint_alone(name, kind, is_object):
    value = object() if is_object else SCALARS[kind]
    hint = str(HINTS[name])
    kinds = get_args(HINTS[name]) or (HINTS[name],)
    takes = kind in kinds or (kind is int and float in kinds)
    takes = takes and get_origin(HINTS[name]) is not tuple
    if "Literal" in hint:
        with pytest.raises(UserError, match=f"^{name} must be one of '.*; got "):
            check_arguments(RUN_DUEL, {name: value})
    elif any(word in hint for word in ("Any", "object", "NetRecipe")):
        check_arguments(RUN_DUEL, {name: value})
    elif is_object or not takes:
        with pytest.raises(UserError, match=f"^{name} must be .*; got "):
            check_arguments(RUN_DUEL, {name: value})
    else:
        check_arguments(RUN_DUEL, {name: value})


def test_numbers_and_lists_of_numpy_and_paths_are_accepted():
    sizes, out = np.array([5, 10]), Path("x")
    options = {"sizes": sizes, "seeds": np.int64(2), "rope": np.float32(0.01), "out": out}
    check_arguments(
        RUN_DUEL, options | {"probes": np.bool_(True), "drop": ("a", "b"), "rows": None}
    )


def test_a_number_of_folds_is_a_split(tmp_path):
    options = {"quick": True, "threads": 1, "probes": False, "out": tmp_path / "run"}
    run = graduel.run_duel("iris", split=3, contenders=["textbook"], **options)
    assert run.result.protocol.split == "3x1"


@pytest.mark.parametrize(
    ("function", "options", "message"),
    [
        (graduel.run_duel, {"cv": 5}, r"run_duel\(\) has no parameter 'cv'. Did you mean 'split'"),
        (graduel.run_duel, {"scoring": "f1"}, "no parameter 'scoring'. Did you mean 'metric'?"),
        (graduel.run_duel, {"zzz": 1}, "no parameter 'zzz'$"),
        (graduel.run_suite, {"contender": []}, "run_suite.. has no parameter 'contender'. Did you"),
    ],
)
def test_an_unknown_parameter_is_named_with_a_suggestion(function, options, message):
    with pytest.raises(TypeError, match=message):
        function("iris", **options)


def test_synonyms_are_no_parameters_and_mean_parameters():
    parameters = set(inspect.signature(graduel.run_duel).parameters)
    assert set(SYNONYMS.values()) <= parameters
    assert set(SYNONYMS) & parameters <= {"y"}  # the labels in Python, an option elsewhere
    assert suggest_name("hidden_layer_sizes", ["layers", "lr"]) == ". Did you mean 'layers'?"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compare_predictions(Y, Y, Y, rope="0.1"), "rope must be a number; got '0.1'"),
        (lambda: compare_predictions(Y, Y, Y, metric=max), "metric must be a name such as"),
        (lambda: compare_predictions(Y, Y, Y, names=list("abc")), "names must be two names"),
        (lambda: compare_scores([0.5, 1], [0.5, 1], names="a,b"), "names must be two names"),
        (lambda: compare_scores([0.5, 1], [0.5, 1], n_rows="9"), "n_rows must be a whole number"),
        (lambda: compare_scores([0.5, 1], [0.5, 1], n_rows=9, metric=max), "metric must be text"),
    ],
)
def test_arguments_of_a_comparison_are_checked(call, message):
    with pytest.raises(UserError, match=message):
        call()
