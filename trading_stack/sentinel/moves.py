"""When the primary moved of late, on disk: hold-down and the most failovers a window outlast a sentinel's restart.

Times are those of the host's monotonic clock, which begins anew when the host does. Since the last move it is not known
how long such a host was down: the last move then counts as one of right now, and those before keep their distance
from it. So the whole hold-down, and what was left of the window, are counted again from the restart.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from trading_stack.durable import write_file

FILE: Final = "moves.json"
BOOT: Final = Path("/proc/sys/kernel/random/boot_id")


class Moves(msgspec.Struct, frozen=True):
    """Which boot of the host the clock's times belong to, and the times, oldest first."""

    boot: str
    moves_ns: tuple[int, ...]

    def since(self, boot: str, now_ns: int) -> tuple[int, ...]:
        """The times on the clock of this boot, none of them after now."""
        if not self.moves_ns:
            return ()
        last_ns = max(self.moves_ns)
        if boot and boot == self.boot and last_ns <= now_ns:
            return self.moves_ns
        return tuple(now_ns - (last_ns - move_ns) for move_ns in self.moves_ns)


def read_moves(directory: Path, *, boot: str, now_ns: int) -> tuple[int, ...]:
    """What an earlier life wrote down. A file that says nothing sensible counts as one move, of now."""
    try:
        data = (directory / FILE).read_bytes()
    except FileNotFoundError:
        return ()
    try:
        return msgspec.json.decode(data, type=Moves).since(boot, now_ns)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return (now_ns,)


def boot_id() -> str:
    """What tells this boot of the host from any other; empty where the host doesn't say."""
    try:
        return BOOT.read_text().strip()
    except OSError:
        return ""


class MoveKeeper:
    """Writes moves down off the event loop. `failure` is why the last ones could not be, or empty."""

    def __init__(self, directory: Path, *, boot: str) -> None:
        self.failure = ""
        self._path = directory / FILE
        self._boot = boot
        self._queue: queue.SimpleQueue[tuple[int, ...] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="moves", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def close(self) -> None:
        """Write what waits, and end the writer."""
        self._queue.put(None)
        self._thread.join()

    def save(self, moves_ns: tuple[int, ...]) -> None:
        """Queue the moves, which take the place of those before; never blocks."""
        self._queue.put(moves_ns)

    def _run(self) -> None:
        while (moves_ns := self._queue.get()) is not None:
            self.failure = _told(lambda moves_ns=moves_ns: self._write(moves_ns))  # type: ignore[misc]

    def _write(self, moves_ns: tuple[int, ...]) -> None:
        write_file(self._path, msgspec.json.encode(Moves(self._boot, moves_ns)))


def _told(action: Callable[[], None]) -> str:
    try:
        action()
    except OSError as failure:
        return f"moves can't be written down: {failure.strerror or failure}"
    return ""
