"""Reading of single image files: formats, orientation, transparency, palettes and depth."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from graduel.data.finding import IMAGES_CHANGED, Finding
from graduel.errors import UserError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "WEBP": (".webp",),
    "BMP": (".bmp", ".dib"),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
}
"""Pillow's names of the formats that are read, and the endings of their files."""
ENDINGS = {ending for endings in FORMATS.values() for ending in endings}
MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF87a", b"GIF89a")
"""First bytes of image files; those of WebP and BMP have a length in between.

Those of PPM could be the header of a table.
"""
MOST_PIXELS = 25_000_000
"""Maximum number of pixels of an image: a tiny file can decode to more than fits into memory."""
MOST_BYTES = 8 << 30
"""Maximum size of all images together, in memory."""
GRAY = {"1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N"}
"""Pillow's modes without color."""
TRANSPARENT = {"RGBA", "RGBa", "LA", "La", "PA"}
"""Pillow's modes with an alpha channel."""
ORIENTATION = 274
"""The EXIF tag of the orientation: 1 is upright, 5 to 8 exchange height and width."""
DEEP = 4096
"""Brightness of 16 bits below which images of 16 bits are nearly black."""


class ImageFile(Protocol):
    """A file that is opened as a path is, such as one in an archive; its text names it."""

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    def open(self, mode: Literal["rb"]) -> IO[bytes]:
        """Open the file for reading."""
        ...


def is_image(path: Path) -> bool:
    """Return whether a file is an image that is read: by its ending, or else by its first bytes."""
    if path.suffix.lower() in ENDINGS:
        return True
    try:
        with path.open("rb") as file:
            return is_image_head(file.read(16))
    except OSError:
        return False


def is_image_head(head: bytes) -> bool:
    """Return whether a file's first bytes are those of an image format that is read.

    >>> is_image_head(b"RIFF....WEBPVP8 "), is_image_head(b"a,b")
    (True, False)
    """
    is_webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    is_bmp = head.startswith(b"BM") and head[6:10] == b"\0\0\0\0"
    return is_webp or is_bmp or head.startswith(MAGIC)


@dataclass(slots=True)
class ImageFiles:
    """Image files that are read in one way, and the number of changes of each kind.

    Attributes
    ----------
    paths : the files
    size : height and width of all images
    has_color : whether any image has color; then all are read as RGB
    background : brightness on which transparent images are put; None if none is transparent
    changes : number of files by the change, in words
    deepest : the brightest pixel of images of 16 bits; None without any
    """

    paths: Sequence[ImageFile]
    size: tuple[int, int]
    has_color: bool
    background: int | None = None
    changes: Counter[str] = field(default_factory=Counter)
    deepest: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of each image's array."""
        return (*self.size, 3) if self.has_color else self.size

    def read(self, paths: Iterable[ImageFile] | None = None) -> Iterator[NDArray[np.uint8]]:
        """Yield the uint8 pixels of each file."""
        for path in self.paths if paths is None else paths:
            yield self._read_pixels(path)

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each kind of change that reading made to the files."""
        for change, count in self.changes.items():
            yield IMAGES_CHANGED.report(f"{count:,} of {len(self.paths):,} images {change}")
        if self.deepest is not None and self.deepest < DEEP:
            yield IMAGES_CHANGED.report(
                f"images of 16 bits hold pixels of at most {self.deepest:,} of 65,535 and are "
                "nearly black. Stretch their brightness before"
            )

    def _read_pixels(self, path: ImageFile) -> NDArray[np.uint8]:
        from PIL import Image

        with open_image(path) as opened:
            image = self._upright(opened)
            if image.mode.startswith("I"):
                image = self._reduce_depth(image, path)
            if is_transparent(image):
                image = self._put_on_background(image)
            plain = image.convert("RGB" if self.has_color else "L")
            if (plain.height, plain.width) != self.size:
                self.changes[f"are resized to {self.size[0]} × {self.size[1]} pixels"] += 1
                plain = plain.resize((self.size[1], self.size[0]), Image.Resampling.BILINEAR)
            return np.asarray(plain)

    def _upright(self, image: Image.Image) -> Image.Image:
        from PIL import ImageOps

        if getattr(image, "is_animated", False) and image.format != "MPO":
            self.changes["have several frames or pages: the first one is read"] += 1
        if read_orientation(image) == 1:
            return image
        self.changes["are turned upright as their EXIF orientation says"] += 1
        image.load()  # Pillow itself turns TIFF files
        return ImageOps.exif_transpose(image)

    def _reduce_depth(self, image: Image.Image, path: ImageFile) -> Image.Image:
        """Return an image of 16 bits with 8; Pillow would truncate the pixels, not scale them."""
        from PIL import Image

        deep = np.asarray(image).astype(np.int64)
        if deep.size and (deep.min() < 0 or deep.max() > 65535):
            raise UserError(
                f"{path}: expected pixels of 8 or 16 bits; got {deep.min():,} to {deep.max():,}. "
                "Save the image with 8 or 16 bits per pixel"
            )
        self.deepest = max(self.deepest or 0, int(deep.max(initial=0)))
        self.changes["have 16 bits per pixel and are reduced to 8"] += 1
        return Image.fromarray((deep // 257).astype(np.uint8))

    def _put_on_background(self, image: Image.Image) -> Image.Image:
        from PIL import Image

        image = image.convert("LA") if image.mode == "La" else image
        rgba = image.convert("RGBA")
        if rgba.getchannel("A").getextrema() == (255, 255):
            return rgba.convert("RGB" if self.has_color else "L")
        shade = 255 if self.background is None else self.background
        name = "white" if shade else "black"
        self.changes[f"have transparent pixels and are put on {name}"] += 1
        ground = Image.new("RGBA", rgba.size, (shade, shade, shade, 255))
        return Image.alpha_composite(ground, rgba)


def inspect_images(
    paths: Sequence[ImageFile], size: tuple[int, int] | None, background: int | None = None
) -> ImageFiles:
    """Return the settings with which image files are read, from their headers.

    Parameters
    ----------
    size : height and width to which images are resized; None if all have the same size
    background : brightness on which transparent images are put; None: white, or black if the
        visible part is nearer to white

    Raises
    ------
    UserError
        If a file cannot be read or is too large, or sizes differ.
    """
    has_color, is_fixed, first, transparent = False, size is not None, paths[0], []
    for path in paths:
        with open_image(path) as image:
            shape = (image.height, image.width)
            if shape[0] * shape[1] > MOST_PIXELS:
                raise UserError(
                    f"{path}: expected at most {MOST_PIXELS:,} pixels; got {shape[1]:,} × "
                    f"{shape[0]:,}. Resize it first"
                )
            if read_orientation(image) > 4:
                shape = _load_size(image)
            has_color |= _has_color(image, path)
            if is_transparent(image):
                transparent.append(path)
        size = size or shape
        if not is_fixed and shape != size:
            raise UserError(
                f"{path}: expected {size[0]} × {size[1]} pixels (height × width), as {first.name} "
                f"has; got {shape[0]} × {shape[1]}. Resize all with --size HEIGHTxWIDTH"
            )
    assert size is not None
    if background is None and transparent:
        background = _select_background(transparent)
    return ImageFiles(paths, size, has_color, background)


def inspect_like(
    paths: Sequence[ImageFile], image: tuple[int, int, int], background: int | None
) -> ImageFiles:
    """Return the settings with which image files are read for a model, as in its training.

    Parameters
    ----------
    image : height, width and channels of the training images
    background : brightness on which those with transparency were put; None without any

    Raises
    ------
    UserError
        If a file cannot be read, or the model's images have other channels than gray or RGB.
    """
    height, width, channels = image
    if channels not in (1, 3):
        raise UserError(
            f"{paths[0]}: expected images of {channels} channels, as in training. Give an NPZ file "
            "with X"
        )
    images = inspect_images(paths, (height, width), background)
    if images.has_color and channels == 1:
        images.changes["may have color and are read as grayscale, as in training"] = len(paths)
    return replace(images, has_color=channels == 3)


def _select_background(paths: Sequence[ImageFile]) -> int | None:
    """Return white for visible parts that are darker than middle gray on average, else black.

    None if no pixel is transparent.
    """
    total, weight, is_opaque = 0.0, 0.0, True
    for path in paths:
        with open_image(path) as image:
            image = image.convert("LA") if image.mode == "La" else image
            rgba = np.asarray(image.convert("RGBA"), np.float64)
        alpha = rgba[..., 3]
        is_opaque &= bool((alpha == 255).all())
        total += float((rgba[..., :3].mean(axis=2) * alpha).sum())
        weight += float(alpha.sum())
    return None if is_opaque else 255 if total <= 127.5 * weight else 0


def _load_size(image: Image.Image) -> tuple[int, int]:
    """Return height and width of an image that is turned by a right angle."""
    if image.format == "TIFF":
        image.load()  # Pillow itself turns TIFF files
        return image.height, image.width
    return image.width, image.height


def _has_color(image: Image.Image, path: ImageFile) -> bool:
    if image.mode == "F":
        raise UserError(
            f"{path}: expected pixels of 8 or 16 bits; got floating-point numbers. Save the image "
            "with 8 or 16 bits, or the arrays as an NPZ file"
        )
    if image.mode == "P":
        palette = np.array(image.getpalette("RGB") or [0], np.uint8)
        return bool(len(palette) % 3 or (np.ptp(palette.reshape(-1, 3), axis=1) > 0).any())
    return image.mode not in GRAY


def is_transparent(image: Image.Image) -> bool:
    """Return whether an image has an alpha channel, or a color that is transparent."""
    return image.mode in TRANSPARENT or "transparency" in image.info


def read_orientation(image: Image.Image) -> int:
    """Return an image's EXIF orientation, 1 to 8; 1 if it states none."""
    # Pillow decodes the whole of a PNG file in search of EXIF data behind the pixels.
    if image.format == "PNG" and "exif" not in image.info:
        return 1
    value = image.getexif().get(ORIENTATION, 1)
    return value if value in range(1, 9) else 1


@contextmanager
def open_image(path: ImageFile) -> Iterator[Image.Image]:
    """Open an image file; its format is recognized by its content.

    Raises
    ------
    UserError
        If the file cannot be decoded, on opening or while the caller decodes it.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns about large images, whose size inspect_images limits.
            warnings.simplefilter("ignore")
            # By its name Pillow 13 maps the file, and decodes a turned TIFF file wrongly.
            with path.open("rb") as file, Image.open(file, formats=tuple(FORMATS)) as image:
                yield image
    except UserError:
        raise
    except Exception as error:  # Pillow raises many types for damaged files
        raise UserError(
            f"{path}: expected an image ({list_formats()}); it cannot be read "
            f"({type(error).__name__}). Repair it or remove it"
        ) from None


def list_formats() -> str:
    """Return the names of the formats that are read, for a message.

    >>> list_formats()
    'PNG, JPEG, WebP, BMP, TIFF, GIF or PPM'
    """
    *names, last = ("WebP" if name == "WEBP" else name for name in FORMATS)
    return f"{', '.join(names)} or {last}"


def as_array(images: ImageFiles) -> NDArray[Any]:
    """Return the pixels of all files, shape (n, height, width) or (n, height, width, 3)."""
    if len(images.paths) * prod(images.shape) > MOST_BYTES:
        height, width = images.size
        raise UserError(
            f"{len(images.paths):,} images of {height} × {width} pixels need more than "
            f"{MOST_BYTES >> 30} GB of memory. Make them smaller with --size HEIGHTxWIDTH"
        )
    X = np.empty((len(images.paths), *images.shape), np.uint8)
    for row, pixels in zip(X, images.read(), strict=True):
        row[...] = pixels
    return X
