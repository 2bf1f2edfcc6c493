"""The audit file of one service: a line of JSON for each command, whatever became of it, each chained to the one before.

A changed, inserted or removed line breaks the chain at that place. Lines cut off at the end don't; each line's hash is
also told as a stack event, and the last one told must be in the file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.durable import PRIVATE, sync_directory

FILE: Final = "audit.ndjson"
MOST_BYTES: Final = 64 << 20
GENESIS: Final = "0" * 32


class Record(msgspec.Struct, frozen=True):
    """Who asked for what, why, and what became of it; `objection` is empty when the command was accepted.

    `wall_ns` is the service's wall clock, for people alone. What could not be read has no administrator or action.
    """

    service: str
    wall_ns: int
    administrator: str
    action: str
    arguments: dict[str, str]
    reason: str
    challenge: str
    objection: str


class Line(msgspec.Struct, frozen=True):
    """`hash` covers the line before and the record, byte for byte as it stands here."""

    number: int
    before: str
    record: msgspec.Raw
    hash: str


class ChainBroken(ValueError):
    """A line of an audit file doesn't follow the one before it."""


def _hash(number: int, before: str, record: bytes) -> str:
    return hashlib.blake2b(f"{number} {before} ".encode() + record, digest_size=16).hexdigest()


def lines(path: Path) -> Iterator[Line]:
    """All whole lines of an audit file, checked; raises `ChainBroken` at the first that doesn't fit.

    What a crash cut short at the end was never acted on, and is left out.
    """
    before = GENESIS
    with path.open("rb") as file:
        for number, text in enumerate(file, 1):
            if not text.endswith(b"\n"):
                return
            try:
                line = msgspec.json.decode(text, type=Line)
            except msgspec.DecodeError as mistake:
                raise ChainBroken(f"{path}:{number}: no line of an audit file: {mistake}") from None
            expected = _hash(number, before, bytes(line.record))
            if (line.number, line.before, line.hash) != (number, before, expected):
                raise ChainBroken(
                    f"{path}:{number}: does not follow the line before it: something was changed"
                )
            before = line.hash
            yield line


def ends_whole(path: Path) -> bool:
    """Whether the last line of an audit file has its end."""
    data = path.read_bytes()
    return not data or data.endswith(b"\n")


class AuditFile:
    """Appends records, each durable when `append` returns. Raises `ChainBroken` when it is opened on a broken file."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE
        self._number, self._before, self._size = 0, GENESIS, 0
        if self._path.exists():
            for line in lines(self._path):
                self._number, self._before = line.number, line.hash
            self._size = _whole_bytes(self._path)

    def append(self, record: Record) -> Line:
        """Write a record down; raises `OSError`, and then nothing may be done that it speaks of."""
        number, text = self._number + 1, msgspec.json.encode(record)
        line = Line(number, self._before, msgspec.Raw(text), _hash(number, self._before, text))
        data = msgspec.json.encode(line) + b"\n"
        if self._size + len(data) > MOST_BYTES:
            raise OSError(f"{self._path} is full: move it away")
        self._write(data)
        self._number, self._before, self._size = number, line.hash, self._size + len(data)
        return line

    def _write(self, data: bytes) -> None:
        """Write at the end of what is whole: what an earlier attempt left behind is overwritten."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, PRIVATE)
        try:
            os.ftruncate(descriptor, self._size)
            if os.pwrite(descriptor, data, self._size) != len(data):
                raise OSError(f"{self._path}: only a part could be written")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self._size == 0:
            sync_directory(self._path.parent)


def _whole_bytes(path: Path) -> int:
    data = path.read_bytes()
    return data.rfind(b"\n") + 1
