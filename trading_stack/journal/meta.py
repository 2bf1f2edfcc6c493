"""What a store holds beside its entries: one row, sealed by a checksum, written anew in every transaction."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec

from trading_stack.journal.entries import GENESIS, Base
from trading_stack.journal.events import Promise
from trading_stack.journal.life import Age

FORMAT: Final = 1
SEAL_BYTES: Final = 16
_encode: Final = msgspec.msgpack.Encoder().encode


class Meta(msgspec.Struct, frozen=True, array_like=True):
    """`format` and `cluster` come first in every format that there will be, so that each can tell the others.

    `fresh`: made where there was no store before, and nothing forgotten since. `writes` counts durable writes of its
    whole life, `seen` are the ages at which other stores were seen, by incarnation. `last_hash` is the hash of entry
    `last_index`, the last. The log begins after `base`; `digest` is that of the snapshot that stands for what was before.
    `openings` are the writes with each of its last openings.
    """

    format: int
    cluster: str
    incarnation: str
    fresh: bool
    proven: bool = False
    founders: dict[str, str] = {}
    promise: Promise = Promise()
    opens: int = 0
    writes: int = 0
    seen: dict[str, Age] = {}
    last_index: int = 0
    last_hash: bytes = GENESIS
    base: Base = Base()
    digest: bytes = b""
    openings: tuple[int, ...] = ()


class _Head(msgspec.Struct, array_like=True):
    format: int
    cluster: str


class StoreBroken(Exception):
    """Something in a store's files is not what was written; says which file, and what in it."""


class StoreRefused(ValueError):
    """The files are sound, but no store for this replica: another cluster's, or of a newer format."""


def seal(meta: Meta) -> bytes:
    """The row's bytes: a checksum, and what it covers."""
    body = _encode(meta)
    return _checksum(body) + body


def unseal(row: bytes, *, file: str) -> Meta:
    """The meta of a row; raises `StoreBroken` when its checksum doesn't match, `StoreRefused` for a newer format."""
    checksum, body = row[:SEAL_BYTES], row[SEAL_BYTES:]
    if checksum != _checksum(body):
        raise StoreBroken(f"{file}: table meta: the row does not match its checksum")
    written = msgspec.msgpack.decode(body, type=_Head).format
    if written > FORMAT:
        raise StoreRefused(
            f"{file}: written in format {written}, and this version knows formats up to {FORMAT}; "
            "start a version that is at least as new as the one that wrote it"
        )
    return msgspec.msgpack.decode(body, type=Meta)


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=SEAL_BYTES, person=b"store meta").digest()
