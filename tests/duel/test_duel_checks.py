"""Checks of a duel run once; their findings are in its folder, result and report."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import RidgeClassifier

from graduel import run_duel
from graduel.cli import main
from graduel.data.source import DataSource, source_from_arrays
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
    contenders = {"ridge": RidgeClassifier(), "textbook": None}
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
