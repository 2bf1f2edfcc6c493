"""Ctrl-C at any moment: the first one stops the run, which heals and writes its report; a second one says what is left."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(BaseException):
    """Somebody asked to stop, inside a stretch that may be broken off at any point."""


class Interrupts:
    """Catches SIGINT and SIGTERM while it is entered.

    Inside `breakable` the first signal raises `Interrupted` at once; elsewhere it sets `requested` and calls `wake`, so that
    healing is never broken off half way.
    """

    def __init__(self, *, wake: Callable[[], None], say_left: Callable[[], None]) -> None:
        self.requested = False
        self._wake = wake
        self._say_left = say_left
        self._breakable = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Interrupts:
        # Only the main thread may set handlers; elsewhere (a test runner's worker) whoever owns them decides.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what `signal.signal` gave back
        self._before = {}

    @contextmanager
    def breakable(self) -> Iterator[None]:
        """A stretch that a signal breaks off."""
        if self.requested:
            raise Interrupted
        self._breakable = True
        try:
            yield
        finally:
            self._breakable = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            self._say_left()
            return
        self.requested = True
        if self._breakable:
            raise Interrupted
        self._wake()


@contextmanager
def held_back() -> Iterator[None]:
    """A stretch that is finished first (a report that is written): a signal becomes `KeyboardInterrupt` after it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {number: signal.signal(number, lambda number, frame: came.append(number)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if came:
        raise KeyboardInterrupt
