"""The trained numbers of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(slots=True)
class Weights:
    """The trained numbers of a network: θ and the state (running means, …)."""

    theta: Array
    state: Array
    idle: list[Any] = field(default_factory=list, repr=False, compare=False)
    """Workspaces of earlier predictions, waiting for the next one; each is used by one thread at
    a time. Not copied, not pickled."""

    def copy(self) -> Weights:
        """Return a snapshot."""
        return Weights(self.theta.copy(), self.state.copy())

    def __reduce__(self) -> tuple[type[Weights], tuple[Array, Array]]:
        return Weights, (self.theta, self.state)

    @property
    def nbytes(self) -> int:
        """Bytes that a file of these numbers takes."""
        return int(self.theta.nbytes + self.state.nbytes)
