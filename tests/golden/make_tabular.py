"""Write tabular/: a saved TabularMLPClassifier in the current format, and its predictions.

    python tests/golden/make_tabular.py

Files of earlier formats are kept, so that a test can check that they still load. Run the script
once for each new format and commit the files it adds.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from graduel import TabularMLPClassifier
from graduel.estimators.table.table_persistence import FORMAT

FOLDER = Path(__file__).with_name("tabular")
RECIPE = "layers=6 epochs=8 batch_size=8 lr=0.05 category_embedding=2 members=2"
COLUMNS = {
    "height": [1.5, 1.75, None, 2.0] * 10,
    "colour": ["red", "green", "blue", None, "red"] * 8,
    "size": ["1.50", "2.0", "3", "2.0"] * 10,
    "new": ["yes", "no", "no", "no"] * 10,
    "bought": ["01.02.2024", "15.03.2024", "31.12.2024", None] * 10,
    "number": list(range(40)),
}
ROWS = {
    "height": [1.6, None, 2.2],
    "colour": ["red", "violet", None],
    "size": ["1.5", "2", "x"],
    "new": ["no", "yes", None],
    "bought": ["02.02.2024", None, "01.01.2025"],
    "number": [7, 41, None],
}


def frame(columns):
    """Return a DataFrame of the columns."""
    size = pl.Series(columns["size"], dtype=pl.Categorical)
    return pl.DataFrame(columns).with_columns(size=size)


def main() -> None:
    """Write the file, and its expected predictions to tabular.json, next to older ones."""
    FOLDER.mkdir(exist_ok=True)
    answers = FOLDER / "tabular.json"
    cases = json.loads(answers.read_text(encoding="utf-8")) if answers.exists() else {}
    y = np.array(["good", "bad", "bad", "dear"] * 10)
    net = TabularMLPClassifier(recipe=RECIPE, class_weight={"dear": 2.0}, random_state=0)
    net.fit(frame(COLUMNS).with_columns(day=date(2024, 1, 1)), y)
    rows = frame(ROWS).with_columns(day=date(2025, 1, 1))
    file = f"format{FORMAT}.safetensors"
    net.save(FOLDER / file)
    cases[file] = {
        "classes": net.classes_.tolist(),
        "columns": [[column.name, column.kind] for column in net.columns_],
        "set_aside": [[one.name, one.why] for one in net.set_aside_],
        "best_epoch": net.best_epoch_,
        "loss_curve": net.loss_curve_,
        "probabilities": net.predict_proba(rows).tolist(),
    }
    answers.write_text(json.dumps(cases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
