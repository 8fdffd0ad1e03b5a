"""Damaged files of each format are read, or refused in one line.

The formats whose readers may crash the process (Parquet, Arrow, DuckDB, HDF5) are checked in a
process of their own by each command; see ``check_file``. MATLAB's are always read in one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import damaged_files
import pytest
from damaged_files import DONE, FILES, ISOLATED, MATLAB, read_and_infer, read_damaged

from graduel.data.read.reader import detect_format

HDF5 = ("t.h5", "t7.mat")


@pytest.mark.parametrize("name", FILES)
def test_damaged_files(tmp_path, name):
    for _ in read_damaged(tmp_path, name, range(50), read_and_infer):
        pass


@pytest.mark.parametrize("name", ["t.h5", "t.mat"])
def test_recognition_of_damaged_files(tmp_path, name):
    """Of these formats, only the recognition runs in the process of the command."""
    for _ in read_damaged(tmp_path, name, range(50), detect_format):
        pass


def read_in_processes(name, n):
    """Return the numbers of the files that ended the process, and what else was wrong."""
    ended, wrong, first = [], [], 0
    while first < n:
        command = [sys.executable, damaged_files.__file__, name, str(first), str(n)]
        done = subprocess.run(
            command, capture_output=True, encoding="utf-8", check=False, cwd=Path(__file__).parent
        )
        *lines, last = done.stdout.splitlines()
        wrong += [json.loads(line) for line in lines if line.startswith('"')]
        if last == DONE:
            break
        assert last.isdecimal(), done.stderr
        ended.append((int(last), done.returncode))
        first = int(last) + 1
    return ended, wrong


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="measures memory on Linux")
@pytest.mark.parametrize("name", [*FILES, *ISOLATED, *MATLAB])
def test_many_damaged_files(name):
    ended, wrong = read_in_processes(name, 300 if name in MATLAB else 10_000)
    assert wrong == []
    assert ended == [] or name in ISOLATED


@pytest.mark.long
@pytest.mark.parametrize("name", [*HDF5, *MATLAB])
def test_recognition_of_many_damaged_files(tmp_path, name):
    for _ in read_damaged(tmp_path, name, range(10_000), detect_format):
        pass
