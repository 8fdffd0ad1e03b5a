"""Write models/: saved models in the current format, and their expected contents.

    python tests/golden/make_models.py

Files of earlier formats are kept, so that a test can check that they still load. Run the script
once for each new format and commit the files it adds.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import numpy as np

from graduel.nn import (
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlorotUniform,
    MaxPool2D,
    Network,
    ReLU,
    Residual,
    SoftmaxCrossEntropy,
    SquaredError,
)
from graduel.train.io import container, network_file

FOLDER = Path(__file__).with_name("models")
NOTES = {
    "classes": ["yes", "nö", "日本"],
    "error": 0.125,
    "seed": 7,
    "deep": {"none": [None, True]},
}
NETWORKS = {
    "dense": (
        Network(
            (Dense(4), ReLU(), Dense(3)),
            (5,),
            SoftmaxCrossEntropy(0.1, class_weight=(1.0, 2.0, 0.5)),
        ),
        NOTES,
    ),
    "image": (
        Network(
            (
                Conv2D(2, (3, 2)),
                BatchNorm(0.2),
                ReLU(),
                Residual((Conv2D(2, init=GlorotUniform()), BatchNorm())),
                MaxPool2D(),
                Flatten(),
                Dropout(0.25),
                Dense(2),
            ),
            (6, 5, 1),
            SquaredError(),
            "float64",
        ),
        {},
    ),
}


def main() -> None:
    """Write the files, and their expected contents to models.json, next to older ones."""
    FOLDER.mkdir(exist_ok=True)
    answers = FOLDER / "models.json"
    cases = json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    rng = np.random.default_rng(20261122)
    for name, (network, notes) in NETWORKS.items():
        weights = network.init(rng)
        weights.theta += rng.normal(0, 0.1, weights.theta.shape).astype(network.dtype)
        weights.state[...] = rng.uniform(0.5, 1.5, weights.state.shape)
        x = rng.normal(size=(3, *network.input_shape)).round(2)
        file = f"format{container.FORMAT}-{name}.safetensors"
        network_file.save_network(FOLDER / file, network, weights, notes)
        cases[file] = {
            "spec": network.to_spec(),
            "notes": notes,
            "theta": sha256(weights.theta.tobytes()).hexdigest(),
            "state": sha256(weights.state.tobytes()).hexdigest(),
            "x": x.tolist(),
            "predictions": network.predict(x, weights).tolist(),
        }
    text = json.dumps(cases, indent=1, ensure_ascii=False)
    answers.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
