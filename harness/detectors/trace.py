"""Heartbeats as watchers heard them, with the moments at which senders really died."""

from __future__ import annotations

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
    `ended_ns` is when the watcher stopped looking, or heard of the sender's next life.
    """

    heard_ns: Ints
    sequence: Ints
    until_ns: Ints
    lag_ns: Ints
    died_ns: int | None
    ended_ns: int

    @property
    def watched_ns(self) -> int:
        """For how long the sender was watched while it lived."""
        end_ns = self.ended_ns if self.died_ns is None else min(self.died_ns, self.ended_ns)
        return max(0, end_ns - int(self.heard_ns[0]))


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


def ints(values: object) -> Ints:
    """An array of 64-bit integers."""
    return np.asarray(values, dtype=np.int64)
