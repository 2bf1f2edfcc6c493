"""The 30 s moving averages of (mid − index), as exact sums over ticks and not over a clock.

The window at sequence n holds the samples of (n − `WINDOW`, n]. Sums of integers are exact: whatever the order in
which samples came, were corrected or were learned again after a restart, equal samples have bit-equal averages. (With
floats they drift apart: the planted defect `float-drift` is this same window over floats.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Generic, NamedTuple, TypeVar

from trading_stack.market.calendar import TICK_NS

WINDOW: Final = 30 * 10**9 // TICK_NS

N = TypeVar("N", int, float)


class Sums(NamedTuple, Generic[N]):
    """The sum of each instrument's samples, and how many samples there are."""

    totals: tuple[N, ...]
    samples: int


class BasisWindow(Generic[N]):
    """Samples of some instruments by sequence; `zeros` has one zero for each, of the samples' own type."""

    def __init__(self, zeros: Sequence[N], *, length: int = WINDOW) -> None:
        self._length = length
        self._samples: dict[int, tuple[N, ...]] = {}
        self._totals: list[N] = list(zeros)
        self._newest = -1

    def put(self, sequence: int, sample: Sequence[N] | None) -> None:
        """Learn a sample, or learn it anew; None takes it away. What is too old is ignored."""
        if sequence <= self._newest - self._length:
            return
        self._drop(sequence)
        if sample is not None:
            self._samples[sequence] = tuple(sample)
            self._totals = [total + value for total, value in zip(self._totals, sample, strict=True)]
        if sequence > self._newest:
            self._slide(sequence)

    def sums(self) -> Sums[N]:
        """The sums at the newest sequence that was put."""
        return Sums(tuple(self._totals), len(self._samples))

    def _slide(self, newest: int) -> None:
        oldest, first_kept = self._newest - self._length + 1, newest - self._length + 1
        self._newest = newest
        leaving = range(oldest, first_kept) if first_kept - oldest <= self._length else list(self._samples)
        for sequence in leaving:
            if sequence < first_kept:
                self._drop(sequence)

    def _drop(self, sequence: int) -> None:
        old = self._samples.pop(sequence, None)
        if old is not None:
            self._totals = [total - value for total, value in zip(self._totals, old, strict=True)]
