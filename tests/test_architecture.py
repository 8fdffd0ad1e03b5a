"""The shape of the source: no import circles, crowded folders, long files or shared names."""

import ast
from collections import defaultdict
from pathlib import Path

import graduel

ROOT = Path(graduel.__file__).parent
MOST_MODULES = 16
"""A folder with more is divided, unless it holds one family a file."""
FAMILY_FOLDERS = {"nn/layers", "contenders"}
MOST_LINES = 449
COMMANDS = [
    "data",
    "duel",
    "experiment",
    "inspect",
    "predict",
    "report",
    "serve",
    "train",
    "verdict",
]
SAME_NAME = {
    # A command as it is typed, and the same command as it is carried out.
    *(f"cli/{room}/{name}.py" for room in ("commands", "actions") for name in COMMANDS),
    # A section of the report is named for what it shows.
    *(f"report/sections/{name}.py" for name in ("calibration", "tuning")),
    "report/experiment.py",
    # The textbook network, as a contender.
    "contenders/textbook.py",
}
"""Modules that share their name because they are two sides of one thing."""


def modules() -> dict[str, Path]:
    """Return every module by its dotted name."""
    found = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports, within functions and for type checkers too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in known else node.module)
    return {name for name in found if name in known}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of more than one module (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            part = []
            while not part or part[-1] != name:
                part.append(stack.pop())
            if len(part) > 1:
                found.append(sorted(part))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return found


def test_circles_are_seen():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert circles(graph) == [["a", "b", "c"]]


def test_no_modules_import_each_other_in_a_circle():
    known = modules()
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    assert len(graph["graduel.cli.commands.duel"]) > 1
    assert circles(graph) == []


def test_no_folder_is_crowded():
    counts: dict[str, int] = defaultdict(int)
    for path in modules().values():
        if path.name != "__init__.py":
            counts[path.parent.relative_to(ROOT).as_posix()] += 1
    crowded = {k: n for k, n in counts.items() if n > MOST_MODULES and k not in FAMILY_FOLDERS}
    assert crowded == {}


def test_no_module_is_long():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in modules().values()}
    long = {path.relative_to(ROOT).as_posix(): n for path, n in lines.items() if n > MOST_LINES}
    assert long == {}


def test_no_two_modules_share_a_name():
    by_name = defaultdict(list)
    for path in modules().values():
        where = path.relative_to(ROOT).as_posix()
        if path.name not in ("__init__.py", "__main__.py") and where not in SAME_NAME:
            by_name[path.stem].append(where)
    assert {name: paths for name, paths in by_name.items() if len(paths) > 1} == {}
