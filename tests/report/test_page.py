from __future__ import annotations

import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import change, change_contender

from graduel import report
from graduel.duel.result.machine import Machine
from graduel.number_format import NONE, format_percent
from graduel.report import page
from graduel.report.draw.html import keep_units
from graduel.report.draw.row_cells import find_row_number
from graduel.report.draw.style import COLORS
from graduel.report.sections import confusion_matrix, cost, protocol_text, results
from graduel.report.sections.disagreements import find_disagreements
from graduel.report.sections.misclassified_rows import find_misclassified

SKILL = ("net", "xgboost")
VOID = {"meta", "link", "br", "hr", "img", "input"}
SHAPES: dict[str, dict[str, Any]] = {
    "three": {},
    "one contender": {"n_classes": 3, "names": ("xgboost",), "known_best": False},
    "two contenders, three seeds": {"names": ("net", "xgboost"), "seeds": 3},
    "no errors, one point": {
        "n_classes": 3,
        "points": 1,
        "skill": {"textbook": (0, 9.0), "net": (0, 2.0), "xgboost": (0, 3.0)},
    },
    "one row": {"n_test": 1},
    "six contenders": {"names": tuple("abcdef"), "n_test": 200, "n_classes": 3},
    "images": {
        "n_test": 100,
        "n_classes": 3,
        "images": np.random.default_rng(0).integers(0, 256, (100, 7, 7), dtype=np.uint8),
    },
    "tuned": {"trials": 12, "seeds": 2, "names": ("net", "xgboost"), "n_classes": 3},
    "a table": {"table": True, "n_classes": 3},
    "no probes": {"probes": False, "n_classes": 3},
    "evil": {
        "names": ("<script>alert(1)</script>", "a\"b' onload=x</svg>", "$x$ & \x00\x1b[1m"),
        "n_classes": 3,
        "classes": tuple(f"<b>{i}</b>&$" for i in range(3)),
        "n_test": 60,
        "images": np.zeros((60, 4, 4), np.uint8),
    },
}


class Page(HTMLParser):
    """The elements and texts of a page; fails if a tag is not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self.open), data))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def text(self) -> str:
        shown = [text for where, text in self.texts if "style" not in where]
        return re.sub(r"\s+", " ", "".join(shown))


@pytest.fixture(scope="module", params=SHAPES)
def text(request, make) -> str:
    """The page of each shape, rendered once."""
    return report.render(make(**SHAPES[request.param]))


@pytest.fixture(scope="module")
def page_of_three(make) -> str:
    return report.render(make())


def test_the_page_is_well_formed_and_self_contained(text: str) -> None:
    html = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert len(text.encode()) < 2_000_000
    assert "://" not in text
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []
    for _, attributes in html.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href", "action", "data", "srcset", "poster"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:"))
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in html.elements}
    (policy,) = [m for m in html.all("meta") if m.get("http-equiv") == "Content-Security-Policy"]
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_ids_are_unique_and_every_reference_has_its_target(text: str) -> None:
    html = Page(text)
    ids = [attributes["id"] for _, attributes in html.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {
        value[1:]
        for _, attributes in html.elements
        for name, value in attributes.items()
        if name == "href" and value and value.startswith("#")
    }
    used |= set(re.findall(r"url\(#([^)]+)\)", text))
    used |= {str(a["aria-labelledby"]) for _, a in html.elements if "aria-labelledby" in a}
    assert used <= set(ids)


def test_the_page_is_accessible(text: str) -> None:
    html = Page(text)
    assert html.all("html") == [{"lang": "en"}]
    for drawing in html.all("svg"):
        assert drawing["role"] == "img"
        assert len(drawing["aria-label"] or "") > 30
        assert drawing["viewbox"]
    assert len(html.all("figure")) == len(html.all("figcaption"))
    assert html.all("th")
    assert {cell["scope"] for cell in html.all("th")} == {"row", "col"}
    assert len(html.all("caption")) == len(html.all("table"))
    boxes = [a for _, a in html.elements if a.get("class") == "scroll"]
    assert len(boxes) == len(html.all("table")) + 1  # and the command
    for box in boxes:
        assert box["tabindex"] == "0"
        assert box["role"] == "group"  # no landmark: there are many
        assert box["aria-label"]
    levels = [int(tag[1]) for tag, _ in html.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_figures_follow_light_and_dark(text: str) -> None:
    drawings = "".join(re.findall(r"<svg.*?</svg>", text, re.DOTALL))
    for color in COLORS:
        assert color.light not in drawings
        assert f"--{color.variable}: {color.light}" in text
        assert f"--{color.variable}: {color.dark}" in text
    assert "#000000" not in drawings
    assert "font-family" not in drawings
    assert "prefers-color-scheme: dark" in text
    assert '<meta name="color-scheme" content="light dark">' in text


def test_text_in_figures_is_legible_on_a_phone(page_of_three: str) -> None:
    for drawing in re.findall(r"<svg.*?</svg>", page_of_three, re.DOTALL):
        width = float(re.search(r'viewBox="0 0 ([\d.]+)', drawing)[1])  # type: ignore[index]
        if width < 400:  # the narrow ones, in 350 CSS pixels
            sizes = [float(size) for size in re.findall(r"font-size: ([\d.]+)px", drawing)]
            assert min(sizes) * 350 / width >= 8


def test_the_same_run_gives_the_same_page(make) -> None:
    images = np.random.default_rng(0).integers(0, 256, (50, 7, 7), dtype=np.uint8)
    pages = [report.render(make(n_test=50, n_classes=3, images=images)) for _ in range(2)]
    assert pages[0] == pages[1]


def test_claims_and_verdicts_come_first(make, page_of_three: str) -> None:
    run, text = make(), page_of_three
    claims = [text.index(keep_units(claim.sentence)) for claim in run.result.claims]
    assert claims == sorted(claims)
    verdicts = [
        text.index(keep_units(f"<li><strong>{entry.sentence.replace(': ', ':</strong> ')}"))
        for entry in run.result.comparisons
    ]
    order = [
        text.index("<h1"),
        *claims,
        *verdicts,
        text.index('id="results"'),
        text.index('<figure id="figure-race"'),
        text.index("<svg"),
        *(text.index(f'<figure id="figure-{name}"') for name in ("errors", "differences")),
        text.index('<figure id="figure-confusion-0"'),
        *(text.index(f'<figure id="figure-{name}"') for name in ("calibration", "cost")),
        text.index('id="protocol"'),
        text.index('id="recipes"'),
        text.index("The command of this duel"),
    ]
    assert order == sorted(order)


def test_each_verdict_has_its_cost(make, page_of_three: str) -> None:
    for entry in make().result.comparisons:
        assert f'<span class="cost">{keep_units(entry.cost)}</span>' in page_of_three
    assert 'class="cost"' not in report.render(make(probes=False, n_classes=3))


def test_runs_on_other_machines_and_second_attempts_are_told(make) -> None:
    run = make()
    kinds = tuple(
        Machine(processor=name, cores=8, memory_gib=15.6, platform="Linux x86_64", blas="openblas")
        for name in ("Xeon <8>", "EPYC")
    )
    contenders = dict(run.result.contenders)
    n = len(contenders["net"].fit_seconds)
    contenders["net"] = replace(contenders["net"], machines=(0,) * n, attempts=(3,) * n)
    others = [name for name in contenders if name != "net"]
    for name in others:
        contenders[name] = replace(contenders[name], machines=(1,) * n)
    text = report.render(replace(run, result=replace(run.result, contenders=contenders)))
    assert "kinds of machines" not in text
    result = replace(run.result, contenders=contenders, machines=kinds)
    text = report.render(replace(run, result=result))
    assert (
        "2 kinds of machines: Xeon &lt;8&gt;, 8 cores, 15.6 GiB, openblas (NumPy network)" in text
    )
    assert f"started again {2 * n} times" in text


def test_every_figure_has_a_table_and_alternative_text(text: str) -> None:
    figures = re.findall(r"<figure.*?</figure>", text, re.DOTALL)
    assert figures
    for figure in figures:
        assert re.search(r'<svg[^>]* aria-label="[^"]{30,}"', figure)
        assert "<summary>Table of the numbers</summary>" in figure or "errors: none" in figure
        if "errors: none" not in figure:
            assert "<td" in figure.split("<summary>")[1]


def test_optional_sections_are_shown_if_measured(make, page_of_three: str) -> None:
    for section in ("disagreements", "calibration", "robustness"):
        assert f'id="{section}"' in page_of_three
    wrong = make(names=("net", "xgboost"), n_classes=3, skill=dict.fromkeys(SKILL, (0.3, 1.0)))
    total = find_misclassified(wrong).total
    assert f"{total} rows. If all contenders are confident" in Page(report.render(wrong)).text()
    assert 'id="importance"' in page_of_three
    assert 'id="hyperparameter-search"' not in page_of_three
    run = make()
    text = Page(page_of_three).text()
    for entry in run.result.contenders.values():
        after = entry.calibration.after
        assert f"{after.log_loss:.4f}" in text
        assert f"{format_percent(after.ece)} ({format_percent(after.ece_by_chance)})" in text
    before = report.render(make(probes=False, n_classes=3))
    for section in ("robustness", "importance"):
        assert f'id="{section}"' not in before
    assert 'id="calibration"' in before


def test_every_trial_is_listed(make) -> None:
    run = make(**SHAPES["tuned"])
    text = Page(report.render(run)).text()
    for entry in run.result.contenders.values():
        for part in entry.trials:
            for trial in part:
                assert f"lr={trial.params['lr']:.4g}" in text
                if trial.loss is not None:
                    assert f"{trial.loss:.5f}" in text
    assert "12 trials of hyperparameter search for each contender" in text


def test_rows_of_a_table_have_its_row_numbers(make) -> None:
    run = make(**SHAPES["a table"])
    text = Page(report.render(run)).text()
    assert "counted from 1" in text
    (a, b), *_ = [
        find_disagreements(run, claim.network, claim.booster) for claim in run.result.claims
    ]
    row = (a.rows or b.rows)[0].row
    assert find_row_number(run, row) == 3 + 2 * row + 1
    assert f" {find_row_number(run, row)} " in text
    import polars as pl

    shown = replace(
        run, cells=pl.DataFrame({"city": [f"town {i}" for i in range(len(run.y_test))]})
    )
    assert f"town {row}" in Page(report.render(shown)).text()
    assert "town" not in text


def test_a_claims_answer_is_not_repeated(make) -> None:
    run = make(n_test=20, n_classes=3)
    first, second = run.result.claims
    run = change(run, claims=(replace(first, sentence="XGBoost is far ahead."), second))
    text = Page(report.render(run)).text()
    assert "Yes. XGBoost is far ahead." in text
    assert "No. No" not in text


def test_the_result_table_has_the_stored_numbers(make, page_of_three: str) -> None:
    run = make()
    table = results.build_table(run)
    assert table.head[1:] == ("textbook network", "NumPy network", "XGBoost")
    rows = {row[0]: row[1:] for row in table.rows}
    entries = list(run.result.contenders.values())
    assert rows["Test error"] == tuple(format_percent(e.test_error, 1) for e in entries)
    assert rows["Log loss"] == tuple(f"{e.log_loss:.4f}" for e in entries)
    assert rows["Training time"] == ("60 s", "50 s", "170 s")
    assert rows["Prediction time, 600 rows"][0] == "21 ms"
    assert rows["Peak memory"] == ("412 MB", "712 MB", "1.01 GB")
    assert (0, 2) in table.best
    for row in table.rows:
        assert all(f">{keep_units(cell)}</t" in page_of_three for cell in row[1:])


def test_ties_are_all_best(make) -> None:
    run = make()
    for name in run.result.contenders:
        run = change_contender(run, name, log_loss=0.05)
    row = [row[0] for row in results.build_table(run).rows].index("Log loss")
    assert {(row, 1), (row, 2), (row, 3)} <= results.build_table(run).best


def test_everything_from_the_result_is_escaped(make) -> None:
    run = make(**SHAPES["evil"] | {"n_test": 50, "images": None})
    evil = "<script>alert(2)</script>"
    run = change_contender(run, "<script>alert(1)</script>", recipe={evil: [evil]})
    result = run.result
    command = f"graduel duel --out '{evil}'"
    texts = dict.fromkeys(("sentence", "scope", "test", "why", "cost"), evil)
    run = change(
        run,
        environment=replace(result.environment, command=command, versions={evil: evil}),
        dataset=replace(result.dataset, name=evil),
        known_best=replace(result.known_best, note=evil),
        comparisons=tuple(replace(one, **texts) for one in result.comparisons),
    )
    text = report.render(run)
    html = Page(text)
    assert "<script" not in text
    assert not {"script", "b"} & {tag for tag, _ in html.elements}
    assert evil in html.text()
    assert "\x00" not in text


def test_the_report_describes_data_protocol_and_environment(make, page_of_three: str) -> None:
    run = make()
    text = Page(page_of_three).text()
    assert "Does XGBoost blow the textbook network out of the water?" in text
    entry = run.result.comparisons[0]
    for expected in (
        entry.test,
        entry.why,
        entry.scope,
        "0.25 percentage points",
        "54,000 training rows and 6,000 validation rows; 600 test rows",
        "graduel duel mnist --out <here>",
        "multi_output_tree",
        "in 330 s",
        "A processor with a name",
        "openblas 0.3.30",
        "best_epoch",
        "result.json",
    ):
        assert re.sub(r"\s+", " ", expected) in text
    assert "uick" not in text
    run = change(run, protocol=replace(run.result.protocol, quick=True, rows=10_000))
    quick = dict(protocol_text.build_terms(run))
    assert "the full duel" in quick["Quick"]
    assert "stratified sample" in quick["Rows"]
    assert page._build_title(run) == "Quick duel on mnist, 10,000 training rows"


def test_without_claims_the_headline_agrees_with_the_verdicts(make) -> None:
    run = make(claims=False)
    pairs = run.result.comparisons
    run = change(run, comparisons=tuple(replace(one, verdict="undecided") for one in pairs))
    (line,) = page._build_headlines(run)
    assert "not shown to be better than the textbook network and XGBoost" in line["sentence"]
    verdicts = ["a better" if one.a == "net" else "b better" for one in pairs]
    decided = (replace(one, verdict=v) for one, v in zip(pairs, verdicts, strict=True))
    run = change(run, comparisons=tuple(decided))
    (line,) = page._build_headlines(run)
    assert line["sentence"].endswith("better than the textbook network and XGBoost.")
    (line,) = page._build_headlines(make(names=("xgboost",)))
    assert line["sentence"].startswith("XGBoost has a test error of")


def test_without_claims_the_headline_is_about_the_metric_of_the_duel(make) -> None:
    run = make(claims=False)
    auc = {"metric": "auc", "metric_title": "AUC", "metric_unit": "points"}
    values = {"textbook": 0.8, "net": 0.9, "xgboost": 0.85}
    run = change(
        run,
        protocol=replace(run.result.protocol, lower_is_better=False, **auc),
        contenders={k: replace(v, metric=values[k]) for k, v in run.result.contenders.items()},
        comparisons=(),
    )
    (line,) = page._build_headlines(run)
    assert line["sentence"].startswith("The NumPy network has the best AUC, 0.9")


def test_missing_parts_are_left_out(make) -> None:
    run = make(names=("xgboost",), known_best=False)
    text = report.render(run)
    for absent in ("strongest", "disagreements-0", "differences", "<h3>Verdicts", 'verdicts">'):
        assert absent not in text


def test_of_many_pairs_some_are_collapsed(make) -> None:
    run = make(names=tuple("abcde"), n_test=100, n_classes=3)
    text = Page(report.render(run)).text()
    assert "4 more pairs" in text
    for entry in run.result.comparisons:
        assert text.count(entry.sentence) == 1


def test_the_report_is_written_atomically_beside_the_results(
    make, page_of_three: str, tmp_path: Path, monkeypatch
) -> None:
    run = replace(make(), path=tmp_path)
    written = report.write_report(run)
    assert written == tmp_path / "report.html"
    assert written.read_text(encoding="utf-8") == page_of_three
    monkeypatch.setattr(page, "render", lambda run: "short\n")
    assert b"\r" not in written.read_bytes()
    assert os.listdir(tmp_path) == ["report.html"]
    assert report.write_report(run).read_text() == "short\n"
    other = tmp_path / "other"
    other.mkdir()
    assert report.write_report(run, other) == other / "report.html"
    assert report.write_report(run, str(other / "mine.html")) == other / "mine.html"


def test_a_report_that_fails_leaves_the_old_one(make, tmp_path: Path, monkeypatch) -> None:
    old = tmp_path / "report.html"
    old.write_text("old")

    def fail(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(page, "render", lambda run: "new")
    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        report.write_report(replace(make(), path=tmp_path))
    assert old.read_text() == "old"
    assert os.listdir(tmp_path) == ["report.html"]


def test_templates_ship_with_the_package() -> None:
    shipped = files("graduel.report") / "templates"
    assert {"report.html.j2", "report.css.j2"} <= {file.name for file in shipped.iterdir()}


def test_saved_models_have_their_commands(make, tmp_path: Path) -> None:
    run = replace(make(names=("net",), n_classes=3), path=tmp_path / "my duel")
    for has_models, has_pages in ((False, False), (True, True)):
        html = report.render(replace(run, has_models=has_models, has_pages=has_pages))
        text = Page(html).text()
        assert ("graduel serve 'my duel'" in text) == has_pages
        assert ("graduel predict 'my duel' FILE" in text) == has_models
        assert ("graduel train --from 'my duel'" in text) == has_models
        assert str(tmp_path) not in text


def test_times_of_runs_on_busy_cores_are_marked(make) -> None:
    run = make(n_classes=3)
    entries = dict(run.result.contenders)
    for name, missing in (("net", (0.9,)), ("xgboost", (0.2,))):
        entries[name] = replace(entries[name], missing_cores=missing)
    loaded = replace(run, result=replace(run.result, contenders=entries))
    note = "Other processes used cores during the runs of the NumPy network"
    assert note in Page(report.render(loaded)).text()
    assert "Run the duel again" in cost.describe_missing_cores(loaded)
    varied = replace(loaded.result, protocol=replace(run.result.protocol, varies=("lr",)))
    assert "Run the experiment again" in cost.describe_missing_cores(replace(loaded, result=varied))
    for one, marked in ((run, False), (loaded, True)):
        table = results.build_table(one)
        times = [(i, row) for i, row in enumerate(table.rows) if "time" in row[0]]
        assert len(times) == 3
        for i, row in times:
            assert [cell.endswith(" *") for cell in row[1:]] == [False, marked, False]
            assert any(place[0] == i for place in table.best) != marked


def test_the_quartiles_of_prediction_times_are_shown(make) -> None:
    run = make(n_classes=3)
    for table in (results.build_table(run), cost.build_table(run)):
        assert "its quartiles" not in [row[0] for row in table.rows]
    entries = dict(run.result.contenders)
    entries["net"] = replace(entries["net"], predict_row_quartiles=(1e-4, 2e-4))
    run = replace(run, result=replace(run.result, contenders=entries))
    for table in (results.build_table(run), cost.build_table(run)):
        labels = [row[0] for row in table.rows]
        row = labels.index("its quartiles")
        assert labels[row - 1] == "Prediction time, 1 row"
        assert table.rows[row][1:] == (NONE, "100 µs to 200 µs", NONE)
    assert "at least 50 predictions" in cost.build_picture(run).caption


def test_predictions_are_explained_if_there_are_several_of_a_row(make) -> None:
    one, several = (make(names=("net",), seeds=seeds, n_classes=3) for seeds in (1, 3))
    assert protocol_text.describe_predictions(one) == "600 test rows"
    (picture,) = confusion_matrix.build_pictures(one)
    assert "of 600 rows misclassified." in picture.caption
    text = Page(report.render(several)).text()
    rows = "600 test rows, each predicted 3 times (3 seeds)"
    assert f"Measured on {rows}. No contender" in text
    assert f"of 1,800 predictions wrong; {rows}." in text
    assert protocol_text.name_first(several) == " in the first of 3 predictions of each row"
