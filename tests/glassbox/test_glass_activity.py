"""Layer statistics over a batch: histograms, dead units, saturated units."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from table_glass import image_network, networks

from graduel.errors import UserError
from graduel.glassbox import backward, measure_activity
from graduel.glassbox.network.activity import count_bins
from graduel.nn import Dense, Network, ReLU, Sigmoid, Tanh


@settings(max_examples=30, deadline=None)
@given(networks(), st.integers(1, 9))
def test_statistics_equal_the_engines_values(case, n):
    net, weights, _, _ = case
    rng = np.random.default_rng(n)
    X, y = rng.normal(size=(n, *net.input_shape)), rng.integers(3, size=n)
    activity = measure_activity(net, weights, X, y)
    outputs = net.trace(X, weights)
    for layer in activity.layers:
        output = outputs[layer.place.path]
        assert layer.mean == pytest.approx(output.mean(), abs=1e-12)
        assert layer.std == pytest.approx(output.std(), abs=1e-12)
        assert layer.outputs.counts.sum() == output.size
        assert layer.gradients.counts.sum() == output.size
        assert layer.zeros == np.mean(output == 0)
    # The mean gradient of the batch is the mean of its rows' gradients.
    by_row = [backward(net, weights, X[i], int(y[i])) for i in range(n)]
    if getattr(net.loss, "class_weight", None) is None:
        assert activity.loss == pytest.approx(np.mean([one.loss for one in by_row]))
        for layer in activity.layers:
            for name, norm in layer.gradient_norms.items():
                rows = [one.layer(layer.place.path).gradients[name] for one in by_row]
                assert norm == pytest.approx(np.linalg.norm(np.mean(rows, axis=0)), abs=1e-12)
    last = np.stack([one.dz for one in by_row])
    if getattr(net.loss, "class_weight", None) is None:
        assert activity.layers[-1].gradient_std == pytest.approx(last.std())


def test_units_with_zero_output_for_every_row_are_dead():
    net = Network((Dense(6), ReLU(), Dense(4), ReLU(), Dense(3)), (5,), dtype="float64")
    rng = np.random.default_rng(0)
    weights = net.init(rng)
    net.layout["0.b"].view(weights.theta)[[1, 4]] = -100
    net.layout["2.b"].view(weights.theta)[2] = -100
    activity = measure_activity(net, weights, rng.normal(size=(200, 5)))
    assert [layer.dead for layer in activity.layers] == [(), (1, 4), (), (2,), ()]
    assert activity.dead == 3
    assert activity.loss is None
    assert activity.layers[0].gradients is None


def test_channels_with_zero_output_everywhere_are_dead():
    net, weights, _ = image_network(np.random.default_rng(0))
    net.layout["1.b"].view(weights.theta)[1] = -100
    activity = measure_activity(net, weights, np.random.default_rng(1).random((20, 112)))
    assert {layer.place.path: layer.dead for layer in activity.layers}["2"] == (1,)


def test_saturation_is_reported_for_tanh_and_sigmoid():
    net = Network((Dense(4), Tanh(), Dense(4), Sigmoid(), Dense(3)), (2,), dtype="float64")
    weights = net.init(np.random.default_rng(0))
    net.layout["0.b"].view(weights.theta)[...] = [50, -50, 0, 0]
    net.layout["2.b"].view(weights.theta)[...] = [50, -50, -50, 0]
    activity = measure_activity(net, weights, np.full((10, 2), 1e-3))
    assert [layer.saturated for layer in activity.layers] == [0, 0.5, 0, 0.75, 0]


@settings(deadline=None)
@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=40),
    st.integers(1, 20),
)
def test_a_histogram_counts_every_finite_number(values, bins):
    result = count_bins(values, bins)
    assert result.counts.sum() == np.isfinite(np.array(values, float)).sum()
    assert len(result.edges) == bins + 1
    assert (np.diff(result.edges) > 0).all()
    assert count_bins(values, bins, (-1, 1)).counts.sum() == result.counts.sum()


def test_results_are_plain_data():
    net, weights, _ = image_network(np.random.default_rng(0))
    rng = np.random.default_rng(1)
    activity = measure_activity(
        net, weights, rng.random((20, 112)), rng.integers(3, size=20), bins=7
    )
    data = json.loads(json.dumps(activity.as_dict(), allow_nan=False))
    assert len(data["layers"][1]["gradient_sizes"]["counts"]) == 7
    assert data["layers"][1]["gradient_norms"].keys() == {"W", "b"}


@pytest.mark.parametrize("X", [np.zeros((0, 5)), np.zeros((3, 4)), np.zeros(5)])
def test_invalid_rows_are_rejected(X):
    net = Network((Dense(3),), (5,))
    with pytest.raises(UserError, match="X must have shape"):
        measure_activity(net, net.init(np.random.default_rng(0)), X)
