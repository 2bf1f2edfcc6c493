"""The log that a replica holds in memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from trading_stack.journal.entries import Base, Entry, Position, chain

ENTRY_BYTES: Final = 64
_epoch: Final = attrgetter("epoch")


class Log:
    """The entries after `base`, in memory. `size_bytes` is about what they take."""

    __slots__ = ("_entries", "base", "size_bytes")

    def __init__(self, entries: Iterable[Entry] = (), base: Base | None = None) -> None:
        self._entries = list(entries)
        self.base = base or Base()
        self.size_bytes = _size(self._entries)

    @property
    def last_index(self) -> int:
        return self.base.index + len(self._entries)

    @property
    def last(self) -> Position:
        if not self._entries:
            return Position(self.base.epoch, self.base.index)
        last = self._entries[-1]
        return Position(last.epoch, last.index)

    @property
    def last_time_ns(self) -> int:
        return self._entries[-1].time_ns if self._entries else self.base.time_ns

    def at(self, index: int) -> Entry:
        """The entry, which must be after the base."""
        offset = index - self.base.index - 1
        if offset < 0:
            raise IndexError(f"entry {index} is gone: the log begins after {self.base.index}")
        return self._entries[offset]

    def epoch_at(self, index: int) -> int:
        return self.base.epoch if index == self.base.index else self.at(index).epoch

    def hash_at(self, index: int) -> bytes:
        return self.base.hash if index == self.base.index else self.at(index).hash

    def holds(self, index: int, digest: bytes) -> bool:
        """Whether the log is the same as the asker's up to `index`; below the base all that are right are the same."""
        base, entries = self.base, self._entries
        offset = index - base.index - 1
        if offset < 0:
            return offset < -1 or base.hash == digest
        return offset < len(entries) and entries[offset].hash == digest

    def slice(self, first: int, last: int) -> list[Entry]:
        """Entries `first`..`last`, both included, as far as they exist."""
        base = self.base.index
        return self._entries[max(0, first - base - 1) : max(0, last - base)]

    def batch_after(self, index: int, *, most: int, most_bytes: int) -> list[Entry]:
        """Entries after `index`, which is not below the base, as many as one message should carry."""
        start = index - self.base.index
        batch = self._entries[start : start + most]
        size = 0
        for count, entry in enumerate(batch, 1):
            size += len(entry.command) + ENTRY_BYTES
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
        self.size_bytes += len(command) + ENTRY_BYTES
        return entry

    def extend(self, entries: list[Entry]) -> None:
        """Append another replica's entries, which the caller has found sound."""
        self._entries.extend(entries)
        self.size_bytes += _size(entries)

    def truncate(self, first: int) -> None:
        """Forget entry `first` and all after it."""
        start = first - self.base.index - 1
        if start < 0:
            raise IndexError(f"entry {first} can't be truncated: the log begins after {self.base.index}")
        self.size_bytes -= _size(self._entries[start:])
        del self._entries[start:]

    def base_at(self, index: int) -> Base:
        """What the log's base would be after `compact`."""
        return Base(index, self.epoch_at(index), self.hash_at(index), self.at(index).time_ns)

    def compact(self, base: Base) -> None:
        """Forget all entries up to the base; those after it stay."""
        gone = base.index - self.base.index
        self.size_bytes -= _size(self._entries[:gone])
        del self._entries[:gone]
        self.base = base

    def reset(self, base: Base) -> None:
        """Forget every entry, and begin after the base."""
        self._entries.clear()
        self.base, self.size_bytes = base, 0

    def epoch_start(self, index: int) -> int:
        """The first index of the run of entries that share the epoch of entry `index`; epochs never fall along a log.

        As far as the log goes back: at the base, it is the base's.
        """
        base = self.base.index
        if index == base:
            return base
        return base + 1 + bisect_left(self._entries, self.epoch_at(index), hi=index - base, key=_epoch)


def _size(entries: list[Entry]) -> int:
    return sum(len(entry.command) for entry in entries) + ENTRY_BYTES * len(entries)
