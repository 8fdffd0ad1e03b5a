"""Experiments: parsing of variants, the plan, the shared random numbers, the report."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.data.source import DataSource
from graduel.duel.plan.experiment import MAX_VARIANTS, parse_variants, plan_experiment
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.result.result_builder import build_result, load_run
from graduel.duel.run.cell_runs import run_cells
from graduel.duel.store.store import open_store
from graduel.errors import UserError
from graduel.number_format import format_percent
from graduel.report import training_curves, write_experiment
from graduel.report.experiment import build_table

MNIST = DataSource.builtin("mnist")
NET = "layers=12 epochs=2 batch_size=32 lr=0.01"


def test_a_variant_for_each_combination():
    p = plan_experiment(
        MNIST,
        vary=["activation=relu,leaky_relu(slope=0.2)", "layers=32|32,16"],
        net="epochs=2",
        threads=1,
    )
    assert list(p.contenders) == [
        "01-relu-32",
        "02-relu-32-16",
        "03-leaky-relu-slope-0.2-32",
        "04-leaky-relu-slope-0.2-32-16",
    ]
    last = p.contenders["04-leaky-relu-slope-0.2-32-16"]
    assert last["title"] == "leaky_relu(slope=0.2), 32,16"
    assert last["recipe"]["layers"] == [32, 16]
    assert last["recipe"]["epochs"] == 2
    assert list(p.varies) == ["activation", "layers"]
    assert Protocol.from_dict(json.loads(json.dumps(p.as_dict()))).as_dict() == p.as_dict()


def test_variants_share_their_random_numbers():
    p = plan_experiment(MNIST, vary=["lr=0.1,0.2"], seeds=2, threads=1)
    a, b, c, d = p.cells()
    assert a.rng().random() == c.rng().random() != b.rng().random() == d.rng().random()
    assert a.rng().random() != Cell(a.contender, 0).rng().random()


def test_each_optimizer_variant_has_its_own_default_learning_rate():
    p = plan_experiment(MNIST, vary=["optimizer=sgd,adam,lion"], threads=1)
    assert [c["recipe"]["lr"] for c in p.contenders.values()] == [0.1, 0.001, 0.0001]
    p = plan_experiment(MNIST, vary=["optimizer=sgd,adam"], net="lr=0.3", threads=1)
    assert [c["recipe"]["lr"] for c in p.contenders.values()] == [0.3, 0.3]


@pytest.mark.parametrize(
    ("vary", "net", "message"),
    [
        ([], None, "--vary must have a key and values"),
        (["activation"], None, "--vary must be key=value,value"),
        (["activation=relu"], None, "at least two values"),
        (["activation=relu,relu"], None, "all different"),
        (["activation=relu,rleu"], None, r"Did you mean 'relu'\?"),
        (["activatoin=relu,tanh"], None, r"a key in --vary .*Did you mean 'activation'\?"),
        (["lr=1,2", "lr=2,3"], None, "all different"),
        (["lr=1,2"], "lr=3", "in --net and in --vary"),
        (["lr=" + ",".join(str(i + 1) for i in range(MAX_VARIANTS + 1))], None, "at most 24"),
        (["lr=1,-2"], None, "lr in --net must be a number above 0"),
        (["layers=conv4,pool4"], None, "list of sizes from 1"),
        (["layers=64,conv4"], "layers=3", "in --net and in --vary"),
        (["layers=maxpool99|64"], None, "no larger than the images"),
        (["lr=1e-3,0.001"], None, "two variants are the same network: 1e-3 and 0.001"),
    ],
)
def test_invalid_experiments_are_refused(vary, net, message):
    with pytest.raises(UserError, match=message):
        plan_experiment(MNIST, vary=vary, net=net, threads=1)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text("lrdeoputay=,|()0.1", max_size=20), max_size=3))
def test_any_text_is_parsed_or_raises_a_user_error(texts):
    try:
        variants = parse_variants(texts)
    except UserError:
        return
    assert all(len(values) > 1 for values in variants.values())


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """A finished experiment of two variants and two seeds."""
    folder = tmp_path_factory.mktemp("experiment") / "run"
    p = plan_experiment(
        MNIST, vary=["activation=relu,sigmoid"], net=NET, rows=300, seeds=2, threads=1
    )
    with open_store(folder, p) as store:
        events = [event.kind for event in run_cells(store)]
        run = build_result(store, 'graduel experiment mnist --vary "activation=relu,sigmoid"')
    assert events.count("finished") == 4
    return run


def test_an_experiment_has_verdicts_a_table_and_a_plot(experiment):
    result = experiment.result
    assert result.protocol.varies == ("activation",)
    assert len(result.comparisons) == 1
    assert result.claims == ()
    table = build_table(experiment)
    assert table.head[:3] == ("activation", "Test error", "SD over seeds")
    assert [row[0] for row in table.rows] == ["relu", "sigmoid"]
    errors = result.contenders["01-relu"].test_errors
    assert table.rows[0][1] == format_percent(np.mean(errors), 2)
    assert table.rows[0][2] == f"± {format_percent(np.std(errors, ddof=1), 2)}"
    assert {row[-1] for row in table.rows} <= {"best", "worse", "undecided", "practically equal"}
    picture = write_experiment(experiment)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    text = (picture.parent / "experiment.md").read_text(encoding="utf-8")
    assert text.startswith("`graduel experiment mnist")
    assert text.count("|\n") == 4


def test_the_plot_shows_every_epoch_of_every_seed(experiment):
    axes = training_curves(experiment).axes[0]
    lines = [line for line in axes.get_lines() if line.get_label() in experiment.curve_points]
    assert len(lines) == 4
    for line in lines:
        np.testing.assert_array_equal(line.get_xdata(), [1, 2])


def test_a_finished_experiment_can_be_loaded(experiment):
    again = load_run(experiment.path)
    assert again.result == experiment.result
    for name, curves in experiment.curve_points.items():
        assert again.curve_points[name] == curves
