"""Shared sections of the docstrings of MLPClassifier and MLPRegressor."""

from __future__ import annotations

from inspect import cleandoc
from typing import TypeVar

T = TypeVar("T")

PARAMETERS = """\
hidden_layer_sizes : units of each hidden layer
activation : of the hidden layers: 'relu', 'tanh', 'logistic', 'identity', or another name
    ('gelu', 'silu', 'leaky_relu(slope=0.2)') or object; a list has one for each layer
solver : 'adam', 'sgd', 'lbfgs', or another optimizer by name ('adamw', 'lion', 'muon',
    'rmsprop(decay=0.9)') or as an object
alpha : L2 penalty, α/2 ‖W‖² divided by the batch's total row weight, in loss and gradient
batch_size : rows per step; 'auto' is min(200, n_rows)
learning_rate : 'constant', 'invscaling' or 'adaptive' (which 'adam' ignores), or a schedule
    over all epochs: a name ('cosine', 'one_cycle', 'linear(end=0.1)') or a function of the
    progress t from 0 to 1
learning_rate_init : initial learning rate
power_t : exponent of 'invscaling': learning_rate_init / (rows seen + 1) ** power_t
max_iter : maximum number of epochs; of iterations for 'lbfgs'
shuffle : shuffle the rows in every epoch
random_state : seed or ``RandomState``, for weights, split, order and dropout
tol : minimum improvement; for 'lbfgs', the largest gradient entry at convergence
verbose : show epochs: a progress bar on a terminal or in a notebook, lines elsewhere or from 2
warm_start : continue from the previous weights in ``fit``
momentum, nesterovs_momentum : of 'sgd'; the first also of 'momentum' and 'nesterov'
early_stopping : stop when the validation score no longer improves, and restore the best epoch
validation_fraction : share of validation rows for early stopping, unless X_val is given
beta_1, beta_2, epsilon : of 'adam'
n_iter_no_change : number of epochs without improvement before training stops
max_fun : maximum number of loss evaluations for 'lbfgs'
layers : hidden layers in place of ``hidden_layer_sizes``: sizes, texts ('conv32',
    'maxpool'; X must be images), layers of :mod:`graduel.nn`
norm : normalization after each hidden layer's weights: 'batch', 'layer', an object, or a list
dropout : share of units dropped after each hidden layer, or a list
init : initial weights: 'auto' as in scikit-learn, or an initializer by name ('he_normal') or
    as an object
weight_decay : decoupled weight decay, for solvers that have it; None: the solver's default
clip_norm, clip_value : bounds for the norm of the gradient, or for each entry
ema : decay of an exponential moving average of the weights, used to predict; 0: none
scoring : score of the validation rows: the name of a scikit-learn scorer, a scorer, or
    'loss'; None: ``score``
input_scale : factor for X; 'auto': 1/255 for pixels (uint8 with a value above 127), otherwise 1"""
ATTRIBUTES = """\
coefs_, intercepts_ : lists of W, shape (n_in, n_out), and b; views of the network's arrays
network_, weights_ : the :class:`graduel.nn.Network` and its weights
n_iter_, t_ : epochs of the last fit, and total number of rows seen
loss_, loss_curve_, best_loss_ : last training loss, loss by epoch, and the lowest (None with
    ``early_stopping``)
validation_scores_, validation_loss_curve_, best_validation_score_ : by epoch, and the
    highest; None without validation rows
learning_rate_ : the final learning rate
n_layers_, n_outputs_, out_activation_ : number of layers including the input, number of
    outputs, and their activation
n_features_in_, feature_names_in_ : number of columns of X, and their names if X has names"""


def document(estimator: type[T]) -> type[T]:
    """Insert the shared sections into the docstring of a class."""
    if estimator.__doc__ is not None:  # python -OO drops it
        text = cleandoc(estimator.__doc__).replace("{parameters}", PARAMETERS)
        estimator.__doc__ = text.replace("{attributes}", ATTRIBUTES) + "\n"
    return estimator
