"""``graduel predict``: answers for rows that nobody has labelled, in their order."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np
import typer

from graduel.data.read.images.image_folders import ENDINGS, read_flat
from graduel.data.read.reader import detect_format
from graduel.data.read.row_stream import open_stream
from graduel.duel.result.best_model import find_model
from graduel.errors import UserError
from graduel.models.model_file import Model, load_model

if TYPE_CHECKING:
    import polars as pl

IMAGES = 512
"""Images that are read and answered at a time."""


@dataclass(frozen=True, slots=True)
class PredictedBlocks:
    """Rows as they came with what was answered, in blocks, and the columns of every block."""

    schema: dict[str, Any]
    blocks: Iterator[pl.DataFrame]


def run(
    model: Path, rows: Path, *, contender: str | None, out: Path | None, **options: Any
) -> None:
    """Load the model, answer every row, write the rows with their answers."""
    path, whose = find_model(model, contender) if model.is_dir() else (model, "")
    if contender is not None and not model.is_dir():
        raise UserError(f"--contender goes with a duel's folder; {model} is a file")
    kept = load_model(path)
    if whose:
        typer.echo(f"The model of {whose}, {path}", err=True)
    write = _writer(out, rows)
    answered = _table(kept, rows, options) if kept.columns else _images(kept, rows, options)
    count = write(answered)
    if out is not None:
        typer.echo(f"{count:,} rows answered, in {out}", err=True)


def _table(kept: Model, rows: Path, options: dict[str, Any]) -> PredictedBlocks:
    """Answer a table block by block: memory does not grow with its length."""
    stream = open_stream(rows, **options)
    missing = [c.name for c in kept.columns if c.name not in stream.schema]
    if missing:
        kept.task.conform(_empty(stream.schema))  # its error names them
    names = _names(kept, list(stream.schema))

    def blocks() -> Iterator[pl.DataFrame]:
        first = 0
        for block in stream.blocks:
            read = block.read
            matrix = kept.matrix(read, decimal=stream.decimal, first_row=first)
            yield block.written.with_columns(_columns(kept, names, kept.scores(matrix)))
            first += len(read)

    return PredictedBlocks(stream.schema | _types(names), blocks())


def _images(kept: Model, rows: Path, options: dict[str, Any]) -> PredictedBlocks:
    """Answer images: a folder of files, or an archive of arrays."""
    import polars as pl

    if given := [name for name, value in options.items() if value is not None]:
        raise UserError(f"--{given[0]} goes with a table; this model takes images")
    if detect_format(rows) == "npz":
        X = _archive(rows)
        names = _names(kept, ["row"])

        def arrays() -> Iterator[pl.DataFrame]:
            for start in range(0, len(X), IMAGES):
                p = kept.predict_proba(X[start : start + IMAGES])
                count = pl.Series("row", range(start + 1, start + 1 + len(p)), dtype=pl.Int64)
                yield pl.DataFrame([count]).with_columns(_columns(kept, names, p))

        return PredictedBlocks({"row": pl.Int64()} | _types(names), arrays())
    if kept.image is None or not rows.is_dir():
        wanted = "a folder of images" if kept.image else "an NPZ file with X"
        raise UserError(f"{rows}: expected {wanted}, as this model learned from")
    files = sorted(
        path
        for path in rows.rglob("*")
        if path.suffix.lower() in ENDINGS and path.is_file() and not path.name.startswith(".")
    )
    if not files:
        raise UserError(f"{rows}: expected PNG or JPEG images; there are none")
    names, image = _names(kept, ["file"]), kept.image

    def pictures() -> Iterator[pl.DataFrame]:
        for start in range(0, len(files), IMAGES):
            part = files[start : start + IMAGES]
            p = kept.predict_proba(read_flat(part, image))
            told = pl.Series("file", [path.relative_to(rows).as_posix() for path in part])
            yield pl.DataFrame([told]).with_columns(_columns(kept, names, p))

    return PredictedBlocks({"file": pl.String()} | _types(names), pictures())


def _archive(path: Path) -> Any:
    """Return the examples of an archive: X, x_test, data, or its only array."""
    try:
        with path.open("rb") as file:
            found = np.load(file, allow_pickle=False)
            if not isinstance(found, np.lib.npyio.NpzFile):
                return found
            names = {name.lower(): name for name in found.files}
            for wanted in ("x_test", "x", "data"):
                if wanted in names:
                    return found[names[wanted]]
    except Exception as error:  # NumPy, zipfile and zlib each have their own for damaged files
        what = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{path}: expected plain arrays; it cannot be read ({what})") from None
    raise UserError(f"{path}: expected an array X; it holds {', '.join(names) or 'nothing'}")


def _empty(schema: dict[str, Any]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(schema=schema)


def _names(kept: Model, taken: list[str]) -> list[str]:
    """Name the columns of answers: the class, then each class's probability; no name twice."""
    target = kept.task.target
    wanted = ["prediction" if target is None else f"predicted {target}"]
    wanted += [f"probability of {name}" for name in kept.classes]
    used, found = set(taken), list[str]()
    for name in wanted:
        new, number = name, 2
        while new in used:
            new, number = f"{name} ({number})", number + 1
        used.add(new)
        found.append(new)
    return found


def _types(names: list[str]) -> dict[str, Any]:
    import polars as pl

    return {names[0]: pl.String(), **dict.fromkeys(names[1:], pl.Float32())}


def _columns(kept: Model, names: list[str], p: Any) -> list[pl.Series]:
    import polars as pl

    answers = np.array(kept.classes, object)[p.argmax(axis=1)] if len(p) else []
    found = [pl.Series(names[0], list(answers), dtype=pl.String)]
    return found + [pl.Series(name, p[:, i]) for i, name in enumerate(names[1:])]


def _writer(out: Path | None, rows: Path) -> Callable[[PredictedBlocks], int]:
    """Return what writes the answers, having tried whether it can."""
    if out is None:
        return _to_screen
    if out.exists():
        raise UserError(f"--out must be a new file; {out} exists. Choose another name")
    if out.suffix.lower() not in (".csv", ".parquet"):
        raise UserError(f"--out must end in .csv or .parquet; got {out.name}")
    if not out.parent.is_dir():
        raise UserError(f"--out must be in a folder that is there; {out.parent} is not")
    aside = out.with_name(f".{out.name}.{uuid4().hex}.tmp")
    write = _to_parquet if out.suffix.lower() == ".parquet" else _to_csv

    def whole(answered: PredictedBlocks) -> int:
        try:
            count = write(answered, aside)
            os.replace(aside, out)
        finally:
            aside.unlink(missing_ok=True)
        return count

    return whole


def _to_screen(answered: PredictedBlocks) -> int:
    return _as_csv(answered, sys.stdout.write)


def _to_csv(answered: PredictedBlocks, path: Path) -> int:
    with path.open("w", encoding="utf-8", newline="") as file:
        return _as_csv(answered, file.write)


def _as_csv(answered: PredictedBlocks, write: Callable[[str], Any]) -> int:
    write(_empty(answered.schema).write_csv())
    count = 0
    for block in answered.blocks:
        write(block.write_csv(include_header=False))
        count += len(block)
    return count


def _to_parquet(answered: PredictedBlocks, path: Path) -> int:
    from polars.io.plugins import register_io_source

    count = 0

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        nonlocal count
        for block in answered.blocks:
            count += len(block)
            yield block

    register_io_source(source, schema=answered.schema).sink_parquet(path)
    return count
