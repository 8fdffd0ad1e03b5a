"""The figures as a page shows them: the drawing, what it says in words, and its numbers."""

from graduel.report.pictures.base import WIDE, Picture, picture
from graduel.report.pictures.inside import calibration, importance, robustness, trials
from graduel.report.pictures.outcome import confusions, cost, differences, errors, race
from graduel.report.pictures.rows import alone, doubts, only_one_right

__all__ = [
    "WIDE",
    "Picture",
    "alone",
    "calibration",
    "confusions",
    "cost",
    "differences",
    "doubts",
    "errors",
    "importance",
    "only_one_right",
    "picture",
    "race",
    "robustness",
    "trials",
]
