"""``graduel duel`` on several data sets and sizes, and ``graduel report``."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

import graduel
from graduel.cli.app import main
from graduel.serialize import to_plain

NET = "layers=8 epochs=2 batch_size=16 lr=0.01"
SMALL = ["--target", "outcome", "--threads", "1", "--contenders", "textbook,net", "--net", NET]
SMALL += ["--quick", "--split", "holdout"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two tables and one of a single class in ``tables``; a suite of them in ``run``."""
    path = tmp_path_factory.mktemp("home")
    (path / "tables").mkdir()
    for seed, name in enumerate(("first", "second", "third")):
        rng = np.random.default_rng(seed)
        lines = ["age,town,outcome"]
        for i in range(90):
            good = i % 3 > 0 or name == "third"
            age = f"{20 + 10 * good + 4 * rng.normal():.1f}"
            town = ["Ulm", "Kiel"][int(rng.integers(2))]
            lines.append(f"{age},{town},{'good' if good else 'bad'}")
        (path / "tables" / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(capsys, folder, *args):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["graduel", *args])
        code = main(list(args))
    return code, *capsys.readouterr()


@pytest.fixture(scope="module")
def finished(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("sys.argv", ["graduel", "duel", "tables"])
        code = main(["duel", "tables", "--suite", *SMALL, "--out", "run"])
    return code, folder / "run"


def test_a_folder_of_tables_from_the_command_to_the_page(capsys, folder, finished):
    code, path = finished
    assert code == 2  # the third table has one class
    result = json.loads((path / "suite-result.json").read_text())
    assert [line["name"] for line in result["datasets"]] == ["first", "second"]
    (failure,) = result["failures"]
    assert failure["name"] == "third"
    page = (path / "suite.html").read_text(encoding="utf-8")
    assert f"Failed: third.</strong> {failure['message'].split(chr(39))[0]}" in page
    for name in ("first", "second"):
        assert f'<a href="{name}/report.html">{name}</a>' in page
        assert (path / name / "report.html").exists()
    for text in (page, json.dumps(result)):
        assert "Ulm" not in text
        assert str(folder) not in text


def test_the_same_command_resumes_and_prints_80_columns(capsys, folder, finished):
    code, out, err = run(capsys, folder, "duel", "tables", "--suite", *SMALL, "--out", "run")
    assert code == 2
    assert err.count("finished earlier") == 4
    (line,) = [line for line in err.splitlines() if line.startswith("graduel: ")]
    assert line.startswith("graduel: third: ")
    assert line.endswith("The other duels continue.")
    text, _, where = out.rpartition("\n\n")
    assert max(map(len, text.splitlines())) <= 80
    assert "suite.html" in where
    for word in ("first", "second", "Error by data set", "Across 2 data sets", "Best"):
        assert word in text


def test_other_commands_on_its_folder_are_refused(capsys, folder, finished):
    for args, message in (
        (
            ["tables", "--suite", *SMALL[:-1], "2x1"],
            "holds a different suite (split 'holdout' there",
        ),
        (["tables/first.csv", "tables/second.csv", *SMALL], "there: first, second, third; here"),
        (["tables/first.csv", *SMALL], "holds other files"),
        (["tables", "--suite", *SMALL, "--sizes", "20"], "--sizes: expected one data set"),
        (["tables", "none.csv", "--suite", *SMALL], "there is no such path"),
        (["tables", "mnist", "--suite", *SMALL], "--target applies to tables only"),
    ):
        code, out, err = run(capsys, folder, "duel", *args, "--out", "run")
        assert code == 2
        assert out == ""
        assert message in err.splitlines()[-1]


def test_report_renders_it_again_without_its_data(capsys, folder, finished, tmp_path):
    path = tmp_path / "moved"
    shutil.copytree(finished[1], path)
    for name in ("first", "second"):
        place = json.loads((path / name / "source.json").read_text())
        (path / name / "source.json").write_text(json.dumps(place | {"place": "/nowhere.csv"}))
    pages = [path / "suite.html", path / "first" / "report.html", path / "second" / "report.html"]
    before = [page.read_bytes() for page in pages]
    for page in pages:
        page.unlink()
    code, out, _ = run(capsys, folder, "report", str(path))
    assert code == 0
    assert [page.read_bytes() for page in pages] == before
    assert "Error by data set" in out
    code, out, _ = run(capsys, folder, "report", str(path), "--json")
    assert out == (path / "suite-result.json").read_text(encoding="utf-8")
    pages[1].unlink()
    code, out, _ = run(capsys, folder, "report", str(path / "first"))
    assert code == 0
    assert pages[1].read_bytes() == before[1]
    assert "Results" in out or "Test error" in out
    code, out, _ = run(capsys, folder, "report", str(path / "first"), "--json")
    assert json.loads(out) == to_plain(graduel.load_run(path / "first").result)


def test_report_renders_experiments_again(capsys, folder, tmp_path):
    args = ["mnist", "--rows", "200", "--threads", "1", "--vary", "activation=relu,tanh"]
    args += ["--net", "layers=4 epochs=1", "--out", str(tmp_path / "e")]
    assert run(capsys, folder, "experiment", *args)[0] == 0
    picture = tmp_path / "e" / "experiment.png"
    picture.unlink()
    code, out, _ = run(capsys, folder, "report", str(tmp_path / "e"))
    assert code == 0
    assert picture.exists()
    assert "2 variants" in out


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_text("a file"), "is a file"),
        (lambda path: path.mkdir(), "has no duel.json or suite.json"),
        (lambda path: (path.mkdir(), (path / "duel.json").write_text("{}")), "is not finished"),
        (lambda path: (path.mkdir(), (path / "suite.json").write_text("{}")), "is not finished"),
    ],
)
def test_folders_without_a_finished_result_are_one_line(capsys, folder, tmp_path, make, message):
    make(tmp_path / "d")
    code, out, err = run(capsys, folder, "report", str(tmp_path / "d"))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("graduel: ")
    assert message in err


@pytest.mark.parametrize(
    "text", ["{", "[]", "{}", '{"protocol": {"varies": []}}', '{"format": 1, "dataset": 3}']
)
def test_a_damaged_result_is_one_line(capsys, folder, finished, tmp_path, text):
    path = tmp_path / "d"
    shutil.copytree(finished[1] / "first", path)
    (path / "result.json").write_text(text)
    code, out, err = run(capsys, folder, "report", str(path))
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("graduel: ")


@pytest.mark.processes
def test_a_duel_at_several_sizes_reports_crossings(capsys, folder, tmp_path):
    args = ["tables/first.csv", *SMALL, "--sizes", "30", "--out", str(tmp_path / "d")]
    code, out, err = run(capsys, folder, "duel", *args)
    assert code == 0
    assert "By training rows: " in " ".join(out.split())
    result = json.loads((tmp_path / "d" / "result.json").read_text())
    assert result["learning_curve"]["sizes"] == [30, 72]
    page = (tmp_path / "d" / "report.html").read_text(encoding="utf-8")
    assert 'id="figure-learning-curve"' in page
    assert "Ulm" not in page
    code, out, err = run(capsys, folder, "duel", *args, "--json")
    assert err.count("finished earlier") == 4
    again = json.loads(out)["learning_curve"]
    assert again == result["learning_curve"]
    for wrong in ("72", "many", "1"):
        code, out, err = run(capsys, folder, "duel", *args[:-4], "--sizes", wrong)
        assert (code, out) == (2, "")
        assert re.match(r"graduel: .*\n\Z", err)


@pytest.mark.parametrize("switch", [[], ["--no-probes"]])
def test_the_models_of_a_suite_are_probed_unless_the_user_says_no(capsys, monkeypatch, switch):
    from graduel.cli.actions import suite

    monkeypatch.setattr(suite, "run_plan", lambda folder, plan, *_, **__: plans.append(plan) or 1)
    plans = []
    with pytest.raises(AttributeError):  # there is no result to show
        main(["duel", "iris", "wine", "--threads", "1", *switch])
    (plan,) = plans
    protocols = [plan.protocol(member) for member in plan.members]
    assert [protocol.probes for protocol in protocols] == [not switch] * 2
    assert ("probes" in plan.options) == bool(switch)
