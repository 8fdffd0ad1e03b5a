"""Models of raw tables and images with random weights, and their raw rows in several forms."""

from __future__ import annotations

import datetime
import json

import numpy as np
import polars as pl

from graduel.data import NetPreparation
from graduel.data.schema import Schema
from graduel.data.source import source_from_arrays
from graduel.models.model import Model
from graduel.train.build.network_builder import build_network
from graduel.train.recipes import RECIPES, NetRecipe

TOWNS = ["Graz", "Linz", "Köln", 'it\'s "x"\\', "01", "Ulm", "Kiel", "Bonn", "Bern", "Wien"]
PLAIN = NetRecipe(layers=(6,))
NETS = {
    "plain": PLAIN,
    "ensemble": NetRecipe(**{f: getattr(RECIPES["tabular"], f) for f in (
        "members", "activation", "scaling", "category_embedding", "numeric_embedding",
        "input_scale", "ntk", "calibrate")}, layers=(8,)),
    "one-hot ensemble": NetRecipe(layers=(5, 4), members=3, scaling="quantile", norm="layer"),
    "embeddings": NetRecipe(layers=(5,), category_embedding=2, activation="gelu", norm="batch"),
    "calibrated": NetRecipe(layers=(6, 5), ntk=True, calibrate=True, scaling="both"),
    "sigmoids": NetRecipe(layers=(5,), loss="binary"),
    "squared": NetRecipe(layers=(5,), loss="squared", members=2, scaling="quantile"),
}  # fmt: skip
"""Recipes of every kind of network that a table gets, and of losses without a softmax."""


def people(n: int = 300, seed: int = 0, *, missing: bool = True) -> pl.DataFrame:
    """Return a table with a column of every kind, and missing cells."""
    rng = np.random.default_rng(seed)

    def sparse(values):
        hole = rng.random(n) < 0.1 * missing
        return [None if is_hole else value for is_hole, value in zip(hole, values, strict=True)]

    days = rng.integers(0, 20_000, n)
    first = datetime.datetime(1960, 1, 1)
    moments = [first + datetime.timedelta(days=int(d), minutes=int(37 * d)) for d in days]
    return pl.DataFrame(
        {
            "age": sparse(rng.integers(18, 90, n).tolist()),
            "label": sparse((np.exp(rng.normal(8, 3, n))).tolist()),
            "rate": sparse([f"{x:.2f}".replace(".", ",") for x in rng.normal(size=n)]),
            "town": sparse(rng.choice(TOWNS, n).tolist()),
            "Mul_1": sparse(rng.choice(["f", "m"], n).tolist()),
            "grade": sparse(rng.choice(["1.5", "2.0", "3"], n).tolist()),
            "paid": sparse((rng.random(n) < 0.4).tolist()),
            "wild": sparse(rng.choice(["Yes", "no"], n).tolist()),
            "when": sparse(moments),
            "day": sparse([f"{t:%d.%m.%Y}" for t in moments]),
            "target": [str(k) for k in rng.integers(0, 3, n)],
        }
    )


def table_model(
    recipe: NetRecipe, frame: pl.DataFrame | None = None, seed: int = 0, **options
) -> Model:
    """Return a model of a table: a fitted preparation, and a network with random weights."""
    frame = people() if frame is None else frame
    if "town" in frame.columns:
        options["categorical"] = ("grade", "town")
    data = source_from_arrays(frame, target="target", **options).load()
    preparation = NetPreparation.fit(data.X, data.columns, **recipe.preparation)
    k = len(data.classes)
    network = build_network(recipe, len(preparation.names), k, inputs=preparation)
    rng = np.random.default_rng(seed)
    weights = network.init(rng)
    weights.theta += 0.3 * rng.normal(size=weights.theta.shape).astype("float32")
    return Model("net", "Network", Schema.of(data), preparation, network, weights)


def onnx_inputs(model, frame: pl.DataFrame) -> dict[str, np.ndarray]:
    """Return raw rows as the inputs that an ONNX file describes in its metadata."""
    notes = {p.key: json.loads(p.value) for p in model.metadata_props}
    inputs = {}
    for column in notes["columns"]:
        cells = frame[column["name"]].to_list()
        if column["kind"] == "category":
            if column["numbers"]:
                cells = [_shorten(cell) for cell in cells]
            values = np.array(["" if cell is None else str(cell) for cell in cells], object)
        else:
            values = np.array([_to_number(cell, column) for cell in cells], np.float64)
        inputs[column["input"]] = values[:, np.newaxis]
    return inputs


def _shorten(cell: str | None) -> str | None:
    """Return a number among categories in its shortest form."""
    return f"{float(cell):g}" if cell and cell[0].isdigit() else cell or None


def _to_number(cell, column) -> float:
    if cell is None:
        return np.nan
    if column["kind"] == "date":
        if isinstance(cell, str):
            cell = datetime.datetime.strptime(cell, column["date_format"])
        return (cell - datetime.datetime(1970, 1, 1)).total_seconds()
    if isinstance(cell, str) and column["kind"] == "boolean":
        return float(cell.lower() == "yes")
    return float(cell.replace(",", ".")) if isinstance(cell, str) else float(cell)


def prepare_by_formulas(columns: list[dict], frame: pl.DataFrame) -> np.ndarray:
    """Return the inputs of a network, computed from the formulas in network.json alone."""
    blocks = []
    for column in columns:
        cells = frame[column["name"]].to_list()
        if column["kind"] == "category":
            if column["numbers"]:
                cells = [_shorten(cell) for cell in cells]
            cells = [_level(cell, column) for cell in cells]
        else:
            cells = [_to_number(cell, column) for cell in cells]
            if column["kind"] == "date":
                cells = [c / 86400 for c in cells]
        x = np.array(cells, np.float64)
        blocks += [_evaluate(one["formula"], x, column) for one in column["inputs"]]
    return np.column_stack(blocks).astype(np.float32)


def _level(cell, column) -> float:
    """Return the level that the text LEVEL in formulas.py describes; NaN for none."""
    if cell is None:
        top = len(column["categories"]) + column["others"]
        return top if column["missing"] else np.nan
    if cell in column["categories"]:
        return column["categories"].index(cell)
    return len(column["categories"]) if column["others"] else np.nan


def _evaluate(formula: str, x: np.ndarray, column: dict) -> np.ndarray:
    """Evaluate one formula by its text."""
    from scipy.special import ndtr

    missing, zero = np.isnan(x), np.zeros(len(x))
    if formula == "0":
        return zero
    if formula == "1 if x is missing, else 0":
        return missing.astype(float)
    if formula.startswith("z / sqrt(1 + (z / 3)^2) with z = (x - center) / width, within"):
        z = ((x - column["center"]) / column["width"]).clip(-1e9, 1e9)
        return np.where(missing, 0, z / np.sqrt(1 + (z / 3) ** 2))
    if formula.startswith("Phi^-1(F(x)), at least -3 and at most 3;"):
        # By bisection, without the inverse of Phi.
        knots, K = np.array(column["knots"]), len(column["knots"])
        known = np.where(missing, knots[0], x).clip(knots[0], knots[-1])
        right = np.interp(known, knots, np.arange(K) / (K - 1))
        left = 1 - np.interp(-known, -knots[::-1], np.arange(K) / (K - 1))
        F, low, high = (left + right) / 2, zero - 3, zero + 3
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (np.where(ndtr(middle) < F, one, other)
                         for one, other in ((middle, low), (high, middle)))  # fmt: skip
        return np.where(missing, 0, low)
    if formula.startswith("1 if x is true, -1 if it is false"):
        return np.where(missing, 0, 2 * x - 1)
    if formula.startswith("2 level - 1, or 0 without"):
        return np.where(missing, 0, 2 * x - 1)
    if formula.startswith("1 + level, or 0 without"):
        return np.where(missing, 0, 1 + x)
    if formula.startswith("1 if level is "):
        return (x == int(formula.removeprefix("1 if level is ").removesuffix(", else 0"))).astype(
            float
        )
    function, _, rest = formula.partition("(2 pi p / ")
    period, _, part = rest.partition(") with p the ")
    times = (np.where(missing, 0, x) * 86400e6).round().astype("M8[us]").astype(datetime.datetime)
    codes = {
        "month, from": lambda t: t.month - 1,
        "day of the month, from": lambda t: t.day - 1,
        "weekday from Monday, from": lambda t: t.weekday(),
        "minute of the day, from": lambda t: 60 * t.hour + t.minute,
    }
    code = next(f for name, f in codes.items() if part == f"{name} 0; 0 if x is missing")
    p = np.array([code(t) for t in times])
    return np.where(
        missing, 0, {"sin": np.sin, "cos": np.cos}[function](2 * np.pi * p / int(period))
    )
