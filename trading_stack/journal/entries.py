"""Entries of the journal, and how each is chained to the one before."""

from __future__ import annotations

import hashlib
import struct
from typing import Final, NamedTuple

import msgspec

HASH_BYTES: Final = 16
GENESIS: Final = b"\0" * HASH_BYTES
_HEAD: Final = struct.Struct(">16sQQq")


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One command. `hash` covers the entry and, through the one before, the whole log up to here."""

    index: int
    epoch: int
    time_ns: int
    command: bytes
    hash: bytes


class Position(NamedTuple):
    """How far a log reaches; the greater of two by (epoch of its last entry, its index) is the one to adopt."""

    epoch: int
    end: int


def chain(before: bytes, index: int, epoch: int, time_ns: int, command: bytes) -> bytes:
    """The hash of an entry that follows the one whose hash is `before`; it is the entry's checksum, too."""
    mac = hashlib.blake2b(_HEAD.pack(before, index, epoch, time_ns), digest_size=HASH_BYTES)
    mac.update(command)
    return mac.digest()


def sound(entry: Entry, before: bytes) -> bool:
    """Whether the entry is what was once written, and follows the one whose hash is `before`."""
    return entry.hash == chain(before, entry.index, entry.epoch, entry.time_ns, entry.command)


class Base(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """The last of the entries that a log no longer has; a snapshot stands for all of them."""

    index: int = 0
    epoch: int = 0
    hash: bytes = GENESIS
    time_ns: int = 0
