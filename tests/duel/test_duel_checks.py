"""Checks of a duel run once; their findings are in its folder, result and report."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import RidgeClassifier

from graduel import run_duel
from graduel.cli import main
from graduel.data.source import DataSource, open_source, source_from_arrays
from graduel.duel.plan import duel_checks
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.dataset_summary import FINDINGS, check_once
from graduel.duel.store.store import open_store
from graduel.report import write_report

Y = np.arange(200) % 2


@pytest.fixture
def leaky():
    noise = np.random.default_rng(0).normal(size=200)
    return pl.DataFrame({"noise": noise, "known": Y * 2.5, "label": Y})


def test_a_result_has_the_findings_with_their_codes(leaky, tmp_path, monkeypatch):
    calls = []
    check_table = duel_checks.check_table
    monkeypatch.setattr(
        duel_checks, "check_table", lambda table: calls.append(table) or check_table(table)
    )
    options = {"split": "holdout", "quick": True, "threads": 1, "out": tmp_path / "run"}
    contenders = {"linear": RidgeClassifier(), "textbook": None}
    run = run_duel(leaky, target="label", contenders=contenders, **options)
    assert len(calls) == 1
    result = json.loads((tmp_path / "run" / "result.json").read_text(encoding="utf-8"))
    findings = {one["code"]: one for one in result["dataset"]["warnings"]}
    assert findings["GRD001"] == {
        "code": "GRD001",
        "title": "A column alone predicts the target",
        "severity": "warning",
        "message": "column 'known' alone predicts the target almost perfectly (0.0 % error). Drop "
        "it with --drop known unless it is known at prediction time",
        "column": "known",
    }
    assert {"GRD010", "GRD012"} <= findings.keys()
    page = write_report(run).read_text(encoding="utf-8")
    assert "A column alone predicts the target" in page


def test_findings_are_read_from_the_folder_and_a_damaged_file_is_rewritten(leaky, tmp_path):
    data = source_from_arrays(leaky, target="label")
    protocol = build_protocol(data, split="holdout", threads=1)
    with open_store(tmp_path / "run", protocol, data) as store:
        findings = check_once(store)
        assert findings[0].code == "GRD001"
        path = tmp_path / "run" / FINDINGS
        path.write_text("[]", encoding="utf-8")
        assert check_once(store) == ()
        for damaged in ("", '[{"code": "GRD001"}]', "{"):
            path.write_text(damaged, encoding="utf-8")
            assert check_once(store) == findings


def test_built_in_data_have_no_findings():
    protocol = build_protocol(DataSource.builtin("mnist"), threads=1)
    assert protocol.source is None
    assert duel_checks.check_duel(None, protocol) == ()


def test_the_command_prints_the_code(leaky, tmp_path, capsys):
    path = tmp_path / "leaky.csv"
    leaky.write_csv(path)
    assert main(["data", str(path), "--target", "label"]) == 0
    assert "warning GRD001: column 'known' alone predicts" in capsys.readouterr().out


def test_every_decision_is_a_finding_of_a_duel(tmp_path, capsys):
    """Whatever is left out, converted or guessed is in the findings, with its code."""
    lines = [
        f"{i};{'ab'[i % 2]};{i % 7},5;NA;same;{'n/k' if i % 9 else 'x'};{'YES' if i % 2 else 'no'};"
        f"{'unknown' if i == 3 else i % 5};{'' if i == 5 else 'uvw'[i % 3]};1.{i % 10}98 €"
        for i in range(60)
    ]
    path = tmp_path / "t.csv"
    path.write_bytes("\n".join(["# made up", " id;a;a;gap;one;w;b;m;y;z", *lines]).encode("cp1252"))
    source = open_source(path, target="y", missing=("unknown",), drop=("w",))
    protocol = build_protocol(source, threads=1)
    said = {}
    for one in duel_checks.check_duel(source.load(), protocol):
        said.setdefault(one.code, []).append(one.message)
    decisions = "\n".join(said["GRD025"])
    for part in (
        "cells are separated by ';'",
        "decimal comma",
        "cp1252",
        "line above the header skipped",
        "now 'a_2'",
        "read as missing: 'NA' (60)",
        "column 'm': read as missing: 'unknown' (1)",
        "1 row without a target is dropped",
    ):
        assert part in decisions
    dropped = "\n".join(said["GRD026"])
    for part in ("'id'", "'gap'", "'one'", "'w' is dropped: dropped as requested"):
        assert part in dropped
    assert "same" not in dropped.replace("the same in every row", "")
    assert "'€' is left out" in "\n".join(said["GRD022"])
    assert "'id'" in "\n".join(said["GRD020"])
    options = ["--target", "y", "--missing", "unknown", "--drop", "w"]
    assert main(["data", str(path), *options]) == 0
    output = " ".join(capsys.readouterr().out.split())
    for code in ("GRD020", "GRD022", "GRD025", "GRD026"):
        for message in said[code]:
            if "in every row" not in message:
                assert f"info {code}: {' '.join(message.split())}" in output
