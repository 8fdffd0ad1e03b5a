"""Readers: files, folders, names and objects, each read into a table or a data set."""

from graduel.data.read.reader import Source, read_source

__all__ = ["Source", "read_source"]
