"""Watches the host: a thread that should wake every few milliseconds and says when it was late.

A host that stood still makes every figure of time doubtful. The stack's own processor time meanwhile tells whether the stack
kept the host busy (then the delay is its own doing) or the host did something else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from harness.engine.watch import Watch

PERIOD_S: Final = 0.01
REPORT_NS: Final = 20_000_000


class StallWatch(Watch):
    """Calls `stalled(mono_ns, stall_ns, stack_cpu_ns)` for each stall of the host of more than 20 ms."""

    def __init__(self, stack_cpu_ns: Callable[[], int], stalled: Callable[[int, int, int], None]) -> None:
        super().__init__("stall-watch")
        self._stack_cpu_ns = stack_cpu_ns
        self._stalled = stalled

    def _watch(self) -> None:
        before_cpu, before = self._stack_cpu_ns(), time.monotonic_ns()
        refresh_at = before + 1_000_000_000
        while not self._stop.wait(PERIOD_S):
            now = time.monotonic_ns()
            stall_ns = now - before - round(PERIOD_S * 1e9)
            if stall_ns > REPORT_NS:
                cpu = self._stack_cpu_ns()
                self._stalled(now, stall_ns, max(0, cpu - before_cpu))
                before_cpu = cpu
            elif now > refresh_at:
                before_cpu, refresh_at = self._stack_cpu_ns(), now + 1_000_000_000
            before = time.monotonic_ns()
