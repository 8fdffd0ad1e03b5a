"""Write estimators/: saved estimators in the current format, and their expected predictions.

    python tests/golden/make_estimators.py

Files of earlier formats are kept, so that a test can check that they still load. Run the script
once for each new format and commit the files it adds.
"""

from __future__ import annotations

import json
import warnings
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from graduel import MLPClassifier, MLPRegressor
from graduel.estimators import persistence
from graduel.nn import Dense, Huber, LayerNorm, LeakyReLU
from graduel.optim import Cosine, Lion

FOLDER = Path(__file__).with_name("estimators")
RNG = np.random.default_rng(20261122)
X = RNG.normal(size=(40, 4)).round(2)
CODES = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0.3)
SEVERAL = (X[:, :3] > 0).astype(int)
IMAGES = RNG.integers(0, 256, size=(40, 5, 4), dtype=np.uint8)
FRAME = pd.DataFrame(X.astype("f4"), columns=["a", "ß\n", '"quoted"', "ד"])


def words(*labels: str) -> np.ndarray[Any, Any]:
    """Return the labels as an array of text."""
    return np.array(labels)[CODES]


def classifier(**params: Any) -> MLPClassifier:
    """Return a small classifier."""
    return MLPClassifier(
        **({"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0} | params)
    )


def regressor(**params: Any) -> MLPRegressor:
    """Return a small regressor."""
    return MLPRegressor(**({"hidden_layer_sizes": (3,), "max_iter": 4, "random_state": 0} | params))


CASES = {
    "binary": (classifier(), X, CODES > 0),
    "text": (classifier(early_stopping=True, scoring="loss"), X, words("nö", "yes", "日本")),
    "objects": (classifier(class_weight="balanced"), X, words("a", "b", "c").astype(object)),
    "floats": (classifier(solver="lbfgs"), X, CODES - 0.0),
    "bytes": (classifier(class_weight={0: 1.0, 1: 2.0, 2: 0.5}), X, CODES.astype(np.uint8)),
    "several": (classifier(activation=("gelu",)), X, SEVERAL),
    "sparse": (classifier(n_iter_no_change=inf), X, csr_matrix(SEVERAL)),
    "names": (classifier(norm="batch", dropout=0.2, ema=0.9), FRAME, CODES),
    "image": (classifier(layers=["conv2", "maxpool", 3]), IMAGES, CODES),
    "number": (regressor(), X, X[:, 0] - X[:, 1]),
    "numbers": (regressor(loss=Huber(0.5), norm=[LayerNorm()]), X, X[:, :3] ** 2),
    "counts": (regressor(loss="poisson"), X, CODES),
    "parts": (
        regressor(
            layers=[Dense(3), LeakyReLU(slope=0.2), 2],
            solver=Lion(),
            learning_rate=Cosine(end=0.1),
            init="he_normal",
            clip_norm=1.0,
        ),
        X,
        X[:, 0],
    ),
}


def main() -> None:
    """Write the files, and their expected contents to estimators.json, next to older ones."""
    warnings.simplefilter("ignore")
    FOLDER.mkdir(exist_ok=True)
    answers = FOLDER / "estimators.json"
    cases = json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    for name, (estimator, rows, y) in CASES.items():
        file = f"format{persistence.FORMAT}-{name}.safetensors"
        estimator.fit(rows, y).save(FOLDER / file)
        cases[file] = describe(estimator, rows[:5])
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    answers.write_text(text + "\n", encoding="utf-8")


def describe(estimator: Any, rows: Any) -> dict[str, Any]:
    """Return an estimator's predictions and attributes as plain data."""
    names = getattr(estimator, "feature_names_in_", None)
    predictions = estimator.predict(rows)
    about = {
        "estimator": type(estimator).__name__,
        "X": np.asarray(rows).tolist(),
        "dtype": np.asarray(rows).dtype.name,
        "names": None if names is None else names.tolist(),
        "predictions": getattr(predictions, "toarray", lambda: predictions)().tolist(),
        "loss_curve": estimator.loss_curve_,
        "n_iter": estimator.n_iter_,
    }
    if hasattr(estimator, "predict_proba"):
        about["classes"] = estimator.classes_.tolist()
        about["classes_dtype"] = estimator.classes_.dtype.str
        about["probabilities"] = estimator.predict_proba(rows).tolist()
    return about


if __name__ == "__main__":
    main()
