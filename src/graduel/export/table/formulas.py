"""Formulas from the raw cell of a column to the inputs of a network, as text with parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graduel.data.prepare import values
from graduel.data.prepare.encoders import Boolean, CategoryCode, Date, Number, OneHot
from graduel.data.prepare.preparation import Encoder
from graduel.data.prepare.scalers import Both, Quantile, Robust, Shift
from graduel.number_format import format_term

MISSING = "1 if x is missing, else 0"
SCALED = "z / sqrt(1 + (z / 3)^2) with z = (x - center) / width, within 1e9; 0 if x is missing"
SCORE = (
    "Phi^-1(F(x)), at least -3 and at most 3; Phi is the normal distribution function; F is linear "
    "between knots[i], where it is i / (K - 1), and at equal knots the mean of their ends; 0 if x "
    "is missing"
)
SHIFTED = "x - shift"
SAME = "x"
CONSTANT = "0"
LEVEL = (
    "level is the position of x in categories; of another category, len(categories) if others, "
    "otherwise none; of a missing one, the last level if missing, otherwise none"
)
SIGN = "2 level - 1, or 0 without a level"
CODE = "1 + level, or 0 without a level"
TREE_CODE = "level"
FLAG = "1 if x is true, -1 if it is false, 0 if it is missing"
TREE_FLAG = "1 if x is true, 0 if it is false"
PARTS = {"month": "month", "day": "day of the month", "weekday": "weekday from Monday"}
"""Descriptions of date parts as whole numbers from 0; the part hour is the minute of the day."""


@dataclass(frozen=True, slots=True)
class Description:
    """The kind of a column, the parameters of its formulas, and the formula of each input."""

    kind: str
    parameters: Mapping[str, Any]
    formulas: tuple[str, ...]

    def fill(self) -> tuple[str, ...]:
        """Return the formulas with the numbers of their parameters, and the names of categories.

        >>> describe_encoder(Number("age", Robust(30.0, 8.0, False))).fill()
        ('z / sqrt(1 + (z / 3)^2) with z = (x - 30) / 8, within 1e9; 0 if x is missing',)
        >>> describe_encoder(OneHot("sex", ("f", "m"), False, False)).fill()
        ('1 if x is m, -1 if x is f, else 0',)
        """
        words = {k: format_term(v) for k, v in self.parameters.items() if isinstance(v, float)}
        if "categories" in self.parameters:
            names = [*self.parameters["categories"], "another category", "missing"]
            if not self.parameters["others"]:
                names.pop(-2)
            words = {f"level is {k}": f"x is {name}" for k, name in enumerate(names)}
            words[SIGN] = f"1 if x is {names[1]}, -1 if x is {names[0]}, else 0"
        if not words:
            return self.formulas
        pattern = re.compile("|".join(rf"\b{re.escape(word)}(?![\w.])" for word in words))
        return tuple(pattern.sub(lambda match: words[match[0]], one) for one in self.formulas)


def describe_encoder(encoder: Encoder) -> Description:
    """Return the formulas of an encoder, one per name in ``encoder.names``.

    x is the raw cell: a number, a category as text, true or false, or days since 1970.
    """
    if isinstance(encoder, Number):
        return Description("number", *_describe_scaler(encoder.scaler))
    if isinstance(encoder, Boolean):
        first = TREE_FLAG if encoder.for_trees else FLAG
        return Description("boolean", {}, (first, MISSING)[: len(encoder.names)])
    if isinstance(encoder, Date):
        return _describe_date(encoder)
    parameters = {"categories": list(encoder.categories), "others": encoder.others}
    if isinstance(encoder, CategoryCode):
        code = TREE_CODE if encoder.for_trees else CODE
        parameters |= {"missing": False, "level": LEVEL}
        return Description("category", parameters, (code,))
    parameters |= {"missing": encoder.missing, "level": LEVEL}
    return Description("category", parameters, _describe_levels(encoder))


def _describe_levels(encoder: OneHot) -> tuple[str, ...]:
    n_levels = len(encoder.categories) + encoder.others + encoder.missing
    if n_levels == 2:
        return (SIGN,)
    return tuple(f"1 if level is {k}, else 0" for k in range(n_levels))


def _describe_scaler(
    scaler: Robust | Quantile | Both | Shift,
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the parameters and the formulas of a scaler."""
    if isinstance(scaler, Shift):
        return {"shift": scaler.shift}, (SHIFTED if scaler.shift else SAME,)
    if isinstance(scaler, Both):
        scores, (score,) = _describe_scaler(Quantile(scaler.quantile.knots, False))
        scaled, formulas = _describe_scaler(scaler.robust)
        return scores | scaled, (score, *formulas)
    indicator = (MISSING,) * scaler.missing
    if isinstance(scaler, Quantile):
        is_constant = not scaler.knots or scaler.knots[0] == scaler.knots[-1]
        score = CONSTANT if is_constant else SCORE
        return {"knots": list(scaler.knots)}, (score, *indicator)
    parameters = {"center": scaler.center, "width": scaler.width}
    return parameters, (SCALED if scaler.width / 2 else CONSTANT, *indicator)


def _describe_date(encoder: Date) -> Description:
    parameters, formulas = _describe_scaler(encoder.days)
    parts = []
    for part in encoder.parts:
        name = PARTS.get(part, "minute of the day")
        if encoder.for_trees:
            parts.append(f"{name}, from 0")
            continue
        for function in ("sin", "cos"):
            parts.append(
                f"{function}(2 pi p / {values.PERIODS[part]}) with p the {name}, from 0; "
                "0 if x is missing"
            )
    return Description("date", parameters, (*formulas, *parts))
