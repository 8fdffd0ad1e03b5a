"""The command line: thin, on top of everything. Each command imports what it needs."""

from graduel.cli.app import main

__all__ = ["main"]
