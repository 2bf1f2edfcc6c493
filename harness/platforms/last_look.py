"""A look at what a change does, taken after a while or just before the change is lifted, whichever comes first."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from harness.model.errors import HarnessError

T = TypeVar("T")


class LastLook(Generic[T]):
    """Joins the thread that gathers facts with the one that lifts the change, so that neither waits for the other long."""

    def __init__(self, look: Callable[[], T]) -> None:
        """`look` must be quick: lifting waits for it."""
        self._look = look
        self._lock = threading.Lock()
        self._lifting = threading.Event()
        self._watching = False
        self._seen: T | None = None

    @property
    def lifted(self) -> bool:
        """Whether the change is being lifted, or was."""
        return self._lifting.is_set()

    def after(self, seconds: float) -> T | None:
        """Look after so many seconds, or just before the lift; None if it was lifted before anybody watched."""
        with self._lock:
            if self.lifted:
                return self._seen
            self._watching = True
        self._lifting.wait(seconds)
        with self._lock:
            self._watching = False
            return self._seen if self.lifted else self._look()

    def before_lift(self) -> None:
        """To be called just before the change is lifted: takes the last look for whoever watches."""
        with self._lock:
            if self._watching and not self.lifted:
                with contextlib.suppress(HarnessError, OSError):  # to lift matters more than to know
                    self._seen = self._look()
            self._lifting.set()

    def again(self) -> None:
        """The change is made anew: there is something to see again."""
        with self._lock:
            self._seen = None
            self._lifting.clear()
