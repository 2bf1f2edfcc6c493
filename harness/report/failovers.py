"""The failover times of repeated runs, and what so many of them let one claim: by order statistics alone."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.model.judgement import Judgement
from harness.model.outcome import Outcome
from harness.model.shares import median_ranks, share_at_most
from harness.report.phases import failover, figure


@dataclass(frozen=True, slots=True)
class Failovers:
    """The judged times, rising, in milliseconds: infinite where service never came back.

    A measured time is never too short, but by its resolution too long: `least_ms`, rising, are the times less theirs.
    `unjudged` runs and attempts have no time. They are no sample; every bound allows for their having been the worst, and
    the best, for slow ones are more likely to have been spoiled.
    """

    times_ms: tuple[float, ...]
    least_ms: tuple[float, ...]
    unjudged: int

    @property
    def never(self) -> int:
        """In how many runs service never came back."""
        return sum(math.isinf(time) for time in self.times_ms)

    @property
    def median_ms(self) -> float | None:
        """The time that half of the runs did not exceed, one that was measured; infinite, or None without a run."""
        return self.times_ms[(len(self.times_ms) - 1) // 2] if self.times_ms else None

    @property
    def median_between_ms(self) -> tuple[float, float] | None:
        """Between which the median of all runs lies with 95 % confidence; None with fewer than six runs."""
        ranks = median_ranks(len(self.times_ms) + self.unjudged)
        if not ranks or not self.times_ms:
            return None
        quick, slow = (0.0,) * self.unjudged, (math.inf,) * self.unjudged
        return (*quick, *self.least_ms)[ranks[0]], (*self.times_ms, *slow)[ranks[1]]

    @property
    def worst_ms(self) -> float | None:
        """The worst time; infinite when service did not always come back, None without a run."""
        return self.times_ms[-1] if self.times_ms else None

    @property
    def worse_at_most(self) -> float:
        """The share of all runs that would be worse than the worst: at most 1 − 0.05^(1/n), with 95 % confidence.

        Where service did not always come back, nothing is worse, and it is the share of runs where it would not.
        """
        return share_at_most(self.never + self.unjudged, len(self.times_ms) + self.unjudged)


def failovers_of(judgements: Iterable[Judgement], *, retried: int = 0) -> Failovers | None:
    """The failover times of the runs that were judged by them; None where no run was asked for one.

    `retried` attempts were made again, and are unjudged, too.
    """
    judged = tuple(judgements)
    if all(failover(one) is None for one in judged):
        return None
    times = [span for one in judged if (span := _time_ms(one)) is not None]
    return Failovers(
        tuple(sorted(most for _, most in times)),
        tuple(sorted(least for least, _ in times)),
        unjudged=len(judged) - len(times) + retried,
    )


def _time_ms(judgement: Judgement) -> tuple[float, float] | None:
    """The least and the most that the time of one run can have been; infinite for a FAIL without one.

    None for a run that was not judged by it, or can't be trusted.
    """
    verdict = failover(judgement)
    if judgement.reasons or verdict is None or verdict.outcome not in (Outcome.PASS, Outcome.FAIL):
        return None
    measured = figure(verdict, "failover_time")
    if measured is not None:
        return measured.value - (measured.resolution or 0.0), measured.value
    return (math.inf, math.inf) if verdict.outcome is Outcome.FAIL else None
