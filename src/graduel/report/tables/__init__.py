"""The tables of a report: the same numbers as its figures, written for people."""

from graduel.report.tables.answers import agreement, confusion, doubts, only_one_right
from graduel.report.tables.base import Table
from graduel.report.tables.believed import calibration, reliability
from graduel.report.tables.pairs import comparisons, verdict
from graduel.report.tables.probed import importance, robustness
from graduel.report.tables.results import cost, errors, experiment, race, result
from graduel.report.tables.searches import trials
from graduel.report.tables.settings import details, settings

__all__ = [
    "Table",
    "agreement",
    "calibration",
    "comparisons",
    "confusion",
    "cost",
    "details",
    "doubts",
    "errors",
    "experiment",
    "importance",
    "only_one_right",
    "race",
    "reliability",
    "result",
    "robustness",
    "settings",
    "trials",
    "verdict",
]
