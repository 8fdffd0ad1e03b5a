"""Results say which kernels computed them, and a run is not resumed with others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from graduel import kernels
from graduel.cli.app import app
from graduel.data.source import DataSource
from graduel.duel.plan.protocol_builder import build_protocol
from graduel.duel.result.environment import describe_environment
from graduel.duel.store.store import open_store
from graduel.errors import UserError
from graduel.report.sections.settings import build_environment_table


def plan(*contenders):
    return build_protocol(DataSource.builtin("mnist"), threads=1, contenders=list(contenders))


def test_a_plan_with_a_network_holds_its_kernels():
    assert plan("net", "xgboost").versions["kernels"] == kernels.describe()
    assert "kernels" not in plan("xgboost", "logistic").versions


def test_a_run_is_not_resumed_with_other_kernels(tmp_path):
    fused = plan("net", "xgboost")
    fused = replace(fused, versions={**fused.versions, "kernels": "numba 0.0"})
    with open_store(tmp_path, fused):
        pass
    with pytest.raises(UserError, match="versions"), open_store(tmp_path, plan("net", "xgboost")):
        pass


def test_the_environment_names_them():
    table = build_environment_table(describe_environment("graduel duel", 1, "numba 0.68.1"))
    assert ("kernels", "numba 0.68.1") in table.rows
    table = build_environment_table(describe_environment("graduel duel", 1, None))
    assert not any(name == "kernels" for name, _ in table.rows)


def test_the_version_names_them():
    output = CliRunner().invoke(app, ["--version"]).output
    assert output.endswith(f"({kernels.describe()} kernels)\n")
