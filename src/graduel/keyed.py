"""Transition: typed results that still answer string keys. Delete when no reader uses keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Keyed:
    """Let code that says ``result["contenders"]`` read a dataclass; None counts as absent."""

    __slots__ = ()

    def __getitem__(self, key: str) -> Any:
        """Return a field by its name."""
        if key not in self.__dataclass_fields__:  # type: ignore[attr-defined]
            raise KeyError(key)
        return getattr(self, key)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a field by its name, or the default where it is None or missing."""
        value = getattr(self, key, None)
        return default if value is None else value

    def __contains__(self, key: object) -> bool:
        """Return whether the field is there and not None."""
        return isinstance(key, str) and self.get(key) is not None

    def keys(self) -> list[str]:
        """Return the names of the fields that are not None."""
        fields: dict[str, Any] = self.__dataclass_fields__  # type: ignore[attr-defined]
        return [name for name in fields if name in self]

    def __iter__(self) -> Iterator[str]:
        """Yield the names of the fields that are not None."""
        return iter(self.keys())

    def items(self) -> list[tuple[str, Any]]:
        """Return the fields that are not None."""
        return [(name, getattr(self, name)) for name in self.keys()]

    def values(self) -> list[Any]:
        """Return the values of the fields that are not None."""
        return [value for _, value in self.items()]

    def __or__(self, other: Any) -> dict[str, Any]:
        """Return the fields with others in their place, as a dict."""
        return dict(self.items()) | dict(other)
