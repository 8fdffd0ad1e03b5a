"""Models of other libraries in a saved model: scikit-learn's by skops, boosters as trees.

Reading none of these forms executes code of the file. LightGBM's text and CatBoost's binary format
hold trees as numbers. skops builds only objects of types that it trusts, which are scikit-learn's,
NumPy's and SciPy's, and of :data:`TRUSTED`; it refuses all others.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from graduel.errors import UserError
from graduel.metrics.probabilities import two_columns
from graduel.pixels import detect_scale

Array = NDArray[Any]

Kind = Literal["sklearn", "lightgbm", "catboost"]
KINDS = get_args(Kind)
Input = Literal["matrix", "pixels", "frame"]

TRUSTED = (
    "functools.partial",  # of check_array in histogram boosting; skops checks its function too
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils.validation.check_array",
)
"""Parts of scikit-learn's classifiers that skops does not list. They hold numbers. scikit-learn
does not check those of trees, so load models only from sources you trust."""
INSTALL = "python -m pip install 'graduel[skops]'"


class CannotSaveError(UserError):
    """A fitted model has no form that can be saved."""


@dataclass(frozen=True, eq=False)
class LibraryModel:
    """A fitted classifier or regressor of another library.

    Attributes
    ----------
    kind : ``sklearn`` for an object with scikit-learn's methods, ``lightgbm`` for a Booster,
        ``catboost`` for a CatBoostClassifier
    estimator : the object; its classes are codes
    input : "matrix": prepared rows; "pixels": the same, uint8 scaled to 0 to 1; "frame": a pandas
        DataFrame
    """

    kind: Kind
    estimator: Any
    input: Input = "matrix"

    @property
    def n_features(self) -> int:
        """The number of columns of a matrix that it takes."""
        if self.kind == "lightgbm":
            return int(self.estimator.num_feature())
        if self.kind == "catboost":
            return len(self.estimator.feature_names_)
        return int(getattr(self.estimator, "n_features_in_", 0))

    def predict(self, X: Any, class_codes: tuple[int, ...]) -> Array:
        """Return the probabilities of the classes among the training rows, of these codes.

        Without ``predict_proba`` the predicted class has the probability 1.
        """
        if self.input == "pixels":
            X = (X * np.float32(detect_scale(X))).astype(np.float32, copy=False)
        if self.kind == "lightgbm":
            return two_columns(np.asarray(self.estimator.predict(X)))
        if self.kind == "catboost":
            X = catboost_rows(X, self.estimator.get_cat_feature_indices())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about missing feature names
            if hasattr(self.estimator, "predict_proba"):
                return np.asarray(self.estimator.predict_proba(X))
            labels = np.asarray(self.estimator.predict(X)).astype(np.intp)
        codes = getattr(self.estimator, "classes_", range(len(class_codes)))
        return np.asarray(labels[:, None] == np.array(codes), np.float32)

    def predict_numbers(self, X: Any) -> Array:
        """Return the numbers that a regressor predicts."""
        if self.input == "pixels":
            X = (X * np.float32(detect_scale(X))).astype(np.float32, copy=False)
        if self.kind == "catboost":
            X = catboost_rows(X, self.estimator.get_cat_feature_indices())
            return np.asarray(self.estimator.predict(X, prediction_type="RawFormulaVal"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about missing feature names
            return np.asarray(self.estimator.predict(X))

    def to_bytes(self) -> bytes:
        """Return the content of a file.

        Raises
        ------
        CannotSaveError
            If skops is not installed or does not support the model.
        """
        if self.kind == "lightgbm":
            return str(self.estimator.model_to_string()).encode()
        if self.kind == "catboost":
            return catboost_bytes(self.estimator)
        return dump_estimator(self.estimator)

    @classmethod
    def from_bytes(cls, kind: str, content: bytes, takes: Input) -> LibraryModel:
        """Build a model of one of :data:`KINDS` from the content of a file.

        Raises
        ------
        UserError
            If its library is not installed, or it has a type that is not trusted.
        """
        if kind == "sklearn":
            return cls("sklearn", _load_estimator(content), takes)
        try:
            if kind == "catboost":
                return cls("catboost", load_catboost(content), takes)
            from lightgbm import Booster
        except ImportError:
            title = "CatBoost" if kind == "catboost" else "LightGBM"
            raise UserError(
                f"the model needs {title}, which is not installed. Run python -m pip install "
                f"'graduel[{kind}]'"
            ) from None
        return cls("lightgbm", Booster(model_str=content.decode()), takes)


def catboost_rows(matrix: Array, categorical: list[int]) -> Any:
    """Return prepared rows as CatBoost takes them: codes of categories as integers, missing -1."""
    if not categorical:
        return matrix
    import pandas as pd

    def column(i: int) -> Array:
        values = matrix[:, i]
        return np.nan_to_num(values, nan=-1).astype(np.int32) if i in categorical else values

    return pd.DataFrame({i: column(i) for i in range(matrix.shape[1])})


def catboost_bytes(model: Any) -> bytes:
    """Return a fitted CatBoost model in its binary format (cbm), without times and random names."""
    metadata = model.get_metadata()
    metadata["train_finish_time"] = metadata["model_guid"] = ""
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        model.save_model(str(path))
        return path.read_bytes()


def load_catboost(content: bytes) -> Any:
    """Return the CatBoostClassifier of :func:`catboost_bytes`."""
    from catboost import CatBoostClassifier

    model = CatBoostClassifier()
    model.load_model(blob=content)
    return model


def check_savable(estimator: Any, title: str) -> None:
    """Raise `CannotSaveError` unless skops is installed and supports the unfitted estimator.

    Parameters
    ----------
    estimator : the object; None for the classifiers of scikit-learn itself
    title : the name of the contender in the message
    """
    _require_skops(title)
    if estimator is not None:
        dump_estimator(estimator, title)


def dump_estimator(estimator: Any, title: str = "") -> bytes:
    """Return an estimator in skops' format.

    Raises
    ------
    CannotSaveError
        If skops is not installed, or would not load it again.
    """
    name = title or type(estimator).__name__
    _require_skops(name)
    import skops.io

    try:
        content = bytes(skops.io.dumps(estimator))
        unknown = set(skops.io.get_untrusted_types(data=content)) - set(TRUSTED)
    except Exception as error:  # of any type that skops or the object raises
        reason = " ".join(str(error).split())[:200]
        raise CannotSaveError(f"models of {name} cannot be saved by skops: {reason}") from None
    if unknown:
        raise CannotSaveError(
            f"models of {name} cannot be saved: {', '.join(sorted(unknown)[:3])} is no type of "
            "scikit-learn, NumPy or SciPy, and to load it would execute its code. Use the "
            "classifiers of scikit-learn, or save it yourself"
        )
    return content


def _load_estimator(content: bytes) -> Any:
    _require_skops("scikit-learn", UserError)
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.loads(content, trusted=list(TRUSTED))
    except UntrustedTypesFoundException as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"the model has types that are not trusted, and is not loaded: {reason}"
        ) from None


def _require_skops(name: str, kind: type[UserError] = CannotSaveError) -> None:
    if find_spec("skops") is None:
        raise kind(f"models of {name} are saved by skops, which is not installed. Run {INSTALL}")
