"""The tables of a report: the same numbers as its figures, written for people."""

from graduel.report.sections.tables.answers import agreement, confusion, doubts, only_one_right
from graduel.report.sections.tables.base import Table
from graduel.report.sections.tables.believed import calibration, reliability
from graduel.report.sections.tables.pairs import comparisons, verdict
from graduel.report.sections.tables.probed import importance, robustness
from graduel.report.sections.tables.results import cost, errors, experiment, race, result
from graduel.report.sections.tables.searches import trials
from graduel.report.sections.tables.settings import details, settings

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
