"""The quality of service of a detector over a trace, exactly: mistakes, their lengths, and times of detection.

W. Chen, S. Toueg, M. K. Aguilera: On the quality of service of failure detectors. IEEE Transactions on Computers 51 (5),
2002. A mistake is a change from trust to suspicion while the sender lives; it counts even when it never ends, with the
time that was seen of it. T_D counts from the death to the suspicion that is never taken back, and is 0 where that
suspicion was a mistake that the death made true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.detectors.timeline import Timeline
from harness.detectors.trace import HOUR_NS, Bools, Floats, Ints, ints

NEVER: Final = int(np.iinfo(np.int64).max)
BLOCKS: Final = 60
"""Stretches of equal length in which mistakes are counted, to see whether they come in clusters."""


@dataclass(frozen=True, slots=True, eq=False)
class Quality:
    """`mistakes_ns` are the lengths of all mistakes, sorted; `detection_ns` the times of detection, sorted, `NEVER` where
    a death was not noticed before its watch ended. `spread` is variance by mean of the mistakes in equal stretches, at
    least 1, which is what independent mistakes have."""

    watched_ns: int
    mistakes_ns: Ints
    detection_ns: Ints
    spread: float

    @property
    def mistakes(self) -> int:
        return len(self.mistakes_ns)

    @property
    def hours(self) -> float:
        return self.watched_ns / HOUR_NS

    @property
    def rate_per_h(self) -> float:
        """Mistakes an hour of the sender's life: 1 / E(T_MR)."""
        return self.mistakes / self.hours

    @property
    def accuracy(self) -> float:
        """P_A: the share of the sender's life in which asking would have been answered rightly, 1 − E(T_M) / E(T_MR)."""
        return 1 - float(self.mistakes_ns.sum()) / self.watched_ns

    @property
    def missed(self) -> int:
        """Deaths that were not noticed before their watch ended."""
        return int((self.detection_ns == NEVER).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Suspicions:
    """From when until when a sender was suspected; each in one life, and open when it lasted to the end of its watch."""

    life: Ints
    begin_ns: Ints
    end_ns: Ints
    open: Bools


def suspicions(timeline: Timeline, deadline_ns: Ints) -> Suspicions:
    """All suspicions that these deadlines make, as the watcher could have had them.

    A heartbeat whose own deadline has passed when it is heard takes nothing back. A watcher that does not run concludes
    nothing: what falls due meanwhile is concluded when it runs again, if it holds then.
    """
    at_ns = np.maximum(deadline_ns, timeline.heard_ns)
    stale = deadline_ns <= timeline.heard_ns
    held = np.flatnonzero(stale | (deadline_ns < timeline.next_ns))
    goes_on = np.zeros(len(held), dtype=np.bool_)
    goes_on[1:] = stale[held[1:]] & (np.diff(held) == 1) & (np.diff(timeline.life[held]) == 0)
    starts = np.flatnonzero(~goes_on)
    ends = np.append(starts[1:], len(held))[: len(starts)] - 1
    begin_ns, end_ns = timeline.awake(at_ns[held[starts]]), timeline.next_ns[held[ends]]
    life = timeline.life[held[starts]]
    seen = begin_ns < end_ns
    return Suspicions(
        life[seen], begin_ns[seen], end_ns[seen], held[ends][seen] == timeline.lasts[life[seen]]
    )


def judge(timeline: Timeline, deadline_ns: Ints, deaths: Deaths) -> Quality:
    """The quality that these deadlines come to. `deaths` are the trace's own, or supposed ones."""
    found = suspicions(timeline, deadline_ns)
    died_ns = timeline.died_ns[found.life]
    wrong = found.begin_ns < died_ns
    life, begin_ns = found.life[wrong], found.begin_ns[wrong]
    lengths_ns = np.minimum(found.end_ns[wrong], died_ns[wrong]) - begin_ns
    return Quality(
        watched_ns=watched_ns(timeline),
        mistakes_ns=np.sort(lengths_ns),
        detection_ns=np.sort(deaths.detected(timeline, deadline_ns, found)),
        spread=_spread(timeline, life, begin_ns),
    )


def watched_ns(timeline: Timeline) -> int:
    """For how long senders were watched while they lived."""
    return int((timeline.died_ns - timeline.begin_ns).sum())


class RealDeaths:
    """The deaths that the trace tells of."""

    supposed = False

    def __init__(self, timeline: Timeline) -> None:
        self.count = int(timeline.dead.sum())

    def detected(self, timeline: Timeline, deadline_ns: Ints, found: Suspicions) -> Ints:
        """T_D of each: the suspicion in force when its watch ended."""
        took_ns = np.full(len(timeline.firsts), NEVER, dtype=np.int64)
        life = found.life[found.open]
        took_ns[life] = np.maximum(0, found.begin_ns[found.open] - timeline.died_ns[life])
        return took_ns[timeline.dead.astype(np.bool_)]


class SupposedDeaths:
    """Deaths that might have been, at these moments of a sender that lived: what was in flight then is taken for lost.

    Used where a trace tells of no death. `at_ns` are moments on the timeline's axis, each within the watch of a life.
    """

    supposed = True

    def __init__(self, timeline: Timeline, at_ns: Ints) -> None:
        self._at_ns = at_ns
        self._last = np.searchsorted(timeline.heard_ns, at_ns, side="right") - 1
        self.count = len(at_ns)

    def detected(self, timeline: Timeline, deadline_ns: Ints, found: Suspicions) -> Ints:
        """T_D of each: the deadline of the last heartbeat heard, with the watcher's own lags as they were."""
        took_ns: Ints = np.maximum(0, timeline.awake(deadline_ns[self._last]) - self._at_ns)
        return took_ns


Deaths = RealDeaths | SupposedDeaths


def suppose_deaths(timeline: Timeline, *, every_ns: int, seed: int) -> SupposedDeaths:
    """One supposed death in each stretch of `every_ns` of each watch, at a moment drawn from the seed."""
    chance = np.random.default_rng(seed)
    moments = []
    for begin_ns, end_ns in zip(timeline.begin_ns.tolist(), timeline.died_ns.tolist(), strict=True):
        stretches = (end_ns - begin_ns) // every_ns
        within_ns = chance.integers(0, every_ns, size=stretches)
        moments.append(begin_ns + np.arange(stretches) * every_ns + within_ns)
    return SupposedDeaths(timeline, np.concatenate(moments) if moments else ints([]))


def _spread(timeline: Timeline, life: Ints, begin_ns: Ints) -> float:
    """How much more the numbers of mistakes in equal stretches vary than independent mistakes would."""
    if len(begin_ns) < 2:
        return 1.0
    before_ns: Floats = np.concatenate(([0.0], np.cumsum(timeline.died_ns - timeline.begin_ns)))
    at_ns = before_ns[life] + (begin_ns - timeline.begin_ns[life])
    counts, _ = np.histogram(at_ns, bins=BLOCKS, range=(0.0, float(before_ns[-1])))
    return max(1.0, float(counts.var(ddof=1) / counts.mean()))
