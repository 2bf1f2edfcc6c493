"""Heartbeats as watchers heard them, with the moments at which senders really died."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Floats: TypeAlias = npt.NDArray[np.float64]

HOUR_NS = 3600 * 10**9


@dataclass(frozen=True, slots=True, eq=False)
class Life:
    """One life of a sender, as one watcher heard it. All times are the watcher's, in nanoseconds.

    `heard_ns` never falls, and `sequence` rises with it: at least one heartbeat. From `until_ns - lag_ns` to `until_ns`
    the watcher itself did not run; these spans don't overlap. `died_ns` is None for a sender that lived to the end;
    `ended_ns` is when the watcher stopped looking, or heard of the sender's next life. Lives of one `sender` are on one
    clock: where they overlap, several watchers heard the same.
    """

    heard_ns: Ints
    sequence: Ints
    until_ns: Ints
    lag_ns: Ints
    died_ns: int | None
    ended_ns: int
    sender: str = ""

    @property
    def until_dead_ns(self) -> int:
        """Up to when the sender was watched while it lived."""
        end_ns = self.ended_ns if self.died_ns is None else min(self.died_ns, self.ended_ns)
        return max(end_ns, int(self.heard_ns[0]))

    @property
    def watched_ns(self) -> int:
        """For how long the sender was watched while it lived."""
        return self.until_dead_ns - int(self.heard_ns[0])


@dataclass(frozen=True, slots=True)
class Distinct:
    """What lives tell of, each counted once, by however many watchers it was seen: deaths, and time of senders' lives.

    `watchers` is how many saw the same time, on average, of the sender that most of them watched.
    """

    deaths: int
    watched_ns: int
    watchers: float


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Lives that are judged together; `heartbeat_ns` is how often each sender meant to be heard.

    `torn` is how many of its files ended in half a line, which is left out.
    """

    name: str
    told: str
    heartbeat_ns: int
    lives: tuple[Life, ...]
    torn: int = 0

    @property
    def heartbeats(self) -> int:
        return sum(len(life.heard_ns) for life in self.lives)

    @property
    def watched_ns(self) -> int:
        return sum(life.watched_ns for life in self.lives)

    @property
    def deaths(self) -> int:
        return sum(life.died_ns is not None for life in self.lives)

    @property
    def distinct(self) -> Distinct:
        """Deaths of one sender at one moment are one death."""
        of: dict[str, list[Life]] = defaultdict(list)
        for life in self.lives:
            of[life.sender].append(life)
        spans = [(_together_ns(lives), sum(life.watched_ns for life in lives)) for lives in of.values()]
        dead = {(life.sender, life.died_ns) for life in self.lives if life.died_ns is not None}
        most = max((every_ns / once_ns for once_ns, every_ns in spans if once_ns), default=1.0)
        return Distinct(len(dead), sum(once_ns for once_ns, _ in spans), most)


def _together_ns(lives: list[Life]) -> int:
    """How much time some of the lives were watched, the same time counted once."""
    total_ns, until_ns = 0, None
    for begin_ns, end_ns in sorted((int(life.heard_ns[0]), life.until_dead_ns) for life in lives):
        since_ns = begin_ns if until_ns is None else max(begin_ns, until_ns)
        total_ns += max(0, end_ns - since_ns)
        until_ns = end_ns if until_ns is None else max(until_ns, end_ns)
    return total_ns


def ints(values: object) -> Ints:
    """An array of 64-bit integers."""
    return np.asarray(values, dtype=np.int64)
