"""The regressor."""

from __future__ import annotations

from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from graduel.estimators.base_mlp import BaseMLP
from graduel.estimators.fit import part_builder, solver_builder
from graduel.estimators.fit.fitted_network import FittedNetwork
from graduel.estimators.parameters import set_parameters
from graduel.estimators.targets import NumberTarget, Targets
from graduel.nn import BinaryCrossEntropy

Array = NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):  # type: ignore[misc]
    """Multi-layer perceptron for numbers: scikit-learn's, and what its users have requested.

    With scikit-learn's own parameters it is scikit-learn's ``MLPRegressor``, to rounding error;
    see :class:`~graduel.estimators.MLPClassifier`. Scale y to a standard deviation near 1 first,
    for instance with ``TransformedTargetRegressor``: the rates are meant for such numbers.

    Parameters
    ----------
    loss : 'squared_error', 'poisson' (y at least 0; the answers are rates), or another of the
        engine's ('absolute_error', 'huber(delta=2.0)', an object)
    hidden_layer_sizes : units of each hidden layer
    activation : of the hidden layers: 'relu', 'tanh', 'logistic', 'identity', or any other of the
        engine ('gelu', 'silu', 'leaky_relu(slope=0.2)', an object); a list gives each layer its
        own
    solver : 'adam', 'sgd', 'lbfgs', or any other optimizer of the engine ('adamw', 'lion',
        'muon', 'rmsprop(decay=0.9)', an object)
    alpha : L2 penalty, α/2 ‖W‖² divided by the batch's weight, in loss and gradient
    batch_size : rows a step; 'auto' is min(200, n)
    learning_rate : 'constant', 'invscaling' or 'adaptive' (which 'adam' ignores), or a schedule
        over all epochs: a name of the engine's ('cosine', 'one_cycle', 'linear(end=0.1)'), or a
        function of the progress t from 0 to 1
    learning_rate_init : the rate
    power_t : exponent of 'invscaling': rate / (rows seen + 1) ** power_t
    max_iter : the most epochs; iterations, for a minimizer
    shuffle : take the rows in a new order at every epoch
    random_state : seed or ``RandomState``, for weights, split, order and dropout
    tol : the least improvement that counts; for 'lbfgs', the gradient's largest entry at the end
    verbose : show epochs: a bar on a terminal or in a notebook, lines elsewhere and from 2 on
    warm_start : let ``fit`` continue from the previous weights
    momentum, nesterovs_momentum : of 'sgd'; the first also of 'momentum' and 'nesterov'
    early_stopping : stop when the validation score no longer improves, and keep the best epoch
    validation_fraction : how many rows early stopping sets aside, where there is no X_val
    beta_1, beta_2, epsilon : of 'adam'
    n_iter_no_change : epochs without improvement before training stops
    max_fun : the most evaluations of the loss, for 'lbfgs'
    layers : hidden layers in place of ``hidden_layer_sizes``: sizes, texts ('conv32',
        'maxpool'; X must hold images), layers of :mod:`graduel.nn`
    norm : normalization after each hidden layer's weights: 'batch', 'layer', an object, or a list
    dropout : share of units dropped after each hidden layer, or a list
    init : initial weights: 'auto' as scikit-learn draws them, or a name of the engine's
        ('he_normal'), or an object
    weight_decay : decoupled, of the solvers that have it; None: the solver's own
    clip_norm, clip_value : bounds for the gradient: its norm, or each entry
    ema : predict with an exponential moving average of the weights, of this decay
    scoring : score of the validation rows: a name of scikit-learn's scorers, a scorer, or
        'loss'; None: ``score``
    input_scale : X is multiplied by it; 'auto': 1/255 for pixels, which are uint8 numbers with one
        above 127, else 1

    Attributes
    ----------
    coefs_, intercepts_ : lists of W, shape (n_in, n_out), and b; views of the network's
    network_, weights_ : the engine's own objects
    n_iter_, t_ : epochs of the last fit, and rows seen in all
    loss_, loss_curve_, best_loss_ : training loss now, by epoch, and the lowest (None with
        ``early_stopping``)
    validation_scores_, validation_loss_curve_, best_validation_score_ : by epoch, and the
        highest; None without validation rows
    learning_rate_ : the rate at the end
    n_layers_, n_outputs_, out_activation_ : layers with the input, outputs, and their link
    n_features_in_, feature_names_in_ : columns of X, and their names where X has names

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
        """Train for one epoch over these rows, continuing from the last call.

        Parameters
        ----------
        X, y, sample_weight : as for :meth:`fit`

        Returns
        -------
        self
            The estimator, one epoch further.
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
                "loss must be one for numbers, 'squared_error', 'absolute_error', 'huber' or "
                f"'poisson'; got {self.loss!r}. Labels take an MLPClassifier"
            )
        return NumberTarget(1 if y.ndim == 1 else y.shape[1], loss)

    def _check_validation_target(self, y: Any, targets: Targets) -> None:
        outputs = 1 if y.ndim == 1 else y.shape[1]
        if outputs != targets.n_outputs:
            raise ValueError(
                f"y must have {targets.n_outputs} columns, as it was fitted with; got {outputs}"
            )

    def _score(self, y: Any, answers: Array, targets: Targets, weight: Array | None) -> float:
        return float(r2_score(y, targets.predict(answers), sample_weight=weight))

    def _target_attributes(self, targets: Targets) -> dict[str, Any]:
        return {}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
