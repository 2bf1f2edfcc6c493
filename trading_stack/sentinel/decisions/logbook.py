"""The decision log on disk: segments that each begin with an opening, written off the event loop.

A segment is `decisions-NUMBER.ndjson`. What is noted waits in memory for a quarter of a second at most; a decision is
handed to the writer at once, with all that led to it. The newest segments are kept, and older ones in which something
was decided. A disk that takes no more spoils no decision: the segment ends there, and the next one may be whole again.
"""

from __future__ import annotations

import errno
import io
import os
import queue
import re
import threading
from pathlib import Path
from typing import Final

from trading_stack.sentinel.decisions.pages import Pages
from trading_stack.sentinel.decisions.records import ENCODER, Record

SEGMENT_BYTES: Final = 4 << 20
MOST_SEGMENT_BYTES: Final = 16 * SEGMENT_BYTES
KEPT: Final = 8
KEPT_WITH_DECISIONS: Final = 32
NAME: Final = re.compile(r"decisions-(\d{6,})\.ndjson")
DECISION: Final = b'\n["decided"'


class Logbook:
    """One sentinel's log (`recorder.Book`). `failure` is why the current segment is not whole, or empty."""

    def __init__(self, directory: Path, *, segment_bytes: int = SEGMENT_BYTES) -> None:
        self.full = False
        self.failure = ""
        self._segment_bytes = segment_bytes
        self._pages = Pages()
        self._size = 0
        self._queue: queue.SimpleQueue[tuple[bytes, bool] | None] = queue.SimpleQueue()
        self._shelf = _Shelf(directory)
        self._thread = threading.Thread(target=self._run, name="decisions", daemon=True)

    def start(self) -> None:
        """Begin to write; what was noted before waits."""
        self._thread.start()

    def close(self) -> None:
        """Write what was noted, and end the writer."""
        self._hand_over(self._pages.turn())
        self._queue.put(None)
        self._thread.join()

    def open(self, first: Record) -> None:
        self._hand_over(self._pages.turn())
        self.full, self._size = False, 0
        self._queue.put((ENCODER.encode(first) + b"\n", True))

    def note(self, record: Record) -> None:
        self._hand_over(self._pages.due(record))
        if self._size > MOST_SEGMENT_BYTES:
            return  # until something can begin anew: a crisis that lasts for hours must not fill a disk
        self._hand_over(self._pages.add(record))

    def _hand_over(self, page: bytes) -> None:
        if page:
            self._size += len(page)
            self.full = self._size >= self._segment_bytes
            self._queue.put((page, False))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            data, opens = item
            if opens:
                self.failure = ""
            if not self.failure:
                try:
                    self._shelf.write(data, opens=opens)
                except OSError as failure:
                    self.failure = f"decisions can't be written: {failure.strerror or failure}"
        self._shelf.close()


class _Shelf:
    """The segments of one directory; only the writer's thread uses it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: io.RawIOBase | None = None
        self._decided: dict[Path, bool] = {}

    def write(self, data: bytes, *, opens: bool) -> None:
        """Add to the newest segment, or open another; raises `OSError`."""
        if opens or self._file is None:
            self.close()
            self._file = self._next().open("ab", buffering=0)
            self._thin_out()
        if self._file.write(data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _next(self) -> Path:
        segments = self._segments()
        number = _number(segments[-1]) + 1 if segments else 1
        return self._directory / f"decisions-{number:06}.ndjson"

    def _segments(self) -> list[Path]:
        """All segments, oldest first."""
        return sorted((path for path in self._directory.iterdir() if NAME.fullmatch(path.name)), key=_number)

    def _thin_out(self) -> None:
        older = self._segments()[:-KEPT]
        keep = [path for path in older if self._has_decision(path)][-KEPT_WITH_DECISIONS:]
        for path in older:
            if path not in keep:
                path.unlink(missing_ok=True)

    def _has_decision(self, path: Path) -> bool:
        if path not in self._decided:
            self._decided[path] = DECISION in path.read_bytes()
        return self._decided[path]


def _number(path: Path) -> int:
    found = NAME.fullmatch(path.name)
    return int(found[1]) if found else 0
