"""Source layout: no import cycles, crowded folders, long files or duplicate module names."""

import ast
from collections import defaultdict
from pathlib import Path

import graduel

ROOT = Path(graduel.__file__).parent
MOST_MODULES = 16
"""Maximum for a folder, unless it holds one file per item."""
FAMILY_FOLDERS = {
    "nn/layers",  # one family of layers per file
    "contenders",  # one family of models per file
    "report/sections",  # one section of the report per file
}
"""Folders that grow by one module per item; docs/architecture.md names them."""
MOST_LINES = 449
COMMANDS = [
    "cells",
    "data",
    "duel",
    "experiment",
    "export_page",
    "inspect",
    "predict",
    "report",
    "serve",
    "train",
    "verdict",
]
SAME_NAME = {
    # A command's options, and the action that the command runs.
    *(f"cli/{room}/{name}.py" for room in ("commands", "actions") for name in COMMANDS),
    # A section of the report is named for what it shows.
    *(f"report/sections/{name}.py" for name in ("calibration", "tuning")),
    "report/experiment.py",
    # The textbook network, as a contender.
    "contenders/textbook.py",
}
"""Modules that may share a name because they are two sides of one thing."""


def modules() -> dict[str, Path]:
    """Return every module by its dotted name."""
    paths = {}
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        paths[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return paths


def imports(path: Path, known: dict[str, Path]) -> set[str]:
    """Return the modules that a file imports, also inside functions and for type checking."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                names.add(inner if inner in known else node.module)
    return {name for name in names if name in known}


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the strongly connected components of two modules or more (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    components = []

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
                components.append(sorted(part))

    for name in sorted(graph):
        if name not in index:
            visit(name)
    return components


def test_cycles_are_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": set()}
    assert cycles(graph) == [["a", "b", "c"]]


def test_no_import_cycles():
    known = modules()
    graph = {name: imports(path, known) - {name} for name, path in known.items()}
    assert len(graph["graduel.cli.commands.duel"]) > 1
    circles = cycles(graph)
    assert circles == [], (
        f"expected no import cycles, got {circles}; move what the modules share into a module that "
        "imports neither (imports inside functions and for type checking count too)"
    )


def test_no_folder_is_crowded():
    counts: dict[str, int] = defaultdict(int)
    for path in modules().values():
        if path.name != "__init__.py":
            counts[path.parent.relative_to(ROOT).as_posix()] += 1
    crowded = {k: n for k, n in counts.items() if n > MOST_MODULES and k not in FAMILY_FOLDERS}
    assert crowded == {}, (
        f"expected at most {MOST_MODULES} modules in a folder, got {crowded}; move modules that "
        "belong together into a subpackage, or, if the folder holds one file per item (as "
        "contenders/ does), add it to FAMILY_FOLDERS and to docs/architecture.md"
    )


def test_architecture_page_names_the_family_folders():
    page = (ROOT.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    absent = [folder for folder in sorted(FAMILY_FOLDERS) if f"`{folder}`" not in page]
    assert absent == [], (
        f"name these folders in the first paragraph of docs/architecture.md: {absent}"
    )


def test_no_module_is_long():
    lines = {path: path.read_text(encoding="utf-8").count("\n") for path in modules().values()}
    long = {path.relative_to(ROOT).as_posix(): n for path, n in lines.items() if n > MOST_LINES}
    assert long == {}, (
        f"expected modules of at most {MOST_LINES} lines, got {long}; move one of the module's "
        "tasks into a new module"
    )


def test_module_names_are_unique():
    by_name = defaultdict(list)
    for path in modules().values():
        where = path.relative_to(ROOT).as_posix()
        if path.name not in ("__init__.py", "__main__.py") and where not in SAME_NAME:
            by_name[path.stem].append(where)
    repeated = {name: paths for name, paths in by_name.items() if len(paths) > 1}
    assert repeated == {}, (
        f"expected one meaning per module name, got {repeated}; rename the new module for what it "
        "holds, or, if the modules are two sides of one thing, add them to SAME_NAME"
    )
