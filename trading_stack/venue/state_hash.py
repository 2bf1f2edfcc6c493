"""A hash over a venue's whole state that costs only what changed.

Each item of the state (an order, a position, …) is hashed by itself, and the items' hashes are added up modulo
2^128: the sum doesn't depend on the order of changes, and one item is replaced by subtracting its old hash. It
finds mistakes, not adversaries. Items that changed are hashed when the sum is asked for, not before.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final, TypeAlias

import msgspec

ItemKey: TypeAlias = tuple[str, ...]

_MODULUS: Final = 1 << 128
_encode: Final = msgspec.msgpack.Encoder().encode


class StateHash:
    """The sum of the hashes of all items; `row_of` reads an item's present content by its key."""

    __slots__ = ("_changed", "_hashes", "_row_of", "_sum")

    def __init__(self, row_of: Callable[[ItemKey], object]) -> None:
        self._row_of = row_of
        self._changed: dict[ItemKey, None] = {}
        self._hashes: dict[ItemKey, int] = {}
        self._sum = 0

    def touch(self, key: ItemKey) -> None:
        """Say that an item is new or was changed."""
        self._changed[key] = None

    def dismantle(self) -> None:
        """Forget all items, one after the other."""
        for table in (self._changed, self._hashes):
            while table:
                table.popitem()

    def value(self) -> bytes:
        """The sum over all items as they are now."""
        for key in self._changed:
            new = _hash_of(key, self._row_of(key))
            self._sum = (self._sum + new - self._hashes.get(key, 0)) % _MODULUS
            self._hashes[key] = new
        self._changed.clear()
        return self._sum.to_bytes(16, "big")


def _hash_of(key: ItemKey, row: object) -> int:
    return int.from_bytes(blake2b(_encode((key, row)), digest_size=16).digest(), "big")
