"""Sections that the docstrings of the classifier and the regressor share."""

from __future__ import annotations

from inspect import cleandoc
from typing import TypeVar

T = TypeVar("T")

PARAMETERS = """\
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
    above 127, else 1"""
ATTRIBUTES = """\
coefs_, intercepts_ : lists of W, shape (n_in, n_out), and b; views of the network's
network_, weights_ : the engine's own objects
n_iter_, t_ : epochs of the last fit, and rows seen in all
loss_, loss_curve_, best_loss_ : training loss now, by epoch, and the lowest (None with
    ``early_stopping``)
validation_scores_, validation_loss_curve_, best_validation_score_ : by epoch, and the
    highest; None without validation rows
learning_rate_ : the rate at the end
n_layers_, n_outputs_, out_activation_ : layers with the input, outputs, and their link
n_features_in_, feature_names_in_ : columns of X, and their names where X has names"""


def document(estimator: type[T]) -> type[T]:
    """Fill the shared sections into the docstring of a class."""
    if estimator.__doc__ is not None:  # python -OO drops it
        text = cleandoc(estimator.__doc__).replace("{parameters}", PARAMETERS)
        estimator.__doc__ = text.replace("{attributes}", ATTRIBUTES) + "\n"
    return estimator
