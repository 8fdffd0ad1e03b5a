"""Base classes of layers and losses, with flags for their mathematical properties."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar, Protocol


def check_size(name: str, value: Any) -> None:
    """Raise ValueError unless a number of units is a positive integer."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(f"{name} must be a positive integer; got {value!r}")


class Flags(Protocol):
    """The mathematical properties of a layer or loss."""

    @property
    def row_wise(self) -> bool:
        """Whether each output row depends only on the same input row."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether the training pass draws no random numbers."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether the derivative is continuous, so that finite differences agree everywhere."""
        ...


class Part:
    """The base of layers and losses: all flags are True unless the class overrides one."""

    __slots__ = ()

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True


class Composite:
    """The base of parts made of others: a flag is True if it is True for all `inner` parts."""

    __slots__ = ()

    @property
    def inner(self) -> tuple[Flags, ...]:
        """The parts inside this one."""
        raise NotImplementedError

    @property
    def row_wise(self) -> bool:
        """Whether all inner parts are row-wise."""
        return all(part.row_wise for part in self.inner)

    @property
    def deterministic(self) -> bool:
        """Whether all inner parts are deterministic."""
        return all(part.deterministic for part in self.inner)

    @property
    def smooth(self) -> bool:
        """Whether all inner parts are smooth."""
        return all(part.smooth for part in self.inner)
