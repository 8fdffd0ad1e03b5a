"""Listing of the tables in a folder."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.arrays.labeled_arrays import natural_order
from graduel.data.read.file_names import split_part, unpacked_name
from graduel.data.read.images.idx import find_idx_sets
from graduel.data.read.images.image_folders import has_class_folders
from graduel.data.read.tables.format_registry import table_endings
from graduel.errors import UserError


def list_tables(path: Path) -> list[Path]:
    """Return the tables in a folder in natural order; [] for a folder of images or a file.

    A folder with IDX files, or with folders of images in it, is a folder of images regardless of
    its other files. Files with other endings (a README, a license) are ignored.

    Examples
    --------
    >>> list_tables(Path("a file.csv"))
    []
    """
    if split_part(path)[1] is not None:
        return []
    try:
        if not path.is_dir() or find_idx_sets(path) or has_class_folders(path):
            return []
        tables = [file for file in path.iterdir() if file.is_file() and is_table(file.name)]
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    return sorted(tables, key=lambda file: natural_order(file.name))


def is_table(name: str) -> bool:
    """Return whether a file name has the ending of a table, compressed or not.

    >>> [is_table(name) for name in ("a.csv", "B.TSV.gz", "README.md", ".hidden.csv")]
    [True, True, False, False]
    """
    return unpacked_name(name).endswith(table_endings()) and not name.startswith(".")
