"""How long a run in virtual time may take on a real clock: nowhere else is one read there, and it decides nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from harness.model.errors import OutOfTime


class WallClockLimit:
    """Counts from when it is made. `passed`: it has stopped the run."""

    def __init__(self, limit_s: float, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.passed = False
        self._limit_s = limit_s
        self._clock_s = clock_s
        self._end_s = clock_s() + limit_s

    def look(self) -> None:
        """Raises `OutOfTime` when the run has taken too long, again at each look."""
        if self._clock_s() >= self._end_s:
            self.passed = True
            raise OutOfTime(
                f"the run took longer than {self._limit_s:g} s, as its `timeout` bounds it",
                next_step="set a longer `timeout` in the scenario, or run it on a machine that does less besides",
            )
