"""What the commands print: tables, progress, small pictures in characters."""
