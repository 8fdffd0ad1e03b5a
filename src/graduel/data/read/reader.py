"""Reading of data from a file, a folder or by name; the format is detected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from graduel.data.dataset import Dataset
from graduel.data.read import parquet
from graduel.data.read.delimited import csv
from graduel.data.read.delimited.dialect import detect_dialect
from graduel.data.read.images.idx import NAME, find_idx_files, read_idx_folder
from graduel.data.read.images.image_folders import ENDINGS, read_images
from graduel.data.read.memory_check import check_memory, table_bytes
from graduel.data.read.npz import read_npz
from graduel.data.read.openml import read_openml
from graduel.data.read.toy_datasets import TOYS, load_toy
from graduel.errors import UserError, suggest

if TYPE_CHECKING:
    import polars as pl

OPENML = "openml:"
READ_COPIES = 3
"""Approximate number of copies of a table in memory while it is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Data as read, before their schema is inferred.

    Attributes
    ----------
    name : the data's name
    content : a DataFrame with unique column names, or a complete data set
    notes : decisions of the reader, one sentence each
    target : the target column, if the source names it
    decimal : decimal sign of text columns
    origin : the origin of the data, for people
    """

    name: str
    content: pl.DataFrame | Dataset
    notes: tuple[str, ...] = ()
    target: str | None = None
    decimal: str = "."
    origin: str = ""


def read_source(
    text: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
    size: tuple[int, int] | None = None,
    sample: int | None = None,
    target: str | None = None,
) -> Source:
    """Read data from a file, a folder, or by name.

    Parameters
    ----------
    text : a table (CSV or other delimited text, also gzipped or zipped; Parquet), an NPZ file, a
        folder with one folder of images per class or with four IDX files, a toy set of scikit-learn
        (``iris``), or ``openml:NAME`` or ``openml:NUMBER``
    separator, decimal, encoding, header : the format of a text file; detected by default
    size : height and width to which images are resized
    sample : size of a stratified sample; the table is read block by block and may be larger than
        memory
    target : the column whose classes stratify the sample

    Raises
    ------
    UserError
        If the source does not exist, cannot be read, or does not fit into memory.

    Examples
    --------
    >>> source = read_source("iris")
    >>> source.content.shape, source.target
    ((150, 5), 'target')
    """
    name, path = str(text), Path(text)
    if name in TOYS and not path.exists():
        target = None if name == "digits" else "target"
        return Source(name, load_toy(name), target=target, origin=TOYS[name])
    if name.startswith(OPENML):
        frame, one, notes = read_openml(name.removeprefix(OPENML))
        origin = f"OpenML, data set {one.number}; license: {one.about.get('licence')}"
        usual = one.about.get("default_target_attribute")
        return Source(one.name, frame, tuple(notes), usual, origin=origin)
    kind = detect_format(path)
    if kind == "folder":
        return _read_folder(path, size)
    if kind == "npz":
        return Source(path.stem, read_npz(path), origin=path.name)
    if sample is None:
        check_memory(path, table_bytes(path, kind), READ_COPIES)
    text_decimal = "."
    if kind == "parquet":
        if sample is None:
            frame, notes = parquet.read_parquet(path)
        else:
            column = target or _require_target(parquet.scan_parquet(path))
            frame, notes = parquet.sample_parquet(path, column, sample)
    else:
        dialect = detect_dialect(
            path, separator=separator, decimal=decimal, encoding=encoding, header=header
        )
        if sample is None:
            frame, notes = csv.read_csv(path, dialect)
        else:
            column = target or _require_target(block for _, block in csv.scan_csv(path, dialect))
            frame, notes = csv.sample_csv(path, dialect, column, sample)
        text_decimal = dialect.decimal
    stem = path.name.partition(".")[0] or path.name
    return Source(stem, frame, tuple(notes), decimal=text_decimal, origin=path.name)


def _require_target(blocks: Iterator[pl.DataFrame]) -> NoReturn:
    """Raise the error that no target is named, with likely targets from the first rows."""
    from graduel.data.target import NoTargetError

    raise NoTargetError(next(blocks))


def _read_folder(path: Path, size: tuple[int, int] | None) -> Source:
    name = path.resolve().name
    try:
        if files := find_idx_files(path):
            return Source(name, read_idx_folder(path, files), origin=path.name)
        dataset, notes = read_images(path, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    return Source(name, dataset, tuple(notes), origin=path.name)


def detect_format(path: Path) -> str:
    """Return a path's format by its first bytes: ``folder``, ``npz``, ``parquet`` or ``text``."""
    try:
        if path.is_dir():
            return "folder"
        if path.exists() and not path.is_file():
            raise UserError(
                f"{path}: expected a file or a folder; it is a pipe or a device, which can be "
                "read only once. Save its content as a file first"
            )
        with path.open("rb") as file:
            head = file.read(4)
    except FileNotFoundError:
        if path.suffix or len(path.parts) > 1:
            raise UserError(f"{path}: expected a file or a folder; there is no such path") from None
        raise _unknown_name(str(path)) from None
    except UserError:
        raise
    except (OSError, ValueError) as error:
        raise UserError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})"
        ) from None
    if head == parquet.MAGIC:
        return "parquet"
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        raise UserError(
            f"{path}: expected a Parquet file; it begins with {head!r}. Name it after its format"
        )
    if suffix in (".npz", ".npy"):
        return "npz"
    if NAME.fullmatch(path.name):
        raise UserError(f"{path}: is one of four IDX files. Give the folder with all four")
    if suffix in ENDINGS:
        raise UserError(
            f"{path}: is a single image. Give a folder with one folder of images per class"
        )
    return "text"


def _unknown_name(name: str) -> UserError:
    """Return the error for a name that is neither a path nor a data set."""
    names = [*TOYS, "mnist"]
    return UserError(
        f"expected a file, a folder, {OPENML}NAME or one of {', '.join(names)}; got {name!r}, "
        f"and there is no such path{suggest(name, names)}"
    )
