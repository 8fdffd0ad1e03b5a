"""Reading of files of MATLAB 5 to 7 in a process of its own, which a damaged file may crash."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graduel.data.read.file_checks.isolated_check import run_isolated

MODULE = "graduel.data.read.arrays.matlab_process"


def read_matlab(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file; the fields of a structure are arrays ``name/field``.

    SciPy's reader may crash on damaged files: only the other process ends then.

    Raises
    ------
    UserError
        If the file cannot be read.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "arrays.npz"
        run_isolated(MODULE, [str(path), str(result)], f"{path}: expected a complete MATLAB file")
        with np.load(result, allow_pickle=False) as archive:
            return {name: archive[f"array_{i}"] for i, name in enumerate(archive["names"].tolist())}
