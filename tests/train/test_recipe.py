"""From recipes to networks and their training."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graduel.errors import UserError
from graduel.nn import (
    GELU,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LeakyReLU,
    MaxPool2D,
    Network,
    Noise,
    ReLU,
    Reshape,
    Tanh,
)
from graduel.optim import SGD, Adam, AdamW, ByRole, ClipNorm, Decay, MaxNorm, WarmUp
from graduel.train.build import part_registry
from graduel.train.build.network_builder import build_loss, build_network
from graduel.train.build.optimizer_builder import build_optimizer, build_schedule
from graduel.train.build.recipe_parser import PARSERS, parse_recipe, validate_recipe
from graduel.train.loop.training import BestEpoch, Training, to_probabilities
from graduel.train.recipes import NetRecipe

SMALL = NetRecipe(layers=(8,), epochs=3, batch_size=16, dropout=0)
EVERY = [(kind, name) for kind, names in part_registry.KINDS.items() for name in names]


def blobs(n=120, n_in=4, k=3, seed=0):
    """Return rows of well separated classes."""
    rng = np.random.default_rng(seed)
    y = rng.integers(k, size=n)
    X = rng.normal(size=(n, n_in)) + 4 * np.eye(k, n_in)[y]
    return X.astype("float32"), y


def trained(recipe, data=None, *, image=None, seed=0):
    X, y = data or blobs()
    training = Training(recipe, X, y, 3, rng=np.random.default_rng(seed), image=image)
    epochs = list(training.epochs())
    return training, epochs, float(np.mean(training.predict_proba(X).argmax(axis=1) != y))


@pytest.mark.parametrize(("kind", "name"), EVERY)
def test_every_registered_name_can_be_trained(kind, name):
    if kind == "norm":
        recipe = replace(SMALL, norm=name)
    elif kind == "init" and name in ("zeros", "constant", "uniform", "normal"):
        own = {"constant": "(value=0.1)", "uniform": "(limit=0.3)", "normal": "(std=0.3)"}
        recipe = replace(SMALL, init=name + own.get(name, ""))
    elif kind == "optimizer":
        recipe = parse_recipe(f"optimizer={name}", SMALL)
    else:
        recipe = replace(SMALL, **{kind: name})
    image = (2, 2, 1) if kind == "augment" else None
    training, epochs, _ = trained(recipe, image=image)
    assert len(epochs) == 3 or name == "lbfgs"
    assert np.isfinite(training.prediction_weights.theta).all()
    assert [epoch.epoch for epoch in epochs] == list(range(1, len(epochs) + 1))
    assert all(np.isfinite(epoch.loss) for epoch in epochs)
    assert validate_recipe(recipe) == recipe
    p = training.predict_proba(blobs()[0])
    assert p.dtype == np.float32
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p >= 0).all()


@pytest.mark.parametrize(
    "rule", [name for name in part_registry.OPTIMIZERS if name not in ("lion", "gd", "adagrad")]
)
def test_every_optimizer_trains_at_its_default_learning_rate(rule):
    recipe = parse_recipe(f"optimizer={rule} epochs=120", SMALL)
    assert trained(recipe)[2] < 0.08


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("activation", "rleu", r"activation must be one of .*got 'rleu'. Did you mean 'relu'\?"),
        ("activation", "relu(x=1)", "activation relu takes no parameters; got 'x'"),
        ("activation", "leaky_relu(slop=1)", r"a parameter of activation leaky_relu .*'slope'\?"),
        ("activation", "leaky_relu(slope=-1)", r"activation leaky_relu\(slope=-1\): slope must"),
        ("activation", "leaky_relu(0.1)", r"key=value pairs.*such as leaky_relu\(slope=0.01\)"),
        ("activation", "leaky_relu(slope=open('x'))", "key=value pairs"),
        ("activation", "leaky_relu(slope=1", "key=value pairs"),
        ("activation", "leaky_relu(slope=1,slope=1)", "key=value pairs"),
        ("activation", "leaky_relu(slope='1')", "slope of activation leaky_relu must be a number"),
        ("activation", "gelu(approximate=1)", "must be True or False; got 1"),
        ("optimizer", "muon(steps=2.5)", "must be an integer; got 2.5"),
        ("optimizer", "muon(others=3)", "is an object and cannot be given as text"),
        ("init", "constant", r"init constant requires value, such as constant\(value=0.1\)"),
        ("schedule", "warm_restarts(periods=1000000000,growth=1)", "from 1 to 1000"),
        ("activation", "leaky_relu(slope=))((", "key=value pairs|must be one of"),
        ("optimizer", "adamw(beta1=2)", "beta1 must be at least 0 and below 1; got 2"),
        ("schedule", "cosin", r"Did you mean 'cosine'\?"),
        ("init", "he_norml", r"Did you mean 'he_normal'\?"),
        ("loss", "sofmax", r"Did you mean 'softmax'\?"),
    ],
)
def test_invalid_names_and_parameters_raise(kind, text, message):
    with pytest.raises(UserError, match=message):
        part_registry.make(kind, text)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(part_registry.KINDS)),
    st.text(max_size=40) | st.text("relu()=,.0a[]*", max_size=30),
)
def test_any_text_is_a_part_or_raises_a_user_error(kind, text):
    try:
        part_registry.make(kind, text)
    except UserError as error:
        assert str(error)


def test_objects_are_returned_unchanged():
    rule = SGD()
    assert part_registry.make("optimizer", rule) is rule
    assert part_registry.make("activation", "gelu_tanh") == GELU(approximate=True)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*PARSERS, "x"]), st.text("0123.-e,:relubnas()=x/ ", max_size=12)
        ),
        max_size=4,
    )
)
def test_any_net_is_a_recipe_or_raises_a_user_error(pairs):
    try:
        recipe = parse_recipe(" ".join(f"{k}={v}" for k, v in pairs), NetRecipe())
    except UserError:
        return
    assert validate_recipe(recipe) == recipe


def test_layers_given_as_text():
    recipe = NetRecipe(
        layers=("conv4x3/2", "maxpool", "conv8", 16, 12),
        activation="relu,tanh,leaky_relu(slope=0.2),gelu",
        norm="batch",
        dropout=0.1,
    )
    net = build_network(recipe, 144, 3, image=(12, 12, 1))
    kinds = [type(layer) for layer in net.layers]
    tail = [BatchNorm, LeakyReLU, Dropout]
    assert kinds[:2] == [Reshape, Conv2D]
    assert kinds[5:10] == [MaxPool2D, Conv2D, BatchNorm, Tanh, Dropout]
    assert kinds[10:15] == [Flatten, Dense, *tail]
    assert kinds[-4:] == [BatchNorm, GELU, Dropout, Dense]
    assert net.nodes[1].plan.out == (6, 6, 4)
    assert Network.from_spec(net.to_spec()) == net


def test_dropout_among_layers_applies_at_its_position():
    recipe = NetRecipe(layers=("conv4", "maxpool", "dropout0.25", 8, "dropout.5"), dropout=0.0)
    net = build_network(recipe, 16, 3, image=(4, 4, 1))
    kinds = [type(layer).__name__ for layer in net.layers]
    front = ["Reshape", "Conv2D", "ReLU", "MaxPool2D", "Dropout", "Flatten", "Dense", "ReLU"]
    assert kinds == [*front, "Dropout", "Dense"]
    assert [layer.rate for layer in net.layers if isinstance(layer, Dropout)] == [0.25, 0.5]
    rows = build_network(NetRecipe(layers=("dropout0.1", 8), dropout=0.2), 5, 3)
    assert [layer.rate for layer in rows.layers if isinstance(layer, Dropout)] == [0.1, 0.2]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layers": ("dropout1.5", 8)}, "list of sizes from 1.*got 'dropout1.5'"),
        ({"layers": ("dropout", 8)}, "layers such as dropout0.3"),
        ({"layers": ("dropout0.5", 8), "optimizer": "lbfgs", "dropout": 0.0}, "[Dd]ropout"),
        ({"layers": ("conv8",)}, "'conv' in layers needs images as rows and no dense layer before"),
        ({"layers": (8, "conv8")}, "no dense layer before"),
        ({"layers": ("pool",)}, "list of sizes from 1"),
        ({"layers": ("conv0",)}, "list of sizes"),
        ({"layers": ("conv2x9",)}, "no larger than the images, 2 × 2; got 9 in 'conv'"),
        ({"layers": ("conv2/9",)}, "no larger than the images"),
        ({"activation": "relu,tanh,gelu"}, "2 names, one for each; got 3"),
        ({"loss": "squared", "label_smoothing": 0.1}, "label_smoothing requires loss="),
        ({"rates": "bias"}, "rates must be .*role:number"),
        ({"rates": "bia:2"}, "bia"),
        ({"optimizer": "lbfgs", "clip_norm": 1.0}, "does not support"),
        ({"optimizer": "lbfgs", "dropout": 0.5}, "[Dd]ropout"),
        ({"optimizer": "lbfgs", "ema": 0.9}, "does not support ema"),
        ({"loss": "softmax(class_weight=(1,2))"}, "class_weight must have 3 numbers"),
        ({"init": "normal(std=1e39)"}, "draws weights too large for float32"),
        ({"momentum": 0.5, "optimizer": "adam(beta1=1)"}, "beta1"),
    ],
)
def test_invalid_recipes_raise_before_training(changes, message):
    X, y = blobs()
    recipe = (
        replace(SMALL, layers=(8, 8), **changes)
        if "layers" not in changes
        else replace(SMALL, **changes)
    )
    layers = changes.get("layers")
    image = (2, 2, 1) if layers and layers != ("conv8",) else None
    with pytest.raises(UserError, match=message):
        Training(recipe, X, y, 3, rng=np.random.default_rng(0), image=image)


def test_conflicting_fields_raise():
    for text, message in [
        ("momentum=0.5", "momentum requires optimizer=momentum or nesterov; got optimizer=adamw"),
        ("optimizer=lbfgs lr=1", "does not use lr"),
        ("optimizer=gd batch_size=3", "does not use batch_size"),
        ("schedule=coslog4 warmup=0.1", "starts low already"),
        ("optimizer=adamw(weight_decay=0.5) weight_decay=0.1", "give it once"),
        ("rates=bias:2,bias:3", "rates must be .*role:number"),
        ("optimizer=adam weight_decay=0.1", "adam has no weight_decay; use optimizer=adamw"),
        ("activation=relu,rleu", r"Did you mean 'relu'\?"),
        ("norm=bach", r"Did you mean 'batch'\?"),
        ("class_weight=balance", r"Did you mean 'balanced'\?"),
        ("plateau=-1", "plateau in --net must be an integer of at least 0"),
        ("layers=200000", "sizes from 1 to 100,000"),
    ]:
        with pytest.raises(UserError, match=message):
            parse_recipe(text, NetRecipe())


def test_noise_is_added_to_rows_and_after_each_normalization():
    net = build_network(NetRecipe(layers=(6, 5), norm="batch", noise=0.3, dropout=0.1), 4, 3)
    kinds = [type(layer) for layer in net.layers]
    each = [Dense, BatchNorm, Noise, ReLU, Dropout]
    assert kinds == [Noise, *each, *each, Dense]
    assert net.layers[0] == Noise(0.3)
    image = build_network(NetRecipe(layers=("conv2", 5), noise=0.3), 16, 3, image=(4, 4, 1))
    assert [type(layer) for layer in image.layers][:5] == [Noise, Reshape, Conv2D, Noise, ReLU]
    trained(NetRecipe(layers=(6,), norm="batch", noise=0.3, epochs=2))


def test_the_wrappers_of_an_optimizer():
    recipe = NetRecipe(
        optimizer="momentum",
        momentum=0.5,
        weight_decay=0.1,
        rates="bias:2",
        decays="scale:0.1",
        max_norm=3.0,
        clip_value=5.0,
        clip_norm=1.0,
        schedule="linear",
        warmup=0.1,
    )
    rule = build_optimizer(recipe)
    assert isinstance(rule, Decay)
    rule = rule.rule
    assert isinstance(rule, ClipNorm)
    assert isinstance(rule.rule.rule, MaxNorm)
    assert isinstance(rule.rule.rule.rule, ByRole)
    assert rule.rule.rule.rule.rule == SGD(momentum=0.5, weight_decay=0.1)
    assert isinstance(build_schedule(recipe), WarmUp)
    assert build_optimizer(NetRecipe()) == AdamW(weight_decay=0.01)
    assert build_optimizer(NetRecipe(optimizer="adam")) == Adam()
    assert build_optimizer(NetRecipe(optimizer="adamw(weight_decay=0.3)")) == AdamW(
        weight_decay=0.3
    )
    assert trained(replace(recipe, layers=(8,), epochs=3, lr=0.01))[1][-1].epoch == 3


def test_balanced_class_weights_favor_rare_classes():
    loss = build_loss(NetRecipe(class_weight="balanced"), np.array([10, 30, 0]))
    assert loss.class_weight == pytest.approx((40 / 30, 40 / 90, 40 / 3))


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_ema_weights_predict_and_do_not_affect_training(norm):
    recipe = replace(SMALL, ema=0.9, norm=norm, epochs=10, lr=0.02)
    training, _, error = trained(recipe)
    assert training.prediction_weights.theta is not training.weights.theta
    assert not np.array_equal(training.prediction_weights.theta, training.weights.theta)
    assert error < 0.1
    if norm == "none":
        plain, _, _ = trained(replace(recipe, ema=0.0))
        np.testing.assert_array_equal(plain.weights.theta, training.weights.theta)


def test_a_plateau_lowers_the_rate():
    training, _, _ = trained(replace(SMALL, plateau=1))
    for _ in range(5):
        training.observe(0.5)
    assert training._fit.lr < SMALL.lr


def test_the_best_epoch_is_the_first_of_equals():
    training, _, _ = trained(SMALL)
    best = BestEpoch(training.prediction_weights.copy())
    for epoch, error in enumerate([0.5, 0.2, 0.3, 0.2], 1):
        training.weights.theta[:] = epoch
        best.record(training.weights, epoch, error)
    assert (best.epoch, best.error, best.weights.theta[0]) == (2, 0.2, 2)


def test_gradient_descent_takes_one_step_per_epoch():
    for rule in ("gd", "gd(weight_decay=0.1)"):
        _, epochs, _ = trained(replace(SMALL, optimizer=rule, lr=0.5))
        assert [epoch.step for epoch in epochs] == [1, 2, 3]


def test_the_same_seed_gives_the_same_bits():
    a, b = (trained(replace(SMALL, dropout=0.3), seed=4)[0] for _ in range(2))
    assert a.prediction_weights.theta.tobytes() == b.prediction_weights.theta.tobytes()


def test_outputs_that_are_not_probabilities_are_normalized():
    loss = build_loss(NetRecipe(loss="squared"), np.ones(2))
    p = to_probabilities(loss, np.array([[-1.0, -2.0], [0.5, 1.5]], "float32"))
    np.testing.assert_allclose(p, [[0.5, 0.5], [0.25, 0.75]], rtol=1e-6)


def test_every_field_of_a_recipe_has_a_parser():
    assert set(PARSERS) == {field.name for field in fields(NetRecipe)}


def test_muon_passes_its_weight_decay_to_adamw():
    rule = build_optimizer(NetRecipe(optimizer="muon", weight_decay=0.0))
    assert rule.weight_decay == rule.others.weight_decay == 0
    rule = build_optimizer(NetRecipe(optimizer="muon(weight_decay=0.3)"))
    assert rule.weight_decay == rule.others.weight_decay == 0.3


def test_schedules_that_start_low_have_no_warm_up():
    for name in ("coslog4", "one_cycle"):
        assert not isinstance(build_schedule(NetRecipe(schedule=name)), WarmUp)


def test_lbfgs_has_no_dropout_by_default():
    assert parse_recipe("optimizer=lbfgs", NetRecipe()).dropout == 0
