"""Parquet files as one table of row groups, which is read a row group at a time."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.column_names import quote_name, sanitize_names
from graduel.data.read.file_names import split_part
from graduel.data.read.named_data.database_url import is_url
from graduel.data.read.parquet import parquet_bytes, parquet_errors, parquet_schema
from graduel.data.read.tables.parquet_format import PARQUET
from graduel.data.row_groups.parquet_footer import read_row_counts
from graduel.errors import UserError

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group: its number in the table, its file, and its rows in the file and the table."""

    number: int
    path: Path
    start: int
    n_rows: int
    first_row: int
    """Number of rows before it in the table."""


@dataclass(frozen=True, slots=True)
class ParquetShards:
    """A table in Parquet files with equal columns, as row groups.

    Attributes
    ----------
    name : the table's name
    files : the files in natural order
    row_groups : the row groups with rows, in the order of the files; in a shard, a part of them
    types : names and types of the columns

    Raises
    ------
    UserError
        If a row group cannot be read.
    """

    name: str
    files: tuple[Path, ...]
    row_groups: tuple[RowGroup, ...]
    types: dict[str, pl.DataType]

    @property
    def n_rows(self) -> int:
        """The number of rows."""
        return sum(group.n_rows for group in self.row_groups)

    def shard(self, rank: int, size: int) -> ParquetShards:
        """Return the part of worker `rank` of `size`: every `size`-th row group by its rows.

        Row groups sorted by their numbers of rows are dealt back and forth (0, 1, 1, 0, 0, …), so
        that workers have nearly equal numbers of rows. Each row group is in one shard.

        Raises
        ------
        ValueError
            If `rank` is not from 0 to `size` − 1.
        """
        if not 0 <= rank < size:
            raise ValueError(f"rank must be from 0 to {size - 1}; got {rank}")
        ranked = sorted(self.row_groups, key=lambda group: (-group.n_rows, group.number))
        turns = [*range(size), *reversed(range(size))]
        mine = [group for i, group in enumerate(ranked) if turns[i % (2 * size)] == rank]
        return replace(self, row_groups=tuple(sorted(mine, key=lambda group: group.number)))

    def read(self, group: RowGroup, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read a row group, or some of its columns."""
        import polars as pl

        with parquet_errors(group.path):
            # By position: names in the file may occur twice or be empty.
            table = pl.scan_parquet(group.path, glob=False)
            file_names = table.collect_schema().names()
            names = list(self.types)
            if columns is not None:
                table = table.select([file_names[names.index(name)] for name in columns])
            frame = table.slice(group.start, group.n_rows).collect()
        frame.columns = names if columns is None else list(columns)
        if len(frame) != group.n_rows:
            raise UserError(f"{group.path}: the file changed while it was read. Try again")
        return frame

    def stream(
        self, groups: Sequence[RowGroup] | None = None, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[RowGroup, pl.DataFrame]]:
        """Yield row groups in this order; the next one is read in the background."""
        queue = list(self.row_groups if groups is None else groups)
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(self.read, queue[0], columns) if queue else None
            for i, group in enumerate(queue):
                assert following is not None
                frame = following.result()
                if i + 1 < len(queue):
                    following = pool.submit(self.read, queue[i + 1], columns)
                yield group, frame

    def memory_bytes(self) -> int:
        """Estimate the size of the table in memory, in bytes, from the first rows of each file."""
        return sum(parquet_bytes(path) for path in {one.path for one in self.row_groups})


def open_shards(text: str | Path) -> ParquetShards:
    """Open a folder of Parquet files, a glob such as ``'big/*.parquet'``, or one Parquet file.

    Raises
    ------
    UserError
        If there are no such files, their columns or types differ, a file is damaged, or there are
        no rows.
    """
    files = list_parquet(text)
    if not files:
        raise UserError(
            f"{text}: expected Parquet files; there are none. Give a folder with files that end "
            "in .parquet, or a quoted pattern such as 'data/*.parquet'"
        )
    name = Path(text).name if Path(text).is_dir() else files[0].parent.name
    if Path(text).is_file():
        name = Path(text).stem
    return open_files(files, name or "table")


def open_files(files: Sequence[Path], name: str) -> ParquetShards:
    """Open these Parquet files as one table; errors are those of :func:`open_shards`."""
    types = parquet_schema(files[0])
    for path in files[1:]:
        _check_types(files[0], types, path, parquet_schema(path))
    if not types:
        raise UserError(f"{files[0]}: expected a table; it has no columns")
    groups: list[RowGroup] = []
    total = 0
    for path in files:
        start = 0
        for n_rows in read_row_counts(path):
            if n_rows:
                groups.append(RowGroup(len(groups), path, start, n_rows, total))
            start, total = start + n_rows, total + n_rows
    if not groups:
        raise UserError(
            f"{files[0]}: expected rows; the {len(files):,} Parquet files of the table have none"
        )
    names, _ = sanitize_names(list(types))
    return ParquetShards(
        name,
        tuple(files),
        tuple(groups),
        dict(zip(names, types.values(), strict=True)),
    )


def list_parquet(text: str | Path) -> list[Path]:
    """Return the Parquet files of a folder, a glob or a path, in natural order."""
    path = Path(text)
    if path.is_dir():
        candidates = [file for file in path.iterdir() if file.is_file()]
    elif path.is_file():
        candidates = [path]
    else:
        candidates = [Path(file) for file in glob.glob(str(text)) if Path(file).is_file()]
    files = filter(is_parquet, candidates)
    return sorted(files, key=_by_number)


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Return a sort key that orders the numbers in a name by value: 2 before 10."""
    parts = re.split(r"([0-9]+)", str(path))
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]


def is_parquet(path: Path) -> bool:
    """Return whether a file is named like a Parquet file, and not hidden.

    >>> [is_parquet(Path(name)) for name in ("a/b.parquet", "_metadata.parquet", "a.csv")]
    [True, False, False]
    """
    return path.name.lower().endswith(PARQUET.endings) and not path.name.startswith((".", "_"))


def is_glob(text: str | Path) -> bool:
    """Return whether a text is a pattern of file names rather than an existing path."""
    path, part = split_part(text)
    return part is None and not is_url(text) and glob.has_magic(str(path)) and not path.exists()


def _check_types(
    first: Path, types: dict[str, pl.DataType], path: Path, others: dict[str, pl.DataType]
) -> None:
    """Raise unless both files have the same columns of the same types, in the same order."""
    for name, kind in types.items():
        if name not in others:
            raise UserError(
                f"{path}: expected the columns of {first.name}; column {quote_name(name)} is "
                "missing. Add it, or move the file away"
            )
        if others[name] != kind:
            raise UserError(
                f"{path}: column {quote_name(name)}: expected the type {kind}, as in {first.name}; "
                f"got {others[name]}. Convert it"
            )
    if extra := [name for name in others if name not in types]:
        raise UserError(
            f"{path}: expected the columns of {first.name}; got also {quote_name(extra[0])}. "
            "Remove it, or move the file away"
        )
    if list(types) != list(others):
        at = next(i for i, pair in enumerate(zip(types, others, strict=True)) if pair[0] != pair[1])
        raise UserError(
            f"{path}: expected the columns in the order of {first.name}; column {at + 1} is "
            f"{quote_name(list(others)[at])} instead of {quote_name(list(types)[at])}. "
            "Reorder the columns"
        )


def spread_rows(group: RowGroup, total: int, size: int, seed: int) -> NDArray[np.int64]:
    """Return sorted rows of a group for a sample of `size` rows spread over all row groups.

    Each group gives its share of the rows, drawn by a generator keyed by (seed, row group).
    """
    take = min(group.n_rows, int(np.ceil(size * group.n_rows / total)))
    rng = np.random.default_rng([seed, group.number, 1])
    return np.sort(rng.choice(group.n_rows, take, replace=False))
