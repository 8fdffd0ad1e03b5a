"""``graduel predict``: write the rows of a source with their predictions."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from graduel.cli.advice import fit_advice
from graduel.cli.views.prediction_file import PredictedBlocks, make_writer
from graduel.data.dataset import Dataset
from graduel.data.read.arrays.array_names import PAIRS, TEST
from graduel.data.read.column_names import join_names, strip_control
from graduel.data.read.file_checks.file_check import check_file
from graduel.data.read.file_names import split_part
from graduel.data.read.images.image_files import inspect_like, is_image, list_formats
from graduel.data.read.images.image_folders import is_clutter
from graduel.data.read.images.pixel_columns import find_pixel_columns
from graduel.data.read.reader import detect_format, read_source
from graduel.data.read.reading_errors import reading_errors
from graduel.data.read.row_stream import open_stream
from graduel.data.read.tables.table_format import TableFormat
from graduel.data.row_groups.parquet_shards import is_glob, list_parquet, open_shards
from graduel.duel.result.best_model import find_model
from graduel.errors import UserError
from graduel.models.model_file import load_model
from graduel.models.prediction_sets import CalibratedModel
from graduel.number_format import format_quantity, format_rows

if TYPE_CHECKING:
    import polars as pl

IMAGES = 512
"""Images read and predicted at a time."""


def run(
    model: Path,
    rows: str,
    *,
    contender: str | None,
    out: Path | None,
    intervals: float | None,
    read_options: dict[str, Any],
) -> None:
    """Load the model, predict all rows, write them with their predictions."""
    path, name = find_model(model, contender) if model.is_dir() else (model, "")
    if contender is not None and not model.is_dir():
        raise UserError(f"--contender: expected the folder of a duel; {model} is a file")
    _check_order(path, rows)
    fitted = CalibratedModel.of(load_model(path), intervals)
    if name:
        typer.echo(f"Model of {name}: {path}", err=True)
    path, _ = split_part(rows)
    if is_glob(rows) or (fitted.columns and path.is_dir() and list_parquet(path)):
        _predict_files(fitted, Path(rows), out, read_options)
        return
    if fitted.columns and path.is_file() and is_image(path):
        raise UserError(f"{rows}: expected a table, as in this model's training data; got an image")
    write = make_writer(out)
    if not (path.is_file() and is_image(path)):
        check_file(rows)
    if fitted.columns:
        n_rows = write(_predict_table(fitted, rows, read_options))
    else:
        n_rows = write(_predict_images(fitted, Path(rows), read_options))
    if out is not None:
        typer.echo(f"{format_rows(n_rows)} predicted, saved in {out}", err=True)


def _check_order(model: Path, rows: str) -> None:
    """Raise `UserError` if the rows and the model are typed in the other order."""
    if Path(rows).suffix == ".safetensors" and model.is_file() and model.suffix != ".safetensors":
        raise UserError(
            f"expected the model first, then the rows; got {model} and {rows}. Write graduel "
            f"predict {rows} {model}"
        )


def _predict_files(
    model: CalibratedModel, rows: Path, out: Path | None, options: dict[str, Any]
) -> None:
    """Predict the Parquet files of a folder or pattern: a file of predictions for each, in `out`.

    Rows keep their order. Every file is compared with the model's columns before any is written.
    """
    if not model.columns:
        raise UserError(
            f"{rows}: expected a folder of images, as in this model's training data; got a pattern"
        )
    if options:
        raise UserError(
            f"--{next(iter(options))}: expected a text file; Parquet files have types. Leave it out"
        )
    files = open_shards(rows).files
    if out is None:
        raise UserError(
            "--out: expected a new folder for the predictions of "
            f"{format_quantity(len(files), 'file')}"
        )
    if out.exists():
        raise UserError(f"--out: expected a new folder; {out} exists. Choose another name")
    names = [f"{file.stem}.parquet" for file in files]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(
            f"{rows}: expected files with distinct names; got {twice[0]} twice. "
            "Predict the folders one by one"
        )
    for file in files:
        check_file(file)
        _predict_table(model, file, {})
    try:
        out.mkdir(parents=True)
    except OSError as error:
        raise UserError(f"--out: cannot write {out}: {error.strerror}") from None
    n_rows = 0
    for file, name in zip(files, names, strict=True):
        n_rows += make_writer(out / name)(_predict_table(model, file, {}))
    typer.echo(
        f"{format_rows(n_rows)} of {format_quantity(len(files), 'file')} predicted, saved in {out}",
        err=True,
    )


def _predict_table(
    model: CalibratedModel, rows: str | Path, options: dict[str, Any]
) -> PredictedBlocks:
    """Predict a table block by block: memory does not grow with the number of rows."""
    import polars as pl

    stream = open_stream(rows, **options)
    for note in stream.notes:
        typer.echo(f"note: {strip_control(note)}", err=True)
    if any(column.name not in stream.schema for column in model.columns):
        model.prepare(pl.DataFrame(schema=stream.schema))  # raises an error that names the columns
    names = _name_columns(model, list(stream.schema))

    def predict_blocks() -> Iterator[pl.DataFrame]:
        first = 0
        for block in stream.blocks:
            matrix = model.prepare(block.read, decimal=stream.decimal, first_row=first)
            p = model.predict_proba_prepared(matrix)
            yield block.written.with_columns(_prediction_columns(model, names, p))
            first += len(block.read)

    return PredictedBlocks(stream.schema | _column_types(model, names), predict_blocks())


def _predict_images(model: CalibratedModel, rows: Path, options: dict[str, Any]) -> PredictedBlocks:
    """Predict images: one file, a folder of files, an NPZ archive, or a table of pixels."""
    if rows.is_file() and is_image(rows):
        return _predict_files_of_images(model, [rows], rows.parent, options)
    if rows.is_dir():
        files, others = list[Path](), list[Path]()
        for path in sorted(rows.rglob("*")):
            if path.is_file() and not any(map(is_clutter, path.relative_to(rows).parts)):
                (files if is_image(path) else others).append(path)
        if not files:
            raise UserError(f"{rows}: expected images ({list_formats()}); there are none")
        if others:
            names = join_names(path.relative_to(rows).as_posix() for path in others)
            _warn(f"not read, since they are not images: {names}")
        return _predict_files_of_images(model, files, rows, options)
    kind = detect_format(rows)
    if isinstance(kind, TableFormat):
        X = _read_pixel_table(model, rows, options)
    else:
        _reject_options(options)
        X = _read_archive(rows) if kind == "npz" else _read_dataset(rows).X
    return _predict_arrays(model, X, rows)


def _reject_options(options: dict[str, Any]) -> None:
    if options:
        raise UserError(
            f"--{next(iter(options))}: expected a table; this model takes images. Leave it out"
        )


def _predict_files_of_images(
    model: CalibratedModel, files: list[Path], folder: Path, options: dict[str, Any]
) -> PredictedBlocks:
    """Predict image files; their names are written relative to a folder."""
    import polars as pl

    _reject_options(options)
    if model.image is None:
        raise UserError(f"{folder}: expected an NPZ file with X, as in this model's training data")
    names = _name_columns(model, ["file"])
    background = None if model.schema.pixels is None else model.schema.pixels.background
    images, scaling = inspect_like(files, model.image, background), set[str]()

    def predict_files() -> Iterator[pl.DataFrame]:
        for start in range(0, len(files), IMAGES):
            part = files[start : start + IMAGES]
            matrix, notes = model.schema.read_images(np.stack(list(images.read(part))))
            scaling.update(notes)
            p = model.predict_proba_prepared(matrix)
            paths = pl.Series("file", [path.relative_to(folder).as_posix() for path in part])
            yield pl.DataFrame([paths]).with_columns(_prediction_columns(model, names, p))
        for message in scaling:
            _warn(message)
        for finding in images.findings():
            typer.echo(f"note: {fit_advice(finding.message)}", err=True)

    return PredictedBlocks({"file": pl.String()} | _column_types(model, names), predict_files())


def _predict_arrays(model: CalibratedModel, X: Any, path: Path) -> PredictedBlocks:
    """Predict images, or rows of numbers, in an array."""
    import polars as pl

    names = _name_columns(model, ["row"])
    matrix = _check_examples(model, X, path)

    def predict_blocks() -> Iterator[pl.DataFrame]:
        for start in range(0, len(matrix), IMAGES):
            p = model.predict_proba_prepared(matrix[start : start + IMAGES])
            numbers = pl.Series("row", range(start + 1, start + 1 + len(p)), dtype=pl.Int64)
            yield pl.DataFrame([numbers]).with_columns(_prediction_columns(model, names, p))

    return PredictedBlocks({"row": pl.Int64()} | _column_types(model, names), predict_blocks())


def _read_pixel_table(model: CalibratedModel, path: Path, options: dict[str, Any]) -> Any:
    """Return the images in a table with a column for each pixel, as Kaggle has them."""
    frame = read_source(path, **options).content
    assert not isinstance(frame, Dataset)  # the path is neither a folder nor an archive
    pixels = find_pixel_columns(frame)
    if model.image is not None and pixels is None and _is_numeric(frame, prod(model.image)):
        return frame.to_numpy()
    if model.image is None or pixels is None:
        expected = "a folder of images, an image, " if model.image else ""
        raise UserError(
            f"{path}: expected {expected}an NPZ file with X or a table with a column for each "
            "pixel, as in this model's training data"
        )
    return pixels.images(frame)


def _is_numeric(frame: pl.DataFrame, n_columns: int) -> bool:
    """Return whether a table has this number of columns, all numeric and without gaps."""
    return (
        frame.width == n_columns
        and all(kind.is_numeric() for kind in frame.dtypes)
        and not sum(frame.null_count().row(0))
    )


def _warn(message: str) -> None:
    typer.echo(f"warning: {message}", err=True)


def _read_dataset(path: Path) -> Dataset:
    content = read_source(path).content
    assert isinstance(content, Dataset)  # the path is not a table
    return content


def _read_archive(path: Path) -> Any:
    """Return the examples of an archive: of the test part, or X, or the array of a .npy file."""
    remedy = "Save them with numpy.savez, without object arrays"
    with reading_errors(path, "plain arrays", remedy), path.open("rb") as file:
        content = np.load(file, allow_pickle=False)
        if not isinstance(content, np.lib.npyio.NpzFile):
            return content
        names = {name.lower(): name for name in content.files}
        for features, _ in (*TEST, *PAIRS):
            if features in names:
                return content[names[features]]
    raise UserError(f"{path}: expected an array X; got {join_names(content.files) or 'none'}")


def _check_examples(model: CalibratedModel, X: Any, path: Path) -> Any:
    """Return the array as the model's input matrix, before any output is written.

    Raises
    ------
    UserError
        If the array does not fit the model.
    """
    if model.image is not None:
        try:
            matrix, notes = model.schema.read_images(X)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        for note in notes:
            _warn(note)
        return matrix
    n = len(model.input_names)
    if X.ndim < 2 or n != np.prod(X.shape[1:]):
        raise UserError(
            f"{path}: expected an array of shape (n, {n}); got an array of shape {X.shape}"
        )
    return model.prepare(X)


def _name_columns(model: CalibratedModel, taken: list[str]) -> list[str]:
    """Return unique names of the prediction columns: the class, then each probability."""
    target = model.schema.target
    titles = ["prediction" if target is None else f"predicted {target}"]
    titles += [f"probability of {name}" for name in model.classes]
    if model.level:
        level = f"{100 * model.level:g} %"
        ends = [f"{level} set"] if model.classes else [f"{level} from", f"{level} to"]
        titles += [f"{titles[0]}, {end}" for end in ends]
    used, names = set(taken), list[str]()
    for title in titles:
        name, number = title, 2
        while name in used:
            name, number = f"{title} ({number})", number + 1
        used.add(name)
        names.append(name)
    return names


def _column_types(model: CalibratedModel, names: list[str]) -> dict[str, Any]:
    """Return the types of the prediction columns."""
    import polars as pl

    if not model.classes:
        return dict.fromkeys(names, pl.Float64())
    types = {names[0]: pl.String(), **dict.fromkeys(names[1:], pl.Float32())}
    return types | ({names[-1]: pl.String()} if model.level else {})


def _prediction_columns(model: CalibratedModel, names: list[str], p: Any) -> list[pl.Series]:
    """Return the prediction columns for probabilities `p` of shape (n_rows, n_classes)."""
    import polars as pl

    ends = model.select(p) if model.level else ()
    if not model.classes:
        numbers = (p[:, 0], *ends)
        return [pl.Series(*pair, dtype=pl.Float64) for pair in zip(names, numbers, strict=True)]
    labels = np.array(model.classes, object)[p.argmax(axis=1)] if len(p) else []
    columns = [pl.Series(names[0], list(labels), dtype=pl.String)]
    columns += [pl.Series(names[1 + k], p[:, k]) for k in range(len(model.classes))]
    return columns + [pl.Series(names[-1], list(one), dtype=pl.String) for one in ends]
