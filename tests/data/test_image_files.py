"""Folders of images of any format, with transparency, orientation, depth and split."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from graduel.data import finding
from graduel.data.read import read_source
from graduel.data.read.images.image_files import FORMATS, inspect_like
from graduel.errors import UserError

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "GIF": {}, "PPM": {}, "WEBP": {"lossless": True}}


def codes(dataset):
    return [one.code for one in dataset.findings]


def strokes(n=3, side=8):
    """Return distinct binary drawings, 1 is ink."""
    ink = np.zeros((n, side, side), np.uint8)
    for i in range(n):
        ink[i, 1 + i, 1:-1] = 1
    return ink


def save_classes(folder, images, **classes):
    """Save images: a class per keyword, an ending per class."""
    for name, ending in classes.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for i, image in enumerate(images):
            image.save(folder / name / f"{i}{ending}")


@pytest.mark.parametrize(("name", "options"), LOSSLESS.items())
def test_every_format_is_read_whatever_the_ending(tmp_path, name, options):
    pixels = strokes() * 255
    bare = ".bin" if name != "PPM" else ".ppm"  # a table could begin like a PPM file
    for one, ending in (("own", FORMATS[name][-1]), ("other", ".jpg"), ("none", bare)):
        (tmp_path / one).mkdir()
        for i, row in enumerate(pixels):
            image = Image.fromarray(row)
            image.save(tmp_path / one / f"{i}{ending}", format=name, **options)
    dataset = read_source(tmp_path).content
    assert dataset.classes == ("none", "other", "own")
    got = dataset.X if dataset.X.ndim == 3 else dataset.X[..., 0]
    np.testing.assert_array_equal(got, np.concatenate([pixels] * 3))
    assert not dataset.findings


def test_jfif_is_jpeg(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.fromarray(strokes()[0] * 255).save(tmp_path / name / "x.jfif", format="JPEG")
    assert len(read_source(tmp_path).content.X) == 2


@settings(deadline=None, max_examples=25)
@given(
    mode=st.sampled_from(["RGBA", "LA", "P"]),
    shade=st.sampled_from([0, 40, 200, 255]),
    data=st.data(),
)
def test_strokes_on_a_transparent_ground_survive(tmp_path_factory, mode, shade, data):
    ink = strokes(4)
    folder = tmp_path_factory.mktemp("alpha")
    images = []
    for one in ink:
        gray = Image.fromarray(np.full((8, 8), shade, np.uint8))
        if mode == "P":
            image = Image.fromarray(one * 5, mode="P")
            image.putpalette([9, 9, 9] * 5 + [shade] * 3 + [0] * 750)
            image.info["transparency"] = 0
        else:
            image = gray.convert(mode)
            image.putalpha(Image.fromarray(one * np.uint8(255)))
        images.append(image)
    for name in "ab":
        (folder / name).mkdir()
    for i, image in enumerate(images):
        image.save(folder / "ab"[i % 2] / f"{i}.png")
    dataset = read_source(folder).content
    ground = 255 if shade < 128 else 0
    expected = np.where(ink[[0, 2, 1, 3]] == 1, shade, ground)
    got = dataset.X if dataset.X.ndim == 3 else dataset.X[..., 0]
    np.testing.assert_array_equal(got, expected)
    assert dataset.pixels.background == ground
    assert codes(dataset) == [finding.IMAGES_CHANGED.code]
    # A single image is put on the same ground.
    path = sorted(folder.rglob("*.png"))[0]
    images = inspect_like([path], dataset.image, dataset.pixels.background)
    np.testing.assert_array_equal(next(images.read()), dataset.X[0])


def test_opaque_alpha_is_no_change(tmp_path):
    images = [Image.fromarray(row * 255).convert("RGBA") for row in strokes()]
    save_classes(tmp_path, images, a=".png", b=".png")
    dataset = read_source(tmp_path).content
    assert dataset.X.shape == (6, 8, 8, 3)
    assert dataset.pixels.background is None
    assert not dataset.findings


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".tif", ".webp"])
def test_the_exif_orientation_is_applied(tmp_path, orientation, ending):
    upright = np.zeros((16, 24), np.uint8)
    upright[:8, :8] = 255  # the upper left is bright
    turned = {
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    image, exif = Image.fromarray(np.ascontiguousarray(turned)), Image.Exif()
    exif[274] = orientation
    for name in "ab":
        (tmp_path / name).mkdir()
        image.save(tmp_path / name / f"x{ending}", exif=exif)
    dataset = read_source(tmp_path).content
    assert dataset.X.shape[1:3] == (16, 24)
    gray = dataset.X[0] if dataset.X.ndim == 3 else dataset.X[0, ..., 0]
    np.testing.assert_allclose(gray.astype(float), upright, atol=30)
    assert codes(dataset) == [finding.IMAGES_CHANGED.code]


def test_premultiplied_alpha_is_undone(tmp_path):
    pixels = np.dstack([np.full((8, 8, 3), 20, np.uint8), np.full((8, 8), 128, np.uint8)])
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="TIFF")
    straight, associated = (bytes([0x52, 1, 3, 0, 1, 0, 0, 0, kind, 0]) for kind in (2, 1))
    raw = buffer.getvalue()
    assert raw.count(straight) == 1
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.tif").write_bytes(raw.replace(straight, associated))
    # On white: what is left of the color, and of white as much as is transparent.
    np.testing.assert_allclose(read_source(tmp_path).content.X, 20 + 127, atol=1)


def test_a_gray_palette_is_gray_and_a_colored_one_is_not(tmp_path):
    gray = Image.fromarray(strokes()[0] * 255).convert("P")
    for name in "ab":
        (tmp_path / name).mkdir()
        gray.save(tmp_path / name / "0.png")
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X[0], strokes()[0] * 255)
    color = Image.new("RGB", (8, 8), (200, 10, 10)).quantize()
    color.save(tmp_path / "b" / "1.png")
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X[2, 0, 0], (200, 10, 10))


def test_16_bits_are_reduced_with_a_finding(tmp_path):
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 1000
    save_classes(tmp_path, [Image.fromarray(deep)], a=".png", b=".tif")
    dataset = read_source(tmp_path).content
    np.testing.assert_array_equal(dataset.X[0], deep // 257)
    np.testing.assert_array_equal(dataset.X[1], deep // 257)
    assert "2 of 2 images have 16 bits" in dataset.findings[0].message
    save_classes(tmp_path, [Image.fromarray(deep // 1000)], a=".png", b=".tif")
    assert "nearly black" in read_source(tmp_path).content.findings[1].message


def test_depths_that_are_not_read_are_refused(tmp_path):
    save_classes(tmp_path, [Image.fromarray(np.zeros((8, 8), np.float32))], a=".tif", b=".tif")
    with pytest.raises(UserError, match="got floating-point numbers"):
        read_source(tmp_path)
    save_classes(
        tmp_path, [Image.fromarray(np.full((8, 8), 1 << 20, np.int32))], a=".tif", b=".tif"
    )
    with pytest.raises(UserError, match="8 or 16 bits; got 1,048,576"):
        read_source(tmp_path)


def test_the_first_frame_is_read_with_a_finding(tmp_path):
    frames = [Image.fromarray(row * 255) for row in strokes()]
    for name, ending in (("a", ".gif"), ("b", ".tif")):
        (tmp_path / name).mkdir()
        frames[0].save(tmp_path / name / f"x{ending}", save_all=True, append_images=frames[1:])
    dataset = read_source(tmp_path).content
    got = dataset.X if dataset.X.ndim == 3 else dataset.X[..., 0]
    np.testing.assert_array_equal(got, [strokes()[0] * 255] * 2)
    assert "2 of 2 images have several frames" in dataset.findings[0].message


def test_whatever_is_left_out_is_reported(tmp_path):
    images = [Image.fromarray(row * 255) for row in strokes()]
    save_classes(tmp_path, images, a=".png", b=".webp")
    assert not read_source(tmp_path).content.findings
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"x")
    assert not read_source(tmp_path).content.findings
    (tmp_path / "a" / "notes.txt").write_text("none")
    (tmp_path / "labels.csv").write_text("a,b\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "a" / "more").mkdir()
    (warning,) = read_source(tmp_path).content.findings
    assert warning.code == finding.FILES_LEFT_OUT.code
    assert "not read" in warning.message
    for name in ("a/notes.txt", "labels.csv", "empty", "a/more"):
        assert f"'{name}'" in warning.message


def test_a_class_of_other_images_does_not_vanish(tmp_path):
    images = [Image.fromarray(row * 255) for row in strokes()]
    save_classes(tmp_path, images, a=".png", b=".png")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "0.heic").write_bytes(b"\0\0\0 ftypheic")
    with pytest.raises(UserError, match=r"c: expected images .*; got 1 \.heic, so that this class"):
        read_source(tmp_path)


NAMES = {
    ("train", "test"): (6, 6, 0),
    ("training", "testing"): (6, 6, 0),
    ("Train", "Test"): (6, 6, 0),
    ("TRAINING", "TEST"): (6, 6, 0),
    ("training_set", "test_set"): (6, 6, 0),
    ("seg_train", "seg_test"): (6, 6, 0),
    ("train", "valid"): (6, 6, 1),
    ("Train", "Val"): (6, 6, 1),
    ("train", "val", "test"): (12, 6, 1),
    ("training", "Validation", "testing"): (12, 6, 1),
}


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(("names", "counts"), NAMES.items())
def test_folders_of_a_split(tmp_path, names, counts, wrapped):
    folder = tmp_path / "archive"
    top = folder / "mnist_png" if wrapped else folder
    images = [Image.fromarray(row * 255) for row in strokes()]
    for name in names:
        save_classes(top / name, images, a=".png", b=".png")
    source = read_source(folder)
    dataset, (n_train, n_test, n_findings) = source.content, counts
    assert (dataset.n_train, len(dataset.X) - dataset.n_train) == (n_train, n_test)
    assert codes(dataset) == [finding.JOINED_PARTS.code] * n_findings
    assert dataset.classes == ("a", "b")
    assert any("mnist_png" in note for note in source.notes) == wrapped


def test_folders_that_are_no_split_are_classes_or_refused(tmp_path):
    images = [Image.fromarray(row * 255) for row in strokes()]
    save_classes(tmp_path / "vehicles", images, train=".png", car=".png")
    dataset = read_source(tmp_path / "vehicles").content
    assert (dataset.n_train, dataset.classes) == (None, ("car", "train"))
    for name in ("train", "Training", "test"):
        save_classes(tmp_path / "twice" / name, images, a=".png", b=".png")
    with pytest.raises(UserError, match="one folder of the train part; got Training and train"):
        read_source(tmp_path / "twice")
    save_classes(tmp_path / "half" / "train", images, a=".png", b=".png")
    (tmp_path / "half" / "test").mkdir()
    images[0].save(tmp_path / "half" / "test" / "0.png")
    with pytest.raises(UserError, match=r"test: expected a folder of images .*Give .*train alone"):
        read_source(tmp_path / "half")


def test_a_damaged_image_of_any_format_is_refused_by_name(tmp_path):
    images = [Image.fromarray(row * 255) for row in strokes()]
    for name in LOSSLESS:
        buffer = io.BytesIO()
        images[0].save(buffer, format=name)
        save_classes(tmp_path, images, a=".png", b=".png")
        bad = tmp_path / "b" / f"bad{FORMATS[name][0]}"
        bad.write_bytes(buffer.getvalue()[:12])
        with pytest.raises(UserError, match=f"{bad.name}: expected an image") as error:
            read_source(tmp_path)
        assert "\n" not in str(error.value)
        bad.unlink()


def whole_images():
    """Return an image file of each format, some with alpha, a palette, frames or an orientation."""
    exif, raw = Image.Exif(), []
    exif[274] = 6
    frames = [Image.fromarray(row * 255) for row in strokes()]
    for name in FORMATS:
        for image in (frames[0], frames[0].convert("RGBA"), frames[0].convert("P")):
            buffer, more = io.BytesIO(), {}
            if name in ("GIF", "TIFF", "WEBP"):
                more = {"save_all": True, "append_images": frames[1:]}
            if name in ("JPEG", "PNG", "TIFF", "WEBP"):
                more["exif"] = exif
            if name in ("JPEG", "PPM") and image.mode != "L":
                continue
            image.save(buffer, format=name, **more)
            raw.append(buffer.getvalue())
    return raw


WHOLE = whole_images()


def read_damaged(folder, data):
    """Read two images, one of them damaged: it is read or refused in one line."""
    raw = bytearray(data.draw(st.sampled_from(WHOLE)))
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))
    if data.draw(st.booleans()):
        del raw[data.draw(st.integers(0, len(raw) - 1)) :]
    for name, content in (("a", WHOLE[0]), ("b", raw)):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "x.png").write_bytes(content)
    try:
        dataset = read_source(folder, size=(8, 8)).content
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert dataset.X.dtype == np.uint8


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_damaged_images_raise_only_user_errors(tmp_path_factory, data):
    read_damaged(tmp_path_factory.mktemp("damaged"), data)


@pytest.mark.long
@settings(deadline=5000, max_examples=10_000)
@given(data=st.data())
def test_many_damaged_images_raise_only_user_errors(tmp_path_factory, data):
    read_damaged(tmp_path_factory.mktemp("damaged"), data)
