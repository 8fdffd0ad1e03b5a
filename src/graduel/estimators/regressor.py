"""MLPRegressor, a superset of scikit-learn's."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from graduel.estimators.base_mlp import BaseMLP
from graduel.estimators.docstrings import document
from graduel.estimators.fit import part_builder, solver_builder
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.parameters import set_parameters
from graduel.estimators.targets import NumberTarget, Targets
from graduel.nn import BinaryCrossEntropy

Array = NDArray[Any]


@document
class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """Multi-layer perceptron regressor: scikit-learn's, with more options.

    With scikit-learn's parameters it gives the same results as its ``MLPRegressor``, up to rounding
    errors; see :class:`~graduel.estimators.MLPClassifier`. Scale y to a standard deviation near 1
    first, for instance with ``TransformedTargetRegressor``: the default learning rates assume it.

    Parameters
    ----------
    loss : 'squared_error', 'poisson' (y at least 0; predictions are rates), or another loss:
        'absolute_error', 'huber(delta=2.0)', or an object
    {parameters}

    Attributes
    ----------
    {attributes}

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> X, y = make_regression(200, 20, random_state=1)
    >>> net = MLPRegressor(max_iter=500, loss="huber", random_state=1, tol=1e-2)
    >>> net.fit(X[:150], y[:150] / y.std()).score(X[150:], y[150:] / y.std()) > 0.7
    True
    """

    _is_regressor = True

    def __init__(
        self,
        loss: Any = "squared_error",
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
        layers: Any = None,
        norm: Any = None,
        dropout: Any = 0.0,
        init: Any = "auto",
        weight_decay: float | None = None,
        clip_norm: float | None = None,
        clip_value: float | None = None,
        ema: float = 0.0,
        scoring: Any = None,
        input_scale: Any = "auto",
    ) -> None:
        set_parameters(self, locals())

    @available_if(solver_builder.can_partial_fit)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, continuing from the last call.

        Parameters
        ----------
        X, y, sample_weight : as for :meth:`fit`

        Returns
        -------
        self
            The estimator.
        """
        return self._partial_fit(X, y, sample_weight)

    def _build_targets(
        self, y: Any, previous: FittedNetwork | None, incremental: bool, classes: Any
    ) -> NumberTarget:
        if previous is not None:
            self._check_validation_target(y, previous.targets)
        loss = part_builder.build_loss(self, BinaryCrossEntropy)
        if hasattr(loss, "label_smoothing"):
            raise ValueError(
                "loss must be a loss for regression: 'squared_error', 'absolute_error', 'huber' or "
                f"'poisson'; got {self.loss!r}. Use MLPClassifier for labels"
            )
        return NumberTarget(1 if y.ndim == 1 else y.shape[1], loss)

    def _check_validation_target(self, y: Any, targets: Targets) -> None:
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if outputs != targets.n_outputs:
            raise ValueError(
                f"y must have {targets.n_outputs} columns, as in the fit; got {outputs}"
            )

    def _score(self, y: Any, outputs: Array, targets: Targets, weight: Array | None) -> float:
        return float(r2_score(y, targets.predict(outputs), sample_weight=weight))

    def _target_attributes(self, targets: Targets) -> dict[str, Any]:
        return {}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
