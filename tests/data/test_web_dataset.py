"""A tar file of images with their labels, in the layout of WebDataset."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import pytest
from PIL import Image

from graduel.data.read import read_source
from graduel.data.read.file_checks import memory_check
from graduel.errors import UserError


def png(seed, size=(6, 4), mode="L"):
    shape = (size[1], size[0], 3) if mode == "RGB" else (size[1], size[0])
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return pixels, file.getvalue()


def write(path, members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def samples(n=6, mode="L"):
    """Return members of a tar file and the pixels of its images."""
    members, pixels = [], []
    for i in range(n):
        image, content = png(i, mode=mode)
        members += [(f"{i:04}.png", content), (f"{i:04}.cls", str(i % 2).encode())]
        pixels.append(image)
    return members, np.stack(pixels)


def refuse(path, **options):
    with pytest.raises(UserError) as error:
        read_source(path, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("name", "mode"), [("t.tar", "w"), ("t.tar.gz", "w:gz"), ("t.bin", "w")])
@pytest.mark.parametrize("color", ["L", "RGB"])
def test_images_and_labels(tmp_path, name, mode, color):
    members, pixels = samples(mode=color)
    source = read_source(write(tmp_path / name, members, mode))
    np.testing.assert_array_equal(source.content.X, pixels)
    assert source.content.classes == ("0", "1")
    np.testing.assert_array_equal(source.content.y, [0, 1] * 3)
    assert source.name == "t"
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]


def test_labels_of_other_kinds_and_other_files(tmp_path):
    members = [
        ("a/1.png", png(1)[1]),
        ("a/1.json", json.dumps({"label": "cat", "url": "x"}).encode()),
        ("b/1.left.png", png(2)[1]),  # no image of its own: an ending of two parts
        ("b/1.png", png(3)[1]),
        ("b/1.txt", b" dog\n"),
        ("b/1.npy", b"\x93NUMPY"),
    ]
    content = read_source(write(tmp_path / "t.tar", members)).content
    assert content.classes == ("cat", "dog")
    np.testing.assert_array_equal(content.X, [png(1)[0], png(3)[0]])


def test_links_are_not_followed(tmp_path):
    members, _ = samples(2)
    path = write(tmp_path / "t.tar", members)
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("0009.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert len(read_source(path).content.X) == 2


def test_sizes(tmp_path):
    members = [("1.png", png(1)[1]), ("1.cls", b"0"), ("2.png", png(2, (8, 8))[1]), ("2.cls", b"1")]
    path = write(tmp_path / "t.tar", members)
    assert "t.tar: 2.png: expected 4 × 6 pixels (height × width), as 1.png has" in refuse(path)
    assert read_source(path, size=(5, 5)).content.X.shape == (2, 5, 5)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("1.png", png(1)[1])], "such as 0001.cls for 0001.png; '1.png' have none. Add it"),
        ([("1.txt", b"a")], "expected images"),
        ([("1.png", png(1)[1]), ("1.cls", b"")], "1.cls: expected a label; got ''"),
        ([("1.png", png(1)[1]), ("1.cls", b"\xff")], "1.cls: expected a label; got"),
        ([("1.png", png(1)[1]), ("1.cls", b"a" * 70_000)], "the file has 70,000 bytes"),
        ([("1.png", png(1)[1]), ("1.json", b"[" * 99_999)], "1.json: expected a label"),
        ([("1.png", png(1)[1]), ("1.json", b'{"a": 1}')], "1.json: expected a label; got None"),
        ([("1.png", b"\x89PNG"), ("1.cls", b"1")], "t.tar: 1.png: expected"),
    ],
)
def test_tar_files_that_are_refused(tmp_path, members, message):
    assert message in refuse(write(tmp_path / "t.tar", members))


def test_damaged_and_large_files(tmp_path, monkeypatch):
    path = write(tmp_path / "t.tar.gz", samples()[0], "w:gz")
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    assert "expected a complete tar file" in refuse(path)
    path.write_bytes(raw)
    monkeypatch.setattr(memory_check, "free_bytes", lambda: 100)
    assert "of memory" in refuse(path)
