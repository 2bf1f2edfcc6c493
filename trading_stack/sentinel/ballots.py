"""What a sentinel signed, on disk before it is sent: one JSON line a ballot, each made durable, off the event loop.

Each line has a checksum, and a write counter beside the file, as the journal's, tells how many lines were durable. A line
that a crash cut short was never sent, and is left out. Any other that is not what was written, or a file that is gone or too
short, may have held the last ballot: such a box takes no more, so that its sentinel doesn't vote until a person has
looked. Whatever was read is written anew before it counts, and so is what a failed write left
behind: to synchronise a file again proves nothing of what could not be synchronised before.
"""

from __future__ import annotations

import errno
import io
import os
import queue
import threading
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.durable import sync_directory
from trading_stack.journal.write_counter import WriteCounter, read_count
from trading_stack.sentinel.events import Ballot

FILE: Final = "ballots.ndjson"
COUNTER: Final = "ballots.witness"
SUM_BYTES: Final = 8


class BallotBox:
    """The ballots of one sentinel. `damage` says what is wrong with the file, and where; empty if nothing is."""

    def __init__(self, directory: Path) -> None:
        """Know the last ballot, durable from now on; raises `OSError` when the disk can't make it so."""
        self._path = directory / FILE
        self._file: io.RawIOBase | None = None
        self._counter: WriteCounter | None = None
        self._written = 0
        self._failure: str | None = None
        self._queue: queue.SimpleQueue[Ballot] = queue.SimpleQueue()
        lines = _lines(self._path)
        ballots = [_ballot(line) for line in lines]
        known = [ballot for ballot in ballots if ballot is not None]
        self.last = max(known, key=lambda ballot: ballot.new_epoch, default=None)
        self.damage = _damage(self._path, ballots)
        if self.damage:
            self._failure = (
                f"it doesn't vote, since its ballots are damaged: {self._path}: {self.damage}; when no election is under "
                f"way, make this file and {COUNTER} empty, and start it again"
            )
        elif lines:
            _write_anew(self._path, lines)

    @property
    def failure(self) -> str | None:
        """Why ballots can't be made durable, or None; unless they are damaged the next one is tried all the same."""
        return self._failure

    def start(self, saved: Callable[[Ballot], object]) -> None:
        """Begin to write; `saved` is called from the writer's thread, for what is durable alone."""
        threading.Thread(target=self._run, args=(saved,), name="ballots", daemon=True).start()

    def save(self, ballot: Ballot) -> None:
        """Queue a ballot; never blocks. A damaged box takes none."""
        if not self.damage:
            self._queue.put(ballot)

    def _run(self, saved: Callable[[Ballot], object]) -> None:
        if self.damage:
            return
        self._try(self._open)  # before the first ballot, which is in a hurry
        while True:
            ballot = self._queue.get()
            if self._try(lambda ballot=ballot: self._write(ballot)):  # type: ignore[misc]
                saved(ballot)

    def _try(self, action: Callable[[], object]) -> bool:
        """Whether the disk let it; after a failure the file is opened anew, which ends a line that was cut short."""
        try:
            action()
        except OSError as failure:
            self._failure = f"its ballots can't be written: {failure.strerror or failure}"
            if self._file is not None:
                self._file.close()
                self._file = None
            return False
        self._failure = None
        return True

    def _write(self, ballot: Ballot) -> None:
        file = self._file or self._open()
        line = _line(ballot)
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())
        self._written += 1
        assert self._counter is not None
        self._counter.write(self._written)

    def _open(self) -> io.RawIOBase:
        """Write anew all lines that are whole, and open the file behind them."""
        lines = _lines(self._path)
        _write_anew(self._path, lines)
        sync_directory(self._path.parent)
        self._written = len(lines)
        self._counter = self._counter or WriteCounter(self._path.parent, name=COUNTER)
        self._counter.write_both(self._written)
        self._file = file = self._path.open("ab", buffering=0)
        return file


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`sum` is missing in files of earlier versions."""

    old_epoch: int
    new_epoch: int
    candidate: str
    sum: str | msgspec.UnsetType = msgspec.UNSET


def _line(ballot: Ballot) -> bytes:
    line = _Line(ballot.old_epoch, ballot.new_epoch, ballot.candidate, _sum(ballot))
    return msgspec.json.encode(line) + b"\n"


def _sum(ballot: Ballot) -> str:
    return blake2b(msgspec.json.encode(ballot), digest_size=SUM_BYTES, person=b"ballot").hexdigest()


def _lines(path: Path) -> list[bytes]:
    """All lines that a crash didn't cut short."""
    data = path.read_bytes() if path.exists() else b""
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _ballot(line: bytes) -> Ballot | None:
    """What a line says; None when it isn't what was written."""
    try:
        read = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    ballot = Ballot(read.old_epoch, read.new_epoch, read.candidate)
    return ballot if read.sum in (msgspec.UNSET, _sum(ballot)) else None


def _damage(path: Path, ballots: list[Ballot | None]) -> str:
    counted = read_count(path.parent, name=COUNTER)
    if counted is not None and not path.exists():
        return "missing"
    if None in ballots:
        return f"line {ballots.index(None) + 1} does not match its checksum"
    if len(ballots) < (counted or 0):
        return f"lines {len(ballots) + 1} to {counted} are missing"
    return ""


def _write_anew(path: Path, lines: list[bytes]) -> None:
    """Write the same once more where it is, which takes no room, and nothing behind it."""
    with path.open("r+b" if path.exists() else "wb", buffering=0) as file:
        data = b"".join(lines)
        if file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        file.truncate()
        os.fsync(file.fileno())
