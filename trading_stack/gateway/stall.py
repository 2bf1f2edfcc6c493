"""How long this process stood still: a request that is read after a freeze may be as old as the freeze."""

from __future__ import annotations

from typing import Final

LIMIT_NS: Final = 200_000_000  # what a busy machine does to an event loop now and then is no freeze
DRAIN_NS: Final = 100_000_000  # after a freeze, sockets are taken to hold old requests for this long


class StallWatch:
    """Told that the event loop turns, at least every few hundredths of a second, by `turn`."""

    def __init__(self, now_ns: int) -> None:
        self._turned_ns = now_ns
        self._frozen_ns = 0
        self._draining_until_ns = 0
        self.stalls = 0

    def turn(self, now_ns: int) -> None:
        """The loop turns."""
        gap_ns = now_ns - self._turned_ns
        self._turned_ns = now_ns
        if gap_ns > LIMIT_NS:
            self.stalls += 1
            self._frozen_ns = gap_ns
            self._draining_until_ns = now_ns + DRAIN_NS

    def age_ns(self, now_ns: int) -> int:
        """The age that a request which is read now may have already."""
        gap_ns = now_ns - self._turned_ns
        if gap_ns > LIMIT_NS:
            return gap_ns
        return self._frozen_ns if now_ns < self._draining_until_ns else 0
