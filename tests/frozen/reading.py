"""Extraction of numbers from results, pages and terminal output, ignoring their text.

The numbers of a table are those of its cells, and of row headings that consist of a number with an
optional unit ("12.5 s"). Column headings, captions and cells of prose are ignored.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import adapter
import numpy as np

TEXTS = ("a", "b", "booster", "network", "metric", "verdict", "answer", "groups")
"""Keys of a result whose text is compared: contenders, metrics and verdicts."""
WORD = "text"
"""Placeholder for any other text."""
LEFT_OUT = ("environment",)
"""Keys of a result that depend on machine, versions and time: command, python, the version of each
package, platform, processor, cores, memory_bytes, threads, blas, finished."""
TIMES = (
    "fit_seconds",
    "predict_row_seconds",
    "predict_batch_seconds",
    "tuning_seconds",
    "seconds",
    "peak_memory_bytes",
    "missing_cores",
    "predict_row_quartiles",
    "predict_batch_quartiles",
)
"""Keys that differ between fits; ignored only when fits are compared. Times of a race ("curve") are
recognized by their position."""
PROSE = 6
"""A cell with at least this many words is prose."""

_NUMBER = re.compile(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?(?:e[−+-]?\d+)?(?![\d.]*\w)|[−-]?\d+\.\d+")
_HEADING = re.compile(r"[−-]?\d[\d,.]*\s*\w{0,3}")


def numbers_in(text: str) -> list[str]:
    """Return the numbers of a text as written, with minus signs normalized.

    >>> numbers_in("−1.50 to 2,000 (p < 0.0001), net2")
    ['-1.50', '2,000', '0.0001']
    """
    return [found.rstrip(",").replace("−", "-") for found in _NUMBER.findall(text)]


def numbers_of_rows(rows: list[list[str]]) -> list[str]:
    """Return the numbers of a table whose rows start with a heading.

    >>> numbers_of_rows([["95 % interval", "1.2 to 3"], ["0.5 s", "7 %"]])
    ['1.2', '3', '0.5', '7']
    """
    found: list[str] = []
    for heading, *cells in rows:
        if _HEADING.fullmatch(heading.strip()):
            found += numbers_in(heading)
        for cell in cells:
            if len(re.findall(r"[^\W\d_]{2,}", cell)) < PROSE:
                found += numbers_in(cell)
    return found


class _Tables(HTMLParser):
    """Parser that collects the body rows of every table, by the section or figure that holds it.

    A section is the id of its heading ("results"), a figure its own id ("figure-race").
    """

    def __init__(self) -> None:
        super().__init__()
        self.sections: dict[str, list[list[list[str]]]] = {}
        self._section, self._figure = "", ""
        self._head, self._cell = False, False

    @property
    def tables(self) -> list[list[list[str]]]:
        return self.sections.setdefault(self._figure or self._section, [])

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        name = dict(attrs).get("id")
        if tag in ("h2", "h3") and name:
            self._section = name
        elif tag == "figure":
            self._figure = name or ""
        elif tag == "table":
            self.tables.append([])
        elif tag == "thead":
            self._head = True
        elif tag == "tr" and not self._head:
            self.tables[-1].append([])
        elif tag in ("td", "th") and not self._head:
            self._cell = True
            self.tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "figure":
            self._figure = ""
        elif tag == "thead":
            self._head = False
        elif tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.tables[-1][-1][-1] += data


def tables_of_html(text: str) -> dict[str, list[list[str]]]:
    """Return the numbers of every table of a page, by the id of its section or figure.

    >>> tables_of_html("<h2 id=cost>Cost</h2><table><tr><th>net</th><td>2 s</td></tr></table>")
    {'cost': [['2']]}
    """
    parser = _Tables()
    parser.feed(text)
    return {
        section: [numbers_of_rows(rows) for rows in tables]
        for section, tables in parser.sections.items()
    }


def tables_of_markdown(text: str) -> dict[str, list[list[str]]]:
    """Return the numbers of the one table of a Markdown file."""
    rows = [line.strip("| \n").split(" | ") for line in text.splitlines() if line.startswith("|")]
    return {"": [numbers_of_rows(rows[2:])]}


def tables_of_terminal(text: str) -> list[list[str]]:
    """Return the numbers of every table in terminal output, in order."""
    found: list[list[list[str]]] = []
    for line in text.splitlines():
        if line.startswith("┏"):
            found.append([])
        elif line.startswith("│"):
            found[-1].append([cell.strip() for cell in line.strip("│").split("│")])
    return [numbers_of_rows(rows) for rows in found]


def tables_of(pages: dict[str, str]) -> dict[str, dict[str, list[list[str]]]]:
    """Return the numbers of the tables of every page, by section."""
    return {
        name: (tables_of_markdown if name.endswith(".md") else tables_of_html)(text)
        for name, text in pages.items()
    }


def numbers_of(result: Any, key: str = "") -> Any:
    """Return a result with a placeholder for every text whose wording may change."""
    if isinstance(result, dict):
        return {k: numbers_of(v, k) for k, v in result.items() if k not in LEFT_OUT}
    if isinstance(result, list):
        return [numbers_of(value, key) for value in result]
    return WORD if isinstance(result, str) and key not in TEXTS else result


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value with its path, and the length of every list.

    >>> list(leaves({"net": {"curve": [1, 2]}}))
    [('net/curve/#', 2), ('net/curve/0', 1), ('net/curve/1', 2)]
    """
    start = f"{path}/" if path else ""
    if isinstance(content, dict):
        for key, value in content.items():
            yield from leaves(value, f"{start}{key}")
    elif isinstance(content, list):
        yield f"{start}#", len(content)
        for place, value in enumerate(content):
            yield from leaves(value, f"{start}{place}")
    else:
        yield path, content


def renamed(path: str, names: dict[str, str]) -> str:
    """Return the current path of a value; a pattern is a path prefix with ``*`` for any one part.

    >>> renamed("contenders/net/brier", {"contenders/*/brier": "models/*/quality/brier"})
    'models/net/quality/brier'
    """
    parts = path.split("/")
    for old, new in names.items():
        pattern = old.split("/")
        if len(parts) < len(pattern):
            continue
        if all(one in ("*", part) for one, part in zip(pattern, parts, strict=False)):
            stars = iter([part for one, part in zip(pattern, parts, strict=False) if one == "*"])
            found = [next(stars) if one == "*" else one for one in new.split("/")]
            return "/".join([*found, *parts[len(pattern) :]])
    return path


def current_path(path: str, now: dict[str, Any], names: dict[str, str]) -> str:
    """Return the path of a stored value in a current result.

    A path that still exists is not renamed: the expected numbers may be newer than the renaming.

    >>> current_path("net/brier", {"net/score": 1}, {"*/brier": "*/score"})
    'net/score'
    >>> current_path("net/brier", {"net/brier": 1}, {"*/brier": "*/score"})
    'net/brier'
    """
    return path if path in now else renamed(path, names)


def is_time(path: str) -> bool:
    """Return whether a value is a time or memory size, which differs between fits.

    >>> is_time("contenders/net/curve/3/0"), is_time("contenders/net/curve/3/1")
    (True, False)
    """
    parts = path.split("/")
    return not set(parts).isdisjoint(TIMES) or (
        len(parts) > 2 and parts[-3] == "curve" and parts[-1] == "0"
    )


# The frozen numbers of a run


def facts_of(name: str) -> dict[str, Any]:
    """Return the numbers of a stored run: results, pages and terminal output."""
    environment = json.loads((adapter.DATA / "environment.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / name
        run, arrays = adapter.load(adapter.DATA / name)
        adapter.rebuild(run, arrays, folder)
        results = results_of(folder)
        adapter.set_environment(folder, environment)
        terminal = adapter.report(folder)
        pages = adapter.pages(folder)
    return {
        "results": results,
        "pages": tables_of(pages),
        "terminal": tables_of_terminal(terminal),
    }


def results_of(folder: Path) -> dict[str, Any]:
    """Return the numbers of every result in a finished folder."""
    return {place: numbers_of(one) for place, one in adapter.results(folder).items()}


VERDICTS = ("error", "log_loss", "auc", "seeds")
"""Metrics of verdicts on files; "seeds" is the error of labels with three seeds."""


def verdicts() -> dict[str, Any]:
    """Return the verdicts on files with two contenders' stored predictions."""
    _, arrays = adapter.load(adapter.DATA / "holdout")
    probabilities = {
        name: np.stack([arrays[f".|cells|{name}|{run}|probabilities"] for run in range(3)])
        for name in ("net", "xgboost")
    }
    found = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        np.save(folder / "y.npy", arrays[".|splits|0|truth"].astype(np.int64))
        for kind in VERDICTS:
            for name, p in probabilities.items():
                np.save(folder / f"{name}.npy", p.argmax(axis=2) if kind == "seeds" else p[0])
            files = [folder / f"{name}.npy" for name in ("net", "xgboost", "y")]
            result, terminal = adapter.verdict(*files, "error" if kind == "seeds" else kind)
            found[kind] = {"told": numbers_of(result), "shown": tables_of_terminal(terminal)}
    return found


def predictions() -> dict[str, Any]:
    """Return every stored model's predictions for the stored rows."""
    return {one: predicted(one, adapter.DATA / f"{one}.safetensors") for one in adapter.MODELS}


def predicted(model: str, path: Path) -> dict[str, Any]:
    """Return a model's predictions for the stored rows of its data."""
    rows = next(adapter.DATA.glob(f"{model.partition('-')[0]}-rows.*"))
    classes, probabilities = adapter.predict(path, rows)
    return {"classes": classes, "probabilities": probabilities.tolist()}


def write_expected(name: str, content: Any) -> None:
    """Write the expected numbers of a run."""
    text = json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    (adapter.DATA / f"{name}.expected.json").write_text(text + "\n", encoding="utf-8")


def read_expected(name: str) -> Any:
    """Read the expected numbers of a run."""
    return json.loads((adapter.DATA / f"{name}.expected.json").read_text(encoding="utf-8"))
