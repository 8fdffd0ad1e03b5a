"""What each command does; imported when the command runs, so that `--help` stays fast."""
