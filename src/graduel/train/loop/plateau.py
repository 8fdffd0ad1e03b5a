"""Reduction of the learning rate when a monitored value stops improving."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class ReduceOnPlateau:
    """A learning-rate factor that is reduced when a monitored value stops improving.

    factor ← max(factor · `factor`, min_factor) after more than `patience` values without a gain.
    A gain is a value below the best one so far by more than `min_delta`: the monitored value, such
    as a loss or an error, is minimized. NaN is not a gain. The factor starts at 1.

    A schedule depends on the progress only; this controller reacts to values, so that it is called
    in the training loop::

        plateau, lr = ReduceOnPlateau(), fit.lr
        for epoch in fit.fit_iter():
            fit.lr = lr * plateau.observe(epoch.loss)

    It equals PyTorch's ``ReduceLROnPlateau`` with an absolute threshold. scikit-learn's
    ``learning_rate='adaptive'`` divides by 5: ``factor=0.2``, its ``n_iter_no_change`` as
    `patience` and its ``tol`` as `min_delta` (but there, gains below ``tol`` still update the
    best value).

    Parameters
    ----------
    factor : multiplier of the learning rate, above 0 and below 1
    patience : number of consecutive values without a gain to tolerate, at least 0
    min_delta : minimum decrease that is a gain, at least 0
    min_factor : lower bound of the factor, in [0, 1]

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> plateau = ReduceOnPlateau(factor=0.5, patience=1)
    >>> [plateau.observe(value) for value in (3.0, 2.0, 2.0, 2.1, 1.0)]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    factor: float = 0.5
    patience: int = 5
    min_delta: float = 1e-4
    min_factor: float = 1e-4
    now: float = field(init=False, default=1.0)
    """The current factor."""
    best: float = field(init=False, default=inf)
    """The lowest value that counted as a gain."""
    waited: int = field(init=False, default=0)
    """The number of values since the best one, or since the last reduction."""

    def __post_init__(self) -> None:
        if not 0 < self.factor < 1:
            raise ValueError(f"factor must be above 0 and below 1; got {self.factor}")
        if self.patience < 0:
            raise ValueError(f"patience must be at least 0; got {self.patience}")
        if not 0 <= self.min_delta < inf:
            raise ValueError(f"min_delta must be at least 0; got {self.min_delta}")
        if not 0 <= self.min_factor <= 1:
            raise ValueError(f"min_factor must be in [0, 1]; got {self.min_factor}")

    def observe(self, value: float) -> float:
        """Record a value and return the new factor."""
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.now, self.waited = max(self.now * self.factor, self.min_factor), 0
        return self.now
