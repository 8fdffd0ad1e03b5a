"""Trained models as signed bytes, which a browser stores and returns.

The bytes are a signature and safetensors files (:mod:`graduel.models.model_file`). Only bytes that
this machine signed are read: the key is a file of the cache folder, so that it outlives a restart.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from graduel.atomic_io import atomic_write
from graduel.models.model_file import Model, load_model, save_model
from graduel.web.http_error import ClientError

KEY_BYTES = 32
REMEDY = "train them again with the same settings"


@dataclass(frozen=True, slots=True)
class SignedModels:
    """Writes and reads the bytes.

    >>> signed = SignedModels(bytes(32))
    >>> signed.read(b"nothing")
    Traceback (most recent call last):
        ...
    graduel.web.http_error.ClientError: expected models that this machine trained; got other \
bytes. Remedy: train them again with the same settings
    """

    key: bytes

    @classmethod
    def of(cls, folder: Path) -> SignedModels:
        """Read the key of a folder, or make one; without write access, it lives in memory."""
        path = folder / "key"
        with suppress(OSError):
            key = path.read_bytes()
            if len(key) == KEY_BYTES:
                return cls(key)
        key = secrets.token_bytes(KEY_BYTES)
        with suppress(OSError):
            atomic_write(path, key)
            path.chmod(0o600)
        return cls(key)

    def write(self, models: Sequence[Model], notes: dict[str, Any]) -> bytes:
        """Return models and notes as signed bytes."""
        parts = []
        with TemporaryDirectory(prefix="graduel-") as folder:
            for model in models:
                path = Path(folder) / f"{model.family}.safetensors"
                save_model(path, model)
                parts.append(path.read_bytes())
        head = json.dumps(notes | {"sizes": [len(part) for part in parts]}).encode()
        content = b"".join([len(head).to_bytes(4, "little"), head, *parts])
        return self._sign(content) + content

    def read(self, content: bytes) -> tuple[list[Model], dict[str, Any]]:
        """Return the models and notes; ClientError 409 if this machine did not sign the bytes."""
        signature, content = content[: sha256().digest_size], content[sha256().digest_size :]
        if not hmac.compare_digest(signature, self._sign(content)):
            raise ClientError(
                409,
                f"expected models that this machine trained; got other bytes. Remedy: {REMEDY}",
            )
        start = 4 + int.from_bytes(content[:4], "little")
        notes = json.loads(content[4:start])
        models: list[Model] = []
        with TemporaryDirectory(prefix="graduel-") as folder:
            for size in notes.pop("sizes"):
                path = Path(folder) / f"{len(models)}.safetensors"
                path.write_bytes(content[start : start + size])
                models.append(load_model(path))
                start += size
        return models, notes

    def _sign(self, content: bytes) -> bytes:
        return hmac.digest(self.key, content, "sha256")
