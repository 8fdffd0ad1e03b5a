"""Runs, suites and verdicts at a prompt and in a notebook: texts, HTML, DataFrames, figures."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

import matplotlib as mpl
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from runs import make_run
from suites import make_suite

import graduel
from graduel import nn, report
from graduel.data.finding import METRIC_CHOICE, PREDICTS_TARGET
from graduel.data.source import source_from_arrays
from graduel.errors import UserError
from graduel.report.draw.notebook_figure import NotebookFigure
from graduel.report.draw.style import COLORS

EVIL = ("<script>alert(1)</script>", "$x$ & $", "a\"b' onload=x</svg>")
MANY = tuple(f"contender {i}" for i in range(14))
SHAPES = {
    "three": {},
    "one": {"names": ("net",)},
    "many": {"names": MANY, "seeds": 2, "points": 300},
    "long": {"seeds": 5, "points": 1000},
    "evil": {"names": EVIL, "classes": EVIL, "n_classes": 3},
    "tuned": {"trials": 4, "names": ("net", "xgboost")},
    "table": {"table": True, "names": ("net", "xgboost")},
    "one point": {"points": 1},
}
LARGEST = 60_000


class Html(HTMLParser):
    """The tags of a piece of HTML; an unbalanced one is an error."""

    VOID = ("use", "path", "br", "img")

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.words = [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.open.append(tag)
        for name, value in attrs:
            assert not name.startswith("on")
            assert "http" not in (value or "") or name.startswith("xmlns")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture(scope="module", params=SHAPES)
def run(request):
    return make_run(**SHAPES[request.param])


def check_text(thing):
    lines = repr(thing).splitlines()
    assert 1 <= len(lines) < 10
    assert all(len(line) <= 240 for line in lines)


def check_html(thing):
    text = thing._repr_html_()
    assert len(text.encode()) < LARGEST
    html = Html(text)
    assert "script" not in html.tags
    assert not {"b", "i"} & set(html.tags)
    return html


def test_a_run_is_short_text(run):
    check_text(run)
    check_text(run.result)
    for comparison in run.result.comparisons:
        check_text(comparison)


def test_a_run_is_html(run):
    html = check_html(run)
    words = " ".join(html.words).replace("\N{NO-BREAK SPACE}", " ")
    assert "Test error" in words
    if run.result.comparisons:
        assert run.result.comparisons[0].sentence[:40] in words
    assert "svg" in html.tags  # the race
    for comparison in run.result.comparisons[:3]:
        check_html(comparison)


def test_the_colors_of_a_figure_are_those_of_the_page(run):
    text = run.race()._repr_html_()
    assert "prefers-color-scheme:dark" in text
    assert '[data-jp-theme-light="false"]' in text
    for color in COLORS:
        assert f"--{color.variable}:{color.light}" in text
        assert f"--{color.variable}:{color.dark}" in text


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.text(st.characters(codec="utf-8"), min_size=1, max_size=70),
        min_size=1,
        max_size=4,
        unique=True,
    )
)
def test_any_names_are_escaped(names):
    made = make_run(names=tuple(names), points=3, n_test=40, probes=False)
    check_text(made)
    check_html(made)


@pytest.mark.parametrize("shape", [{}, {"names": EVIL, "datasets": ("<b>1</b>", "a&b", "c")}])
def test_a_suite(shape):
    suite = make_suite(**shape)
    check_text(suite)
    check_text(suite.result)
    html = check_html(suite)
    assert "table" in html.tags
    if suite.result.across is not None:
        check_text(suite.result.across)
        check_html(suite.result.across)


def test_a_report_is_written_to_the_path_of_the_user(tmp_path):
    run = make_run(names=("net",), points=3, n_test=60, probes=False)
    path = run.report(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    path = make_suite().report(tmp_path / "suite.html")
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


@settings(max_examples=20)
@given(
    n=st.integers(1, 40),
    n_classes=st.integers(1, 60),
    name=st.text(max_size=300),
    width=st.integers(1, 50),
)
def test_data_sets_and_networks(n, n_classes, name, width):
    y = np.arange(n) % n_classes
    dataset = graduel.Dataset(name, np.zeros((n, 3)), y, tuple(f"<b>{k}" for k in range(n_classes)))
    check_text(dataset)
    check_html(dataset)
    network = graduel.Network((nn.Dense(width), nn.ReLU()) * (width % 9) + (nn.Dense(2),), (4,))
    check_text(network)
    check_html(network)


def test_a_table_lists_its_columns():
    frame = pl.DataFrame({"a b": [1.5, 2.5, 3.5, 1.0] * 9, "kind": ["x", "y"] * 18})
    frame = frame.with_columns(label=pl.Series(["p", "q", "p"] * 12))
    dataset = source_from_arrays(frame, target="label").load()
    assert "columns: a b (numeric), kind (categorical)" in repr(dataset)
    assert {"a b", "numeric", "kind", "categorical"} <= set(check_html(dataset).words)


@pytest.mark.parametrize("library", ["polars", "pandas"])
@pytest.mark.parametrize("method", ["table", "verdicts", "predictions", "trials", "curves"])
def test_dataframes(run, method, library):
    frame = getattr(run, method)(library=library)
    assert type(frame).__module__.startswith(library)
    names, result = list(run.result.contenders), run.result
    n_runs = len(next(iter(run.probabilities.values())))
    rows = {
        "table": len(names),
        "verdicts": len(result.comparisons),
        "predictions": len(names) * n_runs * len(run.y_test),
        "trials": sum(len(t) for one in result.contenders.values() for t in one.trials),
        "curves": sum(len(c) for curves in run.curve_points.values() for c in curves),
    }
    assert len(frame) == rows[method]
    assert len(frame.columns) > 2


def test_predictions_are_those_of_the_run():
    run = make_run(seeds=2, n_test=50, n_classes=3, classes=("a", "b", "c"))
    frame = run.predictions().filter(contender="net", repeat=1)
    p = run.probabilities["net"][1]
    np.testing.assert_array_equal(frame[["p(a)", "p(b)", "p(c)"]].to_numpy(), p)
    assert frame["true"].to_list() == [run.classes[k] for k in run.y_test]
    error = (frame["true"] != frame["predicted"]).mean()
    assert error == pytest.approx(run.result.contenders["net"].test_errors[1])
    table = run.table()
    assert table["test_error"].to_list() == [e.test_error for e in run.result.contenders.values()]


def test_unknown_libraries_are_refused():
    with pytest.raises(UserError, match="library must be one of 'polars', 'pandas'; got 'panda'"):
        make_run().table(library="panda")


def test_figures_show_themselves_and_take_axes():
    run = make_run()
    for name in ("race", "errors", "calibration", "cost", "differences", "robustness"):
        figure = getattr(report, name)(run)
        assert isinstance(figure, NotebookFigure)
        Html(figure._repr_html_())
    own = Figure(figsize=(9, 4), layout="constrained")
    left, right = own.subplots(1, 2)
    assert run.race(ax=left) is own
    assert run.confusion("net", ax=right) is own
    assert left.get_xlabel() == "training time, s"
    assert right.get_xlabel() == "predicted class"
    with mpl.rc_context({"svg.fonttype": "none"}):
        own.canvas.draw()
    with pytest.raises(ValueError, match=r"contender must be one of .* Did you mean 'net'"):
        run.confusion("nte")


def test_two_figures_on_a_page_share_no_id():
    import re

    run, other = make_run(), make_run(names=("net", "xgboost"))
    ids = [set(re.findall(r'\bid="([^"]+)"', r.race()._repr_html_())) for r in (run, other)]
    assert not ids[0] & ids[1]


def test_an_unfinished_run_numbers_its_runs():
    run = make_run(names=("net",), seeds=2, points=2)
    from graduel.duel.result.duel_result import MissingFits

    missing = MissingFits(
        fits=1,
        planned=3,
        contenders=(),
        runs={"net": (1,)},
        pairs=(),
        sizes=(),
        sentence="1 of 3 fits is missing.",
    )
    run = replace(run, result=replace(run.result, missing=missing))
    assert run.curves()["run"].unique().sort().to_list() == [0, 2]
    assert "1 of 3 fits is missing." in run._repr_html_().replace("\N{NO-BREAK SPACE}", " ")


def test_marked_times_are_explained(make):
    run = make(n_classes=3)
    assert "Other processes" not in run._repr_html_()
    entries = dict(run.result.contenders)
    entries["net"] = replace(entries["net"], missing_cores=(0.9,))
    html = replace(run, result=replace(run.result, contenders=entries))._repr_html_()
    assert " *</td>" in html
    assert "* Other processes used cores during the runs of the NumPy network" in html


def test_warnings_about_the_data_are_listed(make):
    run = make(n_classes=3)
    data = run.result.dataset
    leak = PREDICTS_TARGET.report("column 'x' alone predicts the target", "x")
    quiet = METRIC_CHOICE.report("the metric is log loss")
    for findings, count in (((quiet,), 0), ((leak, quiet), 1), ((leak, leak), 2)):
        result = replace(run.result, dataset=replace(data, warnings=findings))
        told = replace(run, result=result)
        line = f"{count} warning{'s' * (count > 1)} in result.dataset.warnings: GRD001 A column"
        assert (line in repr(told)) == (line in told._repr_html_()) == (count > 0)
        assert len(repr(told).splitlines()) < 10
