"""``graduel inspect``: one example of a model, in the terminal, as JSON or as a page."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console

from graduel.data import DATASETS, Dataset, load_dataset
from graduel.data.coerce import category_text
from graduel.data.read.images.image_folders import ENDINGS
from graduel.data.read.reader import read_source
from graduel.data.read.toy_datasets import TOYS
from graduel.data.source import open_source
from graduel.duel.store.cell_files import MODEL
from graduel.errors import UserError, unknown
from graduel.glassbox.example import prepare_example
from graduel.glassbox.inspection import Inspection, inspect_example
from graduel.models.model_file import Model, load_model

if TYPE_CHECKING:
    import polars as pl

WIDTH = 80
"""Of the text where the output is no terminal."""


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """Which example is inspected, and how deeply."""

    row: int = 0
    data: str | None = None
    label: str | None = None
    layer: int | None = None
    unit: int | None = None
    lr: float = 0.1
    top: int = 8


def run(
    path: Path, options: InspectOptions, *, html: Path | None = None, as_json: bool = False
) -> None:
    """Load the model and the example, inspect it, and show the inspection."""
    if not options.lr > 0:
        raise UserError(f"--lr must be above 0; got {options.lr:g}")
    if options.top < 1:
        raise UserError(f"--top must be at least 1; got {options.top}")
    if html is not None and html.exists():
        raise UserError(f"--html must be a new file; {html} exists. Choose another name")
    if path.is_dir():
        raise UserError(_list_models(path))
    model = load_model(path)
    X, code, where, decimal = _load_example(model, options)
    if options.label is not None:
        code = _class_code(options.label, model.classes)
    inspection = inspect_example(
        model,
        prepare_example(model, X, decimal=decimal),
        code,
        where=f"{path.name}, {where}",
        layer=options.layer,
        unit=options.unit,
        lr=options.lr,
        top=options.top,
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
        return f"{folder} is a folder without models; give a model's file"
    some = ", ".join(str(path) for path in paths[:6])
    more = f" and {len(paths) - 6} more" if len(paths) > 6 else ""
    return f"{folder} is a folder; give one of its models: {some}{more}"


def _print(inspection: Inspection, html: Path | None) -> None:
    from graduel.cli.views.inspect_view import show

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    show(inspection, console)
    if html is not None:
        console.print(f"\nThe page: {html}", highlight=False, markup=False, soft_wrap=True)


def _load_example(model: Model, options: InspectOptions) -> tuple[Any, int | None, str, str]:
    """Return one row, its class code if it is known, its place in words, and the decimal sign."""
    name = options.data if options.data is not None else model.schema.name
    if options.data is not None and Path(options.data).suffix.lower() in ENDINGS:
        return _load_image(model, Path(options.data)), None, options.data, "."
    if name in DATASETS:
        data = load_dataset(name)
        return _select_row(model, data, options.row, data.test_rows, f"test row {options.row}")
    if options.data is None and name not in TOYS:
        raise UserError(
            f"the model was trained on {name!r}, which is no name that graduel knows; "
            "give the example's file as --data"
        )
    if model.preparation is None or name in TOYS:
        data = open_source(name).load()
        rows = np.arange(len(data.y))
        return _select_row(model, data, options.row, rows, f"row {options.row} of {data.name}")
    source = read_source(name)
    if isinstance(source.content, Dataset):
        raise UserError(f"the model was trained on a table; {name} holds images")
    frame = source.content
    _check_row(options.row, len(frame))
    row = frame[options.row : options.row + 1]
    return row, _find_label(model, row), f"row {options.row} of {source.name}", source.decimal


def _select_row(
    model: Model, data: Dataset, row: int, rows: Any, where: str
) -> tuple[Any, int, str, str]:
    _check_row(row, len(rows))
    index = int(rows[row])
    label = data.classes[int(data.y[index])]
    return data.table[index : index + 1], _class_code(label, model.classes), where, "."


def _check_row(row: int, n_rows: int) -> None:
    if not 0 <= row < n_rows:
        raise UserError(f"--row must be from 0 to {n_rows - 1:,}; got {row}")


def _find_label(model: Model, frame: pl.DataFrame) -> int | None:
    """Return the class code of a table's row, if the table has the target and knows the class."""
    target = model.schema.target
    if target is None or target not in frame.columns:
        return None
    (text,) = category_text(frame[target])
    return model.classes.index(text) if text in model.classes else None


def _class_code(label: str, classes: tuple[str, ...]) -> int:
    if label not in classes:
        raise unknown("label", label, classes)
    return classes.index(label)


def _load_image(model: Model, path: Path) -> Any:
    """Return one image as pixels; a digit is prepared as MNIST's were."""
    from PIL import Image, UnidentifiedImageError

    from graduel.glassbox.digit.mnist_preparation import prepare_digit
    from graduel.glassbox.digit.photo import extract_ink

    shape = model.image
    if shape is None:
        raise UserError(f"the model takes no images; {path} is one")
    try:
        with Image.open(path) as image:
            image.load()
            if model.schema.name == "mnist":
                return prepare_digit(extract_ink(image), steps=False).image[np.newaxis]
            resized = image.convert("L" if shape[2] == 1 else "RGB").resize((shape[1], shape[0]))
            return np.asarray(resized, np.uint8).reshape(1, *shape)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        raise UserError(f"{path}: expected an image; it cannot be read as one") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
