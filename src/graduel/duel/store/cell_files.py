"""What a cell keeps beyond its outcome: validation probabilities, and what probes found.

Folders of before they were kept have neither file, and stay readable.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from graduel.duel.result.outcome import Outcome
from graduel.duel.run.probes import validate_probes

VALID, PROBES = "valid_probabilities.npy", "probes.json"


def extra_files(outcome: Outcome) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each further file of a cell."""
    if outcome.valid_probabilities is not None:
        content = BytesIO()
        np.save(content, outcome.valid_probabilities, allow_pickle=False)
        yield VALID, content.getvalue()
    if outcome.probes is not None:
        text = json.dumps(outcome.probes, indent=1, ensure_ascii=False, allow_nan=False)
        yield PROBES, f"{text}\n".encode()


def read_extra_files(folder: Path, shape: tuple[int, int]) -> dict[str, Any]:
    """Return them by the names that an outcome has for them; what is not there is left out.

    `shape` is that of the validation probabilities: validation rows, classes.

    Raises
    ------
    OSError, ValueError, TypeError, KeyError
        If a file is damaged.
    """
    found: dict[str, Any] = {}
    if (path := folder / VALID).exists():
        with path.open("rb") as file:
            p = np.lib.format.read_array(file)
        if p.dtype != np.float32 or p.shape != shape or not np.isfinite(p).all():
            raise ValueError("the probabilities are not those of the validation rows")
        found["valid_probabilities"] = p
    if (path := folder / PROBES).exists():
        found["probes"] = validate_probes(json.loads(path.read_text(encoding="utf-8")))
    return found
