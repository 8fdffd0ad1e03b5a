"""The commands as they are typed: arguments, options and help. The work is done elsewhere."""
