"""Sources of data: files, folders, names and objects, each read into a table or a data set."""

from graduel.data.read.reader import Source, count_rows, read_source, scan_batches

__all__ = ["Source", "count_rows", "read_source", "scan_batches"]
