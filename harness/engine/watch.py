"""A thread that watches something for as long as a run lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod


class Watch(ABC):
    """Runs `_watch` in a thread of its own between `start` and `stop`."""

    def __init__(self, name: str) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. Safe to call twice, or before `start`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    @abstractmethod
    def _watch(self) -> None:
        """Look again and again, until `_stop` is set."""
