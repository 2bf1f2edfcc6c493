"""What a sentinel signed, on disk before it is sent: one JSON line a ballot, each made durable, off the event loop."""

from __future__ import annotations

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
        self._path = directory / FILE
        self.last = _last(self._path)
        self._queue: queue.SimpleQueue[Ballot] = queue.SimpleQueue()

    def start(self, saved: Callable[[Ballot], object]) -> None:
        """Begin to write; `saved` is called from the writer's thread."""
        threading.Thread(target=self._run, args=(saved,), name="ballots", daemon=True).start()

    def save(self, ballot: Ballot) -> None:
        """Queue a ballot; never blocks."""
        self._queue.put(ballot)

    def _run(self, saved: Callable[[Ballot], object]) -> None:
        with self._path.open("ab", buffering=0) as file:
            _end_line(file.fileno(), self._path)
            while True:
                ballot = self._queue.get()
                file.write(msgspec.json.encode(ballot) + b"\n")
                os.fsync(file.fileno())
                saved(ballot)


def _end_line(descriptor: int, path: Path) -> None:
    """Close a line that a crash cut short, so that the next one stands by itself."""
    data = path.read_bytes()
    if data and not data.endswith(b"\n"):
        os.write(descriptor, b"\n")


def _last(path: Path) -> Ballot | None:
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    ballots = [ballot for line in lines if (ballot := _ballot(line)) is not None]
    return max(ballots, key=lambda ballot: ballot.new_epoch, default=None)


def _ballot(line: bytes) -> Ballot | None:
    try:
        return msgspec.json.decode(line, type=Ballot)
    except msgspec.DecodeError:
        return None
