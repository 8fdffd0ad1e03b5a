"""An image in an archive: its bytes, with a name for messages."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ImageBytes:
    """The bytes of an image in an archive; it is opened and shown as a path of a file is."""

    content: bytes = field(repr=False)
    archive: Path
    name: str

    def open(self, mode: str) -> io.BytesIO:
        """Open the image for reading; `mode` is ``rb``."""
        assert mode == "rb"
        return io.BytesIO(self.content)

    def __str__(self) -> str:
        return f"{self.archive}: {self.name}"
