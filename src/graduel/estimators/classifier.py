"""MLPClassifier, a superset of scikit-learn's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import (
    type_of_target,
    unique_labels,
)

from graduel.estimators.base_mlp import BaseMLP
from graduel.estimators.docstrings import document
from graduel.estimators.fit import part_builder, solver_builder
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.mixins import ProbabilityMixin
from graduel.estimators.parameters import check_class_weight, set_parameters
from graduel.estimators.targets import LabelTarget, Targets
from graduel.nn import BinaryCrossEntropy, Loss, SoftmaxCrossEntropy

Array = NDArray[Any]


@document
class MLPClassifier(ClassifierMixin, ProbabilityMixin, BaseMLP):  # type: ignore[misc]
    """Multi-layer perceptron classifier: scikit-learn's, with more options.

    With scikit-learn's parameters it gives the same results as its ``MLPClassifier``, up to
    rounding errors: it has the same defaults and draws the same random numbers (except for
    'lbfgs', whose line search differs). All other parameters follow those and have no effect by
    default.

    Rows of uint8 or float32 are computed in float32, all others in float64. Threads can predict
    while another one fits: they use the previous fit or the new one.

    Parameters
    ----------
    {parameters}
    loss : 'log_loss', or another loss: 'softmax', 'binary' (one against the rest), 'squared', or
        an object
    class_weight : 'balanced', or a dict with a weight for each label
    label_smoothing : share of each target that is spread over all labels
    vat : radius of virtual adversarial training, the distance in X at which predictions should not
        change (:class:`graduel.train.VirtualAdversarial`); 0: none. Takes three times as long

    Attributes
    ----------
    classes_ : the labels, sorted
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> net = MLPClassifier(activation=("gelu", "relu"), hidden_layer_sizes=(64, 32), dropout=0.1,
    ...                     early_stopping=True, scoring="neg_log_loss", random_state=0)
    >>> net.fit(X[:1500], y[:1500]).score(X[1500:], y[1500:]) > 0.9
    True
    """

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: Any = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: Any = 10,
        max_fun: int = 15000,
        loss: Any = "log_loss",
        layers: Any = None,
        norm: Any = None,
        dropout: Any = 0.0,
        init: Any = "auto",
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        ema: float = 0.0,
        vat: float = 0.0,
        scoring: Any = None,
        input_scale: Any = "auto",
    ) -> None:
        set_parameters(self, locals())

    @available_if(solver_builder.can_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> Self:
        """Train for one epoch on these rows, continuing from the last call.

        Parameters
        ----------
        X, y, sample_weight : as for :meth:`fit`
        classes : all labels that can occur, shape (K,); required in the first call

        Returns
        -------
        self
            The estimator.
        """
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' is not supported for partial_fit, which gets only part of "
                "the rows. Pass the weights as a dict, or as sample_weight"
            )
        if not self.__sklearn_is_fitted__():
            if classes is None:
                raise ValueError("classes must be passed on the first call to partial_fit.")
        elif classes is not None and not np.array_equal(self.classes_, unique_labels(classes)):
            raise ValueError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}"
            )
        return self._partial_fit(X, y, sample_weight, classes)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class, or of each label for several labels per row.

        Parameters
        ----------
        X : as for :meth:`fit`

        Returns
        -------
        p : shape (n_rows, n_classes), in the order of ``classes_``
        """
        targets, outputs = self._network_outputs(X)
        assert isinstance(targets, LabelTarget)
        return targets.proba(outputs)

    def _build_targets(
        self, y: Any, previous: FittedNetwork | None, incremental: bool, classes: Any
    ) -> LabelTarget:
        if previous is not None:
            assert isinstance(previous.targets, LabelTarget)
            self._check_labels(y, previous.targets.classes, incremental)
            return replace(previous.targets, loss=self._loss(previous.targets))
        multilabel = type_of_target(y).startswith("multilabel")
        binarizer = LabelBinarizer().fit(y if classes is None or multilabel else classes)
        labels = LabelTarget(
            binarizer.classes_, BinaryCrossEntropy(), multilabel, bool(binarizer.sparse_input_)
        )
        if classes is not None and not multilabel:
            self._check_labels(y, labels.classes, incremental=True)
        if not multilabel and len(labels.classes) > 2:
            labels = replace(labels, loss=SoftmaxCrossEntropy())
        return replace(labels, loss=self._loss(labels))

    def _loss(self, labels: LabelTarget) -> Loss:
        """Return the loss; 'log_loss' is the cross-entropy that fits the number of labels.

        scikit-learn stops by the loss of clipped probabilities. A minimizer needs the loss that
        belongs to the gradient.
        """
        default = BinaryCrossEntropy if labels.binary else SoftmaxCrossEntropy
        clipped = not solver_builder.is_minimizer(self.solver)
        loss = part_builder.build_loss(self, default, clipped=clipped)
        if labels.multilabel and isinstance(loss, SoftmaxCrossEntropy):
            raise ValueError(
                "loss='softmax' expects one label per row; use loss='log_loss' for several"
            )
        return loss

    def _check_labels(self, y: Any, known: Array, incremental: bool) -> None:
        """Raise `ValueError` if y has other labels than the earlier fit."""
        labels = unique_labels(y)
        if self.warm_start and not incremental:
            if set(labels) != set(known):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the "
                    f"previous call to fit. Previously got {known}, `y` has {labels}"
                )
        elif len(np.setdiff1d(labels, known, assume_unique=True)):
            raise ValueError(
                f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has "
                f"{labels}."
            )

    def _row_weights(self, sample_weight: Any, X: Any, y: Any) -> Array | None:
        weight = super()._row_weights(sample_weight, X, y)
        if self.class_weight is None:
            return weight
        check_class_weight(self.class_weight)
        by_class: Array = compute_sample_weight(self.class_weight, y)
        return by_class if weight is None else weight * by_class

    def _split_strata(self, y: Array, targets: Targets) -> Array | None:
        assert isinstance(targets, LabelTarget)
        two = not targets.multilabel and len(targets.classes) <= 2
        return (y == targets.classes[-1])[:, np.newaxis] if two else None

    def _check_validation_target(self, y: Any, targets: Targets) -> None:
        assert isinstance(targets, LabelTarget)
        self._check_labels(y, targets.classes, incremental=True)

    def _score(self, y: Any, outputs: Array, targets: Targets, weight: Array | None) -> float:
        return float(accuracy_score(y, targets.predict(outputs), sample_weight=weight))

    def _target_attributes(self, targets: Targets) -> dict[str, Any]:
        assert isinstance(targets, LabelTarget)
        return {"classes_": targets.classes}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
