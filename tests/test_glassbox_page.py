"""The code of docs/glassbox.md runs, and its numbers are near."""

from __future__ import annotations

from pathlib import Path
from re import DOTALL, findall


def test_the_page_of_the_glass_box_runs(capsys):
    text = (Path(__file__).parents[1] / "docs" / "glassbox.md").read_text("utf-8")
    namespace = {}
    for block in findall(r"```python\n(.*?)```", text, DOTALL):
        exec(block, namespace)
    prepared, raw = findall(r"([\d.]+)% correct", capsys.readouterr().out)
    assert float(prepared) >= 98
    assert float(raw) < 40
