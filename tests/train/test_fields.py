"""Recipe fields of networks for tables: embeddings, scales, ensemble members, schedules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from graduel.data.prepare.preparation import NetPreparation
from graduel.errors import UserError
from graduel.nn import (
    PBLD,
    SELU,
    BatchNorm,
    BinaryCrossEntropy,
    Columns,
    Dense,
    Dropout,
    EnsembleDense,
    EnsembleMean,
    EnsembleOutput,
    Network,
    NTKDense,
    Parametric,
    ReLU,
    Scale,
    Signs,
    SoftmaxCrossEntropy,
)
from graduel.optim import LBFGS, SGD, Adam, AdamW, ClipNorm, Decay, FlatCos, Muon
from graduel.train import Fit, Rows
from graduel.train.build.front_layers import NumericInputs
from graduel.train.build.network_builder import (
    build_loss,
    build_network,
    check_recipe,
    takes_class_codes,
)
from graduel.train.build.optimizer_builder import build_optimizer
from graduel.train.build.recipe_parser import parse_recipe, validate_recipe
from graduel.train.loop.training import Training, to_probabilities
from graduel.train.recipes import NetRecipe

REALMLP = (
    "layers=16,16 activation=parametric_selu numeric_embedding=pbld(frequencies=4,std=0.3) "
    "input_scale=yes ntk=yes calibrate=yes dropout=0.15 scheduled=dropout,decay scaling=quantile "
    "category_embedding=8 optimizer=adamw(beta2=0.95) rates=scale:6,bias:0.1,activation:0.1 "
    "schedule=coslog4 label_smoothing=0.1 warmup=0 epochs=6"
)
TABM = "layers=16,16 members=4 numeric_embedding=pbld dropout=0.1 epochs=6"


def rows(n=200, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4)).astype("float32")
    return X, (X[:, 0] * X[:, 1] > 0).astype(int)


def trained(recipe, seed=0, **options):
    X, y = rows()
    training = Training(recipe, X, y, 2, rng=np.random.default_rng(seed), **options)
    epochs = list(training.epochs())
    return training, epochs, training.predict_proba(X)


def test_the_fields_are_parsed():
    recipe = parse_recipe(REALMLP, NetRecipe())
    assert (recipe.scaling, recipe.category_embedding, recipe.numeric_embedding) == (
        *("quantile", 8),
        "pbld(frequencies=4,std=0.3)",
    )
    assert (recipe.input_scale, recipe.ntk, recipe.calibrate) == (True, True, True)
    assert (recipe.members, recipe.scheduled) == (1, "dropout,decay")
    assert validate_recipe(recipe) == recipe
    assert parse_recipe("ntk=No input_scale=TRUE", NetRecipe()).input_scale is True
    assert parse_recipe("ntk=No", NetRecipe(ntk=True)).ntk is False
    assert parse_recipe("members=32", NetRecipe()).members == 32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "scheduled=droput",
            r"scheduled in --net must be one of 'dropout', 'decay'; got 'droput'",
        ),
        ("scheduled=dropout,decy", r"got 'decy'. Did you mean 'decay'\?"),
        ("scheduled=", "got ''"),
        ("scaling=quantil", r"Did you mean 'quantile'\?"),
        (
            "numeric_embedding=pbdl",
            r"numeric_embedding must be .*got 'pbdl'. Did you mean 'pbld",
        ),
        ("numeric_embedding=pbld(frequencie=3)", r"Did you mean 'frequencies'\?"),
        ("numeric_embedding=pbld(size=1)", "size at least 2; got 16 and 1"),
        ("numeric_embedding=pbld(std=0)", "std must be a positive number; got 0"),
        ("numeric_embedding=pbld(columns=(1,2))", "got 'columns'"),
        (
            "numeric_embedding=plain(size=3)",
            "plain takes no parameters; got 'size'",
        ),
        ("activation=parametric_selo", r"Did you mean 'parametric_selu'\?"),
        ("input_scale=1", "input_scale in --net must be yes or no; got '1'"),
        ("ntk=maybe", "ntk in --net must be yes or no; got 'maybe'"),
        ("calibrate=", "calibrate in --net must be yes or no; got ''"),
        ("members=0", "members in --net must be an integer of at least 1; got '0'"),
        ("members=2.5", "members in --net must be an integer"),
        ("category_embedding=-1", "category_embedding in --net must be an integer of at least 0"),
        ("numeric_embeding=pbld", r"Did you mean 'numeric_embedding'\?"),
        ("member=3", r"Did you mean 'members'\?"),
    ],
)
def test_invalid_fields_raise(text, message):
    with pytest.raises(UserError, match=message) as caught:
        parse_recipe(text, NetRecipe())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numeric_embedding": "pbld"}, "expect the columns of a table; got images"),
        ({"input_scale": True}, "expect the columns of a table"),
        ({"scaling": "quantile"}, "expect the columns of a table"),
        ({"category_embedding": 4}, "expect the columns of a table"),
        ({"members": 3, "layers": ("conv2",)}, r"Put EnsembleDense\(…, members=3\) before it"),
    ],
)
def test_fields_for_tables_raise_for_images(changes, message):
    with pytest.raises(UserError, match=message):
        check_recipe(replace(NetRecipe(layers=(5,)), **changes), 16, 3, image=(4, 4, 1))


def test_calibrate_requires_ntk_or_members():
    with pytest.raises(UserError, match="calibrate=yes requires ntk=yes or members"):
        check_recipe(NetRecipe(calibrate=True), 4, 2)
    for fields in ({"ntk": True}, {"members": 2}):
        check_recipe(NetRecipe(calibrate=True, **fields), 4, 2)


def test_the_network_for_images():
    recipe = NetRecipe(layers=("conv2", 5), members=3, ntk=True, calibrate=True, dropout=0)
    kinds = [type(layer).__name__ for layer in check_recipe(recipe, 16, 2, image=(4, 4, 1)).layers]
    assert kinds == [
        "Reshape",
        "Conv2D",
        "ReLU",
        "Flatten",
        "EnsembleDense",
        "ReLU",
        "EnsembleOutput",
    ]


def test_a_network_with_periodic_embeddings_scales_and_calibrated_layers():
    recipe = parse_recipe(REALMLP, NetRecipe())
    net = build_network(recipe, 4, 2)
    act = Parametric(SELU())
    dropout = Dropout(0.15, scheduled=True)
    dense = NTKDense(16, calibrated=True)
    embedding = PBLD(columns=(0, 1, 2, 3), frequencies=4, std=0.3)
    assert net.layers == (embedding, Scale(), dense, act, dropout, dense, act, dropout, NTKDense(2))
    assert Network.from_spec(net.to_spec()) == net
    training, epochs, p = trained(recipe)
    assert len(epochs) == 6
    assert np.isfinite(p).all()
    roles = {"weight", "bias", "scale", "activation", "periodic"}
    assert set(training.network.layout.roles) == roles


def test_a_network_of_ensemble_members():
    recipe = parse_recipe(TABM, NetRecipe())
    net = build_network(recipe, 4, 3)
    kinds = [type(layer) for layer in net.layers]
    hidden = [EnsembleDense, ReLU, Dropout]
    assert kinds == [PBLD, *hidden, *hidden, EnsembleOutput]
    assert net.layers[1].adapter == Signs()
    assert net.layers[4].adapter != Signs()
    assert net.loss == EnsembleMean(build_loss(replace(recipe, members=1), np.ones(3)))
    assert net.prediction_shape == (3,)
    _, epochs, p = trained(recipe)
    assert p.shape == (200, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert epochs[-1].loss < epochs[0].loss
    scaled = build_network(
        parse_recipe("layers=8 members=2 ntk=yes calibrate=yes norm=batch", recipe), 4, 3
    )
    assert [layer.scaled for layer in scaled.layers if hasattr(layer, "scaled")] == [True, True]
    assert scaled.layers[1].calibrated
    assert scaled.layers[2] == BatchNorm()


@pytest.mark.parametrize("loss", ["softmax", "binary", "squared", "huber"])
def test_ensemble_members_with_every_loss_and_ema(loss):
    recipe = NetRecipe(layers=(16,), members=4, loss=loss, lr=0.02, epochs=80, ema=0.9, dropout=0)
    training, _, p = trained(recipe)
    assert takes_class_codes(training.network.loss) == (loss == "softmax")
    assert np.mean(p.argmax(axis=1) == rows()[1]) > 0.9
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)


def test_ensemble_members_support_class_weights_and_label_smoothing():
    recipe = NetRecipe(members=2, class_weight="balanced", label_smoothing=0.1)
    loss = build_loss(recipe, np.array([10, 30]))
    assert loss == EnsembleMean(SoftmaxCrossEntropy(0.1, (2.0, 40 / 60)))
    with pytest.raises(UserError, match="label_smoothing requires loss=softmax or binary; got"):
        build_loss(replace(recipe, loss="squared", class_weight="none"), np.ones(2))
    assert takes_class_codes(loss)
    assert not takes_class_codes(EnsembleMean(BinaryCrossEntropy()))
    outputs = np.array([[0.25, 0.75]], "float32")
    assert to_probabilities(loss, outputs) is outputs


def test_lbfgs_trains_ensemble_members_and_calibrated_layers():
    text = "layers=16 members=3 ntk=yes calibrate=yes optimizer=lbfgs epochs=30 weight_decay=0"
    recipe = parse_recipe(text, NetRecipe())
    _, epochs, p = trained(recipe)
    assert np.mean(p.argmax(axis=1) == rows()[1]) > 0.95
    fresh = Training(recipe, *rows(), 2, rng=np.random.default_rng(0))
    assert fresh.network.layout["0.b"].view(fresh.weights.theta).any()  # it is calibrated
    assert np.isfinite([epoch.loss for epoch in epochs]).all()
    for text in ("scheduled=dropout dropout=0.1", "scheduled=decay"):
        with pytest.raises(UserError, match=r"[Dd]ropout|a scheduled decay"):
            Training(parse_recipe(f"optimizer=lbfgs {text}", NetRecipe()), *rows(), 2, rng=None)


def test_the_columns_of_a_table_decide_the_front_layers():
    polars = pytest.importorskip("polars")
    from graduel.data.column import Column

    frame = polars.DataFrame(
        {"c": ["a", "b", "c", "d"], "x": [1.0, 2, 3, None], "two": ["u", "v", "u", "v"]}
    )
    kinds = {"c": "categorical", "x": "numeric", "two": "categorical"}
    recipe = NetRecipe(
        layers=(8,), category_embedding=2, numeric_embedding="pbld", input_scale=True, dropout=0
    )
    columns = [Column(name, kind) for name, kind in kinds.items()]
    fitted = NetPreparation.fit(frame, columns, **recipe.preparation)
    assert fitted.names == ("x", "x is missing", "two = v", "c")
    net = build_network(recipe, 4, 2, inputs=fitted)
    assert net.layers[:3] == (Columns(3, (5,)), PBLD(columns=(0,)), Scale())
    assert net.nodes[0].plan.out == (3 + 5,)
    assert net.nodes[1].plan.out == (3 + 5 + 3,)
    no_numbers = NumericInputs(0)
    assert build_network(recipe, 4, 2, inputs=no_numbers).layers[0] == Scale()


def test_calibration_is_reproducible_and_optional():
    recipe = NetRecipe(layers=(12, 8), ntk=True, calibrate=True, dropout=0, epochs=1)
    X, y = rows(1500)
    one, two = (Training(recipe, X, y, 2, rng=np.random.default_rng(3)) for _ in range(2))
    assert one.weights.theta.tobytes() == two.weights.theta.tobytes()
    seen = one.network.trace(X, one.weights)
    for name in ("0", "2"):
        np.testing.assert_allclose(seen[name].std(axis=0), 1, atol=0.05)
    plain = Training(replace(recipe, calibrate=False), X, y, 2, rng=np.random.default_rng(3))
    assert not plain.network.layout["0.b"].view(plain.weights.theta).any()


def test_a_scheduled_decay_wraps_the_optimizer_and_takes_its_amount():
    def amount(text):
        rule = build_optimizer(parse_recipe(text, NetRecipe()))
        assert isinstance(rule, Decay)
        assert rule.schedule == FlatCos()
        return dict(rule.amounts), rule.rule

    assert amount("scheduled=decay") == ({"weight": 0.01}, AdamW(weight_decay=0))
    assert amount("scheduled=decay weight_decay=0.3 optimizer=sgd") == ({"weight": 0.3}, SGD())
    # An amount in brackets is used too, and applied once.
    assert amount("scheduled=dropout,decay optimizer=adamw(weight_decay=0.3)") == (
        *({"weight": 0.3},),
        AdamW(weight_decay=0),
    )
    none = AdamW(weight_decay=0.0)
    expected = Muon(weight_decay=0.0, others=none)
    assert amount("scheduled=decay optimizer=muon weight_decay=0.2") == ({"weight": 0.2}, expected)
    assert amount("scheduled=decay optimizer=muon(weight_decay=0.2)") == ({"weight": 0.2}, expected)
    assert amount("scheduled=decay decays=bias:2,weight:1")[0] == {"bias": 2, "weight": 1}
    assert isinstance(amount("scheduled=decay clip_norm=1")[1], ClipNorm)
    assert amount("scheduled=decay optimizer=adam decays=bias:1") == ({"bias": 1}, Adam())
    # Adam has no decay, scheduled or not; without scheduled= nothing is scheduled.
    assert build_optimizer(parse_recipe("scheduled=decay optimizer=adam", NetRecipe())) == Adam()
    assert build_optimizer(parse_recipe("scheduled=dropout", NetRecipe())) == AdamW(
        weight_decay=0.01
    )
    assert build_optimizer(parse_recipe("decays=bias:1", NetRecipe())).schedule is None
    assert isinstance(build_optimizer(parse_recipe("optimizer=lbfgs", NetRecipe())), LBFGS)


@pytest.mark.parametrize("schedule", [None, FlatCos()], ids=["constant", "scheduled"])
def test_weights_decay_by_the_schedule_in_a_fit(schedule):
    rng = np.random.default_rng(0)
    net = Network((Dense(3),), (4,), dtype="float64")
    X, y = (
        np.zeros((40, 4)),
        rng.integers(3, size=40),
    )  # X = 0: no gradient, only the decay changes W
    fit = Fit(
        net,
        Rows(X, dtype="float64"),
        y,
        rng=rng,
        optimizer=Decay(SGD(), {"weight": 0.5}, schedule),
        lr=0.1,
        epochs=5,
        batch_size=20,
    )
    weights = net.layout["0.W"].view(fit.weights.theta)
    start = before = weights.copy()
    factors = []
    for _ in fit.fit_steps():
        factors.append(float((weights / before).mean()))
        before = weights.copy()
    t = (np.arange(10) + 0.5) / 10
    s = np.ones(10) if schedule is None else [schedule(one) for one in t]
    np.testing.assert_allclose(factors, 1 - 0.1 * 0.5 * np.array(s), rtol=1e-12)
    np.testing.assert_allclose(weights, start * np.prod(factors), rtol=1e-12)
    if schedule is not None:
        assert factors[0] == pytest.approx(0.95)
        assert factors[-1] > 0.998
