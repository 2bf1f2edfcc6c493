"""Watches who else uses the machine: a run that shares its processors with strangers proves little about time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, NamedTuple

PERIOD_S: Final = 2.0
WORTH_TELLING: Final = 0.15


class Used(NamedTuple):
    """Processor time since the system's start, in seconds: of everybody who doesn't give way (`nice` processes do), and
    of this process and all below it."""

    by_all_s: float
    by_us_s: float


def used() -> Used:
    """Read both now. A process that ends between two readings counts as a stranger for its last stretch."""
    import psutil

    times = psutil.cpu_times()
    everybody = sum(getattr(times, name, 0.0) for name in ("user", "system", "irq", "softirq"))
    me = psutil.Process()
    ours = 0.0
    for process in (me, *me.children(recursive=True)):
        try:
            spent = process.cpu_times()
        except psutil.Error:
            continue
        ours += spent.user + spent.system
    return Used(everybody, ours)


def share_of_others(before: Used, after: Used, *, cpus: int, period_s: float) -> float:
    """The share of all processors that strangers used between two readings, from 0 to 1."""
    others_s = (after.by_all_s - before.by_all_s) - (after.by_us_s - before.by_us_s)
    return min(1.0, max(0.0, others_s / (cpus * period_s)))


class ContentionWatch:
    """Calls `contended(share)` about every two seconds in which strangers used more than 15 % of the machine."""

    def __init__(self, contended: Callable[[float], None]) -> None:
        self._contended = contended
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="contention-watch", daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop watching. Safe to call twice, or before `start`."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(1.0)

    def _watch(self) -> None:
        import psutil

        cpus = psutil.cpu_count() or 1
        before = used()
        while not self._stop.wait(PERIOD_S):
            after = used()
            share = share_of_others(before, after, cpus=cpus, period_s=PERIOD_S)
            if share > WORTH_TELLING:
                self._contended(share)
            before = after
