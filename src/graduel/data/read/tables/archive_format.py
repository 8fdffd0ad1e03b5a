"""The format of tables in MATLAB files (.mat) and HDF5 files (.h5)."""

from __future__ import annotations

from pathlib import Path

from graduel.data.read.arrays.archive_columns import holds_table, read_columns
from graduel.data.read.arrays.array_archive import is_archive, is_matlab, is_matlab_5
from graduel.data.read.file_checks.isolated_check import check_isolated
from graduel.data.read.tables.streamed_format import stream_frame, streamed_format
from graduel.data.read.tables.table_format import ReadOptions, Stream


def _scan(path: Path, options: ReadOptions) -> Stream:
    frame, notes, target = read_columns(path, options.part)
    kind = "MATLAB" if is_matlab(path) else "HDF5"
    return stream_frame(frame, path, tuple(f"{kind}: {note}" for note in notes), target)


def _check(path: Path, options: ReadOptions) -> None:
    if not is_matlab_5(path):
        check_isolated(path, options.part, "MATLAB or HDF5")


ARCHIVE = streamed_format(
    title="MATLAB/HDF5",
    endings=(".mat", ".h5", ".hdf5"),
    recognize=lambda path, head: is_archive(head) and holds_table(path),
    scan=_scan,
    memory_bytes=lambda path, _: path.stat().st_size,
    check=_check,
    parts="array",
)
