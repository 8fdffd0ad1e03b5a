"""Readers of files, folders, named data sets and objects; each returns a table or a data set.

Data that cannot be read, are damaged, or contradict the options raise a
:class:`graduel.errors.UserError` that names the file, and the line, row or column.
"""

from graduel.data.read.reader import Source, read_source

__all__ = ["Source", "read_source"]
