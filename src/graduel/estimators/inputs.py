"""Validation of X: arrays, images, DataFrames, sparse matrices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils.validation import _check_sample_weight, column_or_1d, validate_data

from graduel.pixels import detect_scale
from graduel.train.loop.batches import Rows, Source

Array = NDArray[Any]
Image = tuple[int, int, int]

DTYPES = (np.float64, np.float32, np.uint8)
"""Dtypes that are not converted; other numbers become float64, as in scikit-learn."""
BRIGHT = 127
"""uint8 values are taken for pixels if one is greater."""
DENSE_BYTES = 2**25
"""Maximum bytes of a sparse matrix that are made dense at a time, for predictions."""


@dataclass(frozen=True, slots=True)
class SparseRows:
    """A CSR matrix, read as ``scale · X`` in `dtype`: only the current batch is made dense."""

    X: Any
    scale: float = 1.0
    dtype: str = "float32"

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return int(self.X.shape[1])

    def block(self, start: int, stop: int) -> Array:
        """Return rows `start` to `stop` as a new float array."""
        return np.multiply(self.X[start:stop].toarray(), self.scale, dtype=self.dtype)

    def gather(self, size: int) -> Callable[[Array], Array]:
        """Return a function that gathers rows by their indices."""
        return lambda index: np.multiply(self.X[index].toarray(), self.scale, dtype=self.dtype)


def validate_weights(sample_weight: Any, X: Any) -> Array | None:
    """Return the weight of each row of X, or None for equal weights.

    Raises
    ------
    ValueError
        If a weight is negative or all are 0.
    """
    if sample_weight is None:
        return None
    weight: Array = _check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    return weight


def make_rows(X: Any, scale: float, dtype: str) -> Source:
    """Return validated X as rows."""
    return SparseRows(X.tocsr(), scale, dtype) if issparse(X) else Rows(X, scale, dtype)


def chunk_rows(rows: Source) -> int:
    """Return the number of rows to process at a time: fewer if sparse rows are wide."""
    if isinstance(rows, SparseRows):
        return max(1, min(1024, DENSE_BYTES // (8 * rows.n_features)))
    return 1024


def feature_attributes(fitted: Any) -> dict[str, Any]:
    """Return the fitted attributes that describe the columns of X."""
    names = {} if fitted.names is None else {"feature_names_in_": fitted.names}
    return {"n_features_in_": fitted.n_features, **names}


def flatten_images(X: Any, known: Image | None = None) -> tuple[Any, Image | None]:
    """Return X and None, or for images the flattened rows and (height, width, channels)."""
    if not isinstance(X, np.ndarray) or X.ndim not in (3, 4) or 0 in X.shape:
        return X, None
    height, width, channels = (*X.shape[1:], 1)[:3]
    if known is not None and known != (height, width, channels):
        raise ValueError(
            f"images must have the shape {known} (height, width, channels), as in the fit; got "
            f"{(height, width, channels)}"
        )
    return X.reshape(len(X), -1), (height, width, channels)


def resolve_scale(X: Any, input_scale: float | str) -> float:
    """Return the factor for X: `input_scale`, or for 'auto' 1/255 for pixels and 1 otherwise."""
    if input_scale != "auto":
        return float(input_scale)
    values = X.data if issparse(X) else X
    return detect_scale(values) if values.size and values.max() > BRIGHT else 1.0


def dtype_of(X: Any) -> str:
    """Return the dtype of the network: float64 for a float64 X, otherwise float32."""
    return "float64" if X.dtype == np.float64 else "float32"


def validate_features(estimator: Any, X: Any, **options: Any) -> Any:
    """Return X validated by scikit-learn, with y if `options` has one.

    Text that is no number is refused with a remedy. `estimator` is a stand-in, to which validation
    writes the number and names of features.
    """
    # scikit-learn does not know the dtypes of Polars and would convert all to float64.
    if type(X).__name__ == "LazyFrame":
        X = X.collect()
    is_frame = getattr(X, "ndim", 2) == 2
    dtypes = {str(dtype) for dtype in getattr(X, "dtypes", ())} if is_frame else set()
    dtype = None if dtypes in ({"UInt8"}, {"Float32"}) else DTYPES
    try:
        return validate_data(estimator, X, accept_sparse=["csr", "csc"], dtype=dtype, **options)
    except ValueError as error:
        if "could not convert string" not in str(error):
            raise
        raise ValueError(
            f"{error}. Encode columns of text, or use graduel.TabularMLPClassifier, which takes "
            "them as they are"
        ) from None


def check_order(X: Any, y: Any) -> None:
    """Raise ValueError if X has one dimension and y several columns."""
    shapes: list[Any] = [getattr(one, "shape", ()) for one in (X, y)]
    if len(shapes[0]) == 1 and len(shapes[1]) == 2 and shapes[1][1] > 1:
        raise ValueError(
            f"expected X of shape (n_rows, n_features) and y of shape (n_rows,); got {shapes[0]} "
            f"and {shapes[1]}. Write fit(X, y)"
        )


def validate_features_and_target(
    estimator: Any, X: Any, y: Any, *, numeric: bool, reset: bool
) -> tuple[Any, Any]:
    """Return X and y validated by scikit-learn; y of one column has shape (n_rows,)."""
    check_order(X, y)
    X, y = validate_features(estimator, X, y=y, multi_output=True, y_numeric=numeric, reset=reset)
    if y.ndim == 2 and y.shape[1] == 1:
        y = column_or_1d(y, warn=True)
    return X.tocsr() if issparse(X) else X, y
