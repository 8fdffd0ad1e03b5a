"""Readers: files, folders, names and objects, each read into a table or a data set.

Whatever cannot be read, is damaged, or does not fit its options raises a
:class:`graduel.errors.UserError` that names the file, and the line, row or column.
"""

from graduel.data.read.reader import Source, read_source

__all__ = ["Source", "read_source"]
