"""The figures as a page shows them: the drawing, what it says in words, and its numbers."""

from graduel.report.sections.pictures.base import WIDE, Picture, picture
from graduel.report.sections.pictures.inside import calibration, importance, robustness, trials
from graduel.report.sections.pictures.outcome import confusions, cost, differences, errors, race
from graduel.report.sections.pictures.rows import alone, doubts, only_one_right

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
