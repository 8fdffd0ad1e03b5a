"""The page of a suite, its figures and tables, and the learning curve of a duel."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure
from runs import change
from suites import make_suite
from test_page import Page

from graduel import report
from graduel.duel.result.duel_result import LearningCurve, SizeCurve
from graduel.duel.verdict.crossing import compare_sizes
from graduel.report.draw.html import keep_units
from graduel.report.draw.style import COLORS
from graduel.report.sections import learning_curve
from graduel.report.suite import by_dataset, pair_differences, wins
from graduel.report.suite.critical_difference import describe_friedman
from graduel.report.suite.metric_text import format_metric
from graduel.report.suite.suite_page import build_headline, describe_other_metrics

MANY = ("textbook", "net", "xgboost", "forest", "lightgbm", "hist")
SHAPES: dict[str, dict[str, Any]] = {
    "three": {},
    "six contenders": {"names": MANY, "datasets": tuple(f"set {i}" for i in range(12))},
    "one data set": {"datasets": ("alone",), "failures": ("other",)},
    "one contender": {"names": ("xgboost",)},
    "nothing": {"datasets": (), "failures": ("a", "b")},
    "no errors": {"zero": True},
    "AUC": {"metric": "auc"},
    "log loss": {"metric": "log_loss", "names": ("net", "xgboost")},
    "other metrics": {"other_metric": ("set 1", "set 3")},
    "evil": {
        "names": ("<script>alert(1)</script>", "$x$ & $", "a\"b' onload=x</svg>"),
        "datasets": ("<b>1</b>", "a&b$", 'quote"s', "d"),
        "failures": ("<i>x</i>",),
    },
}


@pytest.fixture(scope="module", params=SHAPES)
def suite(request):
    return make_suite(**SHAPES[request.param])


@pytest.fixture(scope="module")
def text(suite):
    return report.render_suite(suite)


def test_the_page_is_well_formed_and_self_contained(text: str) -> None:
    html = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert "://" not in text
    assert re.findall(r"url\((?!#)", text) == []
    for _, attributes in html.elements:
        assert not [name for name in attributes if name.startswith("on")]
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in html.elements}
    ids = [attributes["id"] for _, attributes in html.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    (policy,) = [m for m in html.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_the_page_is_accessible(text: str) -> None:
    html = Page(text)
    for drawing in html.all("svg"):
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"] or "") > 30
    assert len(html.all("figure")) == len(html.all("figcaption"))
    assert len(html.all("caption")) == len(html.all("table"))
    assert text.count("<summary>Table of the numbers</summary>") == len(html.all("figure"))
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    for color in COLORS:
        assert color.light not in drawings


def test_all_values_and_failures_are_on_the_page(suite, text: str) -> None:
    shown = Page(text).text()
    for line in suite.result.datasets:
        for name in line.contenders:
            assert keep_units(format_metric(suite, line, name)) in text
    for failure in suite.result.failures:
        assert f"Failed: {failure.name}. {failure.message}" in shown
    for one in suite.result.across.pairs if suite.result.across else ():
        assert re.sub(r"\s+", " ", one.sentence.partition(": ")[2]) in shown
    assert build_headline(suite) in shown


def test_the_critical_difference_diagram_needs_five_contenders() -> None:
    few, many = make_suite(names=MANY[:4]), make_suite(names=MANY[:5])
    assert 'id="figure-critical-difference"' not in report.render_suite(few)
    with pytest.raises(ValueError, match="five contenders"):
        report.critical_difference(few)
    assert 'id="figure-critical-difference"' in report.render_suite(many)
    figure = report.critical_difference(many)
    assert isinstance(figure, Figure)
    figure.savefig(BytesIO(), format="png", dpi=40)
    (ax,) = figure.axes
    ranks = many.result.across.ranks
    marks = [line.get_xdata()[0] for line in ax.lines if line.get_marker() not in ("None", None)]
    assert sorted(marks) == pytest.approx(sorted(ranks.values()))
    left, right = ax.get_xlim()
    assert left > right  # rank 1 is at the right
    bars = [line for line in ax.lines if line.get_linewidth() == 3.2]
    groups = [group for group in many.result.across.groups if len(group) > 1]
    assert len(bars) == len(groups)


def test_log_loss_has_a_section_if_another_metric_leads() -> None:
    suite = make_suite(names=MANY[:5])
    other = suite.by_log_loss()
    html, page = Page(report.render_suite(suite)), report.render_suite(suite)
    assert 'id="figure-critical-difference-by-log-loss"' in page
    assert build_headline(other) in html.text()
    assert build_headline(other) != build_headline(suite)
    for line in other.result.datasets:
        for name in line.contenders:
            assert keep_units(format_metric(other, line, name)) in page
    for only in (make_suite(metric="log_loss"), make_suite(datasets=("one",))):
        assert only.by_log_loss() is None
        assert "by-log-loss" not in report.render_suite(only)


def test_figures_draw_the_numbers_of_the_tables() -> None:
    suite = make_suite(names=("net", "xgboost"), other_metric=("set 2",))
    before = dict(mpl.rcParams)
    figure = pair_differences.differences(suite, "net", "xgboost")
    (ax,) = figure.axes
    marks = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() in ("o", "D")]
    rows = pair_differences.read_differences(suite, "net", "xgboost")
    (one,) = suite.result.across.pairs
    gaps = sorted(100 * row.value for row in rows)
    assert marks == pytest.approx([*gaps, 100 * one.median_difference])
    bars = wins.wins(suite).axes[0]
    widths = [patch.get_width() for patch in bars.patches]
    assert widths == [n for n in (one.wins, one.ties, one.losses) if n]
    assert dict(mpl.rcParams) == before
    table = pair_differences.build_table(suite, "net", "xgboost")
    by_other = {row[0]: row for row in table.rows}["set 2"]
    assert by_other[2] == "–"
    assert by_other[3].endswith("by log loss")
    assert describe_other_metrics(suite) == (
        "The duel on set 2 is decided by log loss; the comparison across data sets uses error."
    )


def test_leaders_are_the_unbeaten_contenders() -> None:
    titles = {name: name.upper() for name in "abcd"}
    comparison = make_suite().result.datasets[0].comparisons[0]

    def ahead(*verdicts: tuple[str, str, str]) -> str:
        pairs = [replace(comparison, a=a, b=b, verdict=verdict) for a, b, verdict in verdicts]
        return by_dataset.name_leaders(pairs, titles)

    beats = [("a", "d", "a better"), ("b", "d", "a better"), ("c", "d", "a better")]
    assert ahead(*beats, ("a", "c", "a better"), ("b", "c", "a better")) == "undecided: A, B"
    equal = ("a", "b", "practically equal")
    assert ahead(*beats, ("a", "c", "a better"), ("c", "b", "b better"), equal) == (
        "practically equal: A, B"
    )
    assert ahead(*beats) == "3 undecided"
    assert ahead(("a", "b", "a better"), ("c", "a", "b better"), ("d", "a", "b better")) == "A"
    assert ahead() == "undecided"


def test_the_friedman_test_has_a_sentence() -> None:
    verdict = make_suite().result.across
    across = replace(verdict, iman_davenport_p=0.2, friedman_p=0.25)
    assert describe_friedman(across).endswith(
        "p = 0.20 (χ²: p = 0.25): no contender is shown to differ from another."
    )
    across = replace(verdict, iman_davenport_p=1e-9, friedman_p=1e-6)
    assert "p < 0.0001 (χ²: p < 0.0001): some contenders differ." in describe_friedman(across)
    assert describe_friedman(replace(verdict, iman_davenport_p=None, friedman_p=None)) == ""


def with_sizes(run):
    """Give a run a learning curve of three sizes, its own the last."""
    sizes, scale = (500, 5000, 60_000), (6.0, 2.5, 1.0)
    entries = run.result.contenders
    contenders = {
        name: SizeCurve(
            test_errors=tuple(entry.test_error * factor for factor in scale),
            test_error_intervals=tuple(
                tuple(bound * factor for bound in entry.test_error_interval) for factor in scale
            ),
            fit_seconds=(1.0, 2.0, 3.0),
        )
        for name, entry in entries.items()
    }
    a, b, *_ = entries
    verdicts = ("a better", "undecided", "b better")
    pair = compare_sizes(a, b, sizes, verdicts, (-0.02, 0.01, 0.02), run.result.titles)
    curve = LearningCurve(sizes=sizes, contenders=contenders, pairs=(pair,))
    return change(run, learning_curve=curve)


def test_the_learning_curve_of_a_duel(make) -> None:
    plain = report.render(make())
    assert 'id="learning-curve"' not in plain
    with pytest.raises(ValueError, match="--sizes auto"):
        report.learning_curve(make())
    run = with_sizes(make(seeds=2))
    page = report.render(run)
    html = Page(page)
    assert [figure for figure in html.all("figure") if figure.get("id") == "figure-learning-curve"]
    assert learning_curve.list_sentences(run)[0] in html.text()
    figure = report.learning_curve(run)
    figure.savefig(BytesIO(), format="png", dpi=40)
    (ax,) = figure.axes
    drawn = [
        line for line in ax.lines if len(line.get_xdata()) == 3 and line.get_marker() == "None"
    ]
    for line, entry in zip(drawn, run.result.learning_curve.contenders.values(), strict=True):
        np.testing.assert_allclose(line.get_ydata(), 100 * np.array(entry.test_errors))
        assert list(line.get_xdata()) == [500, 5000, 60_000]
    table = learning_curve.build_table(run)
    assert [row[0] for row in table.rows] == ["500", "5,000", "60,000"]
    assert table.rows[0][-1] == "textbook network better"


def test_the_interval_of_a_duel_has_the_name_of_its_kind() -> None:
    suite = make_suite(datasets=("one", "two"))
    assert pair_differences.build_table(suite, "net", "xgboost").head[2] == "95 % CI"
    datasets = tuple(
        replace(
            dataset,
            comparisons=tuple(
                replace(pair, equivalence_level=1 - 0.1 / 3, simultaneous_interval=(-0.4, 0.5))
                for pair in dataset.comparisons
            ),
        )
        for dataset in suite.result.datasets
    )
    suite = replace(suite, result=replace(suite.result, datasets=datasets))
    table = pair_differences.build_table(suite, "net", "xgboost")
    assert table.head[2] == "Simultaneous 95 % CI"
    assert table.rows[0][2] in ("−40.00 to 50.00", "−50.00 to 40.00")
