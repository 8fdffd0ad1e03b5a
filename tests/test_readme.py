"""The README's code runs, its commands parse, its links lead somewhere, its numbers are known."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from importlib import import_module
from pathlib import Path

import pytest

from graduel.train.build import part_registry
from graduel.train.recipes import NetRecipe

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind, page="README.md"):
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.mark.processes
def test_the_python_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in blocks("python"):
        exec(block, namespace)
    said = capsys.readouterr().out
    assert said.count("epoch ") == 3
    error = float(re.search(r"test error ([\d.]+)%", said)[1])
    assert error < 15


def test_the_page_of_parts_runs():
    for block in blocks("python", "docs/parts.md"):
        exec(block, {})


def test_the_page_of_suites_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks("python", "docs/suites.md"):
        exec(block, {})
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said[:2]] == ["iris", "wine"]
    assert "across 2 data sets" in said[2]
    assert (tmp_path / "my-suite" / "suite.html").exists()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_page_of_estimators_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in blocks("python", "docs/estimators.md"):
        exec(block, namespace)
    score, best, watched = map(float, capsys.readouterr().out.split()[:3])
    assert score > 0.95
    assert best > -0.3
    assert watched < 0.5  # smoothed targets are never met
    assert {path.name for path in tmp_path.iterdir()} == {
        "digits.safetensors",
        "digits.onnx",
        "digits_net.py",
    }


def test_the_set_up_commands_are_the_ones_that_ci_runs():
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert 'python -m pip install --quiet -e ".[test]" && pytest' in ci
    assert 'python -m pip install -e ".[test]" && pytest' in README
    assert "python -m pip install . && graduel duel" in README


NAMED = ("contenders", "metrics", "parts", "recipes")


def commands(page):
    """Every graduel command of a page, as it would be typed."""
    text = page.read_text(encoding="utf-8")
    return [
        shlex.split(line.split(" > ")[0], comments=True)[1:]
        for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        for line in block.splitlines()
        if line.startswith("graduel ")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_would_be_understood(monkeypatch, page):
    """Each is parsed to the end; what an experiment varies is planned as well."""
    from graduel.cli.actions import experiment
    from graduel.cli.app import main
    from graduel.data.source import open_source
    from graduel.duel.plan.experiment import plan_experiment

    def plan(dataset, read_options, *, out, as_json, plan_only, cluster, **options):
        calls.append(plan_experiment(open_source(dataset), **options))

    def record(*values, **options):
        calls.append(options)

    calls = []
    folder = ROOT / "src" / "graduel" / "cli" / "actions"
    for file in folder.rglob("*.py"):
        place = ".".join(file.relative_to(folder).with_suffix("").parts)
        action = import_module(f"graduel.cli.actions.{place}")
        for name in ("run", *NAMED, "show_help", "show_version"):
            if hasattr(action, name) and file.stem != "__init__":
                monkeypatch.setattr(action, name, record)
    monkeypatch.setattr(experiment, "run", plan)
    typed = [c for c in commands(page) if not {"--help", "--version"} & set(c)]
    assert len(typed) >= {"README.md": 6, "guide.md": 20, "experiments.md": 6}.get(page.name, 0)
    for command in typed:
        assert main(command) == 0, command
    assert len(calls) == len(typed)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


def test_licences_are_named_in_the_metadata():
    from importlib.metadata import metadata

    found = metadata("graduel")
    assert found["License-Expression"] == "MIT AND CC-BY-SA-3.0"
    assert {Path(name).name for name in found.get_all("License-File")} == {"LICENSE", "NOTICE.md"}
    assert found["Requires-Python"] == ">=3.11"


def test_no_file_names_a_registry_or_an_absolute_path():
    names = re.compile(
        "|".join(["py" + "pi.org", "python" + "hosted", "/" + "work/", "npm" + "js"])
    )
    for path in (
        p for folder in ("src", "docs", "tests", ".ci") for p in (ROOT / folder).rglob("*")
    ):
        if path.suffix in {".py", ".md", ".j2", ".css", ".toml", ""} and path.is_file():
            assert not names.search(path.read_text(encoding="utf-8")), path


def test_the_page_of_parts_names_every_part_and_every_field():
    page = (ROOT / "docs" / "parts.md").read_text(encoding="utf-8")
    for kind, names in part_registry.KINDS.items():
        for name in names:
            assert re.search(rf"`[^`]*\b{name}\b[^`]*`", page), f"{kind} {name}"
    for field in fields(NetRecipe):
        assert re.search(rf"`[^`]*\b{field.name}\b[^`]*`", page), field.name
