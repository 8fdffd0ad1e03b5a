"""The work of each command, imported when it runs, so that `--help` is fast."""
