from __future__ import annotations

from dataclasses import MISSING, fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graduel import nn
from graduel.nn import Conv2D, Dense, EnsembleDense, Network, ReLU, Residual, SoftmaxCrossEntropy
from graduel.nn.check import check_gradients
from graduel.nn.textbook import initialize
from graduel.train import Fit, Rows

LAYERS = [
    one
    for one in map(vars(nn).get, nn.layers.__all__)
    if hasattr(one, "plan") and is_dataclass(one)
]
LOSSES = [
    one
    for one in map(vars(nn).get, nn.losses.__all__)
    if isinstance(one, type) and is_dataclass(one)
]


def needs_values(kind: type) -> bool:
    return any(f.default is MISSING and f.default_factory is MISSING for f in fields(kind))


@pytest.mark.parametrize("kind", LAYERS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("as_text", [False, True])
def test_a_class_or_name_of_a_layer_is_answered_by_what_to_write(kind: type, as_text) -> None:
    wrong = kind.__name__.lower() if as_text else kind
    for build in (lambda: Network((Dense(5), wrong), (4,)), lambda: Residual((wrong,)).plan((4,))):
        with pytest.raises(
            TypeError, match=rf"^layer \d must be an object; .*Write {kind.__name__}\("
        ):
            build()
    with pytest.raises(TypeError) as caught:
        Network((Dense(5), wrong), (4,))
    assert str(caught.value).endswith("()") != needs_values(kind)


@pytest.mark.parametrize("kind", [one for one in LOSSES if hasattr(one, "value_and_gradient")])
def test_a_class_or_name_of_a_loss_is_answered_by_what_to_write(kind: type) -> None:
    for wrong in (kind, kind.__name__, kind.__name__.upper()):
        with pytest.raises(TypeError, match=rf"^loss must be an object; .*Write {kind.__name__}\("):
            Network((Dense(5),), (4,), loss=wrong)


def test_other_arguments_are_answered_in_one_sentence() -> None:
    cases = {
        "layers must be a sequence of layers; got Dense(…). Write (Dense(…),)": (Dense(5), (4,)),
        "layers must be a sequence of layers; got the text 'relu'. Write (Dense(10), ReLU())": (
            "relu",
            (4,),
        ),
        "input_shape must be a tuple; got 4. Write (4,)": ((Dense(5),), 4),
        "input_shape must be a tuple of integers such as (4,), the shape of one example; "
        "got (4.0,)": ((Dense(5),), (4.0,)),
        "input_shape must be a tuple of integers such as (4,), the shape of one example; "
        "got None": ((Dense(5),), None),
    }
    for message, arguments in cases.items():
        with pytest.raises(TypeError) as caught:
            Network(*arguments)
        assert str(caught.value) == message
    with pytest.raises(
        TypeError, match=r"^loss .* such as .*SoftmaxCrossEntropy.*; got the text 'mse'"
    ):
        Network((Dense(5),), (4,), loss="mse")
    with pytest.raises(TypeError, match=r"^layer 0 must be .*Dense.*; got 5$"):
        Network((5,), (4,))


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.lists(st.integers())))
def test_whatever_is_no_layer_is_a_type_error(value) -> None:
    for arguments in (((value,), (4,)), ((Dense(5),), (4,), value)):
        with pytest.raises(TypeError, match="must be"):
            Network(*arguments)


def test_lists_and_numpy_integers_are_accepted() -> None:
    net = Network([Dense(5), ReLU()], [np.int64(4)])
    assert net == Network((Dense(5), ReLU()), (4,))
    assert type(net.input_shape[0]) is int


def test_a_seed_is_taken_wherever_a_generator_is() -> None:
    net, X = Network((Dense(3),), (4,), SoftmaxCrossEntropy(), "float64"), np.ones((6, 4))
    y = np.arange(6) % 3
    generator = np.random.default_rng
    np.testing.assert_array_equal(net.init(7).theta, net.init(generator(7)).theta)
    assert check_gradients(net, X, y, rng=7) == check_gradients(net, X, y, rng=generator(7))
    np.testing.assert_array_equal(
        initialize([3, 2], 7)[0][0], initialize([3, 2], generator(7))[0][0]
    )


@pytest.mark.parametrize("X", [np.eye(6), np.eye(6, dtype=np.uint8) * 255, np.eye(6).tolist()])
def test_a_fit_takes_arrays(X) -> None:
    net, y = Network((Dense(2),), (6,)), [0, 1, 0, 1, 1, 0]
    plain, rows = (
        Fit(net, X, y, rng=3),
        Fit(net, Rows(np.eye(6, dtype="f")), np.array(y), rng=np.random.default_rng(3)),
    )
    for fit in (plain, rows):
        for _ in fit.fit_steps():
            pass
    np.testing.assert_allclose(plain.weights.theta, rows.weights.theta, rtol=1e-6)


@pytest.mark.parametrize("value", ["5", 5.0, 0, None])
@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Dense, "units"),
        (Conv2D, "filters"),
        (lambda units: EnsembleDense(units, members=2), "units"),
        (lambda members: EnsembleDense(3, members=members), "members"),
    ],
)
def test_a_size_is_an_integer(layer, name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be a positive integer; got {value!r}$"):
        layer(value)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lr": "0.1"}, ValueError, "lr must be positive; got '0.1'"),
        ({"epochs": None}, ValueError, "epochs must be positive; got None"),
        (
            {"optimizer": "adam"},
            TypeError,
            r"optimizer must be an object such as AdamW\(\); got 'ad",
        ),
    ],
)
def test_a_text_is_no_rate_and_no_optimizer(options, error, message):
    with pytest.raises(error, match=message):
        Fit(Network((Dense(2),), (2,)), np.ones((4, 2)), np.zeros(4, int), rng=0, **options)
