"""How an engine's requests fared in its last second: how many, how many failed, and how long the slowest took."""

from __future__ import annotations

from typing import Final, NamedTuple

SECOND_NS: Final = 1_000_000_000
TOO_LATE_NS: Final = 2 * SECOND_NS
"""Whoever asked has given up by then, or has asked somebody else."""
QUANTILE_PERMILLE: Final = 990


class Figures(NamedTuple):
    """Of one second: requests that ended, those of them that failed, and the 99th percentile of the answers' latency,
    rounded down by less than a fifth."""

    requests: int = 0
    failed: int = 0
    latency_ns: int = 0


class Tally:
    """Counts answers and failures. A failure is a request that was turned away, or answered too late."""

    def __init__(self, now_ns: int) -> None:
        self._since_ns = now_ns
        self._buckets: dict[int, int] = {}
        self._answered = 0
        self._failed = 0
        self._turned_away = 0
        self._last = Figures()

    def answer(self, latency_ns: int) -> None:
        """A request was answered so long after it was taken."""
        self._answered += 1
        if latency_ns > TOO_LATE_NS:
            self._failed += 1
        bucket = _bucket(latency_ns)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1

    def turn_away(self, requests: int) -> None:
        """So many requests were sent to somebody else."""
        self._turned_away += requests

    def figures(self, now_ns: int) -> Figures:
        """Those of the last whole second; to be asked for several times a second."""
        passed_ns = now_ns - self._since_ns
        if passed_ns >= SECOND_NS:
            self._last = self._current() if passed_ns < 2 * SECOND_NS else Figures()
            self._buckets.clear()
            self._answered = self._failed = self._turned_away = 0
            self._since_ns = now_ns
        return self._last

    def _current(self) -> Figures:
        failed = self._failed + self._turned_away
        return Figures(self._answered + self._turned_away, failed, self._quantile_ns())

    def _quantile_ns(self) -> int:
        """The smallest latency's bucket that so many are not above (nearest rank)."""
        rank = -(-self._answered * QUANTILE_PERMILLE // 1000)
        for bucket, count in sorted(self._buckets.items()):
            rank -= count
            if rank <= 0:
                return _least_ns(bucket)
        return 0


def _bucket(latency_ns: int) -> int:
    """Which of four equal parts of which power of two of microseconds; one number for each, in their order."""
    us = max(4, latency_ns // 1000)
    power = us.bit_length() - 3
    return (power << 2) + (us >> power) - 4


def _least_ns(bucket: int) -> int:
    power, part = bucket >> 2, bucket & 3
    return ((4 + part) << power) * 1000
