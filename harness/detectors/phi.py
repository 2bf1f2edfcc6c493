"""The phi accrual detector: suspect when so long a silence is too improbable.

N. Hayashibara, X. Défago, R. Yared, T. Katayama: The phi accrual failure detector. 23rd IEEE Symposium on Reliable
Distributed Systems, 2004. Intervals between heartbeats are taken for normal, with the mean and standard deviation of the
last n; phi = −log10 P(a later one is longer than the silence so far), and the sender is suspected from phi = threshold on:

    silence = mean + z · sd,   z such that the normal tail beyond z is 10^−threshold

n is 1000 as in the paper. Until there are that many, two supposed intervals count too: a heartbeat more and less a quarter,
as Akka's implementation begins. The standard deviation is never taken for less than a twentieth of a heartbeat.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import NormalDist
from typing import ClassVar, Final

import numpy as np

from harness.detectors.contract import Deadlines
from harness.detectors.timeline import Timeline, running_sum
from harness.detectors.trace import Floats, Ints

WINDOW: Final = 1000
SUPPOSED: Final = 2
LEAST_SD: Final = 20
"""The least standard deviation is the heartbeat by this."""
MICROSECOND: Final = 1000
THRESHOLDS: Final = (0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 40, 55, 75, 100, 140, 200, 300)
"""Up to 16 as in use; beyond, a threshold is a number of standard deviations rather than a probability."""


def z_of(threshold: float) -> float:
    """How many standard deviations above the mean phi reaches the threshold.

    >>> round(z_of(8), 3)
    5.612
    """
    return -NormalDist().inv_cdf(10.0**-threshold)


class Accrual:
    """Suspects when phi reaches the threshold."""

    def __init__(self, threshold: float, *, heartbeat_ns: int) -> None:
        self.deadline_ns: int | None = None
        self._z = z_of(threshold)
        self._heartbeat_ns = heartbeat_ns
        quarter = heartbeat_ns // MICROSECOND // 4
        self._deviations: deque[int] = deque((quarter, -quarter), maxlen=WINDOW)
        self._last_ns: int | None = None

    def heard(self, sequence: int, at_ns: int) -> None:
        if self._last_ns is not None:
            self._deviations.append((at_ns - self._last_ns - self._heartbeat_ns) // MICROSECOND)
        self._last_ns = at_ns
        total, squares = sum(self._deviations), sum(one * one for one in self._deviations)
        count = len(self._deviations)
        mean = total / count
        sd = max(math.sqrt(max(0.0, squares / count - mean * mean)), _least_sd(self._heartbeat_ns))
        self.deadline_ns = at_ns + self._heartbeat_ns + int((mean + self._z * sd) * MICROSECOND)

    def lagged(self, lag_ns: int, at_ns: int) -> None:
        """Own lag makes no difference to it, except through what was heard late."""


class Phi:
    """Adapts to the spread of the intervals; the setting is the threshold of phi."""

    name: ClassVar[str] = "phi"
    title: ClassVar[str] = "phi accrual"
    told: ClassVar[str] = (
        f"suspects when a silence is as improbable as 10^−threshold by the last {WINDOW:,} intervals"
    )
    unit: ClassVar[str] = ""

    def settings(self, heartbeat_ns: int) -> tuple[float, ...]:
        return THRESHOLDS

    def detector(self, setting: float, *, heartbeat_ns: int) -> Accrual:
        return Accrual(setting, heartbeat_ns=heartbeat_ns)

    def over(self, timeline: Timeline) -> Deadlines:
        mean, sd = _moments(timeline)
        base_ns = timeline.heard_ns + timeline.heartbeat_ns
        return lambda setting: base_ns + ((mean + z_of(setting) * sd) * MICROSECOND).astype(np.int64)


def _moments(timeline: Timeline) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the deviations from the heartbeat, in microseconds, as each heartbeat leaves them."""
    gaps = np.diff(timeline.heard_ns, prepend=timeline.heard_ns[0])
    deviation = (gaps - timeline.heartbeat_ns) // MICROSECOND
    deviation[timeline.firsts] = 0
    heard = np.arange(len(deviation)) - timeline.first  # intervals of this life so far
    begin = np.maximum(timeline.first, np.arange(len(deviation)) - WINDOW) + 1
    supposed = np.clip(WINDOW - heard, 0, SUPPOSED)
    quarter = timeline.heartbeat_ns // MICROSECOND // 4
    count = np.minimum(heard, WINDOW) + supposed
    left_over = np.where(supposed == 1, -quarter, 0)  # of the pair, the first leaves first
    total = _between(running_sum(deviation), begin) + left_over
    squares = _between(running_sum(deviation * deviation), begin) + supposed * quarter * quarter
    mean = total / count
    variance = np.maximum(0.0, squares / count - mean * mean)
    return mean, np.maximum(np.sqrt(variance), _least_sd(timeline.heartbeat_ns))


def _between(sums: Ints, begin: Ints) -> Ints:
    """Sums from `begin` up to each element, itself included; 0 where `begin` lies behind it."""
    end = np.arange(1, len(sums))
    return sums[end] - sums[np.minimum(begin, end)]


def _least_sd(heartbeat_ns: int) -> float:
    return heartbeat_ns / MICROSECOND / LEAST_SD
