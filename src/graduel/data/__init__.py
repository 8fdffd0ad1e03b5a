"""Data sets: sources, readers, schemas and preparation."""

from graduel.data.builtin import DATASETS, load_dataset
from graduel.data.column import Column
from graduel.data.dataset import Dataset
from graduel.data.prepare.preparation import NetPreparation, TreePreparation
from graduel.data.read import Source, read_source
from graduel.data.read.images.idx import read_idx
from graduel.data.schema_inference import infer_table
from graduel.data.table import Table
from graduel.data.table_checks import check_table

__all__ = [
    "DATASETS",
    "Column",
    "Dataset",
    "NetPreparation",
    "Source",
    "Table",
    "TreePreparation",
    "check_table",
    "infer_table",
    "load_dataset",
    "read_idx",
    "read_source",
]


def __dir__() -> list[str]:
    return list(__all__)
