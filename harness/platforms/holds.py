"""Which changes keep a service down or frozen, so that overlapping faults don't undo each other."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Holds:
    """A service is let go when the last change that holds it lets go. Thread-safe."""

    def __init__(self) -> None:
        self._holders: dict[str, set[object]] = {}
        self._lock = threading.Lock()

    def take(self, services: Iterable[str], holder: object) -> None:
        """Hold services; safe to call twice."""
        with self._lock:
            for service in services:
                self._holders.setdefault(service, set()).add(holder)

    def let_go(self, services: Iterable[str], holder: object) -> tuple[str, ...]:
        """Let services go; answers those that nobody holds any more."""
        with self._lock:
            for service in (services := tuple(services)):
                self._holders.get(service, set()).discard(holder)
            return tuple(service for service in services if not self._holders.get(service))
