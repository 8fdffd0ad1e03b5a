"""Check of a user's file, in a separate process where a damaged file may crash its reader."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.arrays.array_archive import is_matlab_5
from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.file_names import split_part
from graduel.data.read.reader import detect_format, reject_part
from graduel.data.read.tables.table_format import ReadOptions, TableFormat


def check_file(text: str | Path) -> None:
    """Raise if a file cannot be read, without a risk to this process; folders and names pass.

    Parameters
    ----------
    text : a path, also of a part of a file

    Raises
    ------
    UserError
        If the file is damaged.
    """
    path, part = split_part(text)
    if not path.is_file():
        return
    kind = detect_format(path)
    reject_part(path, kind, part)
    if isinstance(kind, TableFormat):
        if kind.check is not None:
            kind.check(path, ReadOptions(part=part))
    elif kind == "archive" and not is_matlab_5(path):
        check_isolated(path, None, "MATLAB or HDF5")
