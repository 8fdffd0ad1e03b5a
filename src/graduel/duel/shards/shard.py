"""A shard: one of n parts of the cells of a plan."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from graduel.errors import UserError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `number` of `count` parts, which depends only on the positions of the cells.

    Finished cells count too, so that shards which start at different times never overlap.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Parse a shard such as ``3/40``.

        Raises
        ------
        UserError
            If `text` is not a shard.

        Examples
        --------
        >>> Shard.parse("3/40")
        Shard(number=3, count=40)
        """
        match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip(), re.ASCII)
        if match is None or not 1 <= int(match[1]) <= int(match[2]):
            raise UserError(
                "--shard must be a part and the number of parts such as 3/40, the part from 1 to "
                f"the number; got '{text}'"
            )
        return cls(int(match[1]), int(match[2]))

    def select(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return every `count`-th item, from that with this number on.

        >>> Shard(2, 3).select("abcdefgh")
        'beh'
        """
        return items[self.number - 1 :: self.count]
