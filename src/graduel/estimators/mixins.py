"""Mixin classes of the estimators: saving, export, plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from graduel.errors import UserError
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.inputs import feature_attributes
from graduel.estimators.targets import LabelTarget
from graduel.nn import BinaryCrossEntropy, SoftmaxCrossEntropy

Array = NDArray[Any]


class EngineMixin:
    """Saving, loading and fitted attributes of every estimator.

    Everything that a prediction needs is in one object, ``_fitted``, which is replaced in one step.
    """

    _fitted: Any

    __hash__ = object.__hash__

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in self.__dict__

    @staticmethod
    def _persistence() -> Any:
        """Return the module with ``save`` and ``load`` for this class."""
        from graduel.estimators import persistence

        return persistence

    def save(self, path: str | Path) -> None:
        """Save the fitted estimator to one file.

        The file is safetensors, without any code: the network, the parameters, the labels and the
        curves (for tables the schema and the preparation too) are JSON in its header. Parameters
        that are not plain data (a ``RandomState``, a function) are reset to their defaults. The
        optimizer's state is not saved, and only the last 5,000 epochs of each curve are.

        Parameters
        ----------
        path : the file, usually ``….safetensors``; an existing one is replaced

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If labels are neither numbers nor text, or a layer is not a dataclass.
        OSError
            If the file cannot be written.
        """
        self._persistence().save(self, path)

    @classmethod
    def load(cls, path: str | Path, parts: Sequence[type] = ()) -> Self:
        """Load an estimator that :meth:`save` wrote, with identical predictions.

        Nothing in the file is executed or unpickled.

        Parameters
        ----------
        path : the file
        parts : custom classes of layers, losses and the like that occur in it

        Returns
        -------
        estimator
            The fitted estimator.

        Raises
        ------
        ValueError
            If the file does not exist, is damaged, or is not of this class.
        """
        estimator: Self = cls._persistence().load(cls, path, parts)
        return estimator

    def _publish(self, attributes: dict[str, Any]) -> None:
        """Replace the fitted attributes in one step."""
        self.__dict__.update(attributes)
        if "feature_names_in_" not in attributes:
            self.__dict__.pop("feature_names_in_", None)

    def _stand_in(self, fitted: Any = None) -> Any:
        """Return an unfitted copy on which scikit-learn's validation can set attributes.

        With `fitted`, the copy has its feature attributes.
        """
        stand_in = object.__new__(type(self))
        stand_in.__dict__.update(self.get_params(deep=False))  # type: ignore[attr-defined]
        if fitted is not None:
            stand_in.__dict__.update(feature_attributes(fitted))
        return stand_in


class ProbabilityMixin:
    """``predict_log_proba`` of a classifier."""

    predict_proba: Callable[[Any], Array]

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of :meth:`predict_proba`, −∞ for 0."""
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(p, out=p)


class FittedMixin:
    """Export, summary and plots of a fitted network."""

    _fitted: FittedNetwork

    def to_onnx(self, path: str | Path) -> None:
        """Export the fitted network as an ONNX file.

        The input is X, as for :meth:`predict`, in the network's dtype. The outputs of a classifier
        are ``label`` and ``probabilities``, that of a regressor is ``predictions``. Requires the
        package onnx: ``pip install "graduel[onnx]"``.

        Parameters
        ----------
        path : the file, usually ``….onnx``; an existing one is replaced

        Raises
        ------
        ValueError
            If onnx is not installed, if a layer cannot be exported, or if a classifier's
            probabilities do not come from one softmax or from sigmoids.
        """
        from graduel import export

        check_is_fitted(self)
        fitted = self._fitted
        export.to_onnx(fitted.network, fitted.weights, path, **self._export_options())

    def to_python(self) -> str:
        """Return the fitted network as the source of one Python file that requires only NumPy.

        The code reads like the equations, with the weights at its end, and runs without graduel::

            Path("digits.py").write_text(classifier.to_python(), encoding="utf-8")

        Returns
        -------
        source : str

        Raises
        ------
        ValueError
            If a layer cannot be exported, or as for :meth:`to_onnx`.
        """
        from graduel import export
        from graduel.estimators import html_repr

        check_is_fitted(self)
        fitted = self._fitted
        names = None if fitted.names is None else [str(name) for name in fitted.names]
        into, out = html_repr.describe_ends(fitted)
        title = f"A neural network from {into} to {out}"
        options = self._export_options()
        return export.to_python(
            fitted.network, fitted.weights, title=title, columns=names, **options
        )

    def _export_options(self) -> dict[str, Any]:
        fitted = self._fitted
        targets, classes = fitted.targets, None
        if isinstance(targets, LabelTarget):
            classes = targets.classes
            loss = BinaryCrossEntropy if targets.binary else SoftmaxCrossEntropy
            if len(classes) == 1 or not isinstance(fitted.network.loss, loss | SoftmaxCrossEntropy):
                raise UserError(
                    "export expects a classifier of at least two labels with loss='log_loss' or "
                    f"'softmax'; got {len(classes)} and {fitted.network.loss}"
                )
            integral = classes.dtype.kind in "bf" and bool((classes == classes.astype(int)).all())
            classes = classes.astype(int) if integral else classes
        return {"scale": fitted.scale, "classes": classes}

    def summary(self) -> str:
        """Return a summary of the network: layers, output shapes and parameters."""
        from graduel.estimators import html_repr

        check_is_fitted(self)
        return html_repr.render_summary(self)

    def plot_training(self, ax: Any = None) -> Any:
        """Draw loss, validation loss and validation score by epoch.

        Parameters
        ----------
        ax : matplotlib axes for the losses only; None: a new figure with losses and score

        Returns
        -------
        ax : the axes of the losses
        """
        from graduel.estimators import plots

        check_is_fitted(self)
        return plots.plot_training(self, ax)

    def plot_weights(self, layer: int = 0, max_units: int = 40) -> Any:
        """Draw a layer's weights, as images if its inputs are pixels.

        Parameters
        ----------
        layer : index of the layer, from 0, among those with weights
        max_units : maximum number of units, if each is an image

        Returns
        -------
        figure : a matplotlib figure
        """
        from graduel.estimators import plots

        check_is_fitted(self)
        return plots.plot_weights(self._fitted, layer, max_units)
