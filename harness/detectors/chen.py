"""Chen's estimator: suspect when the next heartbeat is `alpha` later than it is expected.

W. Chen, S. Toueg, M. K. Aguilera: On the quality of service of failure detectors. IEEE Transactions on Computers 51 (5),
2002, section 6.3 (NFD-E): with heartbeats numbered s and sent every eta, the next one is expected at

    EA = mean of (A_i − eta · s_i) over the last n heard  +  (s + 1) · eta

and is suspected from EA + alpha on. No clock of the sender is needed. n is 32, as in the paper's simulations.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final

from harness.detectors.contract import Deadlines
from harness.detectors.timeline import Timeline, running_sum

WINDOW: Final = 32
STEPS = (0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 20, 25, 30, 40, 50)
"""Values of alpha of a curve, in heartbeats."""


class Expectation:
    """Suspects `alpha_ns` after the expected arrival."""

    def __init__(self, alpha_ns: int, *, heartbeat_ns: int) -> None:
        self.deadline_ns: int | None = None
        self._alpha_ns = alpha_ns
        self._heartbeat_ns = heartbeat_ns
        self._offsets_ns: deque[int] = deque(maxlen=WINDOW)

    def heard(self, sequence: int, at_ns: int) -> None:
        self._offsets_ns.append(at_ns - sequence * self._heartbeat_ns)
        mean_ns = sum(self._offsets_ns) // len(self._offsets_ns)
        self.deadline_ns = mean_ns + (sequence + 1) * self._heartbeat_ns + self._alpha_ns

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Own lag makes no difference to it, except through what was heard late."""


class Chen:
    """Adapts to the delay; the setting says how much later than expected is too late."""

    name: ClassVar[str] = "chen"
    title: ClassVar[str] = "Chen's estimator"
    told: ClassVar[str] = f"suspects alpha after the arrival that the last {WINDOW} heartbeats let expect"
    unit: ClassVar[str] = "ns"

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        return tuple(step * heartbeat_ns for step in STEPS)

    def detector(self, setting: float, *, heartbeat_ns: int) -> Expectation:
        return Expectation(round(setting), heartbeat_ns=heartbeat_ns)

    def over(self, timeline: Timeline) -> Deadlines:
        offsets_ns = timeline.heard_ns - timeline.sequence * timeline.heartbeat_ns
        base_ns = offsets_ns[timeline.first]  # small numbers, so that their sums fit
        sums = running_sum(offsets_ns - base_ns)
        begin, count = timeline.window(WINDOW)
        mean_ns = (sums[1:] - sums[begin]) // count + base_ns
        expected_ns = mean_ns + (timeline.sequence + 1) * timeline.heartbeat_ns
        return lambda setting: expected_ns + round(setting)
