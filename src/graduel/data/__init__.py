"""Data sets: reading, describing, loading by name."""

from graduel.data.columns import Column
from graduel.data.dataset import ColumnKind, Dataset
from graduel.data.idx import read_idx
from graduel.data.prepare import NetPreparation, TreePreparation
from graduel.data.read import Source, read_source
from graduel.data.sources import DATASETS, load_dataset
from graduel.data.table import Table
from graduel.data.understand import understand
from graduel.data.warn import warnings_for

__all__ = [
    "DATASETS",
    "Column",
    "ColumnKind",
    "Dataset",
    "NetPreparation",
    "Source",
    "Table",
    "TreePreparation",
    "load_dataset",
    "read_idx",
    "read_source",
    "understand",
    "warnings_for",
]
