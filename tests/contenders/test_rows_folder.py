"""The folder of a divided fit is removed, at the latest by the next fit after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from graduel.contenders.workers.rows_folder import PREFIX, remove_stale_folders, rows_folder

HOLD = """
from graduel.contenders.workers.rows_folder import rows_folder
with rows_folder() as folder:
    (folder / "X.npy").write_bytes(b"rows")
    print(folder, flush=True)
    input()
"""


@pytest.fixture(autouse=True)
def own_temporary_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))


def test_a_folder_is_removed_at_the_exit(tmp_path):
    with rows_folder() as folder, rows_folder() as other:
        assert folder.is_dir()
        assert other.is_dir()
        remove_stale_folders()
        assert folder.is_dir()
        assert other.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_process_is_removed_by_the_next(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        held = tmp_path / os.path.basename(process.stdout.readline().decode().strip())
        remove_stale_folders()
        assert (held / "X.npy").exists()
        process.kill()
    with rows_folder() as folder:
        assert not held.exists()
        assert folder.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_left_alone(tmp_path):
    target = tmp_path / "else"
    target.mkdir()
    (target / "file").write_text("kept")
    (tmp_path / f"{PREFIX}a").symlink_to(target)
    (tmp_path / f"{PREFIX}a.lock").symlink_to(target / "file")
    remove_stale_folders()
    assert (target / "file").read_text() == "kept"
