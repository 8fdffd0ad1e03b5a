"""Methods of estimators beside fitting and predicting: save, export, plot."""

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
    """What every estimator of the engine has.

    All that a prediction needs is in one object, ``_fitted``, with the number of features and
    their names, that is replaced as a whole.
    """

    _fitted: Any

    __hash__ = object.__hash__

    def __sklearn_is_fitted__(self) -> bool:
        return "_fitted" in self.__dict__

    @staticmethod
    def _persistence() -> Any:
        """Return the module with ``save`` and ``load`` of this kind of estimator."""
        from graduel.estimators import persistence

        return persistence

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to one file.

        The file is safetensors with the network, the parameters, the labels and the curves (of a
        table the schema and the preparation too) as JSON in its header; nothing in it is code. A
        parameter that has no plain form (a random stream, a function) comes back as its default.
        The optimizer's state is left out, and of a curve all but the last 5,000 epochs.

        Parameters
        ----------
        path : the file, usually ``….safetensors``; an existing one is replaced

        Raises
        ------
        NotFittedError
            If nothing was fitted.
        ValueError
            If the labels are of a kind that a file cannot hold, or a layer is no dataclass.
        OSError
            If the file cannot be written.
        """
        self._persistence().save(self, path)

    @classmethod
    def load(cls, path: str | Path, parts: Sequence[type] = ()) -> Self:
        """Load an estimator that :meth:`save` wrote; its predictions are the same, bit by bit.

        Nothing in the file is ever executed or unpickled.

        Parameters
        ----------
        path : the file
        parts : the user's own classes of layers, losses and the like that occur in it

        Returns
        -------
        estimator
            Fitted.

        Raises
        ------
        ValueError
            If there is no such file, if it is damaged, or holds something else.
        """
        estimator: Self = cls._persistence().load(cls, path, parts)
        return estimator

    def _publish(self, attributes: dict[str, Any]) -> None:
        """Replace the fitted attributes in one step."""
        self.__dict__.update(attributes)
        if "feature_names_in_" not in attributes:
            self.__dict__.pop("feature_names_in_", None)

    def _stand_in(self, fitted: Any = None) -> Any:
        """Return an estimator with these parameters for validation to read and write."""
        stand_in = object.__new__(type(self))
        stand_in.__dict__.update(self.get_params(deep=False))  # type: ignore[attr-defined]
        if fitted is not None:
            stand_in.__dict__.update(feature_attributes(fitted))
        return stand_in


class ProbabilityMixin:
    """Logarithms of a classifier's probabilities."""

    predict_proba: Callable[[Any], Array]

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithms of :meth:`predict_proba`; of 0, −∞."""
        p = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(p, out=p)


class FittedMixin:
    """Methods that need a fitted network: export, summary, plots."""

    _fitted: FittedNetwork

    def to_onnx(self, path: str | Path) -> None:
        """Write the fitted network as ONNX, for other languages and devices.

        The input is X, as :meth:`predict` takes it, in the network's dtype. A classifier's outputs
        are ``label`` and ``probabilities``, a regressor's is ``answers``. Needs the package onnx:
        ``pip install "graduel[onnx]"``.

        Parameters
        ----------
        path : where to, usually ``….onnx``; a file that is there is replaced

        Raises
        ------
        ValueError
            If onnx is not installed, if a layer has no form in ONNX, or if a classifier's
            probabilities are not those of one softmax or of sigmoids alone.
        """
        from graduel import export

        check_is_fitted(self)
        fitted = self._fitted
        export.to_onnx(fitted.network, fitted.weights, path, **self._export_options())

    def to_python(self) -> str:
        """Return the fitted network as the text of one Python file that needs NumPy alone.

        It reads like the equations, with the numbers at its end, and runs without graduel::

            Path("digits.py").write_text(classifier.to_python(), encoding="utf-8")

        Returns
        -------
        source : str

        Raises
        ------
        ValueError
            If a layer has no form there, or as for :meth:`to_onnx`.
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
                    "a classifier of two or more labels, with loss='log_loss' or 'softmax', can be "
                    f"handed over; got {len(classes)} and {fitted.network.loss}"
                )
            whole = classes.dtype.kind in "bf" and bool((classes == classes.astype(int)).all())
            classes = classes.astype(int) if whole else classes
        return {"scale": fitted.scale, "classes": classes}

    def summary(self) -> str:
        """Return what the network is: its layers, their output shapes and parameters."""
        from graduel.estimators import html_repr

        check_is_fitted(self)
        return html_repr.render_summary(self)

    def plot_training(self, ax: Any = None) -> Any:
        """Draw loss, validation loss and validation score by epoch.

        Parameters
        ----------
        ax : matplotlib axes for the losses alone; without, a figure of its own is made

        Returns
        -------
        ax : the axes with the losses
        """
        from graduel.estimators import plots

        check_is_fitted(self)
        return plots.plot_training(self, ax)

    def plot_weights(self, layer: int = 0, most: int = 40) -> Any:
        """Draw a layer's weights, as images where its inputs are pixels.

        Parameters
        ----------
        layer : which, from 0, of those with weights
        most : how many units, at most, where each is an image

        Returns
        -------
        figure : a matplotlib figure
        """
        from graduel.estimators import plots

        check_is_fitted(self)
        return plots.plot_weights(self._fitted, layer, most)
