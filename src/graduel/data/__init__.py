"""Data sets: reading, describing, loading by name."""

from graduel.data.dataset import ColumnKind, Dataset
from graduel.data.idx import read_idx
from graduel.data.sources import DATASETS, load_dataset

__all__ = ["DATASETS", "ColumnKind", "Dataset", "load_dataset", "read_idx"]
