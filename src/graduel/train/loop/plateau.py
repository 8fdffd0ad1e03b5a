"""A learning rate that is reduced when the monitored value stops improving."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf


@dataclass(slots=True)
class ReduceOnPlateau:
    """factor ← max(factor · `factor`, min_factor) after more than `patience` values without gain.

    A gain is a value below the best one so far by more than `min_delta`; what is watched (a loss,
    an error) is to get smaller. A value that is not a number is no gain. It begins at 1.

    A schedule knows the progress alone; this controller reacts, and so it stands in the loop::

        plateau, lr = ReduceOnPlateau(), fit.lr
        for epoch in fit.fit_iter():
            fit.lr = lr * plateau.observe(epoch.loss)

    It is PyTorch's ``ReduceLROnPlateau`` (absolute threshold). scikit-learn's
    ``learning_rate='adaptive'`` divides by 5: ``factor=0.2``, its ``n_iter_no_change`` as
    `patience` and its ``tol`` as `min_delta` (but there gains below ``tol`` still move the best).

    Parameters
    ----------
    factor : what the rate is multiplied by, above 0 and below 1
    patience : how many values in a row may be without gain, at least 0
    min_delta : by how much a value must be lower to count, at least 0
    min_factor : the factor never gets below it, in [0, 1]

    Raises
    ------
    ValueError
        If a parameter is out of its range.

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
    """Values since then, or since the last reduction."""

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
        """Record one more value, the smaller the better; return the factor from here on."""
        if value < self.best - self.min_delta:
            self.best, self.waited = value, 0
        else:
            self.waited += 1
        if self.waited > self.patience:
            self.now, self.waited = max(self.now * self.factor, self.min_factor), 0
        return self.now
