"""Losses against SciPy and scikit-learn, with options, weights and extreme values."""

from __future__ import annotations

import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from sklearn.metrics import log_loss, mean_absolute_error, mean_squared_error
from table_losses import LOSSES, targets

from graduel.nn import (
    AbsoluteError,
    BinaryCrossEntropy,
    Dense,
    Huber,
    Network,
    Poisson,
    SoftmaxCrossEntropy,
    SquaredError,
    check_gradients,
    check_poison,
)
from graduel.nn.special import sigmoid

C = (0.5, 2.0, 1.25)
CLASSES = [
    SoftmaxCrossEntropy(class_weight=C),
    SoftmaxCrossEntropy(label_smoothing=0.2, class_weight=C),
    BinaryCrossEntropy(positive_weight=C),
    BinaryCrossEntropy(label_smoothing=0.2, positive_weight=C),
]
"""Losses for exactly three outputs, which are not in the table."""
EVERY = LOSSES + CLASSES


def name(part):
    return repr(part).replace(" ", "")


def scope(dtype="float64"):
    net = Network((Dense(1),), (1,), dtype=dtype)
    return net.workspace(net.init(np.random.default_rng(0))).loss


def of(loss, raw, y, weight=None):
    value, dz = loss.value_and_gradient(raw, y, weight, scope())
    return value, dz.copy()


def one_hot(y, k):
    return np.eye(k)[y]


REFERENCES = {
    "softmax": (
        SoftmaxCrossEntropy(),
        lambda z, y: -special.log_softmax(z, axis=1)[np.arange(len(y)), y],
        lambda z, y: special.softmax(z, axis=1) - one_hot(y, 3),
    ),
    "smoothed": (
        SoftmaxCrossEntropy(label_smoothing=0.3),
        lambda z, y: -((0.7 * one_hot(y, 3) + 0.1) * special.log_softmax(z, axis=1)).sum(axis=1),
        lambda z, y: special.softmax(z, axis=1) - 0.7 * one_hot(y, 3) - 0.1,
    ),
    "binary": (
        BinaryCrossEntropy(),
        lambda z, y: -(y * special.log_expit(z) + (1 - y) * special.log_expit(-z)).sum(axis=1),
        lambda z, y: special.expit(z) - y,
    ),
    "smoothed binary": (
        BinaryCrossEntropy(label_smoothing=0.3),
        lambda z, y: (
            -((0.7 * y + 0.15) * special.log_expit(z) + (0.85 - 0.7 * y) * special.log_expit(-z))
        ).sum(axis=1),
        lambda z, y: special.expit(z) - 0.7 * y - 0.15,
    ),
    "weighed binary": (
        BinaryCrossEntropy(positive_weight=C),
        lambda z, y: -np.where(y, C * special.log_expit(z), special.log_expit(-z)).sum(axis=1),
        lambda z, y: np.where(y, -(C * special.expit(-z)), special.expit(z)),
    ),
    "squared": (SquaredError(), lambda z, y: ((z - y) ** 2).sum(axis=1) / 2, lambda z, y: z - y),
    "absolute": (
        AbsoluteError(),
        lambda z, y: np.abs(z - y).sum(axis=1),
        lambda z, y: np.where(z > y, 1.0, -1.0),
    ),
    "huber": (
        Huber(delta=0.7),
        lambda z, y: special.huber(0.7, z - y).sum(axis=1),
        lambda z, y: np.where(np.abs(z - y) < 0.7, z - y, 0.7 * np.sign(z - y)),
    ),
    "poisson": (
        Poisson(),
        lambda z, y: (-stats.poisson.logpmf(y, np.exp(z)) - special.gammaln(y + 1.0)).sum(axis=1),
        lambda z, y: np.exp(z) - y,
    ),
}


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("weighted", [False, True])
def test_value_and_gradient_are_those_of_scipy(reference, weighted):
    loss, each, gradient = REFERENCES[reference]
    rng = np.random.default_rng(1)
    z, y = 2 * rng.normal(size=(9, 3)), targets(loss, rng, 9)
    w = rng.random(9) if weighted else None
    value, dz = of(loss, z, y, w)
    share = np.full(9, 1 / 9) if w is None else w / w.sum()
    assert value == pytest.approx(share @ each(z, y), rel=1e-12)
    np.testing.assert_allclose(dz, share[:, None] * gradient(z, y), rtol=1e-10, atol=1e-16)


def test_values_are_those_of_scikit_learns_metrics():
    rng = np.random.default_rng(2)
    z, w = rng.normal(size=(9, 3)), rng.random(9)
    codes, reals = rng.integers(3, size=9), rng.normal(size=(9, 3))
    answers = SoftmaxCrossEntropy().link(z.copy())
    balanced = w * np.array(C)[codes]
    for loss, weights in ((SoftmaxCrossEntropy(), w), (SoftmaxCrossEntropy(0, C), balanced)):
        expected = log_loss(codes, answers, labels=range(3), sample_weight=weights)
        assert of(loss, z, codes, w)[0] == pytest.approx(expected)
    squared = mean_squared_error(reals, z, sample_weight=w)
    assert of(SquaredError(), z, reals, w)[0] == pytest.approx(3 / 2 * squared)
    absolute = mean_absolute_error(reals, z, sample_weight=w)
    assert of(AbsoluteError(), z, reals, w)[0] == pytest.approx(3 * absolute)


@pytest.mark.parametrize("loss", CLASSES, ids=name)
@pytest.mark.parametrize("weighted", [False, True])
def test_gradients_with_class_weights_equal_central_differences(loss, weighted):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(7, 4)), targets(loss, rng)
    net = Network((Dense(3),), (4,), loss=loss, dtype="float64")
    w = rng.random(7) if weighted else None
    check_gradients(net, x, y, rng=rng, weight=w)
    check_poison(net, x, y, rng=rng, weight=w)


@pytest.mark.parametrize("loss", EVERY, ids=name)
def test_nothing_depends_on_what_buffers_held_before(loss):
    rng = np.random.default_rng(4)
    for dtype in ("float32", "float64"):
        net = Network((Dense(3),), (4,), loss=loss, dtype=dtype)
        x, y = rng.normal(size=(7, 4)).astype(dtype), targets(loss, rng)
        check_poison(net, x, y, rng=rng, weight=rng.random(7))


@pytest.mark.parametrize("loss", EVERY, ids=name)
def test_float32_is_kept_and_raw_predictions_are_not_changed(loss):
    rng = np.random.default_rng(5)
    w = scope("float32")
    z, y = rng.normal(size=(7, 3)).astype("float32"), targets(loss, rng)
    before = z.copy()
    for weight in (None, rng.random(7), np.ones(7, int), rng.random(7).astype("float32")):
        for n in (7, 2, 1):
            part = None if weight is None else weight[:n]
            value, dz = loss.value_and_gradient(z[:n], y[:n], part, w)
            assert isinstance(value, float)
            assert dz.shape == (n, 3)
            exact = of(loss, z[:n].astype("float64"), y[:n], part)
            assert value == pytest.approx(exact[0], rel=1e-5, abs=1e-6)
            np.testing.assert_allclose(dz, exact[1], rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(z, before)
    assert all(b.dtype == np.float32 for b in w.buffers())
    answers = loss.link(z)
    assert answers.dtype == np.float32
    assert np.shares_memory(answers, z)


@pytest.mark.parametrize("loss", EVERY, ids=name)
def test_raw_predictions_may_be_views(loss):
    rng = np.random.default_rng(6)
    z, y = rng.normal(size=(3, 7)), targets(loss, rng)
    for view in (z.T, rng.normal(size=(14, 6))[::2, ::2]):
        value, dz = of(loss, view, y)
        again, dz_again = of(loss, view.copy(), y)
        assert value == pytest.approx(again, rel=1e-14)
        np.testing.assert_allclose(dz, dz_again, rtol=1e-14)


WIDE = (2.0,) * 200


@pytest.mark.parametrize(
    "loss",
    [*LOSSES, SoftmaxCrossEntropy(0.2, WIDE), BinaryCrossEntropy(0.2, WIDE)],
    ids=lambda loss: name(loss)[:40],
)
def test_a_step_allocates_no_array_of_batch_size(loss):
    rng = np.random.default_rng(7)
    n, k = 512, len(WIDE)
    z, y, w = rng.normal(size=(n, k)).astype("float32"), targets(loss, rng, n, k), scope("float32")
    for weight in (None, np.ones(n, "float32")):
        loss.value_and_gradient(z, y, weight, w)
        tracemalloc.start()
        loss.value_and_gradient(z, y, weight, w)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # NumPy's conversion buffers of 8192 numbers and vectors of length n remain.
        assert peak < n * k * 4 / 2


@pytest.mark.parametrize("loss", [x for x in EVERY if not isinstance(x, Poisson)], ids=name)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_predictions_do_not_overflow(loss, dtype):
    rng = np.random.default_rng(8)
    for scale in (0, 1e-4, 1e4):
        z = (scale * rng.choice([-1, 1], size=(50, 3))).astype(dtype)
        value, dz = loss.value_and_gradient(z, targets(loss, rng, 50), None, scope(dtype))
        assert np.isfinite(value)
        assert value >= 0
        assert np.isfinite(dz).all()
        assert np.isfinite(loss.link(z)).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_confident_correct_predictions_have_zero_loss(dtype):
    y = np.array([[0, 1]])
    for loss in (BinaryCrossEntropy(), BinaryCrossEntropy(positive_weight=(0.1, 0.1))):
        z = np.array([[-30, 30]], dtype)
        small = np.exp(-30.0) * (1 if loss.positive_weight is None else 0.55) * 2
        assert loss.value_and_gradient(z, y, None, scope(dtype))[0] == pytest.approx(small)
        z = np.array([[-1e4, 1e4]], dtype)
        assert loss.value_and_gradient(z, y, None, scope(dtype))[0] == 0


@pytest.mark.parametrize(("dtype", "at"), [("float32", 89), ("float64", 710)])
def test_an_overflowing_rate_gives_infinite_loss_and_finite_predictions(dtype, at):
    loss, z, y = Poisson(), np.array([[at], [-1e4], [1e4]], dtype), np.array([1, 0, 3])
    for weight in (None, np.array([1, 1, 0])):
        value, _ = loss.value_and_gradient(z, y, weight, scope(dtype))
        assert not np.isfinite(value)
    top = np.finfo(dtype).max
    np.testing.assert_array_equal(loss.link(z.copy()), np.array([[top], [0], [top]], dtype))
    value, dz = loss.value_and_gradient(z[1:2], y[1:2], None, scope(dtype))
    assert value == 0
    assert dz == 0


@given(st.lists(st.floats(-(2.0**99), 2.0**99, width=32), min_size=1, max_size=20))
def test_sigmoid_is_precise_for_small_probabilities(values):
    for dtype in ("float32", "float64"):
        z = np.array(values, dtype)
        p = sigmoid(z.copy())
        assert p.dtype == dtype
        assert (p > 0).all()
        expected = special.expit(z.astype("float64"))
        floor = 100 * np.finfo(dtype).tiny
        np.testing.assert_allclose(p, expected, rtol=8 * np.finfo(dtype).eps, atol=floor)


@st.composite
def batches(draw):
    loss = draw(st.sampled_from(EVERY))
    n, seed = draw(st.integers(1, 8)), draw(st.integers(0, 2**31))
    k = 3 if loss in CLASSES else draw(st.integers(1, 5))
    return loss, n, k, np.random.default_rng(seed)


@settings(deadline=None)
@given(batches(), st.floats(0.01, 10))
def test_sums_of_outputs_weights_and_order(batch, scale):
    loss, n, k, rng = batch
    z, y, w = rng.normal(size=(n, k)), targets(loss, rng, n, k), rng.integers(4, size=n) * scale
    value, dz = of(loss, z, y, w)
    order = rng.permutation(n)
    again, dz_again = of(loss, z[order], y[order], w[order])
    assert again == pytest.approx(value)
    np.testing.assert_allclose(dz_again, dz[order], atol=1e-12)
    np.testing.assert_allclose(of(loss, z, y, 7 * w)[1], dz, atol=1e-12)
    some = w > 0
    if some.any():  # weight 0 equals a removed row
        assert of(loss, z[some], y[some], w[some])[0] == pytest.approx(value)
    else:
        assert value == 0
        assert not dz.any()
    twice = np.repeat(np.arange(n), np.rint(w / scale).astype(int))
    if len(twice):  # weight 2 equals a duplicate row
        value_twice, dz_twice = of(loss, z[twice], y[twice])
        assert value_twice == pytest.approx(value)
        summed = np.zeros_like(dz)
        np.add.at(summed, twice, dz_twice)
        np.testing.assert_allclose(summed, dz, atol=1e-12)
    if y.ndim == 2 and loss in LOSSES:  # outputs add up; one output takes y of shape (n,) too
        columns = [of(loss, z[:, [j]], y[:, j], w) for j in range(k)]
        assert sum(c for c, _ in columns) == pytest.approx(value, abs=1e-12)
        np.testing.assert_allclose(np.hstack([d for _, d in columns]), dz, atol=1e-12)


def test_smoothing_and_weights_of_one():
    rng = np.random.default_rng(9)
    z, y, bits = rng.normal(size=(6, 3)), rng.integers(3, size=6), rng.integers(2, size=(6, 3))
    plain, dz = of(SoftmaxCrossEntropy(), z, y)
    ones, dz_ones = of(SoftmaxCrossEntropy(class_weight=(2, 2, 2)), z, y)
    assert ones == pytest.approx(plain)
    np.testing.assert_allclose(dz_ones, dz, atol=1e-15)
    both = SoftmaxCrossEntropy(class_weight=(1, 0, 0))
    assert of(both, z, np.ones(6, int)) == (0, pytest.approx(np.zeros((6, 3))))
    plain, dz = of(BinaryCrossEntropy(), z, bits)
    ones, dz_ones = of(BinaryCrossEntropy(positive_weight=(1, 1, 1)), z, bits)
    assert ones == pytest.approx(plain)
    np.testing.assert_allclose(dz_ones, dz, atol=1e-15)
    # Smoothed targets passed as probabilities give the same loss.
    soft = of(BinaryCrossEntropy(), z, 0.8 * bits + 0.1)
    smoothed = of(BinaryCrossEntropy(label_smoothing=0.2), z, bits)
    assert smoothed[0] == pytest.approx(soft[0])
    np.testing.assert_allclose(smoothed[1], soft[1], atol=1e-15)


def test_the_best_constant_is_the_mean_the_median_and_the_rate():
    y = np.array([0.0, 1, 2, 4, 10])
    for loss, best in (
        (SquaredError(), y.mean()),
        (AbsoluteError(), np.median(y)),
        (Huber(delta=2.0), 7 / 3),  # from there 2 + 4/3 + 1/3 − 5/3 − 2 = 0
        (Poisson(), np.log(y.mean())),
    ):
        _, dz = of(loss, np.full((5, 1), best), y)
        assert dz.sum() == pytest.approx(0, abs=1e-15)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int32", "int64", "uint64"])
def test_codes_and_targets_may_have_any_integer_dtype(dtype):
    rng = np.random.default_rng(10)
    z, y = rng.normal(size=(6, 2)), rng.integers(2, size=6)
    for loss in (SoftmaxCrossEntropy(), SoftmaxCrossEntropy(0.1, (1, 2))):
        value, dz = of(loss, z, y)
        again, dz_again = of(loss, z, y.astype(dtype))
        assert value == again
        np.testing.assert_array_equal(dz, dz_again)
    for loss in (x for x in LOSSES if not isinstance(x, SoftmaxCrossEntropy)):
        value, dz = of(loss, z[:, :1], y.astype(float))
        again, dz_again = of(loss, z[:, :1], y.astype(dtype))
        assert value == again
        np.testing.assert_array_equal(dz, dz_again)


def test_zero_rows_have_zero_loss():
    for loss in EVERY:
        y = targets(loss, np.random.default_rng(0), 0)
        for weight in (None, np.empty(0)):
            value, dz = of(loss, np.empty((0, 3)), y, weight)
            assert value == 0
            assert dz.shape == (0, 3)


def test_a_spec_keeps_the_options():
    weights = np.array([1, 2.5], "float32")
    for loss in (
        *EVERY,
        SoftmaxCrossEntropy(0.1, weights),
        BinaryCrossEntropy(positive_weight=[3, 4]),
    ):
        net = Network((Dense(3),), (4,), loss=loss)
        back = Network.from_spec(json.loads(json.dumps(net.to_spec())))
        assert back == net
        assert hash(back.loss) == hash(loss)


@given(
    scale=st.floats(0, 1e3),
    dtype=st.sampled_from(["float32", "float64"]),
    outputs=st.integers(1, 4),
    seed=st.integers(0, 99),
)
def test_a_clipped_loss_is_that_of_clipped_probabilities(scale, dtype, outputs, seed):
    rng = np.random.default_rng(seed)
    z, eps = (scale * rng.normal(size=(9, outputs))).astype(dtype), np.finfo(dtype).eps
    for loss, p, y in (
        (SoftmaxCrossEntropy, special.softmax(z, axis=1), rng.integers(outputs, size=9)),
        (BinaryCrossEntropy, special.expit(z), rng.integers(2, size=(9, outputs))),
    ):
        true = (
            p[np.arange(9), y]
            if y.ndim == 1
            else np.where(y, np.clip(p, eps, 1 - eps), 1 - np.clip(p, eps, 1 - eps))
        )
        expected = -np.log(np.clip(true, eps, 1 - eps)).sum() / 9
        value, dz = loss(clipped=True).value_and_gradient(z, y, None, scope(dtype))
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=9 * outputs * eps)
        assert value >= -np.log1p(-eps) * (1 - 1e-3)
        assert value <= -np.log(eps) * (1 if y.ndim == 1 else outputs) * (1 + eps)
        plain = loss().value_and_gradient(z, y, None, scope(dtype))[1]
        np.testing.assert_array_equal(dz, plain)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: SoftmaxCrossEntropy(0.1, clipped=True),
            "clipped=True expects label_smoothing to be unset; got 0.1",
        ),
        (
            lambda: BinaryCrossEntropy(positive_weight=(2,), clipped=True),
            "clipped=True expects positive_weight to be unset",
        ),
        (lambda: SoftmaxCrossEntropy(1.0), "label_smoothing must be at least 0 and below 1; got 1"),
        (lambda: BinaryCrossEntropy(-0.1), "label_smoothing must be at least 0 and below 1; got -"),
        (lambda: BinaryCrossEntropy(np.nan), "label_smoothing must be .* got nan"),
        (
            lambda: SoftmaxCrossEntropy(class_weight=(1, -1)),
            r"class_weight must be finite numbers, at least 0; got \(1.0, -1.0\)",
        ),
        (lambda: SoftmaxCrossEntropy(class_weight=(1, np.inf)), "class_weight must be finite"),
        (lambda: BinaryCrossEntropy(positive_weight=(np.nan,)), "positive_weight must be finite"),
        (lambda: Huber(delta=0), "delta must be a finite number above 0; got 0"),
        (lambda: Huber(delta=np.inf), "delta must be a finite number above 0; got inf"),
    ],
)
def test_options_out_of_range_raise(make, message):
    with pytest.raises(ValueError, match=message):
        make()


Z = np.zeros((4, 3))
TWO = Z[:, :2]
CODES = np.array([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("loss", "z", "y", "message"),
    [
        (
            SoftmaxCrossEntropy(),
            Z,
            CODES + 1,
            "class codes must be from 0 to 2, as the network has 3 outputs; got .* from 1 to 3",
        ),
        (SoftmaxCrossEntropy(), Z, CODES - 1, "got codes from -1 to 1"),
        (SoftmaxCrossEntropy(), Z, CODES[:3], r"codes of shape \(4,\); got shape \(3,\)$"),
        (SoftmaxCrossEntropy(), Z, np.eye(4, 3), r"one-hot rows with y.argmax\(axis=1"),
        (SoftmaxCrossEntropy(), Z, CODES * 1.0, "must be class codes, integers; got float64. Con"),
        (SoftmaxCrossEntropy(), Z[0], CODES[:1], r"shape \(n, outputs\); got \(3,\). End"),
        (
            SoftmaxCrossEntropy(class_weight=(1, 2)),
            Z,
            CODES,
            "class_weight must have 3 numbers, .*; got 2",
        ),
        (
            BinaryCrossEntropy(positive_weight=(1, 2)),
            Z,
            Z,
            "positive_weight must have 3 numbers, .*; got 2",
        ),
        (BinaryCrossEntropy(), Z[:, :1], CODES, "0 and 1, or probabilities; got .* from 0 to 2. F"),
        (BinaryCrossEntropy(), Z, Z - 0.5, "got values from -0.5 to -0.5"),
        (BinaryCrossEntropy(), Z, Z * np.nan, "got values from nan to nan"),
        (BinaryCrossEntropy(), Z, CODES, r"y must have shape \(4, 3\), one target per .* \(4,"),
        (SquaredError(), Z, Z.T, r"y must have shape \(4, 3\).* got \(3, 4\). Give the last layer"),
        (SquaredError(), Z[:, :1], CODES[:3], r"y must have shape \(4, 1\)"),
        (AbsoluteError(), Z[:, :1], Z, r"y must have shape \(4, 1\)"),
        (Huber(), Z, Z.astype(str), "y must hold numbers; got <U32. Convert"),
        (Huber(), np.zeros((4, 2, 2)), Z, r"shape \(n, outputs\); got \(4, 2, 2\). End"),
        (Poisson(), Z, Z - 1, "Poisson expects counts, y at least 0; got -1.0. For"),
        (Poisson(), Z, Z * np.nan, "y at least 0; got nan"),
    ],
)
def test_invalid_targets_raise(loss, z, y, message):
    with pytest.raises(ValueError, match=message):
        loss.value_and_gradient(z, y, None, scope())


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), r"weights must have shape \(4,\), one per row; got \(3,\)"),
        (np.ones((4, 1)), r"weights must have shape \(4,\).* got \(4, 1\)"),
        (np.array([1, 1, 1, -4.0]), "weights must be finite and at least 0; got -4.0 in row 3"),
        (np.array([1, 1, 1, np.nan]), "got nan in row 3"),
        (np.array([1, 1, 1, np.inf]), "got inf in row 3"),
    ],
)
def test_invalid_weights_raise(weight, message):
    with pytest.raises(ValueError, match=message):
        SquaredError().value_and_gradient(Z, Z, weight, scope())
