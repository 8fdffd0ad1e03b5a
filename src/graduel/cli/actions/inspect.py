"""``graduel inspect``: one example in a model, on the terminal, as JSON or as a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from graduel.data import DATASETS, Dataset, load_dataset
from graduel.data.coerce import category_text
from graduel.data.read.images.image_files import ENDINGS, inspect_like, open_image
from graduel.data.read.named_data.toy_datasets import TOYS
from graduel.data.read.reader import read_source
from graduel.data.source import open_source
from graduel.data.target import find_class
from graduel.duel.store.cell_files import MODEL
from graduel.errors import UserError, unknown
from graduel.glassbox.example import prepare_example
from graduel.glassbox.inspection import Inspection, inspect_example
from graduel.models.model_file import Model, load_model

if TYPE_CHECKING:
    import polars as pl

WIDTH = 80
"""Characters in a line if the output is not a terminal."""


def run(
    model: Path,
    *,
    row: int,
    data: str | None,
    label: str | None,
    lr: float,
    top: int,
    html: Path | None,
    as_json: bool,
    read_options: dict[str, Any],
    **which: Any,
) -> None:
    """Load the model and the example, and print or write its inspection."""
    if not lr > 0:
        raise UserError(f"--lr: expected a number above 0; got {lr:g}")
    if top < 1:
        raise UserError(f"--top: expected at least 1; got {top}")
    if html is not None and html.exists():
        raise UserError(f"--html: expected a new file; {html} exists. Choose another name")
    if model.is_dir():
        raise UserError(_list_models(model))
    loaded = load_model(model)
    loaded.require_classes("graduel inspect")
    X, code, where, decimal = _load_example(loaded, data, row, read_options)
    if label is not None:
        code = _class_code(label, loaded.classes)
    example = prepare_example(loaded, X, decimal=decimal)
    inspection = inspect_example(
        loaded, example, code, where=f"{model.name}, {where}", lr=lr, top=top, **which
    )
    if html is not None:
        from graduel.glassbox.example_page import write_page

        write_page(inspection, html)
    if as_json:
        text = json.dumps(inspection.as_dict(), ensure_ascii=False, allow_nan=False, indent=1)
        sys.stdout.write(text + "\n")
        return
    _print(inspection, html)


def _list_models(folder: Path) -> str:
    """Return an error message that lists the models in a folder."""
    paths = sorted(folder.glob(f"cells/*/{MODEL}")) or sorted(folder.glob("*.safetensors"))
    if not paths:
        return f"{folder}: expected a model file; got a folder without models"
    some = ", ".join(str(path) for path in paths[:6])
    more = f" and {len(paths) - 6} more" if len(paths) > 6 else ""
    return f"{folder}: expected a model file; got a folder. Choose one of its models: {some}{more}"


def _print(inspection: Inspection, html: Path | None) -> None:
    from graduel.cli.views.inspect_view import show

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    show(inspection, console)
    if html is not None:
        console.print(f"\nPage: {html}", highlight=False, markup=False, soft_wrap=True)


def _load_example(
    model: Model, place: str | None, row: int, read_options: dict[str, Any]
) -> tuple[Any, int | None, str, str | None]:
    """Return an example, its class code if known, its source in words, and decimal separator."""
    name = place if place is not None else model.schema.name
    is_image = place is not None and Path(place).suffix.lower() in ENDINGS
    if read_options and (is_image or name in DATASETS or name in TOYS):
        raise UserError(f"--{next(iter(read_options))} applies to tables in files; got {name}")
    if place is not None and is_image:
        return _load_image(model, Path(place)), None, place, None
    if name in DATASETS:
        data = load_dataset(name)
        return _select_row(model, data, row, data.test_rows, f"test row {row}")
    if place is None and name not in TOYS:
        raise UserError(
            f"the model was trained on {name!r}, which is not a named data set; give the file of "
            "the example as --data"
        )
    if model.preparation is None or name in TOYS:
        data = open_source(name).load()
        rows = np.arange(len(data.y))
        return _select_row(model, data, row, rows, f"row {row} of {data.name}")
    source = read_source(name, **read_options)
    if isinstance(source.content, Dataset):
        raise UserError(f"{name}: expected a table, as in the training data; got images or arrays")
    frame = source.content
    _check_row(row, len(frame))
    example = frame[row : row + 1]
    return example, _find_label(model, example), f"row {row} of {source.name}", source.decimal


def _select_row(
    model: Model, data: Dataset, row: int, rows: Any, where: str
) -> tuple[Any, int, str, str | None]:
    _check_row(row, len(rows))
    index = int(rows[row])
    label = data.classes[int(data.y[index])]
    return data.table[index : index + 1], _class_code(label, model.classes), where, None


def _check_row(row: int, n_rows: int) -> None:
    if not 0 <= row < n_rows:
        raise UserError(f"--row: expected 0 to {n_rows - 1:,}; got {row}")


def _find_label(model: Model, frame: pl.DataFrame) -> int | None:
    """Return the class code of a row; None if its target is missing or not a class of the model."""
    target = model.schema.target
    if target is None or target not in frame.columns:
        return None
    (text,) = category_text(frame[target])
    return find_class(text, model.classes)


def _class_code(label: str, classes: tuple[str, ...]) -> int:
    code = find_class(label, classes)
    if code is None:
        raise unknown("label", label, classes)
    return code


def _load_image(model: Model, path: Path) -> Any:
    """Return the pixels of an image file; a digit is prepared like those of MNIST."""
    from PIL import ImageOps

    from graduel.glassbox.digit.mnist_preparation import prepare_digit
    from graduel.glassbox.digit.photo import extract_ink

    shape = model.image
    if shape is None:
        raise UserError(f"{path}: expected a table, as in the training data; got an image")
    if model.schema.name != "mnist":
        background = None if model.schema.pixels is None else model.schema.pixels.background
        images = inspect_like([path], shape, background)
        return np.stack(list(images.read())).reshape(1, *shape)
    with open_image(path) as image:
        ink = extract_ink(ImageOps.exif_transpose(image))
        return prepare_digit(ink, steps=False).image[np.newaxis]
