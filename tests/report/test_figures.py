from __future__ import annotations

import ast
import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from runs import change_contender, make_run

import graduel.report
from graduel import report
from graduel.report.draw.contender_names import list_titles
from graduel.report.draw.style import (
    COLORS,
    HUES,
    PAPER,
    WIDTH,
    assign_looks,
    escape_text,
    spread_labels,
    zero_error,
)
from graduel.report.experiment import read_epoch_curves
from graduel.report.sections import confusion_matrix, importance
from graduel.report.sections.calibration import find_interval, read_calibrations
from graduel.report.sections.cost import read_costs
from graduel.report.sections.disagreements import find_disagreements
from graduel.report.sections.importance import read_importance
from graduel.report.sections.misclassified_rows import find_misclassified
from graduel.report.sections.robustness import read_perturbations
from graduel.report.sections.tuning import read_searches

ALL = ("race", "training_curves", "errors", "differences", "calibration", "cost")

SHAPES: dict[str, dict[str, Any]] = {
    "three": {},
    "one contender": {"names": ("xgboost",)},
    "three seeds": {"names": ("net", "xgboost"), "seeds": 3},
    "thirty classes": {"n_classes": 30, "classes": tuple(f"kind {i}" for i in range(30))},
    "no errors, three classes": {
        "n_classes": 3,
        "names": ("net", "xgboost"),
        "skill": {"net": (0.0, 2.0), "xgboost": (0, 3)},
    },
    "one has no errors": {"names": ("net", "xgboost"), "skill": {"net": (0.0, 2.0)}},
    "one point": {"points": 1},
    "one row": {"n_test": 1},
    "eight contenders": {"names": (*"abcdefg", "a very long name of a contender")},
    "far apart in time": {"skill": {"net": (0.02, 0.05), "xgboost": (0.02, 900.0)}},
    "odd names": {"names": ("<script>alert(1)</script>", "$x$ & $", 'a"b', "tab\there")},
}


@pytest.fixture(params=SHAPES)
def run(request, make):
    return make(**SHAPES[request.param])


def drawn(figure: Figure) -> Figure:
    """Draw the figure: layout and ticks are computed only then."""
    assert isinstance(figure, Figure)
    figure.savefig(BytesIO(), format="png", dpi=40)
    return figure


def lines_of(ax: Any, color: str) -> list[Any]:
    return [line for line in ax.lines if to_hex(line.get_color()) == color]


@pytest.mark.parametrize("name", [*ALL, "confusion_matrix"])
def test_every_figure_draws_every_run(name: str, run) -> None:
    if name == "confusion_matrix":
        drawn(report.confusion_matrix(run, list(run.result.contenders)[-1]))
    elif name == "differences" and len(run.result.contenders) == 1:
        with pytest.raises(ValueError, match="two contenders"):
            report.differences(run)
    else:
        assert drawn(getattr(report, name)(run)).get_figwidth() == WIDTH


def test_race_draws_the_stored_curves(make) -> None:
    for seeds in (1, 3):
        run = make(seeds=seeds, skill={"textbook": (0.06, 60.0), "net": (0.02, 50.0)})
        (ax,) = report.race(run).axes
        assert ax.get_yscale() == "log"
        assert ax.get_xscale() == "linear"
        for name, look in assign_looks(run.result.contenders).items():
            curves = [line for line in ax.lines if line.get_label() == name]
            assert len(curves) == seeds
            for line, curve in zip(curves, run.curve_points[name], strict=True):
                times, errors = np.transpose(curve)
                np.testing.assert_array_equal(line.get_xdata(), times)
                np.testing.assert_allclose(line.get_ydata(), 100 * errors)
                assert to_hex(line.get_color()) == look.color.light
            (ends,) = [m for m in lines_of(ax, look.color.light) if m.get_marker() == look.mark]
            entry = run.result.contenders[name]
            np.testing.assert_array_equal(ends.get_xdata(), entry.fit_seconds)
            np.testing.assert_allclose(ends.get_ydata(), 100 * np.array(entry.test_errors))


def test_race_keeps_everything_inside_the_axes(run) -> None:
    (ax,) = report.race(run).axes
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    for curves in run.curve_points.values():
        for time, error in (point for curve in curves for point in curve):
            assert left <= time <= right
            assert low <= 100 * max(error, zero_error(len(run.y_test))) <= high


def test_race_draws_an_error_of_zero_at_half_a_row(make) -> None:
    run = make(names=("net", "xgboost"), n_test=500, skill={"net": (0.0, 2.0)})
    (ax,) = drawn(report.race(run)).axes
    (line,) = [line for line in ax.lines if line.get_label() == "net"]
    assert line.get_ydata()[-1] == pytest.approx(100 * 0.5 / 500)
    ticks = dict(zip(ax.get_yticks(), [t.get_text() for t in ax.get_yticklabels()], strict=True))
    assert ticks[100 * 0.5 / 500] == "0 %"


def test_race_has_log_time_if_fits_differ_widely(make) -> None:
    wide = make(skill=SHAPES["far apart in time"]["skill"])
    assert report.race(wide).axes[0].get_xscale() == "log"
    assert report.race(make()).axes[0].get_xscale() == "linear"


def test_race_labels_do_not_overlap(make) -> None:
    for names in (("net", "xgboost"), tuple("abcdefgh")):
        run = make(names=names, skill=dict.fromkeys(names, (0.02, 30.0)))
        figure = drawn(report.race(run))
        boxes = [
            text.get_window_extent()
            for text in figure.axes[0].texts
            if text.get_fontweight() == "bold"
        ]
        assert len(boxes) == len(names)
        tops = sorted((box.y0, box.y1) for box in boxes)
        for (_, top), (bottom, _) in pairwise(tops):
            assert bottom > top


def test_errors_draws_the_stored_errors_and_intervals(make) -> None:
    run = make(seeds=3)
    (ax,) = report.errors(run).axes
    for name, look in assign_looks(run.result.contenders).items():
        entry = run.result.contenders[name]
        found = lines_of(ax, look.color.light)
        (dot,) = [line for line in found if line.get_marker() == look.mark]
        (whisker,) = [line for line in found if len(line.get_xdata()) == 2]
        (seeds,) = [line for line in found if line.get_marker() == "|"]
        np.testing.assert_allclose(dot.get_xdata(), 100 * entry.test_error)
        np.testing.assert_allclose(whisker.get_xdata(), 100 * np.array(entry.test_error_interval))
        np.testing.assert_allclose(seeds.get_xdata(), 100 * np.array(entry.test_errors))


def test_differences_draws_the_stored_differences(make) -> None:
    run = make()
    (ax,) = report.differences(run).axes
    dots = [float(line.get_xdata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert dots == [100 * entry.difference for entry in run.result.comparisons]
    assert {(p.get_x(), p.get_width()) for p in ax.patches} == {(-0.25, 0.5)}
    of_net = report.differences(run, "net").axes[0]
    assert sum(line.get_marker() == "o" for line in of_net.lines) == 2


def test_confusion_shows_the_counts(make) -> None:
    run = make(seeds=2, n_test=400, n_classes=4)
    found = confusion_matrix.count_confusions(run, "textbook")
    expected = np.zeros((4, 4), int)
    for p in run.probabilities["textbook"]:
        for true, answer in zip(run.y_test, p.argmax(-1), strict=True):
            expected[true, answer] += 1
    np.testing.assert_array_equal(found.counts, expected)
    assert found.total == 800
    errors = run.result.contenders["textbook"].test_errors
    assert found.wrong == round(sum(errors) * 400)
    (ax,) = report.confusion_matrix(run, "textbook").axes
    shown = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}
    assert shown == {(i, j): str(n) for (i, j), n in np.ndenumerate(expected) if n}


def test_confusion_lists_the_most_frequent_errors() -> None:
    counts = np.array([[90, 3, 0], [7, 50, 0], [0, 1, 20]])
    found = confusion_matrix.ConfusionMatrix(("a", "b", "c"), counts, 1)
    assert found.most_frequent(2) == [("b", "a", 7), ("a", "b", 3)]
    assert len(found.most_frequent()) == 3


def test_confusion_of_many_classes_shows_those_with_most_errors(make) -> None:
    run = make(n_classes=50, n_test=3000)
    (ax,) = drawn(report.confusion_matrix(run, "textbook")).axes
    assert len(ax.get_xticks()) == confusion_matrix.MOST_CLASSES


def test_reliability_counts_ranges_of_equal_width(make) -> None:
    run = make(seeds=2)
    for name, stored in read_calibrations(run).items():
        p = run.probabilities[name].reshape(-1, 10).astype(float)
        confidence, right = p.max(1), p.argmax(1) == np.tile(run.y_test, 2)
        for b in stored.diagram:
            inside = (confidence > b.low) & (confidence <= b.high)
            assert b.rows == inside.sum()
            assert b.confidence == pytest.approx(confidence[inside].mean())
            assert b.right == pytest.approx(right[inside].mean())
            assert b.high - b.low == pytest.approx(0.1)
            assert b.low < b.confidence <= b.high
            low, high = find_interval(b)
            assert low <= b.right <= high
        assert sum(b.rows for b in stored.diagram) == len(p)


def test_calibration_draws_its_numbers(make) -> None:
    run = make()
    look = assign_looks(run.result.contenders)
    for scaling in ("before", "after"):
        (ax,) = drawn(report.calibration(run, scaling)).axes
        stored = read_calibrations(run, scaling)
        for name, one in stored.items():
            assert one is getattr(run.result.contenders[name].calibration, scaling)
            line = lines_of(ax, look[name].color.light)[0]
            joined = [(100 * b.confidence, 100 * b.right) for b in one.diagram if b.rows >= 10]
            np.testing.assert_allclose(line.get_xydata(), joined)
        marks = [points for points in ax.collections if isinstance(points, PathCollection)]
        for one, points in zip(stored.values(), marks, strict=True):
            every = [(100 * b.confidence, 100 * b.right) for b in one.diagram]
            np.testing.assert_allclose(points.get_offsets(), every)


def test_cost_draws_its_numbers(make) -> None:
    run = make(seeds=2)
    figure = report.cost(run)
    entries = run.result.contenders
    for ax, kind in zip(figure.axes, read_costs(run), strict=True):
        assert ax.get_xscale() == "log"
        dots = [line.get_xdata()[0] for line in ax.lines if line.get_marker() not in ("None", "")]
        assert dots == list(kind.values.values())
        assert dots == [np.mean(getattr(entry, kind.key)) for entry in entries.values()]


def test_cost_without_a_measurement(make) -> None:
    run = make()
    run = change_contender(run, "net", peak_memory_bytes=None)
    run = change_contender(run, "xgboost", predict_row_seconds=0.0)
    texts = [text.get_text() for ax in drawn(report.cost(run)).axes for text in ax.texts]
    assert "–" in texts
    assert "0 s" in texts


def captioned(figure):
    """Return the images of a grid with their captions, which stand above the images."""
    (ax,) = figure.axes
    result = []
    for image, text in zip(ax.images, ax.texts, strict=True):
        left, right, _, top = image.get_extent()
        assert text.xy == pytest.approx(((left + right) / 2, top))
        result.append((np.asarray(image.get_array()), text.get_text()))
    return result


def test_disagreements_shows_rows_that_only_one_classifies_correctly(make) -> None:
    images = np.random.default_rng(1).integers(0, 256, (600, 6, 5), dtype=np.uint8)
    run = make(images=images)
    a, b = find_disagreements(run, "net", "textbook")
    right = {n: run.probabilities[n][0].argmax(-1) == run.y_test for n in ("net", "textbook")}
    assert a.total == int(np.sum(right["net"] & ~right["textbook"]))
    assert b.total == int(np.sum(~right["net"] & right["textbook"]))
    assert len(a.rows) == min(12, a.total)
    for case in a.rows:
        assert right["net"][case.row]
        assert not right["textbook"][case.row]
        assert case.truth == str(run.y_test[case.row])
        assert case.prediction == str(run.probabilities["textbook"][0, case.row].argmax())
    assert [c.confidence for c in a.rows] == sorted((c.confidence for c in a.rows), reverse=True)
    figure = drawn(report.disagreements(run, "net", "textbook"))
    for (image, caption), case in zip(captioned(figure), (*a.rows, *b.rows), strict=True):
        np.testing.assert_array_equal(image, images[case.row])
        assert caption == f"{case.truth} not {case.prediction}"


def test_disagreements_where_all_are_right_or_names_are_long(make) -> None:
    images = np.zeros((40, 8, 8), np.uint8)
    none = make(n_test=40, images=images, skill={"net": (0, 1), "xgboost": (0, 1)})
    assert captioned(drawn(report.disagreements(none, "net", "xgboost"))) == []
    kinds = ("Ankle boot and more", "Bag", "T-shirt/top")
    long = make(n_test=40, n_classes=3, classes=kinds, images=images, skill={"net": (0.5, 1)})
    drawn(report.disagreements(long, "xgboost", "net"))


def test_misclassified_rows_are_sorted_by_the_least_confident_contender(make) -> None:
    images = np.random.default_rng(1).integers(0, 256, (900, 6, 5), dtype=np.uint8)
    names = ("net", "xgboost")
    run = make(names=names, n_test=900, images=images, skill=dict.fromkeys(names, (0.2, 1.0)))
    found = find_misclassified(run, limit=30)
    p = {n: run.probabilities[n][0] for n in names}
    wrong = np.all([p[n].argmax(-1) != run.y_test for n in names], axis=0)
    assert found.total == wrong.sum() > 30
    least = [min(sure for _, sure in case.predictions.values()) for case in found.rows]
    assert least == sorted(least, reverse=True)
    everywhere = np.min([p[n].max(-1) for n in names], axis=0)[wrong]
    assert least == pytest.approx(sorted(everywhere, reverse=True)[:30])
    for case in found.rows:
        assert wrong[case.row]
        assert case.truth == str(run.y_test[case.row])
        answers = {n: (str(p[n][case.row].argmax()), float(p[n][case.row].max())) for n in names}
        assert case.predictions == answers
        assert case.distinct_predictions == tuple(
            dict.fromkeys(label for label, _ in answers.values())
        )
    figure = drawn(report.misclassified_rows(run))
    shown = find_misclassified(run).rows
    for (image, caption), case in zip(captioned(figure), shown, strict=True):
        np.testing.assert_array_equal(image, images[case.row])
        assert caption.startswith(f"{case.truth} not ")
    assert find_misclassified(make(names=("net",))) is None
    with pytest.raises(ValueError, match="this run has none"):
        report.misclassified_rows(make())


def test_robustness_draws_its_numbers(make) -> None:
    for table in (False, True):
        run = make(table=table)
        ways = read_perturbations(run)
        panels = [ax for ax in drawn(report.robustness(run)).axes if ax.get_title("left")]
        assert len(panels) == len(ways) == (2 if table else 4)
        look = assign_looks(run.result.contenders)
        for ax, way in zip(panels, ways, strict=True):
            for name, errors in way.errors.items():
                probes = run.result.contenders[name].probes
                assert errors[0] == probes.error
                line = next(x for x in lines_of(ax, look[name].color.light) if len(x.get_xdata()))
                there = [
                    (x, 100 * e)
                    for x, e in zip(way.strengths, errors, strict=True)
                    if e is not None
                ]
                np.testing.assert_allclose(line.get_xydata(), there)
                assert all(0 <= y <= ax.get_ylim()[1] for _, y in there)
    with pytest.raises(ValueError, match="needs a run with probes"):
        report.robustness(make(probes=False))


def test_importance_draws_its_numbers(make) -> None:
    run = make()
    found = read_importance(run)
    panels = [ax for ax in drawn(report.importance(run)).axes if ax.get_title("left")]
    most = max(rises.max() for rises in found.rises.values())
    for ax, (name, rises) in zip(panels, found.rises.items(), strict=True):
        assert ax.get_title("left") == escape_text(list_titles(run)[name], 20)
        shown = [p for p in ax.patches if p.get_alpha()]
        assert len(shown) == (rises > 0.01 * most).sum()
        for patch in shown:
            rise = rises[int(patch.get_y()), int(patch.get_x())]
            assert patch.get_alpha() == pytest.approx(rise / most)
    run = make(table=True)
    found = read_importance(run)
    (ax,) = drawn(report.importance(run)).axes
    labels = [tick.get_text() for tick in ax.get_yticklabels()]
    kept = found.largest_columns
    assert labels == [found.labels[place] for place in kept]
    assert len(labels) == importance.MOST_COLUMNS < len(found.labels)
    assert found.labels[-1] == "first … last"
    look = assign_looks(run.result.contenders)
    for name, rises in found.rises.items():
        dots = [x for x in lines_of(ax, look[name].color.light) if len(x.get_xdata()) == 1]
        np.testing.assert_allclose([float(x.get_xdata()[0]) for x in dots], rises[kept])


def test_trials_draws_all_trials_and_the_best_so_far(make) -> None:
    run = make(trials=9, names=("net", "xgboost"), seeds=2)
    (ax,) = drawn(report.trials(run)).axes
    look = assign_looks(run.result.contenders)
    for name, (search, _) in read_searches(run).items():
        entry = run.result.contenders[name]
        whole = [t for t in entry.trials[0] if t.state == "complete"]
        found = [x for x in lines_of(ax, look[name].color.light) if len(x.get_xdata())]
        marks = next(x for x in found if x.get_linestyle() == "None")
        assert list(marks.get_xdata()) == [t.number for t in whole]
        (stairs,) = [x for x in found if x.get_drawstyle() == "steps-post"]
        assert stairs.get_ydata()[-1] == min(t.loss for t in whole)
        assert search.best_trial == entry.best_trial[0]
        (ring,) = [x for x in ax.lines if list(x.get_xdata()) == [search.best_trial]][:1]
        assert ring.get_marker() == "o"
        assert list(np.diff(stairs.get_ydata()) <= 0) == [True] * (len(stairs.get_ydata()) - 1)
    with pytest.raises(ValueError, match="--trials 20"):
        report.trials(make())


def test_disagreements_needs_images(make) -> None:
    with pytest.raises(ValueError, match="this run has none"):
        report.disagreements(make(), "net", "xgboost")


def test_an_unknown_contender_is_named(make) -> None:
    run = make(images=np.zeros((600, 4, 4), np.uint8))
    for call in (
        lambda: report.confusion_matrix(run, "nett"),
        lambda: report.disagreements(run, "net", "nett"),
        lambda: report.differences(run, "nett"),
    ):
        with pytest.raises(ValueError, match=r"one of 'textbook', 'net', 'xgboost'; got 'nett'"):
            call()


def test_equal_titles_get_the_contenders_names(make) -> None:
    run = make()
    run = change_contender(run, "textbook", title="NumPy network")
    assert list_titles(run) == {
        "textbook": "NumPy network (textbook)",
        "net": "NumPy network (net)",
        "xgboost": "XGBoost",
    }


def test_dollar_signs_are_escaped(make) -> None:
    run = make(names=("$x$ & $", "net"))
    (ax,) = drawn(report.race(run)).axes
    assert ax.texts[0].get_text() == escape_text("$x$ & $")
    assert escape_text("$x$ & $") == r"\$x\$ & \$"


def test_a_contender_looks_the_same_in_every_report() -> None:
    alone, among = assign_looks(["net"]), assign_looks(["b", "textbook", "net", "a"])
    assert alone["net"] == among["net"]
    eight = assign_looks("abcdefgh").values()
    for part in ("color", "mark", "sign", "line"):
        assert len({getattr(look, part) for look in eight}) == 8
    assert len(assign_looks("abcdefghij")) == 10


def luminance(color: str) -> float:
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_text_in_every_color_is_legible(mode: str) -> None:
    paper = luminance(getattr(PAPER, mode))
    for color in COLORS:
        if color.variable in ("grid", "paper"):
            continue
        light = luminance(getattr(color, mode))
        high, low = max(light, paper), min(light, paper)
        assert (high + 0.05) / (low + 0.05) >= 4.5, color
    assert len({color.light for color in COLORS}) == len(COLORS) == len(HUES) + 4


def test_spread_labels_keeps_order_and_distance() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        positions = list(rng.uniform(-0.1, 1.1, rng.integers(1, 9)))
        moved = spread_labels(positions, 0.1, 0.0, 1.0)
        assert min(moved) >= 0
        assert max(moved) <= 1
        assert list(np.argsort(moved, kind="stable")) == list(np.argsort(positions, kind="stable"))
        assert np.all(np.diff(sorted(moved)) >= 0.1 - 1e-6)
    assert spread_labels([0.2, 0.8], 0.1, 0.0, 1.0) == [0.2, 0.8]
    assert spread_labels([], 0.1, 0.0, 1.0) == []


def test_figures_leave_matplotlib_as_it_was(make) -> None:
    before = dict(mpl.rcParams)
    for name in ALL:
        getattr(report, name)(make())
    assert dict(mpl.rcParams) == before


def test_import_is_lazy_and_without_pyplot() -> None:
    code = """
import sys
import graduel.report
heavy = {"matplotlib", "jinja2", "numpy"} & set(sys.modules)
assert not heavy, heavy
graduel.report.race, graduel.report.render
assert "matplotlib.figure" in sys.modules
assert not {"matplotlib.pyplot", "jinja2", "xgboost", "sklearn"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'rase'"):
        report.rase  # noqa: B018
    assert set(report.__all__) == set(dir(report))


def test_the_package_imports_only_results_and_verdicts() -> None:
    known = (
        "graduel.atomic_io",
        "graduel.data.finding",
        "graduel.data.task",
        "graduel.duel.result.",
        "graduel.duel.verdict.costs",
        "graduel.duel.verdict.sentences",
        "graduel.duel.verdict.types",
        "graduel.errors",
        "graduel.metrics.calibration",
        "graduel.number_format",
        "graduel.report",
        "graduel.short_view",
        "graduel.stats.",
    )
    for file in Path(graduel.report.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graduel"):
                assert node.module.startswith(known)


def test_training_curves_end_at_the_selected_epoch(make) -> None:
    run = make(seeds=2)
    for racer in read_epoch_curves(run):
        assert racer.ends == (17.0, 17.0)
        for curve, stored in zip(racer.curves, run.curve_points[racer.name], strict=True):
            assert curve == [(i + 1.0, error) for i, (_, error) in enumerate(stored)]


@settings(max_examples=15)
@given(decades=st.floats(1.5, 6), wide=st.booleans())
@example(decades=2.3, wide=False)
def test_labels_of_a_log_scale_of_time_do_not_overlap(decades: float, wide: bool) -> None:
    skill = {"net": (0.02, 0.01), "xgboost": (0.03, 0.01 * 10**decades)}
    run = make_run(names=("net", "xgboost"), skill=skill, points=3, n_test=100, probes=False)
    figure = report.race(run, width=8.8 if wide else 4.2)
    figure.canvas.draw()
    (ax,) = figure.axes
    low, high = ax.get_xlim()
    labels = [
        label.get_window_extent()
        for label in ax.get_xticklabels()
        if label.get_text() and low <= label.get_position()[0] <= high
    ]
    gaps = [other.x0 - one.x1 for one, other in pairwise(labels)]
    assert min(gaps, default=9) > 3  # a browser's letters are wider
