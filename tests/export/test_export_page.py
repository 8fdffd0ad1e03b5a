"""The code in docs/export.md runs, and its example is the output of to_python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")


def test_the_code_runs_and_the_example_is_up_to_date(tmp_path, monkeypatch, capsys):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, namespace)
    message = capsys.readouterr().out
    assert message.startswith("setosa ")
    assert "['setosa' 'setosa']" in message
    (example,) = re.findall(r"```py\n(.*?)```", PAGE, re.DOTALL)
    pieces = [piece.strip("\n") for piece in example.split("…")]
    assert [piece in namespace["source"] for piece in pieces] == [True] * 3
    assert namespace["source"].startswith(pieces[0])
