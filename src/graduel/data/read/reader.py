"""One way in: from a path or a name to a table or a data set."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from graduel.data.dataset import Dataset
from graduel.data.read import parquet
from graduel.data.read.delimited import csv
from graduel.data.read.delimited.dialect import detect_dialect
from graduel.data.read.images.idx_folder import NAME, find_idx_files, read_idx_folder
from graduel.data.read.images.image_folders import ENDINGS, read_images
from graduel.data.read.memory_check import check_memory, table_bytes
from graduel.data.read.npz import read_npz
from graduel.data.read.openml import read_openml
from graduel.data.read.toy_datasets import TOYS, load_toy
from graduel.errors import UserError, unknown

if TYPE_CHECKING:
    import polars as pl

OPENML = "openml:"
READING = 3
"""How many times a table is in memory while it is read, about."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What was read.

    Attributes
    ----------
    name : what it is called
    content : a table with column names that are unique, or a complete data set
    notes : what was decided while reading, a sentence each
    target : the target's column, where the source says it
    decimal : the decimal sign of its text, for reading columns of text further
    origin : where the data come from
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
    text : a table (CSV or its kin, also gzipped or zipped; Parquet), an NPZ file, a folder of
        class-named folders of images or of the four IDX files, a toy set of scikit-learn
        (``iris``), or ``openml:NAME`` or ``openml:NUMBER``
    separator, decimal, encoding, header : of a table of text; found out if not given
    size : height and width that images are brought to
    sample : of a table in a file, about how many rows are held, each class by its share; the table
        itself is gone through block by block and may be larger than memory
    target : the column that holds the classes of a sample

    Raises
    ------
    UserError
        If there is no such source, it cannot be read, or it does not go into memory. The message
        says where and what to do.

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
        origin = f"OpenML, data set {one.number}; licence: {one.about.get('licence')}"
        usual = one.about.get("default_target_attribute")
        return Source(one.name, frame, tuple(notes), usual, origin=origin)
    kind = detect_format(path)
    if kind == "folder":
        return _read_folder(path, size)
    if kind == "npz":
        return Source(path.stem, read_npz(path), origin=path.name)
    if sample is None:
        check_memory(path, table_bytes(path, kind), READING)
    decimal_found = "."
    if kind == "parquet":
        if sample is None:
            frame, notes = parquet.read_parquet(path)
        else:
            wanted = target or _ask(parquet.scan_parquet(path))
            frame, notes = parquet.sample_parquet(path, wanted, sample)
    else:
        dialect = detect_dialect(
            path, separator=separator, decimal=decimal, encoding=encoding, header=header
        )
        if sample is None:
            frame, notes = csv.read_csv(path, dialect)
        else:
            wanted = target or _ask(csv.scan_csv(path, dialect))
            frame, notes = csv.sample_csv(path, dialect, wanted, sample)
        decimal_found = dialect.decimal
    stem = path.name.partition(".")[0] or path.name
    return Source(stem, frame, tuple(notes), decimal=decimal_found, origin=path.name)


def _ask(blocks: Iterator[pl.DataFrame]) -> NoReturn:
    """Ask for the target of a table, by its first rows."""
    from graduel.data.target import NoTargetError

    raise NoTargetError(next(blocks))


def _read_folder(path: Path, size: tuple[int, int] | None) -> Source:
    name = path.resolve().name
    try:
        if files := find_idx_files(path):
            return Source(name, read_idx_folder(path, files), origin=path.name)
        made, notes = read_images(path, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    return Source(name, made, tuple(notes), origin=path.name)


def detect_format(path: Path) -> str:
    """Tell what a path is: ``folder``, ``npz``, ``parquet`` or ``text``, by its first bytes.

    Raises
    ------
    UserError
        If there is nothing, or what is there cannot be data.
    """
    try:
        if path.is_dir():
            return "folder"
        if path.exists() and not path.is_file():
            raise UserError(
                f"{path}: expected a file or a folder; it is a pipe or a device, which can be read "
                "but once. Save its content as a file first"
            )
        with path.open("rb") as file:
            head = file.read(4)
    except FileNotFoundError:
        if path.suffix or len(path.parts) > 1:
            raise UserError(f"{path}: expected a file or a folder; there is none") from None
        raise unknown("a data set that is no file", str(path), (*TOYS, "mnist")) from None
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
        raise UserError(f"{path}: expected a Parquet file; it begins with {head!r}")
    if suffix in (".npz", ".npy"):
        return "npz"
    if NAME.fullmatch(path.name):
        raise UserError(f"{path}: is one of the four IDX files. Give the folder they are in")
    if suffix in ENDINGS:
        raise UserError(f"{path}: is one image. Give the folder of the folders, one for each class")
    return "text"


def count_rows(path: str | Path) -> int | None:
    """Return how many rows a table has, if that is known without reading it; else None."""
    path = Path(path)
    return parquet.parquet_rows(path) if detect_format(path) == "parquet" else None


def scan_batches(
    path: str | Path,
    rows: int,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield a table's rows in order, at most ``rows`` at a time, without holding the whole.

    Raises
    ------
    UserError
        If it is no table (CSV or its kin, Parquet) or cannot be read.
    """
    path = Path(path)
    kind = detect_format(path)
    if kind == "parquet":
        blocks = parquet.scan_parquet(path)
    elif kind == "text":
        blocks = csv.scan_csv(
            path,
            detect_dialect(
                path, separator=separator, decimal=decimal, encoding=encoding, header=header
            ),
        )
    else:
        raise UserError(f"{path}: expected a table (CSV or Parquet)")
    for block in blocks:
        for start in range(0, len(block), rows):
            yield block[start : start + rows]
