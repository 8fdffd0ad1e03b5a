"""The glass box with layers for tables and with ensembles."""

from __future__ import annotations

import numpy as np
import pytest

from graduel.errors import UserError
from graduel.glassbox.network.activity import measure_activity
from graduel.glassbox.network.adversarial import attack_example
from graduel.glassbox.network.backward_pass import backward
from graduel.glassbox.network.forward_pass import forward
from graduel.glassbox.network.gradient_step import step
from graduel.glassbox.network.layer_info import list_layers
from graduel.glassbox.network.neuron import explain_gradients, explain_neuron
from graduel.glassbox.network.saliency import compute_saliency
from graduel.glassbox.network.weight_edit import ablate_units, set_weight
from graduel.nn import (
    PBLD,
    BinaryCrossEntropy,
    Columns,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Flatten,
    Network,
    NTKDense,
    Parametric,
    Residual,
    Scale,
    Signs,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
)


def table_network():
    """Return a network with every layer for tables, its weights and an example."""
    rng = np.random.default_rng(0)
    layers = (
        *(Columns(3, (4,)), PBLD(columns=(0, 2)), Scale(), NTKDense(6), Parametric()),
        *(Dropout(0.2, scheduled=True), NTKDense(5), Parametric(), NTKDense(3)),
    )
    net = Network(layers, (4,), dtype="float64")
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.1, weights.theta.shape)
    return net, weights, np.array([0.5, -1.0, 2.0, 3])


def test_every_layer_has_a_kind_and_an_equation():
    net, _, _ = table_network()
    row = [place for place in list_layers(net) if "." not in place.path]
    assert [place.kind for place in row] == [
        *("embedding", "embedding", "scale", "dense", "activation", "dropout"),
        *("dense", "activation", "dense"),
    ]
    assert [place.number for place in row if place.number] == [1, 2, 3]
    assert row[3].forward.text == "Z₁ = W₁ A₀ / √n + b₁, n the length of A₀"
    assert row[4].forward.text.startswith("y = x + α (f(x) − x)")
    assert row[1].backward
    members = Network((EnsembleDense(3, 2), EnsembleOutput(2, 2), Flatten(), Dense(3)), (4,))
    assert [place.kind for place in list_layers(members)] == ["dense", "dense", "shape", "dense"]


@pytest.mark.parametrize("layer", [1, 2, 3])
def test_terms_of_scaled_sums_forward_and_backward(layer):
    net, weights, x = table_network()
    explanation = backward(net, weights, x, 1)
    one = explain_neuron(net, weights, x, layer, 2, top=100)
    assert sum(t.product for t in one.terms) + one.bias == pytest.approx(one.z)
    assert all(t.product == pytest.approx(t.x * t.w) for t in one.terms)
    row = explain_gradients(net, explanation, layer, 2, top=100)
    assert all(t.product == pytest.approx(t.x * t.w) for t in row.terms)
    assert step(net, weights, x, 1, lr=1e-3).helped
    assert one.equation.number is None


def test_other_functions_support_table_layers():
    net, weights, x = table_network()
    explanation = forward(net, weights, x)
    assert [column.number for column in explanation.columns] == [0, 1, 2, 3]
    assert len(explanation.columns[0].a) == 3 + 4 + 2 * 3
    gradient, h = compute_saliency(net, weights, x, 1).gradient, 1e-6
    for j in range(3):
        moved = x.copy()
        moved[j] += h
        change = (forward(net, weights, moved).raw[1] - explanation.raw[1]) / h
        assert gradient[j] == pytest.approx(change, rel=1e-3, abs=1e-6)
    result = measure_activity(net, weights, np.array([x, x]), np.array([0, 1]))
    assert len(result.layers) == len(net.layers)
    ablated = ablate_units(net, weights, 1, range(6))
    assert not np.array_equal(ablated.theta, weights.theta)
    assert set_weight(net, weights, 1, 0, 0, 1.0).theta is not weights.theta
    with pytest.raises(UserError, match="layer must be a dense layer; got PBLD"):
        set_weight(net, weights, "1", 0, 0, 1.0)


def test_a_network_without_numbered_layers_is_supported():
    net = Network((Residual((Dense(3),)),), (3,), dtype="float64")
    weights = net.init(np.random.default_rng(0))
    explanation = backward(net, weights, [1.0, 2, 3], 0)
    assert len(explanation.forward.columns) == 1


def ensemble_network(loss, scaled):
    """Return an ensemble network of three members, its weights and an example."""
    rng = np.random.default_rng(1)
    layers = (
        *(PBLD(), EnsembleDense(4, 3, adapter=Signs(), scaled=scaled), Parametric(Tanh())),
        *(EnsembleDense(5, 3, scaled=scaled), Tanh(), EnsembleOutput(2, 3, scaled=scaled)),
    )
    net = Network(layers, (3,), EnsembleMean(loss), "float64")
    weights = net.init(rng)
    weights.theta += rng.normal(0, 0.3, weights.theta.shape)
    return net, weights, rng.normal(size=3)


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("loss", [SoftmaxCrossEntropy(0.1), BinaryCrossEntropy(), SquaredError()])
def test_ensembles_forward_and_backward(loss, scaled):
    net, weights, x = ensemble_network(loss, scaled)
    explanation = backward(net, weights, x, 1, classes=("no", "yes"))
    np.testing.assert_allclose(
        explanation.forward.predictions, net.predict(x[np.newaxis], weights)[0]
    )
    assert [column.number for column in explanation.forward.columns] == [0, 1, 2, 3]
    assert explanation.forward.columns[-1].names == ("no", "yes")
    assert explanation.forward.columns[-1].a.shape == (2,)
    assert explanation.dz.shape == (3, 2)
    assert explanation.target.shape == (2,)
    # Each member has its own dZ, divided by the number of members.
    each = loss.link(explanation.forward.raw.copy()) - explanation.target
    np.testing.assert_allclose(explanation.dz, each / 3, atol=1e-12)
    assert step(net, weights, x, 1, lr=1e-3).helped
    for layer, units in ((1, 12), (2, 15), (3, 6)):
        for unit in range(units):
            one = explain_neuron(
                net, weights, x, layer, unit, top=100, forward_pass=explanation.forward
            )
            total = sum(term.product for term in one.terms) + one.bias
            assert total == pytest.approx(one.z)
            inputs = explanation.forward.layer(one.place.path).input.reshape(-1)
            assert all(term.x == inputs[term.index] for term in one.terms)
    assert one.equation.text.startswith("Z₃[2, 1] = Σᵢ W₃[2, 1, i]")
    with pytest.raises(UserError, match="layer must be a dense layer"):
        explain_gradients(net, explanation, 1, 0)
    assert [place.kind for place in list_layers(net) if place.number] == ["dense"] * 3


def test_other_functions_support_ensembles():
    net, weights, x = ensemble_network(SoftmaxCrossEntropy(), True)
    result, h = compute_saliency(net, weights, x, 1), 1e-6
    for j in range(3):
        moved = x.copy()
        moved[j] += h
        change = compute_saliency(net, weights, moved, 1).z - result.z
        assert result.gradient[j] == pytest.approx(change / h, rel=1e-3, abs=1e-5)
    assert result.z == pytest.approx(forward(net, weights, x).raw[:, 1].mean())
    with pytest.raises(UserError, match="output must be from 0 to 1; got 2"):
        compute_saliency(net, weights, x, 2)
    with pytest.raises(UserError, match="label must be a class code from 0 to 1; got 2"):
        backward(net, weights, x, 2)
    assert len(measure_activity(net, weights, np.array([x, x]), np.array([0, 1])).layers) == 6
    ablated = ablate_units(net, weights, 2, [0, 3])
    W = net.layout["5.W"].view(ablated.theta)
    assert not W[:, [0, 3]].any()
    assert W[:, 1].all()
    result = attack_example(
        net, weights, x, 1, 0.01, {"net": lambda X: net.predict(X, weights)}, bounds=None
    )
    assert result.outcomes["net"].after[1] < result.outcomes["net"].before[1]
