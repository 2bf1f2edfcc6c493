"""Watches who else uses the machine: a run that shares its processors with strangers proves little about time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, NamedTuple

from harness.engine.watch import Watch

PERIOD_S: Final = 2.0
WORTH_TELLING: Final = 0.15
_TRIES: Final = 5


class Used(NamedTuple):
    """Processor time since the system's start, in seconds: of everybody who doesn't give way (`nice` processes do), and
    of this process and all below it, those that have ended included; and when it was read, on the monotonic clock."""

    by_all_s: float
    by_us_s: float
    at_s: float


def used() -> Used | None:
    """Read all now; None when our own processes came and went too fast to be read whole."""
    import psutil

    times = psutil.cpu_times()
    at_s = time.monotonic()
    everybody = sum(getattr(times, name, 0.0) for name in ("user", "system", "irq", "softirq"))
    for _ in range(_TRIES):
        try:
            return Used(everybody, _ours(), at_s)
        except psutil.NoSuchProcess:  # its time has just become its parent's, which was read before
            continue
    return None


def _ours() -> float:
    """A process that has ended leaves its time to the parent that buried it: so the sum never falls."""
    import psutil

    me = psutil.Process()
    return sum(sum(process.cpu_times()[:4]) for process in (me, *me.children(recursive=True)))


def share_of_others(before: Used, after: Used, *, cpus: int) -> float:
    """The share of all processors that strangers used between two readings, from 0 to 1."""
    others_s = (after.by_all_s - before.by_all_s) - (after.by_us_s - before.by_us_s)
    return min(1.0, max(0.0, others_s / (cpus * (after.at_s - before.at_s))))


class ContentionWatch(Watch):
    """Calls `contended(share)` about every two seconds in which strangers used more than 15 % of the machine."""

    def __init__(self, contended: Callable[[float], None]) -> None:
        super().__init__("contention-watch")
        self._contended = contended

    def _watch(self) -> None:
        import psutil

        cpus = psutil.cpu_count() or 1
        before = used()
        while not self._stop.wait(PERIOD_S):
            after = used()
            if before is not None and after is not None:
                share = share_of_others(before, after, cpus=cpus)
                if share > WORTH_TELLING:
                    self._contended(share)
            before = after or before
