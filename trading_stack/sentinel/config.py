"""How patient a sentinel is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from trading_stack.defects import Defect
from trading_stack.sentinel.monitors.limits import LIMITS, Limits

MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Patience:
    """Times in nanoseconds of the sentinel's own clock; whatever has no unit in its name is a count.

    `silence_ns` is the smallest that survives a stall of 200 ms on every link: the stall, one heartbeat of 20 ms, and
    20 ms for the machine. `confirm_ns` is how long a reset connection may take to come back; it is cut short after
    `refusals` dials that were refused, but never below `confirm_least_ns`.
    """

    silence_ns: int = 240 * MS
    confirm_ns: int = 60 * MS
    confirm_least_ns: int = 30 * MS
    refusals: int = 3
    tick_ns: int = 5 * MS
    recheck_ns: int = 1 * MS
    own_lag_ns: int = 15 * MS  # not to have looked for longer is held against nobody
    late_ns: int = 3 * MS  # a tick that late drains the sockets first
    strain_ns: int = 5 * MS  # own lag above this makes a sentinel doubt everybody's silence for a while
    strain_most_ns: int = 80 * MS
    fresh_ns: int = 100 * MS
    repeat_ns: int = 50 * MS
    accusation_ns: int = 250 * MS
    stagger_ns: int = 30 * MS
    motion_ns: int = 100 * MS
    answer_ns: int = 200 * MS
    promotion_ns: int = 1000 * MS
    backoff_ns: int = 100 * MS
    exclusion_ns: int = 2000 * MS
    gathering_ns: int = 500 * MS
    silence_of_committing_ns: int = 1000 * MS
    hold_down_ns: int = 5000 * MS
    window_ns: int = 60_000 * MS
    most_in_window: int = 3
    order_ns: int = 1000 * MS  # for how long an administrator's order is tried
    handover_ns: int = 500 * MS  # from a planned certificate until its candidate serves
    yielding_ns: int = 100 * MS  # from the old primary's stepping down until the new one is seen to stand
    handover_rest_ns: int = 1000 * MS  # how long a new primary serves before it may hand over
    handover_lag: int = 1000  # entries: as many as an engine may seem to lack


# Planted: rash enough to move on a stall of 200 ms, patient enough for the hiccups of a busy machine.
NAIVE: Final = Patience(silence_ns=150 * MS, confirm_ns=20 * MS, confirm_least_ns=5 * MS, strain_most_ns=0)


@dataclass(frozen=True, slots=True)
class Config:
    """Who a sentinel is. `engines` are in provider order, which decides ties; `sign` makes its signature.

    `limits` are for the work of a primary that is alive.
    """

    name: str
    peers: tuple[str, ...]
    engines: tuple[str, ...]
    sign: Callable[[bytes], bytes]
    cluster: str = "trading"
    patience: Patience = Patience()
    limits: Limits = LIMITS
    defects: frozenset[Defect] = frozenset()

    def rank(self, name: str) -> tuple[int, str]:
        """Where a name stands in provider order."""
        return (self.engines.index(name) if name in self.engines else len(self.engines), name)

    @property
    def majority(self) -> int:
        """How many sentinels must see that no primary works."""
        return 1 if self.credulous else (len(self.peers) + 1) // 2 + 1

    @property
    def signatures(self) -> int:
        """How many must sign a certificate."""
        if Defect.SPLIT_BRAIN_LOCAL_VOTE in self.defects:
            return 1  # planted: its own vote is enough
        return (len(self.peers) + 1) // 2 + 1

    @property
    def credulous(self) -> bool:
        """Planted: one sentinel's suspicion is enough, and the others sign whatever they are asked to."""
        return bool(self.defects & {Defect.NAIVE_TIMEOUT, Defect.SPLIT_BRAIN_LOCAL_VOTE})


def patience_for(defects: frozenset[Defect], *, silence_ns: int) -> Patience:
    """The patience of a sentinel that suspects after `silence_ns`, unless a planted defect makes it rash."""
    return NAIVE if Defect.NAIVE_TIMEOUT in defects else Patience(silence_ns=silence_ns)
