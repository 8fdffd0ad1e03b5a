"""The numbers behind each figure, as plain data: what is drawn and what stands in the tables."""

from graduel.report.sections.numbers.answers import (
    Alone,
    Case,
    Confusion,
    Doubt,
    Doubts,
    confusion,
    doubts,
    label,
    only_one_right,
)
from graduel.report.sections.numbers.believed import Bin, Reliability, calibration, temperatures
from graduel.report.sections.numbers.costs import Cost, cost
from graduel.report.sections.numbers.names import contenders, known, phrase, titles
from graduel.report.sections.numbers.probed import Importance, Way, importance, robustness
from graduel.report.sections.numbers.quality import (
    Difference,
    Level,
    Scale,
    differences,
    errors,
    scale,
)
from graduel.report.sections.numbers.races import (
    Racer,
    learning,
    race,
    race_moments,
    smallest_drawn,
)
from graduel.report.sections.numbers.searches import Search, Trial, searches

__all__ = [
    "Alone",
    "Bin",
    "Case",
    "Confusion",
    "Cost",
    "Difference",
    "Doubt",
    "Doubts",
    "Importance",
    "Level",
    "Racer",
    "Reliability",
    "Scale",
    "Search",
    "Trial",
    "Way",
    "calibration",
    "confusion",
    "contenders",
    "cost",
    "differences",
    "doubts",
    "errors",
    "importance",
    "known",
    "label",
    "learning",
    "only_one_right",
    "phrase",
    "race",
    "race_moments",
    "robustness",
    "scale",
    "searches",
    "smallest_drawn",
    "temperatures",
    "titles",
]
