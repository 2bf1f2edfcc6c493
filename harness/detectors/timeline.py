"""All lives of a trace one after another on one axis, so that a detector goes through a million heartbeats in one pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from harness.detectors.trace import HOUR_NS, Ints, Life, Trace, ints

APART_NS: Final = HOUR_NS
"""Between the end of one life and the start of the next: longer than any detector waits."""


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """Arrays with one element a heartbeat, a life or a lag of the watcher; nanoseconds on the common axis.

    A heartbeat: when it was heard, its sequence, the index of its life's first heartbeat, and when the next one was heard
    (for the last one: when its life was no longer watched). A life: its first and last heartbeat, when it began to be
    watched, when the sender died (or the watch ended), and whether it died. A lag: from when until when.
    """

    heartbeat_ns: int
    heard_ns: Ints
    sequence: Ints
    first: Ints
    next_ns: Ints
    life: Ints
    firsts: Ints
    lasts: Ints
    begin_ns: Ints
    died_ns: Ints
    dead: Ints
    from_ns: Ints
    until_ns: Ints

    @property
    def lag_ns(self) -> Ints:
        return self.until_ns - self.from_ns

    def awake(self, at_ns: Ints) -> Ints:
        """The same moments, those in which the watcher did not run put off until it did."""
        if not len(self.until_ns):
            return at_ns
        after = np.minimum(np.searchsorted(self.until_ns, at_ns, side="right"), len(self.until_ns) - 1)
        inside = (self.from_ns[after] <= at_ns) & (at_ns < self.until_ns[after])
        return np.where(inside, self.until_ns[after], at_ns)

    def window(self, size: int) -> tuple[Ints, Ints]:
        """For each heartbeat: the first index of the last `size` of its own life, itself included, and how many they are."""
        index = np.arange(len(self.heard_ns))
        begin = np.maximum(self.first, index - size + 1)
        return begin, index - begin + 1


def make_timeline(trace: Trace) -> Timeline:
    """The trace's lives, put far enough apart that none is mistaken for another."""
    lives = trace.lives
    shifts = _shifts(lives)
    counts = ints([len(life.heard_ns) for life in lives])
    lasts = np.cumsum(counts) - 1
    firsts = lasts - counts + 1
    heard = np.concatenate([life.heard_ns + shift for life, shift in zip(lives, shifts, strict=True)])
    following = np.empty_like(heard)
    following[:-1] = heard[1:]
    following[lasts] = ints([life.ended_ns for life in lives]) + shifts
    until = np.concatenate([life.until_ns + shift for life, shift in zip(lives, shifts, strict=True)])
    died = [life.ended_ns if life.died_ns is None else life.died_ns for life in lives]
    return Timeline(
        heartbeat_ns=trace.heartbeat_ns,
        heard_ns=heard,
        sequence=np.concatenate([life.sequence for life in lives]),
        first=np.repeat(firsts, counts),
        next_ns=following,
        life=np.repeat(np.arange(len(lives)), counts),
        firsts=firsts,
        lasts=lasts,
        begin_ns=heard[firsts],
        died_ns=np.maximum(ints(died) + shifts, heard[firsts]),
        dead=ints([life.died_ns is not None for life in lives]),
        from_ns=until - np.concatenate([life.lag_ns for life in lives]),
        until_ns=until,
    )


def running_sum(values: Ints) -> Ints:
    """Sums of the first 0, 1, 2, … values; differences of them are exact even where they wrap around."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    return sums


def _shifts(lives: tuple[Life, ...]) -> Ints:
    """What to add to the times of each life."""
    at_ns, shifts = 0, []
    for life in lives:
        began_ns = min(
            int(life.heard_ns[0]), int((life.until_ns - life.lag_ns).min(initial=life.heard_ns[0]))
        )
        shifts.append(at_ns - began_ns)
        ended_ns = max(life.ended_ns, int(life.heard_ns[-1]), int(life.until_ns.max(initial=0)))
        at_ns += ended_ns - began_ns + APART_NS
    return ints(shifts)
