"""Entries of the journal, and the log that a replica holds in memory."""

from __future__ import annotations

import hashlib
import struct
from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from typing import Final, NamedTuple

import msgspec

HASH_BYTES: Final = 16
GENESIS: Final = b"\0" * HASH_BYTES
_HEAD: Final = struct.Struct(">16sQQq")
_epoch: Final = attrgetter("epoch")


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


class Log:
    """The whole log in memory, first index 1. It is kept whole; snapshots that shorten it come later."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self._entries = list(entries)

    @property
    def last_index(self) -> int:
        return len(self._entries)

    @property
    def last(self) -> Position:
        return Position(self.epoch_at(self.last_index), self.last_index)

    @property
    def last_time_ns(self) -> int:
        return self._entries[-1].time_ns if self._entries else 0

    def at(self, index: int) -> Entry:
        return self._entries[index - 1]

    def epoch_at(self, index: int) -> int:
        return self._entries[index - 1].epoch if index else 0

    def hash_at(self, index: int) -> bytes:
        return self._entries[index - 1].hash if index else GENESIS

    def holds(self, index: int, digest: bytes) -> bool:
        """Whether the log is the same as the asker's up to `index`."""
        return index <= self.last_index and self.hash_at(index) == digest

    def slice(self, first: int, last: int) -> list[Entry]:
        """Entries `first`..`last`, both included, as far as they exist."""
        return self._entries[first - 1 : last]

    def batch_after(self, index: int, *, most: int, most_bytes: int) -> list[Entry]:
        """Entries after `index`, as many as one message should carry."""
        batch = self._entries[index : index + most]
        size = 0
        for count, entry in enumerate(batch, 1):
            size += len(entry.command) + 64
            if size > most_bytes:
                return batch[:count]
        return batch

    def write(self, epoch: int, time_ns: int, command: bytes) -> Entry:
        """Append a new command at the end; time never stands still or runs backwards."""
        index = self.last_index + 1
        time_ns = max(self.last_time_ns + 1, time_ns)
        entry = Entry(
            index, epoch, time_ns, command, chain(self.hash_at(index - 1), index, epoch, time_ns, command)
        )
        self._entries.append(entry)
        return entry

    def extend(self, entries: list[Entry]) -> None:
        """Append another replica's entries, which the caller has found sound."""
        self._entries.extend(entries)

    def truncate(self, first: int) -> None:
        """Forget entry `first` and all after it."""
        del self._entries[first - 1 :]

    def epoch_start(self, index: int) -> int:
        """The first index of the run of entries that share the epoch of entry `index`; epochs never fall along a log."""
        return bisect_left(self._entries, self.epoch_at(index), hi=index, key=_epoch) + 1
