"""Base class of the classifier and the regressor."""

from __future__ import annotations

import copy
import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any, Self

from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_is_fitted

from graduel.estimators import inputs
from graduel.estimators.fit import solver_builder
from graduel.estimators.fit.callbacks import CallbackSupportMixin, CallbackTasks, with_callbacks
from graduel.estimators.fit.fit_history import FitEpoch
from graduel.estimators.fit.fit_setup import FitSetup, prepare_fit
from graduel.estimators.fit.fitted_network import ArrayViews, FittedNetwork, is_finite
from graduel.estimators.fit.progress_bar import Progress
from graduel.estimators.mixins import EngineMixin, FittedMixin
from graduel.estimators.targets import Targets
from graduel.nn import Network, Weights
from graduel.optim import Minimizer

Array = NDArray[Any]


class BaseMLP(EngineMixin, FittedMixin, CallbackSupportMixin, BaseEstimator):  # type: ignore[misc]
    """A network of graduel as a scikit-learn estimator.

    The fitted network is one object, replaced in one step, so that threads can predict while
    another one fits.
    """

    # --- defined by subclasses ---

    @abstractmethod
    def _build_targets(
        self, y: Any, previous: FittedNetwork | None, incremental: bool, classes: Any
    ) -> Targets:
        """Return the targets of y; raise `ValueError` if y does not match an earlier fit."""

    @abstractmethod
    def _score(self, y: Array, outputs: Array, targets: Targets, weight: Array | None) -> float:
        """Return the score of a network's outputs."""

    @abstractmethod
    def _check_validation_target(self, y: Any, targets: Targets) -> None:
        """Raise `ValueError` if y of validation rows does not match the targets."""

    def _split_strata(self, y: Any, targets: Targets) -> Array | None:
        """Return the strata for a stratified split, or None."""
        return None

    def _row_weights(self, sample_weight: Any, X: Any, y: Any) -> Array | None:
        """Return the weight of each row, or None for equal weights."""
        return inputs.validate_weights(sample_weight, X)

    @abstractmethod
    def _target_attributes(self, targets: Targets) -> dict[str, Any]:
        """Return the fitted attributes that only this class has."""

    _is_regressor = False
    """Whether the targets are numbers."""

    # --- fitting ---

    @with_callbacks
    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Fit the network to X and y.

        Parameters
        ----------
        X : array, sparse matrix or DataFrame of shape (n_rows, n_features), or images of shape
            (n_rows, height, width) or (n_rows, height, width, channels)
        y : labels or numbers, shape (n_rows,) or (n_rows, n_outputs)
        sample_weight : weight of each row, shape (n_rows,)
        X_val, y_val : validation rows: their loss and score are computed after every epoch.
            With ``early_stopping`` they replace the rows that would be split off X

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter or the data are invalid, or the training diverged.
        """
        setup = prepare_fit(self, X, y, sample_weight, X_val, y_val)
        loop, stop_reason = setup.loop, ""
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        callbacks = CallbackTasks(self, setup.epochs, X=X, y=y, metadata=metadata)
        with Progress(self.verbose, setup.epochs) as progress:
            try:
                callbacks.begin()
                for epoch in loop.run():
                    progress.epoch(epoch.epoch, epoch.loss, epoch.validation_score)
                    # A copy, since a callback can keep it while training continues.
                    if callbacks.done(
                        lambda: copy.deepcopy(setup.attributes(self, loop.current_weights()))
                    ):
                        stop_reason = "Stopped by a callback."
                        break
                    if epoch.epoch < setup.epochs and not loop.stop_reason:
                        callbacks.begin()
            except KeyboardInterrupt:
                if not loop.history.losses:
                    raise
                stop_reason = "Training interrupted by user."
                warnings.warn(stop_reason, stacklevel=2)
            progress.end(stop_reason or loop.stop_reason)
        attributes = setup.attributes(self, loop.final_weights())
        self._publish(attributes)
        callbacks.end(lambda: copy.deepcopy(attributes))
        if not stop_reason:
            self._warn_unconverged(setup)
        return self

    def fit_iter(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Iterator[FitEpoch]:
        """Fit the network to X and y, yielding after every epoch.

        Between epochs the estimator predicts with its current weights; ``break`` stops the fit.
        With ``early_stopping`` it ends with the best epoch's weights, also after a break.

        Parameters
        ----------
        X, y, sample_weight, X_val, y_val : as for :meth:`fit`

        Yields
        ------
        FitEpoch
            Loss, validation loss and score, and learning rate of the epoch.
        """
        setup = prepare_fit(self, X, y, sample_weight, X_val, y_val)
        loop, started = setup.loop, False
        try:
            for epoch in loop.run():
                started = True
                if not loop.diverged:
                    self._publish(setup.attributes(self, loop.current_weights().copy()))
                yield epoch
        finally:
            if started:
                self._publish(setup.attributes(self, loop.final_weights()))
        self._warn_unconverged(setup)

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> Self:
        """Train for one epoch, continuing the previous fit."""
        setup = prepare_fit(self, X, y, sample_weight, incremental=True, classes=classes)
        try:
            with Progress(self.verbose, 1) as progress:
                for epoch in setup.loop.run():
                    progress.epoch(epoch.epoch, epoch.loss, epoch.validation_score)
            attributes = setup.attributes(self, setup.loop.final_weights())
        except BaseException:
            self.__dict__["_resume_state"] = None  # an incomplete epoch cannot be resumed
            raise
        self._publish(attributes)
        return self

    def _warn_unconverged(self, setup: FitSetup) -> None:
        """Warn if training ended before it converged."""
        loop = setup.loop
        if loop.diverged:
            warnings.warn(
                f"the training diverged; the best epoch before is used: {loop.stop_reason}",
                ConvergenceWarning,
                stacklevel=3,
            )
        elif isinstance(loop.settings.rule, Minimizer):
            if loop.stop_reason in ("", "out of evaluations"):
                limit = "max_fun" if loop.stop_reason else "max_iter"
                warnings.warn(
                    f"lbfgs failed to converge after {loop.epochs} iterations: reached {limit}="
                    f"{getattr(self, limit)}. Increase it, or scale the rows",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        elif not loop.stop_reason and solver_builder.is_sklearn_rule(self.learning_rate):
            warnings.warn(
                f"Stochastic Optimizer: Maximum iterations ({self.max_iter}) reached and the "
                "optimization hasn't converged yet.",
                ConvergenceWarning,
                stacklevel=3,
            )

    # --- predicting ---

    def _with_fitted(self, fitted: FittedNetwork) -> Any:
        """Return an estimator for scorers that predicts with `fitted`."""
        stand_in = self._stand_in(fitted)
        stand_in.__dict__.update(self._target_attributes(fitted.targets), _fitted=fitted)
        return stand_in

    def _html_repr(self) -> str:
        from graduel.estimators import html_repr

        html: str = super()._html_repr()
        return html + html_repr.render_html(self) if self.__sklearn_is_fitted__() else html

    def _network_outputs(self, X: Any) -> tuple[Targets, Array]:
        """Return the targets of the fit and the network's outputs for X."""
        fitted: FittedNetwork | None = self.__dict__.get("_fitted")
        if fitted is None:
            check_is_fitted(self)
            fitted = self._fitted  # another thread has just fitted it
        if not (fitted.is_plain(X) and is_finite(X)):
            X, _ = inputs.flatten_images(X, fitted.image)
            X = inputs.validate_features(self._stand_in(fitted), X, reset=False)
        return fitted.targets, fitted.predict(X)

    def predict(self, X: Any) -> Any:
        """Return the predicted labels or numbers.

        Parameters
        ----------
        X : as for :meth:`fit`

        Returns
        -------
        y : shape (n_rows,), or (n_rows, n_outputs) for several labels or numbers per row

        Raises
        ------
        NotFittedError
            If the estimator is not fitted.
        ValueError
            If X does not match the fit.
        """
        targets, outputs = self._network_outputs(X)
        return targets.predict(outputs)

    @property
    def coefs_(self) -> ArrayViews:
        """The weight matrices from first to last layer, shape (n_in, n_out), as views."""
        return self._fitted_or_raise("coefs_").arrays("W")

    @coefs_.setter
    def coefs_(self, values: Any) -> None:
        self._fitted_or_raise("coefs_").set_arrays("W", values)

    @property
    def intercepts_(self) -> ArrayViews:
        """The biases from first to last layer, shape (n_out,), as views."""
        return self._fitted_or_raise("intercepts_").arrays("b")

    @intercepts_.setter
    def intercepts_(self, values: Any) -> None:
        self._fitted_or_raise("intercepts_").set_arrays("b", values)

    @property
    def network_(self) -> Network:
        """The fitted :class:`graduel.nn.Network`."""
        return self._fitted_or_raise("network_").network

    @property
    def weights_(self) -> Weights:
        """The parameters θ and the state of the network."""
        return self._fitted_or_raise("weights_").weights

    def _fitted_or_raise(self, name: str) -> FittedNetwork:
        fitted: FittedNetwork | None = self.__dict__.get("_fitted")
        if fitted is None:
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted")
        return fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
