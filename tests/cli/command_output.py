"""The output of a command that runs in the test process."""

from __future__ import annotations

from graduel.cli.app import main


def run_command(capsys, *args, code=0):
    """Run a command, check its exit code, and return its standard output and error."""
    status = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert status == code, err
    return out, err
