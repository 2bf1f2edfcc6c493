"""A fixed time-out with own lag excused, and longer for a while after own lag: where this process waits, others do.

The reference stack's sentinels work like this. With S the largest own lag of late, fading with time, a silence must last

    time-out + 2 · max(0, S − 5 ms),   S ← max(lag, S · exp(−elapsed / 2 s)), a lag counting for 80 ms at most

so the margin is at most 150 ms, and gone four to six seconds after the last lag. Deadlines are solved for, not stepped to.
"""

from __future__ import annotations

from typing import ClassVar, Final

import numpy as np

from harness.detectors.contract import Deadlines
from harness.detectors.excused import OWN_LAG_NS
from harness.detectors.fixed import STEPS
from harness.detectors.timeline import Timeline
from harness.detectors.trace import Floats, Ints, ints

FLOOR_NS: Final = 5_000_000
MOST_NS: Final = 80_000_000
FADE_NS: Final = 2_000_000_000
TIMES: Final = 2
_NEWTON_STEPS: Final = 5
"""From below, on a concave curve that is almost straight: the error is under a nanosecond after three."""


class CautiousSilence:
    """Suspects `timeout_ns` after the last heartbeat and a margin by own lag, own lags not counted."""

    def __init__(self, timeout_ns: int) -> None:
        self.deadline_ns: int | None = None
        self._timeout_ns = timeout_ns
        self._excused_ns = 0
        self._strain_ns = 0.0
        self._lagged_ns = 0

    def heard(self, sequence: int, at_ns: int) -> None:
        self._excused_ns = at_ns + self._timeout_ns
        self._set_deadline()

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Who was suspected before the lag began stays so."""
        if lag_ns <= FLOOR_NS:
            return
        faded_ns = self._strain_ns * float(np.exp(-(at_ns - self._lagged_ns) / FADE_NS))
        self._strain_ns, self._lagged_ns = max(min(lag_ns, MOST_NS), faded_ns), at_ns
        if self.deadline_ns is None or self.deadline_ns < at_ns - lag_ns:
            return
        if lag_ns > OWN_LAG_NS:
            self._excused_ns = min(self._excused_ns + lag_ns, at_ns + self._timeout_ns)
        self._set_deadline()

    def _set_deadline(self) -> None:
        strain = np.array([self._strain_ns])
        margin = margin_ns(ints([self._excused_ns - self._lagged_ns]), strain)
        self.deadline_ns = self._excused_ns + int(margin[0])


class Cautious:
    """What the reference stack ships."""

    name: ClassVar[str] = "cautious"
    title: ClassVar[str] = "excused and cautious"
    told: ClassVar[str] = (
        "as excused, and after own lag the time-out is longer by up to "
        f"{TIMES * (MOST_NS - FLOOR_NS) // 10**6} ms for some seconds"
    )
    unit: ClassVar[str] = "ns"

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        return tuple(step * heartbeat_ns for step in STEPS)

    def detector(self, setting: float, *, heartbeat_ns: int) -> CautiousSilence:
        return CautiousSilence(round(setting))

    def over(self, timeline: Timeline) -> Deadlines:
        kept = timeline.lag_ns > FLOOR_NS
        lags = _Lags(timeline.from_ns[kept], timeline.until_ns[kept])
        following = np.searchsorted(lags.until_ns, timeline.heard_ns, side="right")
        return lambda setting: _deadlines(timeline, lags, following, round(setting))


class _Lags:
    """Lags that count, with the strain that each leaves."""

    def __init__(self, from_ns: Ints, until_ns: Ints) -> None:
        self.from_ns, self.until_ns = from_ns, until_ns
        self.lag_ns = until_ns - from_ns
        elapsed = until_ns / FADE_NS
        greatest = np.maximum.accumulate(np.log(np.minimum(self.lag_ns, MOST_NS)) + elapsed)
        self.strain_ns: Floats = np.exp(greatest - elapsed)

    def __len__(self) -> int:
        return len(self.until_ns)


def margin_ns(since_lag_ns: Ints, strain_ns: Floats) -> Ints:
    """By how much a silence must outlast its time-out, which ends `since_lag_ns` after the lag that left this strain.

    Solves x = 2 · max(0, S · exp(−(since + x) / 2 s) − 5 ms) by Newton's method.
    """
    strained = strain_ns * np.exp(-since_lag_ns / FADE_NS)
    margin = np.zeros(len(strained))
    above = np.flatnonzero(strained > FLOOR_NS)
    start, x = strained[above], np.zeros(len(above))
    for _ in range(_NEWTON_STEPS):
        fading = TIMES * start * np.exp(-x / FADE_NS)
        x -= (x - fading + TIMES * FLOOR_NS) / (1 + fading / FADE_NS)
    margin[above] = x
    return np.rint(margin).astype(np.int64)


def _deadlines(timeline: Timeline, lags: _Lags, following: Ints, timeout_ns: int) -> Ints:
    """First with the lags before each heartbeat; then one step for each lag that comes before the deadline."""
    excused = timeline.heard_ns + timeout_ns
    deadline = excused.copy()
    if not len(lags):
        return deadline
    marked = np.flatnonzero(following > 0)
    before = following[marked] - 1
    deadline[marked] += margin_ns(excused[marked] - lags.until_ns[before], lags.strain_ns[before])
    left = np.flatnonzero(following < len(lags))
    at = following[left]
    while len(left):
        counts = deadline[left] >= lags.from_ns[at]
        left, at = left[counts], at[counts]
        later = np.minimum(excused[left] + lags.lag_ns[at], lags.until_ns[at] + timeout_ns)
        excused[left] = np.where(lags.lag_ns[at] > OWN_LAG_NS, later, excused[left])
        margin = margin_ns(excused[left] - lags.until_ns[at], lags.strain_ns[at])
        deadline[left] = excused[left] + margin
        more = at + 1 < len(lags)
        left, at = left[more], at[more] + 1
    return deadline
