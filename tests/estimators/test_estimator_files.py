"""Estimator files: exact round trips, and validation of untrusted files."""

from __future__ import annotations

import importlib.util
import json
import time
import tracemalloc
from copy import deepcopy
from dataclasses import dataclass, fields
from math import inf, nan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from graduel import MLPClassifier, MLPRegressor, nn, optim
from graduel.errors import UserError
from graduel.estimators import persistence
from graduel.estimators.tagged_values import PARTS, from_tagged, to_tagged
from graduel.train import load_network, save_network

GOLDEN = Path(__file__).parents[1] / "golden"
SPEC = importlib.util.spec_from_file_location("make_estimators", GOLDEN / "make_estimators.py")
MADE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(MADE)
CASES = json.loads((GOLDEN / "estimators" / "estimators.json").read_text(encoding="utf-8"))
CODES, X = MADE.CODES, MADE.X

pytestmark = pytest.mark.filterwarnings(
    "ignore:Stochastic Optimizer. Maximum iterations:sklearn.exceptions.ConvergenceWarning",
    "ignore:lbfgs failed to converge:sklearn.exceptions.ConvergenceWarning",
    "ignore:X does not have valid feature names:UserWarning",
)


def fitted(name):
    estimator, rows, y = MADE.CASES[name]
    return clone(estimator).fit(rows, y), rows, y


def round_trip(estimator, folder, parts=()):
    estimator.save(folder / "e.safetensors")
    return type(estimator).load(str(folder / "e.safetensors"), parts=parts)


def dense(values):
    return values.toarray() if hasattr(values, "toarray") else values


def same_bits(a, b):
    assert type(a) is type(b)
    a, b = dense(a), dense(b)
    assert a.dtype == b.dtype
    assert a.shape == b.shape
    assert a.tolist() == b.tolist() if a.dtype == object else a.tobytes() == b.tobytes()


def equal(a, b):
    """Return True if values are equal, NaN included; else raise."""
    np.testing.assert_equal(a, b)
    return True


ATTRIBUTES = [field.name for field in fields(persistence.FitNotes)]
NAMES = [
    *ATTRIBUTES,
    *("n_features_in_", "n_layers_", "n_outputs_", "out_activation_", "feature_names_in_"),
    "classes_",
]


def assert_same(one, two, rows):
    for method in ("predict", "predict_proba", "predict_log_proba"):
        if hasattr(one, method):
            same_bits(getattr(one, method)(rows), getattr(two, method)(rows))
    assert one.network_ == two.network_
    for vector in ("theta", "state"):
        same_bits(getattr(one.weights_, vector), getattr(two.weights_, vector))
    for name in NAMES:
        assert hasattr(one, name) == hasattr(two, name)
        assert equal(getattr(one, name, None), getattr(two, name, None))
        assert type(getattr(one, name, None)) is type(getattr(two, name, None))
    assert equal(one.get_params(), two.get_params())
    assert repr(one) == repr(two)
    assert one.summary() == two.summary()


@pytest.mark.parametrize("name", MADE.CASES)
def test_a_round_trip_preserves_everything(tmp_path, name):
    estimator, rows, _ = fitted(name)
    loaded = round_trip(estimator, tmp_path)
    assert_same(estimator, loaded, rows)
    (tmp_path / "again").mkdir()
    again = round_trip(loaded, tmp_path / "again")
    assert_same(estimator, again, rows)
    first, second = (tmp_path / at / "e.safetensors" for at in ("", "again"))
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", MADE.CASES)
def test_a_loaded_estimator_can_continue_training(tmp_path, name):
    estimator, rows, y = fitted(name)
    loaded = round_trip(estimator, tmp_path)
    warm = [net.set_params(warm_start=True).fit(rows, y) for net in (estimator, loaded)]
    if name != "names":  # with EMA, only the averaged weights are saved
        assert_same(*warm, rows)
    assert len(loaded.loss_curve_) >= 8 or name == "floats"
    loaded = round_trip(fitted(name)[0], tmp_path).set_params(early_stopping=False)
    if name != "floats" and loaded.get_params().get("class_weight") != "balanced":
        before, seen = loaded.weights_.theta.copy(), loaded.t_
        loaded.partial_fit(rows, y)
        assert not np.array_equal(before, loaded.weights_.theta)
        assert loaded.t_ == seen + len(X)
        assert len(loaded.loss_curve_) == 5


def test_a_warm_start_after_loading_keeps_the_best_epoch(tmp_path):
    params = {"early_stopping": True, "warm_start": True, "max_iter": 6, "n_iter_no_change": 99}
    net = MADE.classifier(**params).fit(X, CODES)
    loaded = round_trip(net, tmp_path)
    for one in (net, loaded):
        one.set_params(learning_rate_init=5.0).fit(X, CODES)  # no epoch improves
    assert_same(net, loaded, X)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["b", "a", "ü日"]),
        np.array(["b", "a", ""], dtype=object),
        np.array([np.str_("b"), np.str_("a"), np.str_("c")], dtype=object),
        np.array(["x" * 3000, "y", "z\n\0z"]),
        *(np.array([3, 1, 2], dtype=dtype) for dtype in ("i1", "u1", ">i4", "u8", "f2", "f4")),
        np.array([2**63 - 1, -(2**63), 0]),
        np.array([1e15, -2.0, 0.0]),
        np.array([True, False, True]),
        pd.Series(["b", "a", "c"], dtype="category"),
    ],
    ids=lambda labels: f"{labels.dtype}-{labels[0]!r:.9}",
)
def test_labels_of_every_kind(tmp_path, labels):
    y = labels[CODES] if isinstance(labels, np.ndarray) else labels.iloc[CODES]
    net = MADE.classifier().fit(X, y)
    assert_same(net, round_trip(net, tmp_path), X)


def test_a_single_label(tmp_path):
    net = MADE.classifier().fit(X, np.full(len(X), 7))
    assert_same(net, round_trip(net, tmp_path), X)


def test_unsupported_labels_raise_before_a_file_is_written(tmp_path):
    net = MADE.classifier().fit(X, CODES.astype(np.longdouble))
    if np.dtype(np.longdouble).itemsize > 8:
        with pytest.raises(UserError, match=r"labels must be numbers or text.*Fit with text"):
            net.save(tmp_path / "e")
    assert not (tmp_path / "e").exists()


PARAMS = {
    "hidden_layer_sizes": [5, (3, 2), [4], np.array([2, 3]), np.int64(4)],
    "activation": ["relu", "leaky_relu(slope=0.1)", nn.GELU(), [nn.SELU()], ("tanh",)],
    "solver": ["sgd", optim.Muon(), optim.ClipNorm(optim.AdamW(), 1.0), optim.SGD(nesterov=False)],
    "learning_rate": ["adaptive", "cosine", optim.WarmUp(0.1, optim.Cosine()), optim.Constant()],
    "init": ["auto", "he_normal", nn.Constant(0.1), nn.Orthogonal(2.0)],
    "loss": ["log_loss", "binary", nn.SoftmaxCrossEntropy(0.1, class_weight=(1.0, 2.0, 3.0))],
    "layers": [None, [4, "8"], [nn.Residual((nn.Dense(4), nn.ReLU()))], (nn.Dense(3),)],
    "norm": [None, "batch", nn.LayerNorm(eps=1e-3)],
    "class_weight": [None, "balanced", {0: 1.0, 1: 2.5, 2: 1}],
    "n_iter_no_change": [3, inf],
    "random_state": [None, 7],
    "alpha": [np.float32(0.5), 1e-300],
    "shuffle": [False, np.True_],
    "scoring": ["loss", None],
    "input_scale": ["auto", 2],
    "validation_fraction": [0.25],
    "verbose": [False, 2],
    "dropout": [0.5, (0.1,), [np.float32(0.5)]],
}


@pytest.mark.parametrize(
    ("name", "value"), [(k, v) for k, values in PARAMS.items() for v in values], ids=str
)
def test_every_kind_of_parameter(tmp_path, name, value):
    net = MADE.classifier(**{name: value})
    if name not in ("hidden_layer_sizes", "layers", "verbose"):
        net.fit(X, CODES)
    else:  # after the fit, as set_params allows
        net = MADE.classifier().fit(X, CODES).set_params(**{name: value})
    loaded = round_trip(net, tmp_path)
    back = loaded.get_params()[name]
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    assert back == plain
    assert type(back) is type(plain)
    clone(loaded).fit(X, CODES)


def test_parameters_that_are_not_plain_data_load_as_defaults(tmp_path):
    net = MADE.classifier(
        learning_rate=lambda t: 1.0,
        random_state=np.random.RandomState(3),
        scoring=lambda *_: 1.0,
        alpha=0.5,
    ).fit(X, CODES)
    loaded = round_trip(net, tmp_path)
    same_bits(net.predict_proba(X), loaded.predict_proba(X))
    assert (loaded.learning_rate, loaded.random_state, loaded.scoring) == ("constant", None, None)
    assert loaded.alpha == 0.5


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.integers() | st.text() | st.booleans() | st.none(), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(VALUES)
def test_any_plain_value_comes_back_from_json(value):
    back = from_tagged(json.loads(json.dumps(to_tagged(value))), {})
    assert repr(back) == repr(value)


@dataclass(frozen=True, slots=True)
class Halved:
    """A custom constant schedule."""

    factor: float = 0.5

    def __call__(self, t):
        return self.factor


@dataclass(frozen=True, slots=True)
class Constant:
    """A custom schedule with the name of a built-in one."""

    factor: float = 0.25

    def __call__(self, t):
        return self.factor


def test_custom_classes_load_when_passed_as_parts(tmp_path):
    for own in (Halved(0.125), Constant(0.5)):
        net = MADE.classifier(learning_rate=own).fit(X, CODES).set_params(init=nn.Constant(0.1))
        loaded = round_trip(net, tmp_path, parts=[type(own)])
        assert loaded.learning_rate == own
        assert loaded.init == nn.Constant(0.1)
        with pytest.raises(UserError, match=f"known part; got {type(own).__name__}. .* parts="):
            round_trip(net, tmp_path)


def test_curves_with_nan_and_infinity(tmp_path):
    scores = iter([nan, 0.5, nan])
    net = MADE.classifier(scoring=lambda *_: next(scores), early_stopping=True, max_iter=3)
    net.fit(X, CODES)
    net.loss_curve_[1], net.validation_loss_curve_[0] = inf, -inf
    loaded = round_trip(net, tmp_path)
    equal(loaded.validation_scores_, [nan, 0.5, nan])
    equal(loaded.loss_curve_, net.loss_curve_)
    assert loaded.validation_loss_curve_[0] == -inf
    assert loaded.best_validation_score_ == 0.5


# --- other files ---


def test_other_files_raise_one_line_that_names_the_file(tmp_path):
    net, _, _ = fitted("number")
    net.save(tmp_path / "regressor")
    alone = nn.Network((nn.Dense(1),), (2,))
    save_network(tmp_path / "alone", alone, alone.init(np.random.default_rng(0)))
    (tmp_path / "text").write_text("no model")
    (tmp_path / "a\nb").write_text("no model")
    for name, message in (
        ("regressor", "expected an MLPClassifier; got 'MLPRegressor'"),
        ("alone", "expected an MLPClassifier; got a network without an estimator"),
        ("text", "expected a model"),
        ("a\nb", "expected a model"),
        ("missing", "cannot be read"),
        (".", "cannot be read"),
    ):
        with pytest.raises(ValueError, match=message) as caught:
            MLPClassifier.load(tmp_path / name)
        assert type(caught.value) is UserError
        assert name.replace("\n", r"\n").strip(".") in str(caught.value)
        assert str(caught.value).isprintable()


def test_saving_before_fit_raises(tmp_path):
    with pytest.raises(NotFittedError):
        MLPClassifier().save(tmp_path / "e")
    assert not list(tmp_path.iterdir())


def test_a_later_format_raises_with_a_remedy(tmp_path):
    net, _, _ = fitted("number")
    net.save(tmp_path / "e")
    model = load_network(tmp_path / "e")
    save_network(tmp_path / "e", model.network, model.weights, model.notes | {"format": 2})
    with pytest.raises(UserError, match=r"format 1; got format 2. Install a newer"):
        MLPRegressor.load(tmp_path / "e")


def test_a_changed_note_does_not_match_the_checksum(tmp_path):
    fitted("text")[0].save(tmp_path / "e")
    content = (tmp_path / "e").read_bytes()
    changed = content.replace(b"yes", b"yet")
    assert changed != content
    (tmp_path / "e").write_bytes(changed)
    with pytest.raises(UserError, match="checksum"):
        MLPClassifier.load(tmp_path / "e")


# --- malicious notes ---

MODELS = []
for case, (made, *_) in MADE.CASES.items():
    MODELS.append((type(made), load_network(GOLDEN / "estimators" / f"format1-{case}.safetensors")))
SECONDS, BYTES = 3.0, 32 << 20


def outcome(path, kind, model, notes):
    """Load an estimator with these notes; check the result, time and memory."""
    try:
        save_network(path, model.network, model.weights, notes)
    except (UserError, RecursionError):
        return "not written"
    tracemalloc.reset_peak()
    start, before = time.thread_time(), tracemalloc.get_traced_memory()[0]
    error = None
    try:
        net = kind.load(path)
    except UserError as caught:
        error = str(caught)
    assert time.thread_time() - start < SECONDS
    assert tracemalloc.get_traced_memory()[1] - before < BYTES
    if error is not None:
        assert str(path) in error
        assert error.isprintable()
        assert len(error) < 1500
        return error
    rows = np.zeros((3, net.n_features_in_))
    predictions = dense(net.predict(rows))
    assert len(predictions) == 3
    if kind is MLPClassifier:
        assert net.predict_proba(rows).shape == (3, len(net.classes_))
        assert set(np.ravel(predictions)) <= set(net.classes_) | {0, 1}
    assert isinstance(net.summary() + repr(net) + net._repr_html_(), str)
    net.save(path)
    assert_same(net, kind.load(path), rows)
    return "loaded"


def change(*where, to=None, drop=False):
    """Return a function that changes a note at a path of keys."""

    def changed(notes):
        at = notes
        for key in where[:-1]:
            at = at[key]
        if drop:
            del at[where[-1]]
        else:
            at[where[-1]] = to

    changed.__name__ = f"{'.'.join(map(str, where))}={'—' if drop else str(to):.40}"
    return changed


def nested(levels, inner=None):
    value = inner
    for _ in range(levels):
        value = [value]
    return value


CLASSES = ("targets", "classes")
INVALID = [
    *(change("estimator", to=x) for x in ("MLPRegressor", None, [], "x" * 5000, "\x1b[31m\n")),
    *(change("format", to=x) for x in (0, 2, "1", None, [])),
    *(change(key, drop=True) for key in ("format", "params", "targets", "features", "fitted")),
    *(change(key, to=x) for key in ("params", "targets", "features") for x in (None, 5, [5], "x")),
    *(change("fitted", name, drop=True) for name in ATTRIBUTES),
    *(
        change("fitted", name, to=x)
        for name in ATTRIBUTES
        for x in ("7", [[]], {}, True, [True])
    ),
    *(change("fitted", name, to=-1) for name in persistence.COUNTS),
    *(change("fitted", name, to=10**400) for name in ("loss_", *persistence.COUNTS)),
    change("fitted", "n_iter_", to=1.5),
    change("fitted", "loss_curve_", to=None),
    change("fitted", "loss_curve_", to=[]),
    change("fitted", "loss_curve_", to=[1, None]),
    change("fitted", "validation_scores_", to=[0.5]),
    change("fitted", "validation_loss_curve_", to=[0.5] * 99),
    *(
        change(*CLASSES, "dtype", to=x)
        for x in (
            *("O", "V8", "V1000000000", "U1000000000", "<U262144000", "S5", "M8[s]", "m8", "c16"),
            *("i8,i8", "(2,)i8", "(1000000000,)i8", "f16", "g", "a5", ",", "object", "{}", ""),
            *(None, 5, ["<i8"], {"names": ["a"]}, "|b1", "u1\n", "<i٣"),
        )
    ),
    *(
        change(*CLASSES, "values", to=x)
        for x in (
            *([], {}, None, 3, "abc", [1], [1, 2], [1, 2, 3, 4], [2, 1, 0], [1, 1, 2]),
            *([0, 1, None], [0, 1, 2.5], [0, 1, "2"], [0, 1, True], [[0], [1], [2]]),
            *([0, 1, 10**30], [0, 1, {"part": {"type": "nn.Dense"}}], nested(200)),
        )
    ),
    change("targets", "classes", to=None),
    change("targets", "classes", to={"dtype": "<i8"}),
    change("targets", "classes", to={"dtype": "O", "values": ["a", 1, None]}),
    change("targets", "classes", to={"dtype": "O", "values": ["a", "c", "b"]}),
    change("targets", "classes", to={"dtype": "<U200000", "values": [*"abcdefghijklmnopqrstuv"]}),
    change("targets", "classes", to={"dtype": "<f8", "values": [0.0, 1.0, {"float": "nan"}]}),
    change("targets", "classes", to={"dtype": "<f2", "values": [0.0, 1.0, 1e30]}),
    change("targets", "classes", to={"dtype": "<i8", "values": [0, 1, 2], "more": 1}),
    change("targets", to={"n_outputs": 3}),
    *(
        change("features", "scale", to=x)
        for x in (0, -1, None, "1", True, [1], {"float": "nan"}, {"float": "inf"}, 10**400)
    ),
    *(
        change("features", "names", to=x)
        for x in ([], ["a"], ["a"] * 5, [1, 2, 3, 4], [["a"]] * 4, "abcd", {"a": 1}, 4, [None] * 4)
    ),
    *(
        change("features", "image", to=x)
        for x in (
            *([], [4], [2, 2, 2], [2, 2, 1, 1], [4.0, 1, 1], [-4, -1, 1], ["4", 1, 1]),
            *([True, 4, 1], "411", 4, {"a": 4}, [10**30, 1, 1], [2**40, 2**40, 1], [0, 0, 0]),
        )
    ),
    change("params", "no_such_parameter", to=1),
    change("params", "self", to=1),
    *(
        change("params", "alpha", to=x)
        for x in (
            *({}, {"float": "1"}, {"float": None}, {"float": [1]}, {"tuple": 5}, {"tuple": {}}),
            *({"dict": 5}, {"dict": [1]}, {"dict": [[1]]}, {"dict": [[[], 1]]}, {"no": 1}),
            *({"part": "nn.Dense"}, {"part": [{"type": "nn.Dense"}]}, {"part": {"type": []}}),
            {"part": {}},
            *({"part": {"type": name}} for name in ("nn.Nothing", "os.system", "Dense", "")),
            {"part": {"type": "nn.Dense", "units": 0}},
            {"part": {"type": "nn.Dense", "units": "x"}},
            {"part": {"type": "nn.Dense", "units": 3, "more": 3}},
            {"part": {"type": "nn.Dropout", "rate": []}},
            {"part": {"type": "nn.Dense", "units": 3}, "more": 1},
            {"part": {"type": "optim.ClipNorm", "rule": None, "most": -1}},
            {"part": {"type": "nn.Network", "layers": [], "input_shape": [5]}},
            *(nested(levels) for levels in (40, 900)),
        )
    ),
]  # fmt: skip
MULTICLASS = MODELS[list(MADE.CASES).index("bytes")][1]


@pytest.fixture
def traced():
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("changed", INVALID, ids=lambda changed: changed.__name__)
def test_malicious_notes_raise(tmp_path, changed):
    notes = deepcopy(MULTICLASS.notes)
    changed(notes)
    assert outcome(tmp_path / "e", MLPClassifier, MULTICLASS, notes) not in (
        "loaded",
        "not written",
    )


@pytest.mark.usefixtures("traced")
def test_malicious_notes_of_a_regressor_raise(tmp_path):
    number = MODELS[list(MADE.CASES).index("number")][1]
    for to in (2, 1.0, True, "1", None, []):
        notes = deepcopy(number.notes)
        notes["targets"]["n_outputs"] = to
        assert "damaged" in outcome(tmp_path / "e", MLPRegressor, number, notes)
    swapped = MULTICLASS.notes | {"estimator": "MLPRegressor", "targets": {"n_outputs": 3}}
    swapped["params"] = number.notes["params"]
    assert "a loss for regression; got SoftmaxCrossEntropy" in outcome(
        tmp_path / "e", MLPRegressor, MULTICLASS, swapped
    )


NASTY = [
    *(None, True, 0, 1, -1, 2.5, 1e308, 2**53, 10**400, "", "6", "x" * 3000, "\n\x1b[31m\u202e"),
    *([], [0], [1] * 40, [[[[]]]], {}, {"float": "nan"}, {"tuple": []}, {"dict": []}),
    *("O", "V1000000000", "U1000000000", "<U9999999", "<f8", "|b1", "<U3"),
    *({"part": {"type": name}} for name in PARTS),
    {"part": {"type": "nn.Residual", "layers": []}},
    {"part": {"type": "optim.MaxNorm", "rule": {"type": "optim.SGD"}, "most": 1}},
]


def iter_keys(value):
    """Yield every container with each of its keys."""
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from iter_keys(value[key])


def mutant(number):
    """Return a model with one to three random changes of its notes."""
    rng = np.random.default_rng(number)
    kind, model = MODELS[rng.integers(len(MODELS))]
    notes = deepcopy(model.notes)
    for _ in range(rng.integers(1, 4)):
        room = notes if rng.random() < 0.2 else notes[["params", "targets", "features", "fitted"][
            rng.integers(4)
        ]]  # fmt: skip
        keys = list(iter_keys(room))
        if not keys:
            break
        at, key = keys[rng.integers(len(keys))]
        what = rng.integers(4)
        if what == 0:
            del at[key]
        elif what == 1:
            other, there = list(iter_keys(notes))[rng.integers(len(list(iter_keys(notes))))]
            at[key] = deepcopy(other[there])
        elif what == 2 and isinstance(at, dict):
            at[["part", "type", "values", "solver", ""][rng.integers(5)]] = at.pop(key)
        else:
            at[key] = deepcopy(NASTY[rng.integers(len(NASTY))])
        if not all(
            isinstance(notes.get(r), dict) for r in ("params", "targets", "features", "fitted")
        ):
            break
    return kind, model, notes


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("chunk", range(2))
def test_notes_changed_at_random_raise_or_give_a_valid_estimator(tmp_path, chunk):
    outcomes = []
    for number in range(50 * chunk, 50 * chunk + 50):
        try:
            outcomes.append(outcome(tmp_path / "e", *mutant(number)))
        except BaseException as error:
            error.add_note(f"mutant({number})")
            raise
    assert len([what for what in outcomes if what not in ("loaded", "not written")]) >= 10
    assert "loaded" in outcomes


@pytest.mark.long
@pytest.mark.usefixtures("traced")
def test_ten_thousand_notes_changed_at_random(tmp_path):
    for number in range(1000, 11_000):
        try:
            outcome(tmp_path / "e", *mutant(number))
        except BaseException as error:
            error.add_note(f"mutant({number})")
            raise


# --- files of earlier formats ---


@pytest.mark.parametrize("name", CASES)
def test_files_of_every_format_load(name):
    case = CASES[name]
    kind = {"MLPClassifier": MLPClassifier, "MLPRegressor": MLPRegressor}[case["estimator"]]
    net = kind.load(GOLDEN / "estimators" / name)
    rows = np.array(case["X"], dtype=case["dtype"])
    if case["names"] is not None:
        rows = pd.DataFrame(rows, columns=case["names"])
        assert net.feature_names_in_.tolist() == case["names"]
    predictions = dense(net.predict(rows)).tolist()
    if kind is MLPRegressor:
        np.testing.assert_allclose(predictions, case["predictions"], rtol=1e-6, atol=1e-6)
    else:
        assert predictions == case["predictions"]
        assert net.classes_.tolist() == case["classes"]
        assert net.classes_.dtype.str == case["classes_dtype"]
        np.testing.assert_allclose(net.predict_proba(rows), case["probabilities"], atol=1e-6)
    assert net.loss_curve_ == case["loss_curve"]
    assert net.n_iter_ == case["n_iter"]
    clone(net)._repr_html_()


def test_there_are_files_of_every_format_and_kind():
    formats = range(1, persistence.FORMAT + 1)
    names = {f"format{i}-{name}.safetensors" for i in formats for name in MADE.CASES}
    assert set(CASES) == names == {p.name for p in (GOLDEN / "estimators").glob("*.safetensors")}


def test_the_file_is_safetensors_with_plain_notes(tmp_path):
    net, _, _ = fitted("text")
    net.save(tmp_path / "e")
    with safe_open(tmp_path / "e", framework="numpy") as opened:
        about = json.loads(opened.metadata()["graduel"])
        np.testing.assert_array_equal(opened.get_tensor("0.W"), net.coefs_[0])
    assert set(about["notes"]) == {"estimator", "format", "params", "targets", "features", "fitted"}
    assert about["notes"]["targets"]["classes"]["values"] == ["nö", "yes", "日本"]


def test_only_the_last_epochs_of_a_long_curve_are_saved(tmp_path, monkeypatch):
    monkeypatch.setattr(persistence, "MOST_EPOCHS", 20)
    X = np.random.default_rng(0).normal(size=(4, 2))
    net = MLPRegressor(hidden_layer_sizes=(2,), random_state=0)
    for _ in range(persistence.MOST_EPOCHS + 3):
        net.partial_fit(X, X[:, 0])
    path = tmp_path / "net.safetensors"
    net.save(path)
    same = MLPRegressor.load(path)
    assert same.loss_curve_ == net.loss_curve_[3:]
    assert same.t_ == net.t_
    np.testing.assert_array_equal(same.predict(X), net.predict(X))
