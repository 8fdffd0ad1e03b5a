"""One self-contained page about a finished duel: it opens from disk and asks no network."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import Any

from graduel.duel.result.outcome import Run
from graduel.report.draw import units
from graduel.report.draw.html import render_template, write_whole
from graduel.report.draw.style import assign_looks
from graduel.report.draw.wording import describe_machine, join_words, split_sentence
from graduel.report.sections import (
    dataset,
    learning_curve,
    numbers,
    pictures,
    protocol_text,
    tables,
)

PAGE = "report.html"
VERDICTS_OPEN = 6
"""So many pairs are told at the top; a click shows the others."""


def write_report(run: Run, path: str | os.PathLike[str] | None = None) -> Path:
    """Write the page about `run` to `path`, whole or not at all, and return where it lies.

    Without `path` it becomes ``report.html`` in the run's own folder; a folder gets a
    ``report.html`` too.
    """
    target = Path(run.path if path is None else path)
    if target.is_dir():
        target = target / PAGE
    write_whole(target, render(run))
    return target


def render(run: Run) -> str:
    """Return the page about `run` as HTML; the same run gives the same text."""
    return render_template("report.html.j2", **_content(run))


def _content(run: Run) -> dict[str, Any]:
    result = run.result
    names, titles = numbers.contenders(run), numbers.titles(run)
    several = bool(result.get("comparisons"))
    return {
        "dataset": result["dataset"],
        "title": _title(run),
        "headlines": _headlines(run),
        "verdicts": [
            split_sentence(entry["sentence"], entry.get("cost") or "")
            for entry in result.get("comparisons", [])
        ],
        "verdicts_open": VERDICTS_OPEN,
        "names": names,
        "titles": titles,
        "looks": assign_looks(names),
        "result": tables.result(run),
        "known_best": _known_best(run),
        "race": pictures.race(run),
        "errors": pictures.errors(run),
        "differences": pictures.differences(run) if several else None,
        "confusions": pictures.confusions(run),
        "alone": pictures.only_one_right(run),
        "alone_rows": pictures.alone(run),
        "agreement": tables.agreement(run) if len(names) > 1 else None,
        "doubts": _doubts(run),
        "calibration": pictures.calibration(run),
        "scaling": tables.calibration(run),
        "robustness": pictures.robustness(run),
        "importance": pictures.importance(run),
        "trials": pictures.trials(run),
        "cost": pictures.cost(run),
        "sizes": learning_curve.picture(run),
        "about": dataset.about(run),
        "protocol": _protocol(run),
        "rope": _rope(run) if several else None,
        "tests": _distinct(run, "test", "why"),
        "scopes": [scope for (scope,) in _distinct(run, "scope")],
        "comparisons": tables.comparisons(run) if several else None,
        "recipes": [
            {
                "title": titles[name],
                "settings": tables.settings(
                    f"The recipe of {titles[name]}", result["contenders"][name].get("recipe") or {}
                ),
                "found": tables.details(run, name, titles[name]),
            }
            for name in names
        ],
        "command": str(result["environment"].get("command", "")),
        "kept": _kept(run),
        "environment": describe_machine(run.result["environment"]),
        "version": result["environment"].versions.get("graduel", ""),
    }


def _doubts(run: Run) -> dict[str, Any] | None:
    """Return the rows that every contender gets wrong: how many, a picture or a table."""
    found = numbers.doubts(run)
    if found is None or not found.cases:
        return None
    return {
        "total": found.total,
        "picture": pictures.doubts(run),
        "table": tables.doubts(run, found),
    }


def _title(run: Run) -> str:
    """Return what this page is about; a duel on a part of the rows says so from the start."""
    protocol = run.result["protocol"]
    quick = "quick " if protocol.get("quick") else ""
    rows = f", with {units.rows(protocol['rows'])} to learn from" if protocol.get("rows") else ""
    return f"The {quick}duel on {run.result['dataset']['name']}{rows}"


def _headlines(run: Run) -> list[dict[str, str]]:
    """Return the answers to the claims; without claims, what can be said in one line."""
    claims = run.result.get("claims") or []
    titles = {name: numbers.phrase(title) for name, title in numbers.titles(run).items()}
    if claims:
        return [
            {
                "question": f"Does {titles.get(claim['booster'], claim['booster'])} blow "
                f"{titles.get(claim['network'], claim['network'])} out of the water?",
                "answer": claim["answer"],
                "sentence": claim["sentence"],
            }
            for claim in claims
        ]
    places = units.decimals(len(run.y_test))
    best = min(numbers.errors(run), key=lambda level: level.value)
    said = f"{titles[best.name]} has a test error of {units.percent(best.value, places)}"
    said = said[0].upper() + said[1:] if said.startswith("the ") else said
    if len(titles) == 1:
        return [{"question": "", "answer": "", "sentence": f"{said}."}]
    # The lowest number is no verdict: name those whom the best does not beat.
    beaten = {
        loser
        for pair in numbers.differences(run)
        for winner, loser, verdict in ((pair.a, pair.b, "a better"), (pair.b, pair.a, "b better"))
        if winner == best.name and pair.verdict == verdict
    }
    equal = [title for name, title in titles.items() if name not in (best.name, *beaten)]
    others = [title for name, title in titles.items() if name != best.name]
    if equal:
        rest = f"the lowest, but not shown to be better than {join_words(equal)}."
    else:
        rest = f"better than {join_words(others) if len(others) < 4 else 'every other contender'}."
    return [{"question": "", "answer": "", "sentence": f"{said}, {rest}"}]


def _protocol(run: Run) -> list[tuple[str, str]]:
    """Return the protocol as terms and descriptions."""
    data, protocol = run.result["dataset"], run.result["protocol"]
    part = "" if protocol.get("rows") is None else ", a stratified part of the training rows"
    found = [
        (
            "Data",
            f"{data['name']}: {data['n_features']:,} features, {data['n_classes']:,} classes",
        ),
        (
            "Rows",
            f"{data['n_train']:,} to train on and {data['n_valid']:,} to choose and stop on{part}; "
            f"{data['n_test']:,} to test on"
            + (" (first fold)" if protocol_text.fits(run) == "Fit" else ""),
        ),
        (
            "Test rows",
            f"{protocol_text.judged_on(run)}; nothing is fitted, chosen or stopped on them",
        ),
        ("Seeds", f"{protocol['seeds']}"),
        ("Metric", _metric(protocol)),
        ("Budget", _budget(protocol.get("budget"))),
        ("Cores", _threads(protocol["threads"])),
    ]
    if protocol.get("quick"):
        found.append(("Quick", "yes: few rows and small budgets; the full duel may end otherwise"))
    return found


def _budget(budget: dict[str, Any] | None) -> str:
    """Return what each side could use."""
    kind, value = (budget or {}).get("kind", "none"), (budget or {}).get("value")
    if kind == "trials":
        return f"{value:,} trials of tuning for each contender, the default recipe first"
    if kind == "seconds":
        return f"{units.seconds(value)} of tuning and fitting for each contender and fit"
    return "none: every contender is fitted once, with its default recipe"


def _metric(protocol: dict[str, Any]) -> str:
    if protocol["metric"] == "error":
        return "error: the share of test rows with a wrong answer"
    return f"{protocol['metric_title']}: it decides, and the fits stop by it"


def _rope(run: Run) -> str:
    """Return the region of practical equivalence in words."""
    rope, scale = float(run.result["protocol"]["rope"]), numbers.scale(run)
    size = f"{100 * scale.factor * rope:.3g} {scale.unit}"
    if scale.of == "test errors":
        size += f" of zero, which is {rope * len(run.y_test):.3g} in {len(run.y_test):,} test rows"
    else:
        size += " of zero"
    return (
        f"Two contenders count as practically equal where the interval for equality of their "
        f"difference lies within {size}. Otherwise one counts as better where the "
        f"p-value, adjusted for the number of pairs (Holm), is below 0.05. Where neither holds, "
        f"the duel is undecided."
    )


def _distinct(run: Run, *keys: str) -> list[tuple[str, ...]]:
    """Return the different values of `keys` among the comparisons, in order."""
    found = [
        tuple(str(entry.get(key) or "") for key in keys)
        for entry in run.result.get("comparisons", [])
    ]
    return [values for values in dict.fromkeys(found) if any(values)]


def _known_best(run: Run) -> dict[str, Any] | None:
    best = run.result.get("known_best")
    if not best:
        return None
    places = units.decimals(len(run.y_test))
    return {
        "error": units.percent(best["test_error"], places),
        "seconds": units.seconds(best["fit_seconds"]),
        "contender": best["contender"],
        "note": best.get("note") or "",
        "settings": tables.settings(
            "The strongest XGBoost recipe known to graduel", best.get("settings") or {}
        ),
    }


def _threads(number: int) -> str:
    return f"{number} {'thread' if number == 1 else 'threads'} for each contender, one at a time"


def _kept(run: Run) -> str:
    """Return how the folder is typed in a command, if it holds models; without its path."""
    return shlex.quote(run.path.resolve().name) if run.kept else ""
