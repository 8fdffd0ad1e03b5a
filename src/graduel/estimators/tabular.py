"""TabularMLPClassifier and TabularMLPRegressor, networks for DataFrames as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from graduel.errors import UserError
from graduel.estimators.mixins import EngineMixin, ProbabilityMixin
from graduel.estimators.parameters import set_parameters
from graduel.estimators.table import number_fit, table_fit, table_input
from graduel.estimators.table.table_fit import FittedTable

Array = NDArray[Any]


class TableMixin(EngineMixin):
    """What the estimators for tables share: raw tables as input, scikit-learn's tags, files."""

    takes = "frame"
    """As a contender in a duel, it gets a DataFrame instead of a matrix."""

    def _fit_by(self, fit: Callable[..., dict[str, Any]], *data: Any) -> Self:
        """Fit by a function that returns the attributes of the fitted estimator."""
        try:
            attributes = fit(self, *data)
        except UserError as error:
            raise table_fit.translate_error(error) from None
        self._publish(attributes)
        return self

    def _predict_by(
        self, predict: Callable[[FittedTable, Any], Array], X: Any
    ) -> tuple[FittedTable, Array]:
        """Return the fitted table, and its predictions of raw rows."""
        check_is_fitted(self)
        fitted = self._fitted
        frame = table_input.to_frame(self._stand_in(fitted), X, names=fitted.columns)
        try:
            return fitted, predict(fitted, frame)
        except UserError as error:
            raise table_fit.translate_error(error) from None

    @staticmethod
    def _persistence() -> Any:
        from graduel.estimators.table import table_persistence

        return table_persistence

    def __sklearn_tags__(self) -> Any:
        """Return the tags of an estimator that takes missing values and categories."""
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        return tags


class TabularMLPClassifier(ClassifierMixin, ProbabilityMixin, TableMixin, BaseEstimator):  # type: ignore[misc]
    """Neural network classifier for tables with numbers, categories, dates and missing values.

    X is a pandas or Polars DataFrame, an array or a list of rows. Column types are inferred as by
    ``graduel data``: numbers, categories (text with few distinct values, and categorical dtypes),
    booleans, dates. Identifiers, long text and constant columns are not used. Scaling, category
    codes and replacements of missing values are fitted on the training rows. The network is trained
    by a :class:`~graduel.train.recipes.NetRecipe` for all its epochs, and predicts with the weights
    of the best epoch on validation rows.

    Predictions accept new categories and missing values in any column. Columns must be the same as
    in the fit, in the same order. Threads can predict while another one fits.

    Parameters
    ----------
    recipe : hyperparameters of network and training: a ``NetRecipe``, or a text in the form of
        ``--net`` with those that differ from the default recipe for this number of rows, such as
        ``"layers=128,128 epochs=30 lr=1e-3"``
    metric : metric that selects the best epoch: 'error', 'log_loss' or 'balanced_accuracy'; the log
        loss breaks ties
    categorical_features : columns to treat as categories: names, indices from 0, or a mask; the
        types of the others, and with 'auto' of all, are inferred
    class_weight : 'balanced', or a dict with a weight for each label; used in the loss and in the
        metric
    validation_fraction : share of validation rows, stratified by class; with 0, or one row per
        class, all rows are training rows, and the last epoch is used
    max_epochs : upper limit for the recipe's epochs
    random_state : seed or ``RandomState``, for validation rows, weights, order and dropout
    verbose : show epochs: a progress bar on a terminal or in a notebook, lines elsewhere or from 2

    Attributes
    ----------
    classes_ : the labels, sorted
    columns_ : the features: name, kind, and why the kind was inferred
    set_aside_ : the columns that are not used: name, kind of reason, and the reason in words
    n_features_in_, feature_names_in_ : number of columns of X, and their names if X has names
    preparation_ : the fitted encoders, a
        :class:`~graduel.data.prepare.preparation.NetPreparation`
    network_, weights_ : the :class:`graduel.nn.Network` and its weights
    recipe_ : the recipe of this fit
    n_iter_, best_epoch_ : number of epochs, and the epoch whose weights are used
    loss_curve_ : training loss by epoch
    validation_error_curve_, validation_loss_curve_, validation_scores_ : error rate, log loss
        and score (the metric; the negative log loss) on the validation rows by epoch; None without
        validation rows

    See Also
    --------
    MLPClassifier : for numbers and images, with the same results as scikit-learn's.

    Examples
    --------
    >>> from sklearn.datasets import load_wine
    >>> X, y = load_wine(return_X_y=True, as_frame=True)
    >>> X["strong"] = (X.pop("alcohol") > 13).map({True: "yes", False: "no"})
    >>> X.loc[::7, "hue"] = None
    >>> small = "layers=32,32 epochs=20 batch_size=16"
    >>> net = TabularMLPClassifier(recipe=small, random_state=0)
    >>> net.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.9
    True
    >>> net.columns_[-1]
    Column(name='strong', kind='boolean', reason='no and yes')
    """

    def __init__(
        self,
        *,
        recipe: Any = None,
        metric: str = "error",
        categorical_features: Any = "auto",
        class_weight: Any = None,
        validation_fraction: float = 0.15,
        max_epochs: int | None = None,
        random_state: Any = None,
        verbose: Any = False,
    ) -> None:
        set_parameters(self, locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Fit the network to a table.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : labels, shape (n_rows,)
        sample_weight : weight of each row in the loss and in the metric, at least 0, shape
            (n_rows,). Rows of weight 0 are left out. Columns are scaled and encoded without weights
        eval_set : pair (X, y) of validation rows; None: a share of X

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or the training diverged.
        """
        return self._fit_by(table_fit.fit, X, y, sample_weight, eval_set)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : table with the columns of the fit

        Returns
        -------
        p : shape (n_rows, n_classes), in the order of ``classes_``

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not have the columns of the fit.
        """
        return self._predict_by(FittedTable.predict_proba, X)[1]

    def predict(self, X: Any) -> Array:
        """Return the most probable label of each row.

        Parameters
        ----------
        X : table with the columns of the fit

        Returns
        -------
        y : shape (n_rows,)

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not have the columns of the fit.
        """
        fitted, p = self._predict_by(FittedTable.predict_proba, X)
        return fitted.classes[p.argmax(axis=1)]


class TabularMLPRegressor(RegressorMixin, TableMixin, BaseEstimator):  # type: ignore[misc]
    """Neural network regressor for tables with numbers, categories, dates and missing values.

    Columns, recipes, validation rows and threads are as for :class:`TabularMLPClassifier`. The
    network is trained on (y − mean) / SD of the training rows, with the mean squared error unless
    the recipe names another loss, and predictions stay within the range of the training targets.

    Parameters
    ----------
    recipe : hyperparameters of network and training: a ``NetRecipe``, or a text in the form of
        ``--net`` with those that differ from the default recipe, such as ``"loss=huber epochs=30"``
    metric : metric that selects the best epoch: 'rmse' or 'mae'; the other one breaks ties
    categorical_features : columns to treat as categories: names, indices from 0, or a mask; the
        types of the others, and with 'auto' of all, are inferred
    validation_fraction : share of validation rows, stratified by ranges of y; with 0 all rows are
        training rows, and the last epoch is used
    max_epochs : upper limit for the recipe's epochs
    random_state : seed or ``RandomState``, for validation rows, weights, order and dropout
    verbose : show epochs: a progress bar on a terminal or in a notebook, lines elsewhere or from 2

    Attributes
    ----------
    columns_, set_aside_ : the features, and the columns that are not used
    n_features_in_, feature_names_in_ : number of columns of X, and their names if X has names
    preparation_ : the fitted encoders
    network_, weights_ : the :class:`graduel.nn.Network` and its weights
    recipe_ : the recipe of this fit
    n_iter_, best_epoch_ : number of epochs, and the epoch whose weights are used
    loss_curve_ : training loss by epoch, of scaled targets
    validation_error_curve_, validation_loss_curve_, validation_scores_ : RMSE, mean absolute error
        and score (the negative metric) on the validation rows by epoch; None without such rows

    See Also
    --------
    MLPRegressor : for matrices of numbers, with the same results as scikit-learn's.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> net = TabularMLPRegressor(recipe="layers=32 epochs=20 members=2", random_state=0)
    >>> net.fit(X[::2], y[::2]).score(X[1::2], y[1::2]) > 0.35
    True
    """

    def __init__(
        self,
        *,
        recipe: Any = None,
        metric: str = "rmse",
        categorical_features: Any = "auto",
        validation_fraction: float = 0.15,
        max_epochs: int | None = None,
        random_state: Any = None,
        verbose: Any = False,
    ) -> None:
        set_parameters(self, locals())

    def fit(self, X: Any, y: Any, sample_weight: Any = None, eval_set: Any = None) -> Self:
        """Fit the network to a table.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : numbers, shape (n_rows,)
        sample_weight : weight of each row in the loss and in the metric, at least 0, shape
            (n_rows,). Rows of weight 0 are left out
        eval_set : pair (X, y) of validation rows; None: a share of X

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or the training diverged.
        """
        return self._fit_by(number_fit.fit, X, y, sample_weight, eval_set)

    def predict(self, X: Any) -> Array:
        """Return the predicted number of each row.

        Parameters
        ----------
        X : table with the columns of the fit

        Returns
        -------
        y : shape (n_rows,)

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not have the columns of the fit.
        """
        fitted, outputs = self._predict_by(FittedTable.predict_outputs, X)
        scale = fitted.schema.target_scale
        assert scale is not None
        return scale.decode(outputs)[:, 0]
