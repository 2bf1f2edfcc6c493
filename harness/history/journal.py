"""The journal: one append-only file of typed events, one JSON line an event.

An event's sequence number is the number of its line, from 1. Every event is on its way to the disk before `append`
returns (one `write` a line, so that a SIGKILL loses nothing); `sync` makes it survive a power cut, too. A journal
that was cut at any byte is read up to the cut, and known to be cut.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from queue import SimpleQueue
from typing import Final, TypeAlias

import msgspec

from harness.model.errors import UsageError
from harness.model.events import Event, RunEnded

Observer: TypeAlias = Callable[[int, Event], None]

_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Event)


class JournalWriter:
    """Appends events; safe to use from several threads. Refuses a file that already has content."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._length = os.fstat(self._descriptor).st_size
        if self._length:
            os.close(self._descriptor)
            raise UsageError(
                f"{path} already holds a journal", next_step="write each run into a folder of its own"
            )
        self._sequence = 0
        self._closed = False
        self._listeners: list[_Listener] = []

    def append(self, event: Event) -> int:
        """Write one event and return its sequence number.

        Raises `OSError` when the disk refuses (full, gone); the file then ends with the last whole line.
        """
        line = _encoder.encode(event) + b"\n"
        with self._lock:
            self._write(line)
            self._sequence += 1
            for listener in self._listeners:
                listener.hear(self._sequence, event)
            return self._sequence

    def subscribe(self, observer: Observer) -> Subscription:
        """Let `observer` hear each event from now on, in order, on a thread of its own.

        A slow observer delays only itself. One that raises hears nothing more; see `Subscription.error`.
        """
        listener = _Listener(observer)
        with self._lock:
            self._listeners.append(listener)
        return Subscription(listener)

    def sync(self) -> None:
        """Force what was written onto the disk: at the ends of phases, not for each event."""
        with self._lock:
            if not self._closed:
                os.fsync(self._descriptor)

    def close(self, *, patience_s: float = 2.0) -> None:
        """Sync, close, and give each observer at most `patience_s` to hear the rest. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                os.fsync(self._descriptor)
            finally:
                os.close(self._descriptor)
        for listener in self._listeners:
            listener.finish(patience_s)

    def _write(self, line: bytes) -> None:
        if self._closed:
            raise ValueError("the journal is closed")
        try:
            written = os.write(self._descriptor, line)
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, self._length)
            raise
        self._length += len(line)


class _Listener:
    """One observer, its queue and its thread."""

    def __init__(self, observer: Observer) -> None:
        self.error: Exception | None = None
        self._observer = observer
        self._queue: SimpleQueue[tuple[int, Event] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._listen, name="journal-observer", daemon=True)
        self._thread.start()

    def hear(self, sequence: int, event: Event) -> None:
        if self.error is None:
            self._queue.put((sequence, event))

    def finish(self, patience_s: float) -> None:
        self._queue.put(None)
        self._thread.join(patience_s)

    def _listen(self) -> None:
        while (item := self._queue.get()) is not None:
            if self.error is not None:
                continue
            try:
                self._observer(*item)
            except Exception as error:  # whatever an observer does, the run goes on
                self.error = error


class Subscription:
    """What came of an observer."""

    def __init__(self, listener: _Listener) -> None:
        self._listener = listener

    @property
    def error(self) -> Exception | None:
        """What the observer raised, if it did."""
        return self._listener.error


class Journal(msgspec.Struct, frozen=True):
    """The events of a journal, as far as they can be read.

    `torn` says why reading stopped before the end of the file (empty: it did not). `ended` says whether the run
    wrote its last event; a journal that is neither torn nor ended belongs to a run that still goes on, or was killed.
    """

    events: tuple[Event, ...]
    torn: str = ""

    @property
    def ended(self) -> bool:
        """Whether the last event is the one that ends a run."""
        return not self.torn and bool(self.events) and isinstance(self.events[-1], RunEnded)


def read_journal(path: Path) -> Journal:
    """Read a journal up to its end, or to the first line that is not whole.

    Raises `UsageError` when the file cannot be read. One that is no journal at all is torn at its first line.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot read the journal {path}: {error.strerror}", next_step="name the folder of a run"
        ) from error
    return parse_journal(content)


def parse_journal(content: bytes) -> Journal:
    """The events in the bytes of a journal, as far as they are whole; raises nothing."""
    lines = content.split(b"\n")
    rest = lines.pop()
    events: list[Event] = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(_decoder.decode(line))
        except msgspec.DecodeError as error:
            return Journal(tuple(events), torn=f"line {number} is not a whole event: {error}")
    torn = f"line {len(lines) + 1} is cut after {len(rest)} bytes" if rest else ""
    return Journal(tuple(events), torn=torn)
