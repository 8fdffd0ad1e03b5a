"""A cache folder of a loaded data set, so that it is read and its schema inferred once per run.

    X.arrow      the features of a table as uncompressed Arrow IPC; images are in X.npy
    y.npy, …     class codes, groups, times, and row numbers in the source table
    dataset.json the other fields, and the SHA-256 of every other file; written last

The checksums detect truncated files, so the files need not be flushed to disk.

Source: the Arrow IPC file format, https://arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.column import Column
from graduel.data.dataset import Dataset
from graduel.data.finding import Finding
from graduel.data.prepare.pixel_format import PixelFormat
from graduel.data.read.checksum import file_sha256
from graduel.data.table import DroppedColumn, Table
from graduel.errors import UserError
from graduel.serialize import from_plain, read_json, to_plain, write_json

MANIFEST, FRAME, IMAGES = "dataset.json", "X.arrow", "X.npy"


@dataclass(frozen=True, slots=True)
class _TableInfo:
    """The fields of a :class:`Table` that are neither DataFrames nor arrays."""

    columns: tuple[Column, ...]
    target: str
    set_aside: tuple[DroppedColumn, ...]
    notes: tuple[str, ...]
    formats: Mapping[str, str]
    decimals: Mapping[str, str]
    folded: tuple[str, ...]
    missing: tuple[str, ...]
    merges_classes: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _Manifest:
    """The fields of a :class:`Dataset` that are neither DataFrames nor arrays, and checksums."""

    name: str
    classes: tuple[str, ...]
    n_train: int | None
    source: str
    pixels: PixelFormat | None
    notes: tuple[str, ...]
    findings: tuple[Finding, ...]
    table: _TableInfo | None
    sha256: Mapping[str, str]
    log_target: bool = False


def write_dataset(folder: Path, dataset: Dataset) -> None:
    """Write a loaded data set to a folder."""
    table = dataset.inferred_table
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {"y.npy": dataset.y, "groups.npy": dataset.groups, "times.npy": dataset.times}
    info = None
    if table is None:
        arrays[IMAGES] = dataset.X
    else:
        arrays["rows.npy"] = table.rows
        table.frame.write_ipc(folder / FRAME)
        info = _TableInfo(**{one.name: getattr(table, one.name) for one in fields(_TableInfo)})
    names = [] if table is None else [FRAME]
    for name, array in arrays.items():
        if array is not None:
            np.save(folder / name, array, allow_pickle=False)
            names.append(name)
    manifest = _Manifest(
        dataset.name,
        dataset.classes,
        dataset.n_train,
        dataset.source,
        dataset.pixels,
        dataset.notes,
        dataset.findings,
        info,
        {name: file_sha256(folder / name) for name in names},
        dataset.log_target,
    )
    plain = to_plain(manifest)
    write_json(folder / MANIFEST, {"sha256": _text_digest(plain), "dataset": plain})


def read_dataset(folder: Path) -> Dataset:
    """Read the data set that :func:`write_dataset` wrote; images are memory-mapped.

    Every file's checksum is verified first, which takes a second per gigabyte. Polars 1
    memory-maps Arrow files, Polars 2 reads them into memory (pola-rs/polars#28258).

    Raises
    ------
    UserError
        If a file is missing or damaged.
    """
    import polars as pl

    manifest = _verify(folder)
    info = manifest.table
    arrays = {name: _load_array(folder / name) for name in manifest.sha256 if name.endswith(".npy")}
    if info is None:
        return Dataset(
            manifest.name,
            arrays[IMAGES],
            arrays["y.npy"],
            manifest.classes,
            manifest.n_train,
            manifest.source,
            pixels=manifest.pixels,
            notes=manifest.notes,
            findings=manifest.findings,
        )
    table = Table(
        name=manifest.name,
        frame=pl.read_ipc(folder / FRAME).rechunk(),
        y=arrays["y.npy"],
        classes=manifest.classes,
        rows=arrays["rows.npy"],
        **{one.name: getattr(info, one.name) for one in fields(_TableInfo)},
    )
    return Dataset.from_table(
        table,
        n_train=manifest.n_train,
        source=manifest.source,
        groups=arrays.get("groups.npy"),
        times=arrays.get("times.npy"),
        notes=manifest.notes,
        findings=manifest.findings,
        log_target=manifest.log_target,
    )


def is_intact(folder: Path) -> bool:
    """Return whether a folder holds a complete data set with matching checksums."""
    try:
        _verify(folder)
    except UserError:
        return False
    return True


def _verify(folder: Path) -> _Manifest:
    """Return the manifest of a folder; raise if a file does not match its checksum."""
    path = folder / MANIFEST
    content = read_json(path)
    try:
        plain, intact = content["dataset"], content["sha256"] == _text_digest(content["dataset"])
    except (TypeError, LookupError):
        plain, intact = None, False
    if not intact:
        raise _damage_error(path)
    manifest = from_plain(_Manifest, plain, str(path))
    for name, digest in manifest.sha256.items():
        try:
            intact = file_sha256(folder / name) == digest
        except OSError as error:
            raise UserError(f"{folder / name}: cannot be read ({error.strerror})") from None
        if not intact:
            raise _damage_error(folder / name)
    return manifest


def _damage_error(path: Path) -> UserError:
    return UserError(
        f"{path}: expected the cached data as written; the file is damaged. Delete the duel's "
        "folder and run it again"
    )


def _text_digest(plain: Any) -> str:
    """Return the SHA-256 of plain data as JSON."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _load_array(path: Path) -> NDArray[Any]:
    """Return an array; images, which may be large, as a copy-on-write mapping of their file."""
    if path.name != IMAGES:
        with path.open("rb") as file:
            return np.lib.format.read_array(file)
    return np.asarray(np.load(path, mmap_mode="c"))
