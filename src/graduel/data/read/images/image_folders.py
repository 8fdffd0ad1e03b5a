"""Reading of folders of images, one folder per class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.dataset import Dataset
from graduel.data.finding import FILES_LEFT_OUT, JOINED_PARTS, Finding
from graduel.data.read.arrays.labeled_arrays import dataset_from_arrays, natural_order
from graduel.data.read.column_names import join_names, quote_name
from graduel.data.read.images.image_files import (
    ImageFile,
    as_array,
    inspect_images,
    is_image,
    list_formats,
)
from graduel.errors import UserError

PART = re.compile(
    r"(?:.+[ _-])?(?:(?P<train>train(?:ing)?)|(?P<valid>valid(?:ation)?|val|dev)|"
    r"(?P<test>test(?:ing)?))(?:[ _-]?(?:set|data|images|imgs))?",
    re.IGNORECASE,
)
"""Names of the folders of a predefined split, such as Train, training_set or seg_train."""
OTHER_IMAGES = frozenset(
    (
        *(".heic", ".heif", ".avif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".ico", ".tga"),
        *(".dng", ".nef", ".cr2", ".arw", ".exr", ".hdr", ".dcm"),
    )
)
"""Endings of files that are images, but are not read."""
CLUTTER = frozenset(("thumbs.db", "desktop.ini", "__macosx"))
"""Names of files and folders that operating systems leave behind, in lower case."""
MOST_WRAPPERS = 3
"""Maximum number of folders, each the only one in its parent, around the folders of classes."""


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """The images of each class, and the other files."""

    images: dict[str, list[Path]]
    left_out: list[Path]


def list_folder(folder: Path) -> list[Path]:
    """Return the files and folders in a folder in order, without hidden ones and clutter."""
    return [path for path in sorted(folder.iterdir()) if not is_clutter(path.name)]


def is_clutter(name: str) -> bool:
    """Return whether a name is that of a hidden file or folder, or of an operating system's."""
    return name.startswith(".") or name.lower() in CLUTTER


def find_class_folders(folder: Path) -> ClassFolders:
    """Return the images of the classes: sorted files by sorted folder name.

    Raises
    ------
    UserError
        If a folder holds images, but none of a format that is read.
    """
    images, left_out = {}, []
    for one in list_folder(folder):
        if not one.is_dir():
            left_out.append(one)
            continue
        files = list_folder(one)
        readable, others = list[Path](), list[Path]()
        for path in files:
            (readable if path.is_file() and is_image(path) else others).append(path)
        if readable:
            images[one.name] = readable
            left_out += others
        else:
            _reject_lost_class(one, others)
            left_out.append(one)
    return ClassFolders(images, left_out)


def _reject_lost_class(folder: Path, paths: list[Path]) -> None:
    """Raise if the files in a folder are images, all of formats that are not read."""
    endings = Counter(path.suffix.lower() for path in paths)
    odd = {ending: count for ending, count in endings.items() if ending in OTHER_IMAGES}
    if odd:
        listed = ", ".join(f"{count:,} {ending}" for ending, count in odd.items())
        raise UserError(
            f"{folder}: expected images ({list_formats()}); got {listed}, so that this class would "
            "be missing. Convert them to PNG, or move the folder away"
        )


def read_images(folder: Path, size: tuple[int, int] | None = None) -> tuple[Dataset, list[str]]:
    """Read images as uint8: grayscale if all are grayscale, otherwise RGB.

    Folders such as ``train`` and ``test``, each with a folder per class, are a predefined split.

    Parameters
    ----------
    size : height and width to which images are resized; None if all have the same size

    Returns
    -------
    The data set, and notes.
    """
    top, findings = _unwrap(folder), list[Finding]()
    split = _find_parts(top)
    if split and not _has_images(split["train"]):
        parts, findings = _read_split(top, split)
    else:
        parts = [find_class_folders(top)]
    classes = sorted({name for part in parts for name in part.images}, key=natural_order)
    if len(classes) < 2:
        raise UserError(
            f"{folder}: expected a folder of images ({list_formats()}) for each of two classes or "
            f"more; got {join_names(classes) or 'no such folder'}"
        )
    findings += _report_left_out(top, parts)
    files = [
        (path, name) for part in parts for name in classes for path in part.images.get(name, ())
    ]
    dataset, notes = read_labeled(
        folder.resolve().name,
        [path for path, _ in files],
        np.array([name for _, name in files]),
        size,
        n_train=sum(map(len, parts[0].images.values())) if len(parts) == 2 else None,
        source=folder.name,
        findings=findings,
    )
    if top != folder:
        notes.append(f"the images are in the folder {top.relative_to(folder).as_posix()}")
    return dataset, notes


def read_labeled(
    name: str,
    files: Sequence[ImageFile],
    labels: NDArray[Any],
    size: tuple[int, int] | None,
    *,
    n_train: int | None = None,
    source: str = "",
    findings: Iterable[Finding] = (),
) -> tuple[Dataset, list[str]]:
    """Read image files with a label each; see :func:`read_images`."""
    images = inspect_images(files, size)
    X = as_array(images)
    height, width = images.size
    mode = "RGB" if images.has_color else "grayscale"
    notes = [f"{len(files):,} images of {height} × {width} pixels, {mode}"]
    dataset = dataset_from_arrays(
        name,
        X,
        labels,
        n_train=n_train,
        source=source,
        findings=(*findings, *images.findings()),
        background=images.background,
    )
    return dataset, notes


def has_class_folders(folder: Path) -> bool:
    """Return whether a folder holds folders of images, of classes or in the parts of a split."""
    top = _unwrap(folder)
    return any(
        inner.is_dir() and _has_images(inner)
        for outer in (top, *map(_unwrap, _find_parts(top).values()))
        for inner in list_folder(outer)
    )


def _unwrap(folder: Path) -> Path:
    """Return the folder inside folders that hold nothing else, as archives have them."""
    for _ in range(MOST_WRAPPERS):
        inner = list_folder(folder)
        if len(inner) != 1 or not inner[0].is_dir() or _has_images(inner[0]):
            break
        folder = inner[0]
    return folder


def _has_images(folder: Path) -> bool:
    return any(path.is_file() and is_image(path) for path in list_folder(folder))


def _find_parts(folder: Path) -> dict[str, Path]:
    """Return the folders of a predefined split by part: train, valid and test.

    Raises
    ------
    UserError
        If two folders are the same part.
    """
    parts: dict[str, Path] = {}
    for path in list_folder(folder):
        match = PART.fullmatch(path.name)
        if match is None or match.lastgroup is None or not path.is_dir():
            continue
        part = match.lastgroup
        if part in parts:
            raise UserError(
                f"{folder}: expected one folder of the {part} part; got {parts[part].name} and "
                f"{path.name}. Give one of them, or rename one"
            )
        parts[part] = path
    return parts if "train" in parts and len(parts) > 1 else {}


def _read_split(folder: Path, split: dict[str, Path]) -> tuple[list[ClassFolders], list[Finding]]:
    """Return training and test part, and how the folders were assigned to them."""
    folders = {part: find_class_folders(_unwrap(path)) for part, path in split.items()}
    for part, path in split.items():
        if not folders[part].images:
            remedy = "" if part == "train" else f". Give {split['train']} alone"
            raise UserError(
                f"{path}: expected a folder of images for each class; there is none{remedy}"
            )
    others = [path for path in list_folder(folder) if path not in split.values()]
    train, findings = folders["train"], list[Finding]()
    if "test" not in folders:
        findings.append(
            JOINED_PARTS.report(
                f"the folder {quote_name(split['valid'].name)} is the test part: there is no other"
            )
        )
    elif "valid" in folders:
        train = _join(train, folders["valid"])
        findings.append(
            JOINED_PARTS.report(
                f"the images in {quote_name(split['valid'].name)} are added to the training part, "
                "from which each fit takes its validation rows"
            )
        )
    test = folders.get("test", folders.get("valid", train))
    if names := [name for name in test.images if name not in train.images]:
        findings.append(
            JOINED_PARTS.report(
                f"the test part has classes without training images: {join_names(names)}"
            )
        )
    return [ClassFolders(train.images, [*train.left_out, *others]), test], findings


def _join(one: ClassFolders, other: ClassFolders) -> ClassFolders:
    names = [*one.images, *(name for name in other.images if name not in one.images)]
    images = {name: [*one.images.get(name, ()), *other.images.get(name, ())] for name in names}
    return ClassFolders(images, [*one.left_out, *other.left_out])


def _report_left_out(folder: Path, parts: list[ClassFolders]) -> Iterator[Finding]:
    """Report files and folders that hold no images that are read."""
    left_out = [path for part in parts for path in part.left_out]
    if left_out:
        names = join_names(path.relative_to(folder).as_posix() for path in left_out)
        yield FILES_LEFT_OUT.report(
            f"not read, since they are not images in the folder of a class: {names}"
        )
