"""The weights of a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(slots=True)
class Weights:
    """The trained values of a network: parameters θ and state (running means, …)."""

    theta: Array
    state: Array
    idle: list[Any] = field(default_factory=list, repr=False, compare=False)
    """Workspaces that earlier predictions left for reuse; one thread uses each at a time. Neither
    copied nor pickled."""

    def copy(self) -> Weights:
        """Return a snapshot."""
        return Weights(self.theta.copy(), self.state.copy())

    def __reduce__(self) -> tuple[type[Weights], tuple[Array, Array]]:
        return Weights, (self.theta, self.state)

    @property
    def nbytes(self) -> int:
        """The size of θ and the state in bytes."""
        return int(self.theta.nbytes + self.state.nbytes)
