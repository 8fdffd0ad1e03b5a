"""Arguments, options and help of each command. The work is done in :mod:`graduel.cli.actions`."""
