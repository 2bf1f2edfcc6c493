"""One source of randomness for a whole world, the same in every version of Python."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")


class Draws:
    """Everything is made from `random()`, the one method whose results no version of Python has changed."""

    __slots__ = ("unit",)

    def __init__(self, seed: int) -> None:
        self.unit: Callable[[], float] = random.Random(seed).random  # noqa: S311 - a simulation, not a secret

    def below(self, limit: int) -> int:
        """An integer in [0, limit); 0 when the limit is below 1."""
        return int(self.unit() * limit)

    def between(self, least: int, most: int) -> int:
        """An integer in [least, most]."""
        return least + int(self.unit() * (most - least + 1))

    def chance(self, share: float) -> bool:
        return self.unit() < share

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self.unit() * len(items))]

    def shuffled(self, items: Sequence[Item]) -> list[Item]:
        """All items in an order of chance (Fisher and Yates)."""
        left = list(items)
        return [left.pop(int(self.unit() * len(left))) for _ in range(len(left))]
