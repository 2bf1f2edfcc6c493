"""Times that are known from one side: it took no longer than was measured, and somewhat less where nobody looked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.checks.bounds import judge_range, told_bound
from harness.model.outcome import Outcome
from harness.model.quantities import Bound, Milliseconds
from harness.model.units import format_ns
from harness.model.verdicts import Figure


@dataclass(frozen=True, slots=True)
class Taken:
    """It took at most `most_ns`, and at least `least_ns`."""

    least_ns: int
    most_ns: int

    @property
    def slack_ns(self) -> int:
        """How much less than `most_ns` it can have been."""
        return self.most_ns - self.least_ns

    def figure(self, name: str, *, samples: int = 1, note: str = "") -> Figure:
        """The time in milliseconds, with its slack. It was taken once, whatever the number of probes that found it."""
        value, slack = round(self.most_ns / 1e6, 3), round(self.slack_ns / 1e6, 3)
        return Figure(name, value, "ms", slack, samples, note, one_sided=True)

    def judge(self, bound: Bound[Milliseconds]) -> Outcome:
        """UNKNOWN without a bound, or when it lies between the least and the most."""
        return judge_range(bound, self.least_ns / 1e6, self.most_ns / 1e6)

    def in_doubt(self, bound: Bound[Milliseconds]) -> bool:
        """Whether a bound lies between the least and the most."""
        return not bound.is_empty() and self.judge(bound) is Outcome.UNKNOWN

    def told(self, bound: Bound[Milliseconds], *, at: str) -> str:
        """The time for a verdict's sentence, `at` some place; between its two sides when the bound lies there.

        The slack is rounded up, so that it holds, but no further than to the time itself.
        """
        if bound.is_empty():
            return f"{self._told_once()} {at} (no bound was asked for: say min, max or exactly)"
        if self.in_doubt(bound):
            between = f"between {format_ns(self.least_ns)} and {format_ns(self.most_ns)}"
            return (
                f"{between} {at}, and the bound ({told_bound(bound, 'ms')}) lies in between: probe more often"
            )
        why = f", not within {told_bound(bound, 'ms')}" if self.judge(bound) is Outcome.FAIL else ""
        return f"{self._told_once()} {at}{why}"

    def _told_once(self) -> str:
        if not self.slack_ns:
            return format_ns(self.most_ns)
        less_ns = math.ceil(self.slack_ns / 1e6) * 10**6
        all_of_it = less_ns > 0.99 * self.most_ns  # three digits are told of it
        less = format_ns(self.most_ns) if all_of_it else f"{less_ns // 10**6} ms"
        return f"{format_ns(self.most_ns)}, up to {less} less,"


def longest(times: Iterable[Taken]) -> Taken:
    """The longest of several times: none is longer than the longest, and it is no shorter than any of them."""
    kept = tuple(times)
    return Taken(max(one.least_ns for one in kept), max(one.most_ns for one in kept))
