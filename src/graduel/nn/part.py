"""Bases of layers and losses: the flags that say what holds of their mathematics."""

from __future__ import annotations

from typing import ClassVar, Protocol


class Flags(Protocol):
    """The flags that every layer and loss has."""

    @property
    def row_wise(self) -> bool:
        """Whether each row of the output depends on its own row of the input alone."""
        ...

    @property
    def deterministic(self) -> bool:
        """Whether training draws no random numbers."""
        ...

    @property
    def smooth(self) -> bool:
        """Whether the derivative is continuous, so that finite differences always agree."""
        ...


class Part:
    """A layer or a loss whose flags are True unless its class sets one to False."""

    __slots__ = ()

    row_wise: ClassVar[bool] = True
    deterministic: ClassVar[bool] = True
    smooth: ClassVar[bool] = True


class Composite:
    """A part made of others: a flag is True where it is True of all `inner` parts."""

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
