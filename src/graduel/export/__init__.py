"""Export of a trained network as an ONNX file or as a Python file that needs only NumPy."""

from graduel.export.onnx_file import onnx_model, to_onnx
from graduel.export.python_file import to_python
from graduel.export.table.raw_columns import TableInput

__all__ = ["TableInput", "onnx_model", "to_onnx", "to_python"]


def __dir__() -> list[str]:
    return list(__all__)
