"""The report of a duel: one self-contained HTML page, which loads nothing from a network."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

from graduel.atomic_io import atomic_write
from graduel.data.task import TaskKind
from graduel.duel.result.outcome import Run
from graduel.duel.verdict.sentences import capitalize_the, join_words, phrase_question, with_article
from graduel.number_format import count_decimals, format_percent, format_score, format_seconds
from graduel.report.draw.contender_names import list_looks, list_titles
from graduel.report.draw.html import render_template
from graduel.report.draw.loss_scale import curve_scale
from graduel.report.draw.wording import split_sentence
from graduel.report.sections import (
    calibration,
    confusion_matrix,
    cost,
    data_overview,
    differences,
    disagreements,
    error_intervals,
    importance,
    learning_curve,
    misclassified_rows,
    number_predictions,
    protocol_text,
    race,
    results,
    robustness,
    settings,
    tuning,
)
from graduel.report.sections.differences import find_beaten

PAGE = "report.html"
VERDICTS_OPEN = 6
"""Verdicts shown at the top of the page; a click shows the others."""


def write_report(run: Run, path: str | os.PathLike[str] | None = None) -> Path:
    """Write the report of `run` to `path` atomically, and return the file's path.

    If `path` is a folder, the file is ``report.html`` in it. By default it is the run's folder.
    """
    target = Path(run.path if path is None else path)
    if target.is_dir():
        target = target / PAGE
    atomic_write(target, render(run))
    return target


def render(run: Run) -> str:
    """Return the report of `run` as HTML; the same run gives the same text."""
    return render_template("report.html.j2", **_build_content(run))


def _build_content(run: Run) -> dict[str, Any]:
    result, names = run.result, list(run.result.contenders)
    several = bool(result.comparisons)
    # An unfinished cross-validation may have no repeat that predicts every row.
    by_row = bool(run.probabilities)
    return {
        "dataset": result.dataset,
        "test_rows": protocol_text.describe_predictions(run),
        "first": protocol_text.name_first(run),
        "title": _build_title(run),
        "headlines": _build_headlines(run),
        "missing": "" if result.missing is None else result.missing.sentence,
        "verdicts": [split_sentence(one.sentence, one.cost or "") for one in result.comparisons],
        "verdicts_open": VERDICTS_OPEN,
        "names": names,
        "looks": list_looks(run),
        "result": results.build_table(run),
        "known_best": _build_known_best(run),
        "data": data_overview.build_overview(run),
        "race": race.build_picture(run),
        "errors": error_intervals.build_picture(run),
        "loss": curve_scale(run).title,
        "differences": differences.build_picture(run) if several else None,
        "learning_curve": learning_curve.build_picture(run),
        "learning_curve_sentences": learning_curve.list_sentences(run),
        **PREDICTIONS[_name_task(run)](run, by_row=by_row),
        "robustness": robustness.build_picture(run),
        "importance": importance.build_picture(run),
        "tuning": tuning.build_picture(run),
        "cost": cost.build_picture(run),
        "cost_notes": cost.list_notes(run),
        "protocol": protocol_text.build_terms(run),
        "rope": differences.describe_rope(run),
        "tests": list(dict.fromkeys((one.test, one.why) for one in result.comparisons)),
        "scopes": list(dict.fromkeys(one.scope for one in result.comparisons)),
        "comparisons": differences.build_table(run) if several else None,
        "recipes": [settings.build_recipe_tables(run, name) for name in names],
        "command": result.environment.command,
        "folder": shlex.quote(run.path.resolve().name),
        "can_train": run.has_models or protocol_text.name_run(run) == "Fit",
        "has_models": run.has_models,
        "has_pages": run.has_pages,
        "ece_note": " ".join(results.list_notes(run)),
        "load_note": cost.describe_missing_cores(run),
        "environment": settings.build_environment_table(result.environment),
        "version": result.environment.versions.get("graduel", ""),
    }


def _name_task(run: Run) -> TaskKind:
    return "classification" if run.result.dataset.n_classes else "regression"


def _show_classes(run: Run, *, by_row: bool) -> dict[str, Any]:
    """Return the sections on predicted classes."""
    return {
        "confusion_matrices": confusion_matrix.build_pictures(run) if by_row else [],
        "agreement": disagreements.build_agreement_table(run) if by_row else None,
        "disagreements": disagreements.build_pictures(run) if by_row else [],
        "disagreement_tables": disagreements.build_tables(run) if by_row else [],
        "misclassified": misclassified_rows.find_misclassified(run) if by_row else None,
        "misclassified_picture": misclassified_rows.build_picture(run) if by_row else None,
        "misclassified_table": misclassified_rows.build_table(run) if by_row else None,
        "calibration_table": calibration.build_table(run),
        "calibration": calibration.build_pictures(run),
        "calibration_sets": calibration.describe_sets(run),
    }


def _show_numbers(run: Run, *, by_row: bool) -> dict[str, Any]:
    """Return the sections on predicted numbers."""
    return {
        "number_pictures": number_predictions.build_pictures(run) if by_row else [],
        "number_tables": number_predictions.build_tables(run) if by_row else [],
    }


PREDICTIONS: dict[TaskKind, Callable[..., dict[str, Any]]] = {
    "classification": _show_classes,
    "regression": _show_numbers,
}
"""The sections on predictions by the kind of target."""


def _build_title(run: Run) -> str:
    """Return the title of the page, with the number of training rows if it was limited."""
    protocol = run.result.protocol
    rows = f", {protocol.rows:,} training rows" if protocol.rows else ""
    return f"{'Quick duel' if protocol.quick else 'Duel'} on {run.result.dataset.name}{rows}"


def _build_headlines(run: Run) -> list[dict[str, str]]:
    """Return the answers to the claims; without claims, the verdict in one sentence."""
    titles = list_titles(run)
    titles = {name: with_article(name, titles) for name in titles}
    if run.result.claims:
        return [
            {
                "question": phrase_question(claim, titles),
                "answer": claim.answer,
                "sentence": claim.sentence,
            }
            for claim in run.result.claims
        ]
    entries, decimals = run.result.contenders, count_decimals(len(run.y_test))
    protocol = run.result.protocol
    sign = 1 if protocol.lower_is_better else -1
    best = min(entries, key=lambda name: sign * entries[name].leading_metric)
    value = format_score(entries[best].leading_metric, protocol.metric_unit, decimals)
    is_error = protocol.metric == "error"
    words = f"a test error of {value}" if is_error else f"the best {protocol.metric_title}, {value}"
    sentence = capitalize_the(f"{titles[best]} has {words}")
    others = [title for name, title in titles.items() if name != best]
    # The lowest error alone is no verdict: name the contenders that it does not beat.
    beaten = find_beaten(run.result.comparisons, by=best)
    unbeaten = [title for name, title in titles.items() if name not in (best, *beaten)]
    if unbeaten:
        lowest = ", the lowest" if is_error else ""
        sentence += f"{lowest}; it is not shown to be better than {join_words(unbeaten)}"
    elif others:
        rest = join_words(others) if len(others) < 4 else "every other contender"
        sentence += f", better than {rest}"
    return [{"question": "", "answer": "", "sentence": f"{sentence}."}]


def _build_known_best(run: Run) -> dict[str, Any] | None:
    best = run.result.known_best
    if best is None:
        return None
    return {
        "error": format_percent(best.test_error, count_decimals(len(run.y_test))),
        "seconds": format_seconds(best.fit_seconds),
        "note": best.note,
        "settings": settings.build_table(
            "Strongest XGBoost recipe known to graduel", best.settings
        ),
    }
