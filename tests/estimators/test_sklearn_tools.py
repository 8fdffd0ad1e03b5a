"""The estimators with scikit-learn's tools, and in threads."""

from __future__ import annotations

import copy
import inspect
import pickle
import sys
import threading
from functools import partial

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from graduel.estimators import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(11)
X = RNG.normal(size=(90, 4))
LABELS = np.array(["high", "low", "mid"])[(X[:, :3] + 0.3 * RNG.normal(size=(90, 3))).argmax(1)]
NUMBERS = X[:, 0] - 2 * X[:, 1] * X[:, 2]
NAMES = ["age", "height", "weight", "pulse"]
SMALL = {"hidden_layer_sizes": 12, "max_iter": 60, "learning_rate_init": 0.02, "random_state": 0}
BOTH = [(MLPClassifier, LABELS), (MLPRegressor, NUMBERS)]


def classifier(**params):
    return MLPClassifier(**SMALL | params)


def regressor(**params):
    return MLPRegressor(**SMALL | params)


# --- meta-estimators ---


@pytest.mark.parametrize("frames", ["pandas", "polars"])
def test_feature_names_pass_through_a_pipeline(frames):
    frame = {"pandas": pd.DataFrame, "polars": pl.DataFrame}[frames](
        dict(zip(NAMES, X.T, strict=True))
    )
    pipe = make_pipeline(StandardScaler(), classifier()).set_output(transform=frames)
    pipe.fit(frame, LABELS)
    assert list(pipe[-1].feature_names_in_) == NAMES
    assert pipe.score(frame, LABELS) > 0.8
    plain = make_pipeline(StandardScaler(), classifier()).fit(X, LABELS)
    np.testing.assert_allclose(pipe.predict_proba(frame), plain.predict_proba(X), rtol=1e-9)
    assert not hasattr(plain[-1], "feature_names_in_")


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_feature_names_are_compared_with_the_fit(kind, y, frame):
    rows = frame(dict(zip(NAMES, X.T, strict=True)))
    net = kind(**SMALL).fit(rows, y)
    assert list(net.feature_names_in_) == NAMES
    with pytest.warns(UserWarning, match="X does not have valid feature names, but MLP"):
        np.testing.assert_array_equal(net.predict(X), net.predict(rows))
    with pytest.raises(ValueError, match="The feature names should match"):
        net.predict(rows[NAMES[::-1]])
    plain = kind(**SMALL).fit(X, y)
    with pytest.warns(UserWarning, match="X has feature names, but MLP"):
        plain.predict(rows)
    assert not hasattr(net.fit(X, y), "feature_names_in_")


def test_a_grid_over_layers_and_dropout():
    grid = {"hidden_layer_sizes": [(1,), (12,), (8, 6)], "dropout": [0.0, 0.8]}
    search = GridSearchCV(classifier(), grid, cv=3).fit(X, LABELS)
    assert len(search.cv_results_["params"]) == 6
    assert search.best_params_["hidden_layer_sizes"] != (1,)
    assert search.best_estimator_.get_params()["dropout"] == search.best_params_["dropout"]
    assert search.score(X, LABELS) > 0.8


def test_cross_validation_in_threads_gives_the_same_scores():
    with joblib.parallel_backend("threading"):
        threads = cross_val_score(regressor(), X, NUMBERS, cv=4, n_jobs=4)
    np.testing.assert_array_equal(threads, cross_val_score(regressor(), X, NUMBERS, cv=4))
    fitted = cross_validate(regressor(), X, NUMBERS, cv=2, return_estimator=True)["estimator"]
    assert not np.array_equal(fitted[0].coefs_[0], fitted[1].coefs_[0])


def test_calibration():
    net = CalibratedClassifierCV(classifier(), cv=3).fit(X, LABELS)
    p = net.predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert net.score(X, LABELS) > 0.8


@pytest.mark.parametrize(("make", "y"), [(classifier, LABELS), (regressor, X[:, 0])])
def test_permutation_importance_finds_the_columns_that_matter(make, y):
    result = permutation_importance(make().fit(X, y), X, y, n_repeats=5, random_state=0)
    assert result.importances_mean.argmin() != 0
    assert result.importances_mean[0] > 4 * abs(result.importances_mean[3])


def test_stacking_and_one_against_the_rest():
    members = [("net", classifier()), ("line", LogisticRegression())]
    assert StackingClassifier(members, cv=3).fit(X, LABELS).score(X, LABELS) > 0.8
    rest = OneVsRestClassifier(classifier()).fit(X, LABELS)
    assert len(rest.estimators_) == 3
    assert rest.score(X, LABELS) > 0.8


def test_transformed_targets():
    net = TransformedTargetRegressor(regressor(max_iter=400), transformer=StandardScaler())
    assert net.fit(X, 1e4 + 1e3 * NUMBERS).score(X, 1e4 + 1e3 * NUMBERS) > 0.9


# --- parameters ---


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_get_and_set_params(kind, y):
    values = {"activation": ["relu", "tanh"], "hidden_layer_sizes": (5, 4), "dropout": [0.1, 0.0]}
    net = kind(**values, max_iter=2)
    params = net.get_params()
    assert set(params) == set(inspect.signature(kind).parameters)
    assert all(params[name] is value for name, value in values.items())
    again = kind().set_params(**params)
    assert again.get_params() == params
    net.fit(X, y)
    assert net.get_params() == params
    other = clone(net)
    assert other.get_params() == params
    assert not hasattr(other, "coefs_")
    with pytest.raises(ValueError, match="Invalid parameter 'units'"):
        net.set_params(units=3)


INVALID = {
    "hidden_layer_sizes": [(0, "range"), ((5, -1), "> 0"), ((2.5,), "integers"), ("a", "a")],
    "activation": [("rleu", "Did you mean 'relu'"), (None, "name"), (["relu"] * 2, "one for each")],
    "solver": [("sdg", "Did you mean 'sgd'"), (1, "name")],
    "alpha": [(-1e-9, "range"), ("0", "float")],
    "batch_size": [(0, "range"), ("all", "'auto'"), (2.5, "int")],
    "learning_rate": [("constnat", "Did you mean 'constant'"), (0.1, "name")],
    "learning_rate_init": [(0, "range"), (-1, "range")],
    "power_t": [(-0.5, "range")],
    "max_iter": [(0, "range"), (10.0, "int")],
    "shuffle": [("yes", "bool")],
    "random_state": [("seed", "RandomState"), (1.5, "RandomState")],
    "tol": [(-1e-4, "range")],
    "verbose": [(-1, "bool"), ("yes", "bool")],
    "warm_start": [("yes", "bool")],
    "momentum": [(1.1, "range"), (-0.1, "range")],
    "nesterovs_momentum": [(0.5, "bool")],
    "early_stopping": [("yes", "bool")],
    "validation_fraction": [(1.0, "range"), (-0.1, "range")],
    "beta_1": [(1.0, "range")],
    "beta_2": [(1.0, "range")],
    "epsilon": [(0, "range")],
    "n_iter_no_change": [(0, "range"), (-np.inf, "inf")],
    "max_fun": [(0, "range")],
    "loss": [("squard_error", "squared_error"), (3, "name")],
    "layers": [("conv3", "list"), ([0], "layer"), ([1.5], "sizes such as")],
    "norm": [("btach", "Did you mean 'batch'"), (1, "name"), (["batch"] * 3, "one for each")],
    "dropout": [(1.0, "range"), ([0.1, 0.2], "one for each"), ([1.0], "below 1")],
    "init": [("he_norml", "Did you mean 'he_normal'"), (0.1, "name")],
    "class_weight": [("balancd", "balanced"), (2, "dict"), ({"high": -1}, "at least 0")],
    "label_smoothing": [(1.0, "range"), (-0.1, "range")],
    "weight_decay": [(-1, "range")],
    "clip_norm": [(0, "range")],
    "clip_value": [(-1, "range")],
    "ema": [(1.0, "range")],
    "vat": [(-1.0, "range")],
    "scoring": [("acuracy", "Did you mean 'accuracy'"), (5, "callable")],
    "input_scale": [(0, "range"), ("pixels", "'auto'")],
}
"""Invalid values of each parameter, with a part of the message."""


def test_every_parameter_has_invalid_values():
    known = {*MLPClassifier().get_params(), *MLPRegressor().get_params()}
    assert set(INVALID) == known


@pytest.mark.parametrize(("kind", "y"), BOTH)
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [(name, value, text) for name, values in INVALID.items() for value, text in values],
    ids=lambda v: str(v)[:20],
)
def test_an_invalid_parameter_raises_with_its_name_and_valid_values(kind, y, name, value, text):
    if name not in kind().get_params():
        pytest.skip(f"{kind.__name__} has no {name}")
    net = kind(**{"max_iter": 1, name: value})
    with pytest.raises(ValueError, match=name) as error:
        net.fit(X, y)
    assert text in str(error.value)
    assert not hasattr(net, "coefs_")


@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_an_unknown_object_raises_for_every_parameter(kind, y):
    class Odd:
        pass

    for name in kind().get_params():
        with pytest.raises(ValueError, match=name):
            kind(**{"max_iter": 1, name: Odd()}).fit(X, y)


# --- before a fit ---

NEED_FIT = {
    "predict": (X,),
    "predict_proba": (X,),
    "predict_log_proba": (X,),
    "score": (X, LABELS),
    "save": ("never_written",),
    "to_onnx": ("never_written",),
    "to_python": (),
    "summary": (),
    "plot_training": (),
    "plot_weights": (),
}
"""The public methods that need a fit."""
OTHERS = {
    *("fit", "fit_iter", "partial_fit", "load", "get_params", "set_params", "set_callbacks"),
    *("get_metadata_routing", "set_fit_request", "set_partial_fit_request", "set_score_request"),
}


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_methods_before_fit_raise(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    net = kind()
    methods = {m for m in dir(net) if not m.startswith("_") and callable(getattr(net, m, None))}
    assert methods <= {*NEED_FIT, *OTHERS}
    for name in methods & {*NEED_FIT}:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            getattr(net, name)(*NEED_FIT[name])
    for name in ("coefs_", "intercepts_", "network_", "weights_"):
        assert not hasattr(net, name)
        with pytest.raises(AttributeError, match=f"no {name} before it is fitted"):
            getattr(net, name)
    assert not [*tmp_path.iterdir()]


OVERFLOWS = pytest.mark.filterwarnings(
    "ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning"
)


@OVERFLOWS
def test_a_failed_fit_keeps_the_previous_one():
    net = classifier(max_iter=3).fit(X, LABELS)
    before, curve = net.predict_proba(X), list(net.loss_curve_)
    wrong = (
        lambda: net.fit(X[:, :2] * np.nan, LABELS),
        lambda: net.fit(X, LABELS[1:]),
        lambda: net.fit(X[:, :3], LABELS, sample_weight=np.zeros(90)),
        lambda: net.partial_fit(X, np.full(90, "other")),
        lambda: net.set_params(solver="sgd", learning_rate_init=1e300).fit(X, LABELS),
        lambda: net.set_params(warm_start=True).fit(X, LABELS),
    )
    for call in wrong:
        with pytest.raises(ValueError):  # noqa: PT011
            call()
        np.testing.assert_array_equal(net.predict_proba(X), before)
        assert net.n_features_in_ == 4
        assert net.loss_curve_ == curve


@OVERFLOWS
def test_a_failed_epoch_keeps_the_previous_one():
    net = regressor(solver="sgd", batch_size=10).partial_fit(X, NUMBERS)
    before, curve, seen = net.predict(X), list(net.loss_curve_), net.t_
    with pytest.raises(ValueError, match="non-finite"):
        net.partial_fit(X * 1e100, NUMBERS)
    np.testing.assert_array_equal(net.predict(X), before)
    assert (net.loss_curve_, net.t_) == (curve, seen)
    net.partial_fit(X, NUMBERS)
    assert net.loss_ < curve[-1]
    assert net.t_ == 2 * seen


# --- copies ---


def through_pickle(net, tmp_path):
    return pickle.loads(pickle.dumps(net))


def through_joblib(net, tmp_path):
    joblib.dump(net, tmp_path / "net.joblib")
    return joblib.load(tmp_path / "net.joblib")


def through_a_deep_copy(net, tmp_path):
    return copy.deepcopy(net)


@pytest.mark.parametrize("through", [through_pickle, through_joblib, through_a_deep_copy])
@pytest.mark.parametrize(
    "params", [{}, {"solver": "sgd"}, {"dropout": 0.2, "ema": 0.9, "norm": "batch"}]
)
@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_copies_predict_and_continue_training_equally(kind, y, params, through, tmp_path):
    net = kind(**SMALL | params | {"max_iter": 5, "batch_size": 30})
    net.fit(X, y)
    net.partial_fit(X, y)
    other = through(net, tmp_path)
    assert str(other.get_params()) == str(net.get_params())
    np.testing.assert_array_equal(other.predict(X), net.predict(X))
    for _ in range(3):
        net.partial_fit(X, y)
        other.partial_fit(X, y)
        assert other.loss_ == net.loss_
        np.testing.assert_array_equal(other.weights_.theta, net.weights_.theta)
        np.testing.assert_array_equal(other.predict(X), net.predict(X))
    other.coefs_[0] = np.zeros_like(other.coefs_[0])
    assert net.coefs_[0].any()
    assert not other.network_.layout["0.W"].view(other.weights_.theta).any()


@pytest.mark.parametrize(
    ("params", "vectors"),
    [
        ({}, 4),  # θ, two moments, scratch of at most 64k numbers
        ({"solver": "sgd"}, 3),
        ({"solver": "lbfgs"}, 1),
        ({"early_stopping": True}, 5),  # the best θ too
        ({"ema": 0.9}, 7),  # θ in training, its average, and another scratch
    ],
)
def test_a_pickle_has_weights_and_optimizer_state_but_no_buffers(params, vectors):
    rows, y = RNG.normal(size=(400, 200)), np.arange(400) % 3
    net = MLPClassifier(100, max_iter=2, **params).fit(rows, y)
    net.predict(rows)
    assert len(pickle.dumps(net)) < vectors * net.weights_.theta.nbytes + 30_000


# --- metadata ---


def test_weights_and_validation_rows_are_routed():
    weight, held_out = RNG.uniform(0, 2, 60), slice(60, None)
    with sklearn.config_context(enable_metadata_routing=True):
        net = classifier(max_iter=8).set_fit_request(sample_weight=True, X_val=True, y_val=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        pipe = Pipeline([("scaler", scaler), ("net", net)], transform_input=["X_val"])
        validation = {"X_val": X[held_out], "y_val": LABELS[held_out]}
        pipe.fit(X[:60], LABELS[:60], sample_weight=weight, **validation)
    scaled = StandardScaler().fit(X[:60])
    direct = classifier(max_iter=8).fit(
        scaled.transform(X[:60]),
        LABELS[:60],
        sample_weight=weight,
        X_val=scaled.transform(X[held_out]),
        y_val=LABELS[held_out],
    )
    assert len(direct.validation_scores_) == 8
    assert pipe["net"].validation_scores_ == direct.validation_scores_
    np.testing.assert_array_equal(pipe["net"].coefs_[0], direct.coefs_[0])


def test_metadata_that_are_not_requested_raise():
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(classifier(max_iter=2), {"dropout": [0.0]}, cv=2)
        with pytest.raises(
            ValueError, match=r"\[sample_weight\] are passed but are not explicitly"
        ):
            search.fit(X, LABELS, sample_weight=np.ones(90))
        weighted = classifier(max_iter=2).set_fit_request(sample_weight=True)
        search = GridSearchCV(
            weighted.set_score_request(sample_weight=True), {"dropout": [0.0]}, cv=2
        )
        assert search.fit(X, LABELS, sample_weight=np.ones(90)).best_score_ > 0


# --- callbacks ---


class Recorder:
    """A callback that records all events, and stops the fit after a given epoch."""

    def __init__(self, stop=None):
        self.stop, self.events, self.models = stop, [], []

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.events.append(("begin", context.task_name, context.task_id, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, X=None, metadata=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id, context.max_subtasks))
        self.metadata = metadata
        if fitted_estimator is not None:
            self.models.append((fitted_estimator, fitted_estimator.predict(X)))
        return context.task_name == "epoch" and context.task_id == self.stop


def watched(net, y, **recorder):
    """Fit with a recorder, if this scikit-learn has callbacks."""
    pytest.importorskip("sklearn.callback")
    callback = Recorder(**recorder)
    return net.set_callbacks(callback).fit(X, y), callback


@pytest.mark.parametrize(
    "params", [{}, {"solver": "lbfgs"}, {"ema": 0.8, "norm": "batch", "dropout": 0.1}]
)
@pytest.mark.parametrize(("kind", "y"), BOTH)
def test_callbacks_get_every_epoch_with_the_current_estimator(kind, y, params):
    params = SMALL | {"max_iter": 4} | params
    net, callback = watched(kind(**params), y)
    epochs = [(when, "epoch", i, 0) for i in range(4) for when in ("begin", "end")]
    fit = [("begin", "fit", 0, 4), *epochs, ("end", "fit", 0, 4)]
    assert callback.events == ["setup", *fit, "teardown"]
    assert len(callback.models) == 5
    for i, (model, then) in enumerate(callback.models):
        np.testing.assert_array_equal(model.predict(X), then)  # the copy has not changed
        assert model.n_iter_ == len(model.loss_curve_) == min(i + 1, 4)
        assert model.loss_curve_ == net.loss_curve_[: i + 1]
        if "solver" not in params:
            alone = kind(**params | {"max_iter": model.n_iter_}).fit(X, y)
            np.testing.assert_array_equal(alone.predict(X), then)
    np.testing.assert_array_equal(kind(**params).fit(X, y).predict(X), net.predict(X))


def test_training_the_estimator_of_a_callback_has_no_side_effects():
    net, callback = watched(classifier(max_iter=3), LABELS)
    before = net.predict_proba(X)
    for model, _ in callback.models:
        model.partial_fit(X, LABELS)
        model.coefs_[0] = np.zeros((4, 12))
    np.testing.assert_array_equal(net.predict_proba(X), before)
    assert len(net.loss_curve_) == 3


def test_a_callback_stops_the_fit():
    net, callback = watched(classifier(max_iter=50), LABELS, stop=2)
    assert net.n_iter_ == 3
    assert callback.events[-3:] == [("end", "epoch", 2, 0), ("end", "fit", 0, 50), "teardown"]
    alone = classifier(max_iter=3).fit(X, LABELS)
    np.testing.assert_array_equal(net.predict_proba(X), alone.predict_proba(X))


@OVERFLOWS
def test_callbacks_get_the_weights_and_end_with_a_fit_that_fails():
    net, callback = watched(classifier(max_iter=1), LABELS)
    assert callback.metadata is None
    weight = np.ones(90)
    net.fit(X, LABELS, sample_weight=weight)
    assert callback.metadata["sample_weight"] is weight
    with pytest.raises(ValueError, match="non-finite"):
        net.set_params(solver="sgd", learning_rate_init=1e300, max_iter=3).fit(X, LABELS)
    assert callback.events[-1] == "teardown"
    assert not hasattr(net, "_callback_fit_ctx")


def test_scikit_learns_callbacks(capsys):
    callback = pytest.importorskip("sklearn.callback")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    net = classifier(max_iter=6).set_callbacks(monitor, callback.ProgressBar()).fit(X, LABELS)
    data = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(data) == 6
    assert data[-1]["accuracy"] == net.score(X, LABELS)
    assert data[0]["accuracy"] < data[-1]["accuracy"]
    assert "MLPClassifier - fit" in capsys.readouterr().out
    assert "_skl_callbacks" not in clone(classifier()).__dict__


# --- threads ---


@pytest.fixture
def hasty():
    """Let threads switch as often as possible."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def run_beside(work, query, threads=8):
    """Call `query` in threads until `work` is done in another; return all results."""
    done, results = threading.Event(), [[] for _ in range(threads)]

    def repeat(own):
        while not done.is_set():
            own.append(query())

    def finish():
        try:
            work()
        finally:
            done.set()

    workers = [threading.Thread(target=repeat, args=(own,)) for own in results]
    workers.append(threading.Thread(target=finish))
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join(60)
    assert not any(thread.is_alive() for thread in workers)
    assert all(results)
    return [result for own in results for result in own]


def call(net, method, rows):
    """Return shape and bytes of the prediction, or 'refused' if the columns do not match."""
    try:
        result = getattr(net, method)(rows)
    except ValueError as error:
        assert "features, but MLP" in str(error)
        return "refused"
    return result.shape, result.tobytes()


WIDE = np.random.default_rng(2).normal(size=(90, 6))
FITS = {
    "first": (X, LABELS),
    "other weights": (X[::-1], LABELS),
    "other labels": (X, np.where(NUMBERS > 0, "above", "below")),
    "other columns": (WIDE, LABELS),
    "names": (pd.DataFrame(X[:, ::-1], columns=NAMES), LABELS),
    "float32": (X.astype(np.float32), LABELS),
}


@pytest.mark.parametrize("form", [np.asarray, np.ndarray.tolist], ids=["array", "list"])
@pytest.mark.parametrize("method", ["predict", "predict_proba"])
@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
@pytest.mark.usefixtures("hasty")
def test_threads_predict_with_the_old_fit_or_the_new_one(method, form):
    """Columns of another fit are refused by a complete fit too."""
    net, rows = classifier(max_iter=2), form(X[:7])
    known = {call(clone(net).fit(*data), method, rows) for data in FITS.values()}
    net.fit(*FITS["first"])

    def refit():
        for _ in range(4):
            for data in FITS.values():
                net.fit(*data)

    results = run_beside(refit, partial(call, net, method, rows))
    assert set(results) <= known
    assert len(set(results)) > 1


@pytest.mark.usefixtures("hasty")
def test_threads_predict_with_one_of_the_epochs_of_partial_fit():
    states, net = set(), classifier(batch_size=20)
    for _ in range(40):
        net.partial_fit(X, LABELS, classes=np.unique(LABELS))
        states.add(call(net, "predict_proba", X))
    net = classifier(batch_size=20).partial_fit(X, LABELS, classes=np.unique(LABELS))

    def train():
        for _ in range(39):
            net.partial_fit(X, LABELS)

    results = set(run_beside(train, partial(call, net, "predict_proba", X)))
    assert results <= states
    assert len(results) > 1


def test_a_first_fit_that_ends_during_a_prediction():
    """The estimator is fitted between the first look and the check."""

    class Late(MLPRegressor):
        def __sklearn_is_fitted__(self):
            self.__dict__["_fitted"] = FITTED._fitted
            return True

    FITTED = regressor(max_iter=2).fit(X, NUMBERS)
    np.testing.assert_array_equal(Late().predict(X), FITTED.predict(X))
