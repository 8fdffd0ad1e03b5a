"""Reading of data from a file, a folder or by name; the format is detected."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from graduel.data.dataset import Dataset
from graduel.data.finding import Finding
from graduel.data.read.arrays.archive_columns import read_archive
from graduel.data.read.arrays.array_archive import is_archive
from graduel.data.read.arrays.npz import read_npz
from graduel.data.read.file_checks.memory_check import check_memory, table_bytes
from graduel.data.read.file_names import SIGN, name_part, split_part
from graduel.data.read.images.idx import (
    find_idx_sets,
    find_own_set,
    parse_idx_name,
    read_idx_folder,
)
from graduel.data.read.images.image_files import ENDINGS, list_formats
from graduel.data.read.images.image_folders import OTHER_IMAGES, read_images
from graduel.data.read.images.web_dataset import is_tar, read_tar
from graduel.data.read.named_data.database import read_database
from graduel.data.read.named_data.database_url import is_url
from graduel.data.read.named_data.openml import read_openml
from graduel.data.read.named_data.toy_datasets import TOYS, load_toy
from graduel.data.read.tables.delimited_format import DELIMITED
from graduel.data.read.tables.format_registry import recognize_table
from graduel.data.read.tables.table_format import ReadOptions, TableFormat
from graduel.errors import UserError, suggest

if TYPE_CHECKING:
    import polars as pl

ArrayKind = Literal["folder", "idx", "npz", "archive", "tar"]
"""Sources of images or arrays: an archive is a file of MATLAB or HDF5, a tar file a WebDataset."""
OPENML = "openml:"
HEAD = 512
"""Number of first bytes by which a format is recognized."""
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
    findings : uncertain decisions of the reader
    """

    name: str
    content: pl.DataFrame | Dataset
    notes: tuple[str, ...] = ()
    target: str | None = None
    decimal: str = "."
    origin: str = ""
    findings: tuple[Finding, ...] = ()


def read_source(
    text: str | Path,
    *,
    separator: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    header: bool | int | None = None,
    names: tuple[str, ...] = (),
    quote: str | None = None,
    part: str | None = None,
    size: tuple[int, int] | None = None,
    sample: int | None = None,
    target: str | None = None,
) -> Source:
    """Read data from a file, a folder, or by name.

    Parameters
    ----------
    text : a file with a table of one of the formats in ``TABLE_FORMATS`` or with arrays or images
        (NPZ, MATLAB, HDF5, tar), a folder with one folder of images per class or with four IDX
        files, a toy set of scikit-learn (``iris``), ``openml:NAME`` or ``openml:NUMBER``, or the
        URL of a PostgreSQL or MySQL server
    separator, decimal, encoding, header, names, quote : the format of a text file, as in
        ``detect_dialect``; detected by default
    part : the table in a file of several tables, if `text` does not name it after ``::``
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
    name, (path, named) = str(text), split_part(text)
    part = part or named
    if name in TOYS and not path.exists():
        target = None if name == "digits" else "target"
        return Source(name, load_toy(name), target=target, origin=TOYS[name])
    if name.startswith(OPENML):
        frame, one, notes = read_openml(name.removeprefix(OPENML))
        origin = f"OpenML, data set {one.number}; license: {one.about.get('licence')}"
        usual = one.about.get("default_target_attribute")
        return Source(one.name, frame, tuple(notes), usual, origin=origin)
    if is_url(name):
        frame, stem, where, notes = read_database(name)
        return Source(stem, frame, tuple(notes), origin=where)
    table_format = detect_format(path)
    reject_part(path, table_format, part)
    if not isinstance(table_format, TableFormat):
        return _read_arrays(path, table_format, size)
    options = ReadOptions(separator, decimal, encoding, header, names, quote, part)
    if sample is None:
        check_memory(path, table_bytes(path, table_format, part), READ_COPIES)
        table = table_format.read(path, options)
    else:
        table = table_format.sample(path, options, target, sample)
    stem = path.name.partition(".")[0] or path.name
    return Source(
        name_part(stem, part),
        table.frame,
        table.notes,
        table.target,
        decimal or table.decimal,
        path.name,
        findings=table.findings,
    )


def _read_arrays(path: Path, kind: ArrayKind, size: tuple[int, int] | None) -> Source:
    """Read images, or rows of numbers with labels."""
    if kind == "npz":
        return Source(path.stem, read_npz(path), origin=path.name)
    if kind == "idx":
        own = find_own_set(path)
        assert own is not None
        return Source(own.name, read_idx_folder(path.parent, [own]), origin=path.name)
    if kind == "archive":
        dataset, notes = read_archive(path)
        return Source(path.stem, dataset, tuple(notes), origin=path.name)
    if kind == "tar":
        dataset, notes = read_tar(path, size)
        return Source(dataset.name, dataset, tuple(notes), origin=path.name)
    name = path.resolve().name
    try:
        if sets := find_idx_sets(path):
            return Source(name, read_idx_folder(path, sets), origin=path.name)
        dataset, notes = read_images(path, size)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    return Source(name, dataset, tuple(notes), origin=path.name)


def reject_part(path: Path, table_format: object, part: str | None) -> None:
    """Raise if a part of a file is named, and the format holds one table in a file."""
    if part is not None and not (isinstance(table_format, TableFormat) and table_format.parts):
        raise UserError(f"{path}: holds one table, not several. Leave {SIGN}{part} out")


def detect_table(path: Path) -> TableFormat | None:
    """Return the format of the table in a file; None if the path holds images or arrays."""
    detected = detect_format(path)
    return detected if isinstance(detected, TableFormat) else None


def detect_format(path: Path) -> TableFormat | ArrayKind:
    """Return the kind of a path: ``folder``, ``idx``, …, or the format of its table.

    An IDX file stands for its data set if its folder holds several.

    The registry recognizes a table by the first bytes of its file; every file without another
    format is delimited text.
    """
    try:
        if path.is_dir():
            return "folder"
        if path.exists() and not path.is_file():
            raise UserError(
                f"{path}: expected a file or a folder; it is a pipe or a device, which can be "
                "read only once. Save its content as a file first"
            )
        with path.open("rb") as file:
            head = file.read(HEAD)
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
    if table_format := recognize_table(path, head):
        return table_format
    return _detect_arrays(path, head) or DELIMITED


def _detect_arrays(path: Path, head: bytes) -> ArrayKind | None:
    """Return the kind of a file of images or arrays; None for other files."""
    suffix = path.suffix.lower()
    if is_archive(head):
        return "archive"
    if is_tar(path, head):
        return "tar"
    if suffix in (".npz", ".npy"):
        return "npz"
    if find_own_set(path):
        return "idx"
    if parse_idx_name(path):
        raise UserError(f"{path}: is one of four IDX files. Give the folder with all four")
    if suffix in OTHER_IMAGES:
        raise UserError(
            f"{path}: expected an image of a format that is read ({list_formats()}). Convert it "
            "to PNG"
        )
    if suffix in ENDINGS:
        raise UserError(
            f"{path}: is a single image. Give a folder with one folder of images per class"
        )
    return None


def _unknown_name(name: str) -> UserError:
    """Return the error for a name that is neither a path nor a data set."""
    names = [*TOYS, "mnist"]
    return UserError(
        f"expected a file, a folder, {OPENML}NAME or one of {', '.join(names)}; got {name!r}, "
        f"and there is no such path{suggest(name, names)}"
    )
