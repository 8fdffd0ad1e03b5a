"""The public names of :mod:`graduel.report`, imported when one is first used."""

from graduel.report.experiment import training_curves, write_experiment
from graduel.report.page import render, write_report
from graduel.report.sections.calibration import calibration
from graduel.report.sections.confusion_matrix import confusion_matrix
from graduel.report.sections.cost import cost
from graduel.report.sections.differences import differences
from graduel.report.sections.disagreements import disagreements
from graduel.report.sections.error_intervals import errors
from graduel.report.sections.importance import importance
from graduel.report.sections.learning_curve import learning_curve
from graduel.report.sections.misclassified_rows import misclassified_rows
from graduel.report.sections.race import race
from graduel.report.sections.robustness import robustness
from graduel.report.sections.tuning import trials
from graduel.report.suite.critical_difference import critical_difference
from graduel.report.suite.suite_page import render_suite, write_suite

__all__ = [
    "calibration",
    "confusion_matrix",
    "cost",
    "critical_difference",
    "differences",
    "disagreements",
    "errors",
    "importance",
    "learning_curve",
    "misclassified_rows",
    "race",
    "render",
    "render_suite",
    "robustness",
    "training_curves",
    "trials",
    "write_experiment",
    "write_report",
    "write_suite",
]
