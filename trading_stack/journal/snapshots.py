"""Snapshots: what stands in for the entries that a log no longer has, when one is taken, and how it is given away."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Self

import msgspec

from trading_stack.journal.entries import Base

PART_BYTES: Final = 256 << 10
DIGEST_BYTES: Final = 32


class Snapshot(msgspec.Struct, frozen=True):
    """The state after entry `base.index`. `digest` covers the base and the state."""

    base: Base
    digest: bytes
    data: bytes

    @classmethod
    def of(cls, base: Base, data: bytes) -> Self:
        return cls(base, digest_of(base, data), data)

    @property
    def sound(self) -> bool:
        return self.digest == digest_of(self.base, self.data)

    def parts(self) -> list[bytes]:
        """The state in pieces of a bounded size; at least one."""
        starts = range(0, max(1, len(self.data)), PART_BYTES)
        return [self.data[start : start + PART_BYTES] for start in starts]


def digest_of(base: Base, data: bytes) -> bytes:
    digest = blake2b(msgspec.msgpack.encode(base), digest_size=DIGEST_BYTES, person=b"snapshot")
    digest.update(data)
    return digest.digest()
