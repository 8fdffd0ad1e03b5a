"""Progress: nothing is cut on 80 columns, plain lines are rare, the selecting metric is shown."""

from __future__ import annotations

import io
import re
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from graduel.cli.views import progress
from graduel.cli.views.progress import PlainLines, describe, describe_run, show_progress
from graduel.contenders import Progress
from graduel.duel.plan.protocol import Cell, Protocol
from graduel.duel.run.job import Event

TITLES = {"textbook": "textbook network", "long": "NumPy network on augmented digits"}


def plan(names=("textbook", "long"), split="5x2", seeds=2):
    contenders = {name: {"title": TITLES.get(name, name)} for name in names}
    return Protocol("iris", contenders, split=split, seeds=seeds, versions={})


def screen_text(events, width, protocol, monkeypatch):
    """Return the words of the last state of the screen."""
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=width)
    slowly = (time.sleep(0.12) or event for event in events)
    show_progress(slowly, protocol, console, Path("run"))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())
    assert max(map(len, plain.replace("\r", "\n").splitlines())) <= width
    assert "…" not in plain
    return re.sub(r"\s+", " ", plain)


@pytest.mark.parametrize("width", [80, 140])
def test_nothing_is_cut(width, monkeypatch):
    state = Progress(0.31, 75.0, 0.05, 0.2, 12, ("log_loss", 0.2))
    events = [
        Event(Cell("textbook", 0), "reused"),
        Event(Cell("long", 13), "progress", state),
    ]
    text = screen_text(events, width, plan(), monkeypatch)
    for word in ("fold 2 of 5, repeat 2 of 2, seed 2 of 2:", "trial 12:", "0.2000", "finished"):
        assert word in text or width == 80
    words = set(text.replace("│", " ").split())
    assert {"textbook", "augmented", "digits", "trial", "validation", "loss", "left"} <= words
    assert ("━" in text) == (width == 140)


def test_nothing_is_cut_in_the_table_of_a_cluster():
    from graduel.cli.views.cluster_progress import ClusterProgress

    screen = io.StringIO()
    view = ClusterProgress(Console(file=screen, width=80))
    protocol = plan()
    view.add(protocol)
    cell = Cell("long", 13)
    view.update(protocol, Event(cell, "started", worker="tcp://10.0.0.12:43211"))
    stage = Progress(0.31, 75.0, 0.05, 0.2, 12, ("log_loss", 0.2))
    view.update(protocol, Event(cell, "progress", stage))
    screen.truncate(0)
    view.console.print(view._draw())
    text = re.sub(r"\s+", "", screen.getvalue())
    assert "…" not in text
    assert {"0.2000", "left", "trial"} <= set(re.split(r"[\s:,]+", screen.getvalue()))
    assert "43211" in text


def test_the_metric_that_selects_the_round_is_shown():
    cell = Cell("xgboost", 0)
    stage = Progress(0.5, 10.0, 0.3591, 0.3591, selection=("log_loss", 0.9034))
    event = Event(cell, "progress", stage)
    assert describe(event) == "validation log loss 0.9034, at most 10 s left"


def test_plain_lines_come_every_ten_seconds(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    out = io.StringIO()
    lines = PlainLines(plan(), Console(file=out, width=80))
    times = []
    for run in range(20):
        for kind in ("started", "finished"):
            now[0] += 1.3
            before = out.getvalue().count("\n")
            lines.add(Event(Cell("textbook", run), kind))
            times += [now[0]] * (out.getvalue().count("\n") - before)
    lines.flush()
    assert all(b - a >= 10 for a, b in pairwise(times))
    text = out.getvalue()
    assert text.startswith("textbook-seed0 (fold 1 of 5, repeat 1 of 2, seed 1 of 2): starting\n")
    assert text.endswith("textbook-seed19 (fold 5 of 5, repeat 2 of 2, seed 2 of 2): finished\n")
    named = len(re.findall(r": finished", text))
    assert named + sum(int(n) for n in re.findall(r"(\d+) more", text)) == 20


@given(folds=st.integers(2, 6), repeats=st.integers(1, 3), seeds=st.integers(1, 3), data=st.data())
@settings(max_examples=40, deadline=None)
def test_every_run_has_its_own_name(folds, repeats, seeds, data):
    protocol = plan(split=f"{folds}x{repeats}", seeds=seeds)
    names = [describe_run(protocol, Cell("net", run)) for run in range(protocol.runs)]
    assert len(set(names)) == protocol.runs
    run = data.draw(st.integers(0, protocol.runs - 1))
    assert f"fold {run // seeds % folds + 1} of {folds}" in names[run]
