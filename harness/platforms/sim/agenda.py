"""What happens when, in virtual time: the one queue that everything in a simulated world goes through."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Final

Act = Callable[[], None]
LOOK_NS: Final = 5_000_000
WATCHED_EVERY: Final = 1024
"""Steps, of which a fast machine takes some 200,000 in a second."""


class Entry(list[object]):
    """One thing that is to happen: [time, order, act]. `cancel` empties it where it stands."""

    __slots__ = ()

    def cancel(self) -> None:
        """Forget it. Safe to call twice, and after it happened."""
        self[2] = None


class Agenda:
    """Virtual time, which moves only from one entry to the next; entries of one time happen in the order of asking.

    `watch` is called between steps, every `WATCHED_EVERY` of them; it may raise what ends the run, and must do nothing else.
    """

    def __init__(self) -> None:
        self.now_ns = 0
        self.watch: Act = _nobody_watches
        self.steps = 0
        self._heap: list[Entry] = []
        self._order = 0

    def at(self, at_ns: int, act: Act) -> Entry:
        """Let something happen at a time; one in the past happens next."""
        self._order += 1
        now_ns = self.now_ns
        entry = Entry((at_ns if at_ns > now_ns else now_ns, self._order, act))
        heapq.heappush(self._heap, entry)
        return entry

    def after(self, delay_ns: int, act: Act) -> Entry:
        """Let something happen after a delay."""
        return self.at(self.now_ns + delay_ns, act)

    def run_until(self, until_ns: int, *, stop: Callable[[], object] | None = None) -> bool:
        """Let time pass up to `until_ns`, or until `stop` holds after a step; whether it stopped early."""
        heap, pop = self._heap, heapq.heappop
        while heap and heap[0][0] <= until_ns:  # type: ignore[operator]
            at_ns, _, act = pop(heap)
            if act is None:
                continue
            self.now_ns = at_ns  # type: ignore[assignment]
            self.steps += 1
            act()  # type: ignore[operator]
            if not self.steps % WATCHED_EVERY:
                self.watch()
            if stop is not None and stop():
                return True
        self.now_ns = max(self.now_ns, until_ns)
        return False

    def wait_for(self, holds: Callable[[], bool], *, within_ns: int, every_ns: int = LOOK_NS) -> bool:
        """Let time pass until something holds, looked at every `every_ns`; whether it came to hold."""
        end_ns = self.now_ns + within_ns
        while not holds():
            if self.now_ns >= end_ns:
                return False
            self.run_until(min(end_ns, self.now_ns + every_ns))
        return True


def _nobody_watches() -> None:
    return
