"""What a sentinel signed, on disk before it is sent: one JSON line a ballot, each made durable, off the event loop."""

from __future__ import annotations

import errno
import io
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.sentinel.events import Ballot

FILE: Final = "ballots.ndjson"


class BallotBox:
    """The ballots of one sentinel. A line that a crash cut short was never sent, and is left out."""

    def __init__(self, directory: Path) -> None:
        """Know the last ballot; raises `OSError` when the disk can't make it durable."""
        self._path = directory / FILE
        self._file: io.RawIOBase | None = None
        self._failure: str | None = None
        self.last = _last(self._path)
        self._queue: queue.SimpleQueue[Ballot] = queue.SimpleQueue()

    @property
    def failure(self) -> str | None:
        """Why the last ballot could not be made durable, or None; the next one is tried all the same."""
        return self._failure

    def start(self, saved: Callable[[Ballot], object]) -> None:
        """Begin to write; `saved` is called from the writer's thread, for what is durable alone."""
        threading.Thread(target=self._run, args=(saved,), name="ballots", daemon=True).start()

    def save(self, ballot: Ballot) -> None:
        """Queue a ballot; never blocks."""
        self._queue.put(ballot)

    def _run(self, saved: Callable[[Ballot], object]) -> None:
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
        line = msgspec.json.encode(ballot) + b"\n"
        if file.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())

    def _open(self) -> io.RawIOBase:
        """Open the file; that it is there is made durable, too."""
        self._file = file = self._path.open("ab", buffering=0)
        _end_line(file.fileno(), self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return file


def _end_line(descriptor: int, path: Path) -> None:
    """Close a line that a crash cut short, so that the next one stands by itself."""
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        os.write(descriptor, b"\n")


def _last(path: Path) -> Ballot | None:
    """The last ballot, durable from now on: a killed process may have left it in the system's cache alone.

    It is signed for again whenever a peer asks, so that a power cut must not take it back.
    """
    if not path.exists():
        return None
    with path.open("rb") as file:
        os.fsync(file.fileno())
        lines = file.read().split(b"\n")
    ballots = [ballot for line in lines if (ballot := _ballot(line)) is not None]
    return max(ballots, key=lambda ballot: ballot.new_epoch, default=None)


def _ballot(line: bytes) -> Ballot | None:
    try:
        return msgspec.json.decode(line, type=Ballot)
    except msgspec.DecodeError:
        return None
