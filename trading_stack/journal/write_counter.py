"""A write counter: a small file beside the database that says how many writes were durable.

SQLite takes a log that was cut, or damaged in its middle, for one whose end was torn by a crash, and forgets what
followed without a word. The counter is written after each transaction and before it is reported, so that a database
which holds fewer writes than it counts has lost some. Two slots are written in turn: a write that is torn leaves the
other. It is not synchronised: after a power cut it may lag behind the database, which is no lie. The name of the file,
and the salt of its sums, are those under which stores were written before it was called a counter.
"""

from __future__ import annotations

import os
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

COUNTER: Final = "journal.witness"
_COUNT: Final = struct.Struct(">Q")
_SUM_BYTES: Final = 8
SLOT_BYTES: Final = _COUNT.size + _SUM_BYTES


class WriteCounter:
    """The file, open for writing; made when it isn't there."""

    def __init__(self, directory: Path, *, name: str = COUNTER) -> None:
        self._descriptor = os.open(directory / name, os.O_WRONLY | os.O_CREAT, 0o600)
        self._slot = 0

    def write(self, writes: int) -> None:
        """Say that so many writes are durable; raises `OSError`."""
        self._slot = 1 - self._slot
        os.pwrite(self._descriptor, _slot(writes), self._slot * SLOT_BYTES)

    def write_both(self, writes: int) -> None:
        """The same, in both slots and synchronised."""
        self.write(writes)
        self.write(writes)
        os.fsync(self._descriptor)

    def close(self) -> None:
        os.close(self._descriptor)


def read_count(directory: Path, *, name: str = COUNTER) -> int | None:
    """The writes that the file counts; None when it isn't there, or no slot of it is sound."""
    try:
        data = (directory / name).read_bytes()
    except FileNotFoundError:
        return None
    slots = [data[start : start + SLOT_BYTES] for start in (0, SLOT_BYTES)]
    counts = [_COUNT.unpack_from(slot)[0] for slot in slots if len(slot) == SLOT_BYTES]
    return max(
        (count for count, slot in zip(counts, slots, strict=False) if slot == _slot(count)), default=None
    )


def _slot(writes: int) -> bytes:
    count = _COUNT.pack(writes)
    return count + blake2b(count, digest_size=_SUM_BYTES, person=b"witness").digest()
