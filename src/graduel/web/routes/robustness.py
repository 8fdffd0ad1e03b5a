"""Breaking it: disturbed examples, disturbed test sets, adversarial steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from fastapi import APIRouter
from numpy.typing import NDArray

from graduel import glassbox
from graduel.data import perturb
from graduel.web.array_codec import pack
from graduel.web.dependencies import ServerState, TheServer, TheSession, example, label_of, net_of
from graduel.web.http_error import ClientError
from graduel.web.request_schemas import Asked, AskedField, Attack, Disturbed, Sweep
from graduel.web.state.model_pair import ModelPair
from graduel.web.state.sessions import Session

router = APIRouter(prefix="/sessions/{session}")

Array = NDArray[Any]

ROWS = 1000
"""Test rows that are disturbed at a time; the first ones."""
ONE: dict[str, list[float]] = {
    "noise": [0.05 * i for i in range(21)],
    "rotate": [7.5 * i for i in range(-12, 13)],
    "shift": [float(i) for i in range(-12, 13)],
    "occlude": [float(i) for i in range(25)],
}
"""The strengths in which one example is disturbed."""
ALL: dict[str, list[float]] = {
    "noise": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8],
    "rotate": [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 90.0],
    "shift": [float(i) for i in range(8)],
    "occlude": [0.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 18.0],
    "missing": [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
    "scramble": [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9],
}
"""The strengths in which many test rows are disturbed."""
UNITS = {
    "noise": "standard deviation, of a pixel's range",
    "rotate": "degrees",
    "shift": "pixels",
    "occlude": "pixels a side",
    "missing": "share of the cells",
    "scramble": "share of the columns",
}


@router.post("/break")
def break_one(server: TheServer, session: TheSession, asked: Disturbed) -> dict[str, Any]:
    """Disturb one image, and let both answer."""
    contest = server.contest(session, asked)
    X = _images(contest, example(contest, asked))
    strength = _fitting(asked.kind, asked.strength)
    found = _disturbed(X, asked.kind, strength, asked.seed)
    flat = found.reshape(1, -1)
    return {"pixels": pack(flat[0]), "answers": contest.answers(flat)}


@router.post("/sweep")
def sweep(server: TheServer, session: TheSession, asked: Sweep) -> dict[str, Any]:
    """Disturb one image in every strength, to see where the decision turns."""
    contest = server.contest(session, asked)
    if asked.kind not in ONE:
        raise ClientError(422, f"one image can be disturbed by {', '.join(ONE)}; got {asked.kind}")
    X = _images(contest, example(contest, asked))
    strengths = ONE[asked.kind]
    rows = np.stack([_disturbed(X, asked.kind, s, asked.seed).reshape(-1) for s in strengths])
    return _curves(contest, rows, strengths) | {
        "unit": UNITS[asked.kind],
        "images": pack(rows.reshape(len(rows), *X.shape[1:3])) if X.ndim == 3 else None,
    }


@router.post("/vary")
def vary(server: TheServer, session: TheSession, asked: AskedField) -> dict[str, Any]:
    """Vary one column of a row over what was seen, to see where the decision turns."""
    import polars as pl

    contest = server.contest(session, asked)
    frame = example(contest, asked)
    field = next((f for f in contest.fields if f.name == asked.field), None)
    if field is None or not isinstance(frame, pl.DataFrame):
        raise ClientError(422, f"expected a column of the table; got {asked.field[:40]!r}")
    if field.low is None or field.high is None:
        raise ClientError(422, f"expected a column of numbers; {field.name!r} is {field.kind}")
    values = np.linspace(field.low, field.high, 41)
    rows = pl.concat([frame] * len(values)).with_columns(pl.Series(field.name, values))
    return _curves(contest, rows, [float(v) for v in values]) | {"unit": field.name}


@router.post("/sweepall")
def sweep_all(server: TheServer, session: TheSession, asked: Sweep) -> dict[str, Any]:
    """Disturb many test rows in every strength, and count both contenders' errors."""
    contest = server.contest(session, asked)
    X, y = _test(server, session, asked, contest)
    of_table = bool(contest.fields)
    if of_table != (asked.kind in ("missing", "scramble")):
        kinds = ("missing", "scramble") if of_table else tuple(ONE)
        raise ClientError(
            422, f"these data can be disturbed by {', '.join(kinds)}; got {asked.kind}"
        )
    errors: dict[str, list[float]] = {"net": [], "xgboost": []}
    for strength in ALL[asked.kind]:
        rng = np.random.default_rng(asked.seed)
        if of_table:
            rows = getattr(perturb, asked.kind)(X, strength, rng)
        else:
            rows = getattr(perturb, asked.kind)(X, strength, rng).reshape(len(X), -1)
        for who, side in (("net", contest.net), ("xgboost", contest.trees)):
            if side is not None:
                wrong = side.predict_proba(rows).argmax(axis=1) != y
                errors[who].append(float(wrong.mean()))
    return {
        "strengths": ALL[asked.kind],
        "unit": UNITS[asked.kind],
        "rows": len(y),
        "errors": {who: found or None for who, found in errors.items()},
    }


@router.post("/attack")
def attack(server: TheServer, session: TheSession, asked: Attack) -> dict[str, Any]:
    """Push every pixel along the network's gradient, and tell who falls for it."""
    contest = server.contest(session, asked)
    side, label = net_of(contest), label_of(contest, asked.label)
    X = _images(contest, example(contest, asked))
    x = side.matrix(X.reshape(1, -1))[0]

    def as_pixels(rows: Array) -> Array:
        return np.rint(np.clip(rows, 0, 1) * 255).astype(np.uint8)

    judges = {"net": lambda rows: side.predict_proba(as_pixels(rows))}
    if contest.trees is not None:
        trees = contest.trees
        judges["xgboost"] = lambda rows: trees.predict_proba(as_pixels(rows))
    found = glassbox.attack_example(side.network, side.weights, x, label, asked.epsilon, judges)
    turns = {
        who: glassbox.find_smallest_eps(x, found.direction, judge, steps=64).eps
        for who, judge in judges.items()
    }
    told = found.as_dict()
    return {
        "pixels": pack(as_pixels(found.x)),
        "direction": pack(found.direction),
        "verdicts": told["verdicts"],
        "turns": turns,
    }


def _images(contest: ModelPair, X: Any) -> Array:
    if contest.image is None:
        raise ClientError(409, "only images can be disturbed like this; this is a table")
    height, width, channels = contest.image
    found: Array = X.reshape(len(X), height, width, channels)
    return found[..., 0] if channels == 1 else found


def _fitting(kind: str, strength: float) -> float:
    """Bring a strength to what the disturbance takes."""
    if kind in ("shift", "occlude"):
        strength = float(round(strength))
    return max(strength, 0.0) if kind in ("noise", "occlude") else strength


def _disturbed(X: Array, kind: str, strength: float, seed: int) -> Array:
    if kind == "noise":
        return perturb.noise(X, strength, np.random.default_rng(seed))
    if kind == "rotate":
        return perturb.rotate(X, strength)
    if kind == "shift":
        return perturb.shift(X, int(strength))
    return perturb.occlude(X, int(strength))


def _curves(contest: ModelPair, rows: Any, strengths: list[float]) -> dict[str, Any]:
    found: dict[str, Any] = {"strengths": strengths}
    for who, side in (("net", contest.net), ("xgboost", contest.trees)):
        found[who] = None if side is None else pack(side.predict_proba(rows))
    return found


def _test(
    server: ServerState, session: Session, asked: Asked, contest: ModelPair
) -> tuple[Any, Array]:
    material = server.material(session, asked.model)
    data = material.data
    if tuple(data.classes) != contest.classes:
        raise ClientError(409, "the test rows here are of other classes than these models")
    rows = material.test[:ROWS]
    return data.X[rows], data.y[rows]
