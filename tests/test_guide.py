"""The Python of docs/guide.md runs; test_readme.py parses its commands and follows its links."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide.md"


@pytest.mark.processes
def test_the_python_of_the_guide_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        exec(block, namespace)
    *epochs, network, estimator = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in epochs] == ["epoch 1", "epoch 2", "epoch 3"]
    assert float(re.fullmatch(r"test error ([\d.]+)%", network)[1]) < 15
    assert float(estimator) > 0.85
    assert (tmp_path / "digits.safetensors").exists()


def test_the_install_line_without_gpu_libraries_names_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.match(r"[\w-]+", requirement)[0] for requirement in project["dependencies"]}
    [line] = re.findall(r"pip install (.*xgboost-cpu.*)", GUIDE.read_text(encoding="utf-8"))
    assert set(line.split()) == names - {"xgboost"} | {"xgboost-cpu"}
