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
from graduel.glassbox.explained_model import ExplainedModel
from graduel.glassbox.inspection import Inspection, inspect_example
from graduel.models.model_file import load_model

if TYPE_CHECKING:
    import polars as pl

WIDTH = 80
"""Of the text where the output is no terminal."""


@dataclass(frozen=True, slots=True)
class InspectOptions:
    """What is looked at."""

    row: int = 0
    data: str | None = None
    label: str | None = None
    layer: int | None = None
    unit: int | None = None
    lr: float = 0.1
    top: int = 8


def run(
    model: Path, wanted: InspectOptions, *, html: Path | None = None, as_json: bool = False
) -> None:
    """Load the model and the example, look inside, and show it."""
    if not wanted.lr > 0:
        raise UserError(f"--lr must be above 0; got {wanted.lr:g}")
    if wanted.top < 1:
        raise UserError(f"--top must be at least 1; got {wanted.top}")
    if html is not None and html.exists():
        raise UserError(f"--html must be a new file; {html} exists. Choose another name")
    if model.is_dir():
        raise UserError(_in_folder(model))
    subject = ExplainedModel(load_model(model))
    X, code, where, decimal = _example(subject, wanted)
    if wanted.label is not None:
        code = _code(wanted.label, subject.classes)
    example = subject.example(X, decimal=decimal)
    found = inspect_example(
        subject,
        example,
        code,
        where=f"{model.name}, {where}",
        layer=wanted.layer,
        unit=wanted.unit,
        lr=wanted.lr,
        top=wanted.top,
    )
    if html is not None:
        from graduel.glassbox.example_page import write_page

        write_page(found, html)
    if as_json:
        text = json.dumps(found.as_dict(), ensure_ascii=False, allow_nan=False, indent=1)
        sys.stdout.write(text + "\n")
        return
    _print(found, html)


def _in_folder(folder: Path) -> str:
    """Say which models are in a folder that was given instead of one."""
    found = sorted(folder.glob(f"cells/*/{MODEL}")) or sorted(folder.glob("*.safetensors"))
    if not found:
        return f"{folder} is a folder without models; give a model's file"
    some = ", ".join(str(path) for path in found[:6])
    more = f" and {len(found) - 6} more" if len(found) > 6 else ""
    return f"{folder} is a folder; give one of its models: {some}{more}"


def _print(found: Inspection, html: Path | None) -> None:
    from graduel.cli.views.inspect_view import show

    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    show(found, console)
    if html is not None:
        console.print(f"\nThe page: {html}", highlight=False, markup=False, soft_wrap=True)


def _example(subject: ExplainedModel, wanted: InspectOptions) -> tuple[Any, int | None, str, str]:
    """Return one row, its class code if it is known, where it stands, and the decimal sign."""
    name = wanted.data if wanted.data is not None else subject.kept.task.name
    if wanted.data is not None and Path(wanted.data).suffix.lower() in ENDINGS:
        return _image(subject, Path(wanted.data)), None, wanted.data, "."
    if name in DATASETS:
        data = load_dataset(name)
        return _of_dataset(subject, data, wanted.row, data.test_rows, f"test row {wanted.row}")
    if wanted.data is None and name not in TOYS:
        raise UserError(
            f"the model learned from {name!r}, which is no name that graduel knows; "
            "give the example's file as --data"
        )
    if subject.kept.preparation is None or name in TOYS:
        data = open_source(name).load()
        rows = np.arange(len(data.y))
        return _of_dataset(subject, data, wanted.row, rows, f"row {wanted.row} of {data.name}")
    source = read_source(name)
    if isinstance(source.content, Dataset):
        raise UserError(f"the model learned from a table; {name} holds images")
    frame = source.content
    _check_row(wanted.row, len(frame))
    one = frame[wanted.row : wanted.row + 1]
    return one, _label(subject, one), f"row {wanted.row} of {source.name}", source.decimal


def _of_dataset(
    subject: ExplainedModel, data: Dataset, row: int, rows: Any, where: str
) -> tuple[Any, int, str, str]:
    _check_row(row, len(rows))
    at = int(rows[row])
    label = data.classes[int(data.y[at])]
    return data.table[at : at + 1], _code(label, subject.classes), where, "."


def _check_row(row: int, rows: int) -> None:
    if not 0 <= row < rows:
        raise UserError(f"--row must be from 0 to {rows - 1:,}; got {row}")


def _label(subject: ExplainedModel, frame: pl.DataFrame) -> int | None:
    """Return the class code of a table's row, where its target stands in it and is known."""
    target = subject.kept.task.target
    if target is None or target not in frame.columns:
        return None
    (text,) = category_text(frame[target])
    return subject.classes.index(text) if text in subject.classes else None


def _code(label: str, classes: tuple[str, ...]) -> int:
    if label not in classes:
        raise unknown("label", label, classes)
    return classes.index(label)


def _image(subject: ExplainedModel, path: Path) -> Any:
    """Read one image; a digit is prepared as MNIST's were."""
    from PIL import Image, UnidentifiedImageError

    from graduel.glassbox.digit.mnist_preparation import prepare_digit
    from graduel.glassbox.digit.photo import extract_ink

    shape = subject.image
    if shape is None:
        raise UserError(f"the model takes no images; {path} is one")
    try:
        with Image.open(path) as image:
            image.load()
            if subject.kept.task.name == "mnist":
                return prepare_digit(extract_ink(image), steps=False).image[np.newaxis]
            resized = image.convert("L" if shape[2] == 1 else "RGB").resize((shape[1], shape[0]))
            return np.asarray(resized, np.uint8).reshape(1, *shape)
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError):
        raise UserError(f"{path}: expected an image; it cannot be read as one") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
