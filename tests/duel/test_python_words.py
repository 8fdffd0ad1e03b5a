"""Errors in Python: parameters instead of options, short, with the place in a user's code."""

from __future__ import annotations

import ast
import inspect
import re
from dataclasses import fields
from pathlib import Path
from traceback import extract_tb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

import graduel
from graduel.data.spec import SourceSpec
from graduel.duel.run.job import Event
from graduel.errors import (
    LISTS,
    NOT_VALUES,
    UserError,
    WorkerError,
    describe_error,
    python_errors,
    to_parameters,
)
from graduel.train.recipes import NetRecipe

ROOT = Path(graduel.__file__).parent
PARAMETERS = set(inspect.signature(graduel.run_duel).parameters)
ELSEWHERE = ("cli", "web", "contenders/workers", "contenders/sharded")
"""Folders whose errors only the command line shows."""
N = 90
X = np.random.default_rng(0).normal(size=(N, 3))
Y = np.array(["a", "b", "c"])[np.arange(N) % 3]
SMALL = {"quick": True, "threads": 1, "probes": False, "split": "holdout"}


def messages():
    """Return every text in the package with an option of the command line, by file."""
    texts = []
    for path in ROOT.rglob("*.py"):
        where = path.relative_to(ROOT).as_posix()
        if where.startswith(ELSEWHERE) or where == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and "UserError" in ast.dump(node):
                for part in ast.walk(node):
                    if isinstance(part, ast.JoinedStr):
                        texts.append((where, "".join(map(plain, part.values))))
                    elif isinstance(part, ast.Constant) and isinstance(part.value, str):
                        texts.append((where, part.value))
    return [(where, text) for where, text in texts if re.search(r"--[a-z]", text)]


def plain(part):
    return str(part.value) if isinstance(part, ast.Constant) else "rows"


def test_no_message_has_options_in_python():
    texts = messages()
    assert len(texts) > 25
    for where, text in texts:
        if "on the command line: --" in text:  # names both
            continue
        assert "--" not in to_parameters(text), (where, text)


@given(
    option=st.sampled_from(["bins", "target", "drop", "split", "metric", "no-probes"]),
    value=st.sampled_from(["3", "COLUMN", "'a b'", "holdout", "0.5", "x,y"]),
    before=st.sampled_from(["", "Give ", "expected one; got none. Use "]),
    after=st.sampled_from(["", ", or another", ". Leave it out", " to predict ranges"]),
)
def test_an_option_with_its_value_is_an_argument(option, value, before, after):
    text = to_parameters(f"{before}--{option} {value}{after}")
    name = "probes" if option == "no-probes" else option
    assert text.startswith(f"{before}{name}=")
    assert "--" not in text
    assert text.endswith(after)
    if option != "no-probes":
        argument = text.removeprefix(before).removesuffix(after)
        code = ast.parse(f"f({argument})", mode="eval").body
        assert [one.arg for one in code.keywords] == [name]
        assert isinstance(code.keywords[0].value, ast.List) == (name in LISTS)


@given(option=st.sampled_from(["net", "target", "out"]), word=st.sampled_from(sorted(NOT_VALUES)))
def test_an_option_before_a_word_is_a_name(option, word):
    assert to_parameters(f"--{option} {word} x") == f"{option} {word} x"
    assert to_parameters(f"see --{option}.") == f"see {option}."


def test_every_option_of_the_data_is_in_the_signature():
    parts = set(SourceSpec.__dataclass_fields__)
    # `file::part` names a part of a file; test rows in memory are X_test and y_test.
    parts -= {"name", "file", "sha256", "sample", "part", "test_sha256", "n_train"}
    assert parts <= PARAMETERS
    parameters = inspect.signature(graduel.run_duel).parameters.values()
    kinds = {inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY}
    assert {one.kind for one in parameters} <= kinds
    assert inspect.signature(graduel.run_duel).return_annotation == "Run"
    for name in PARAMETERS:
        assert re.search(rf"^    .*\b{name}\b.* : ", graduel.run_duel.__doc__, re.M), name


def test_every_option_of_the_command_is_in_the_signature():
    from graduel.cli.commands.duel import duel

    options = set(inspect.signature(duel).parameters)
    other = {"datasets", "contender", "as_json", "plan_only", "shared", "on_cluster", "no_probes"}
    other |= {"concat", "suite"}  # for several files
    other |= {field.name for field in fields(NetRecipe)}  # net=
    executor = {"on", "tls_ca", "tls_cert", "tls_key", "dashboard"}
    assert options - other - executor <= PARAMETERS


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"net": "layers=0"}, "layers must be a comma-separated list of sizes from 1 to"),
        ({"net": {"layer": (4,)}}, "a key in net must be one of"),
        ({"net": 3}, "net must be text such as 'layers=256,128', a dict"),
        ({"contenders": ["xgboost"], "net": "epochs=1"}, "add it to contenders"),
        ({"split": "given"}, "split='given' needs a data set .*Leave split out"),
        ({"sizes": "auto", "rows": 20}, "sizes='auto' needs more than 20 training rows"),
        ({"progress": "loud"}, "progress must be one of 'auto', 'terminal', 'notebook', 'none'"),
        ({"contenders": 3}, "contenders must be a list of names and classifiers"),
    ],
)
def test_a_mistake_has_a_short_traceback_in_the_words_of_python(options, message):
    with pytest.raises(UserError, match=message) as error:
        graduel.run_duel(X, Y, **(SMALL | options))
    assert "--" not in str(error.value)
    assert len(extract_tb(error.value.__traceback__)) == 2
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"contenders": ["logistic"]}, "or give bins=3 to predict ranges"),
        ({"metric": "error"}, "or give task='classification' if the target is read as"),
        ({"task": "number"}, "task must be one of 'classification', 'regression'; got 'number'"),
        ({"task": "regression", "bins": 3}, "bins makes classes .* task='regression'. Leave one"),
        ({"log_target": True}, "log_target needs a target above 0"),
    ],
)
def test_a_numeric_target_is_explained_with_parameters(options, remedy):
    with pytest.raises(UserError, match=remedy) as error:
        graduel.run_duel(X, X[:, 0], **SMALL, **options)
    assert "--" not in str(error.value)


class Fails(LogisticRegression):
    """A classifier with a mistake in its fit."""

    def fit(self, X, y):
        return self.check(X)

    def check(self, X):
        raise KeyError("height")  # the mistake


def line_of(text):
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return 1 + next(i for i, line in enumerate(lines) if line.endswith(text))


def test_a_contender_that_fails_shows_the_line_of_its_code(tmp_path):
    options = SMALL | {"out": tmp_path / "run"}
    with pytest.raises(UserError, match="Fails: Fails raised KeyError: 'height'") as error:
        graduel.run_duel(X, Y, contenders=[Fails()], **options)
    message = str(error.value)
    assert f"(line {line_of('# the mistake')} of " in message
    assert 'in check: raise KeyError("height")' in message
    assert "\n" not in message


def test_a_run_without_the_contender_that_failed_shows_the_line(tmp_path):
    contenders = [Fails(), GaussianNB(), "textbook"]
    run = graduel.run_duel(X, Y, contenders=contenders, out=tmp_path / "run", **SMALL)
    place = f"(line {line_of('# the mistake')} of "
    assert place in repr(run)
    assert place in run._repr_html_()
    assert len(repr(run).splitlines()) < 10


def test_a_function_that_fails_shows_its_line():
    def make():
        return {}["model"]  # the key

    with pytest.raises(UserError, match=rf"\(line {line_of('# the key')} of .*in make: return"):
        graduel.run_duel(X, Y, contenders={"mine": make}, **SMALL)


@given(depth=st.integers(1, 6), text=st.text(max_size=40))
def test_the_place_is_the_last_line_that_is_not_a_librarys(depth, text):
    def fail(n):
        if n:
            return fail(n - 1)
        return np.linalg.inv(np.ones((2, 3)), text)  # in NumPy

    try:
        fail(depth)
    except Exception as error:
        line = describe_error(error)
    assert f"(line {line_of('# in NumPy')} of " in line
    assert line.count("\n") == 0


def test_other_errors_pass():
    @python_errors
    def divide(n):
        return 1 / n

    assert divide(2) == 0.5
    with pytest.raises(ZeroDivisionError):
        divide(0)


def test_a_dead_worker_has_a_short_traceback():
    class Dies:
        """An executor whose worker process dies."""

        slots, threads = 1, None

        def run(self, jobs):
            for job in jobs:
                yield Event(job.cell, "failed", message="the worker process died", died=True)

    with pytest.raises(WorkerError, match="worker process died") as error:
        graduel.run_duel(X, Y, contenders=["textbook"], executor=Dies(), **SMALL)
    assert len(extract_tb(error.value.__traceback__)) == 2
    assert error.value.__cause__ is None


def test_notices_of_a_run_name_parameters_in_python_and_options_in_the_folder(tmp_path):
    table = tmp_path / "table.csv"
    lines = [f"{i % 3};{i},5;{'ab'[i % 2]};{'ab'[i % 2]}" for i in range(2 * N)]
    table.write_text("\n".join(["n;id_number;copy;y", *lines]), encoding="utf-8")
    options = SMALL | {"contenders": ["textbook"], "out": tmp_path / "run"}
    run = graduel.run_duel(table, target="y", **options)
    texts = [one.message for one in run.result.dataset.warnings]
    texts += [*run.result.dataset.notes, *(one.reason for one in run.result.dataset.set_aside)]
    assert "drop=['copy']" in "\n".join(texts)
    assert "decimal to change" in "\n".join(texts)
    assert "--" not in "\n".join(texts)
    assert graduel.load_run(run.path).result == run.result
    assert "drop=[" in run.report(tmp_path / "python.html").read_text(encoding="utf-8")
    folder = (run.path / "result.json").read_text(encoding="utf-8")
    assert "--drop copy" in folder
    assert "drop=[" not in folder


def test_a_word_for_a_header_is_a_boolean():
    assert to_parameters("(--header no to change)") == "(header=False to change)"
    assert to_parameters("(--header yes to change)") == "(header=True to change)"
