"""Who a replica is, how patient, and what part it can have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trading_stack.defects import Defect
from trading_stack.journal.certificate import Verify

MILLISECOND_NS: Final = 1_000_000
SNAPSHOT_EVERY: Final = 200_000
"""Entries: far more than a run of a scenario makes, whose checks read the whole log."""


class Role(StrEnum):
    STANDBY = "standby"
    CANDIDATE = "candidate"
    PRIMARY = "primary"


@dataclass(frozen=True, slots=True)
class Config:
    """Who a replica is and how patient. `verify` checks a sentinel's signature; `epoch_command` makes the command
    that opens an epoch; `wall_offset_ns` is added to monotonic time to stamp entries."""

    node: str
    peers: tuple[str, ...]
    verify: Verify
    epoch_command: Callable[[int, str], bytes]
    cluster: str = "trading"
    sentinels_needed: int = 2
    wall_offset_ns: int = 0
    heartbeat_ns: int = 20 * MILLISECOND_NS
    quorum_ns: int = 800 * MILLISECOND_NS  # above what a stall of 200 ms plus 100 ms of latency can cause
    write_stall_ns: int = 1000 * MILLISECOND_NS
    resend_ns: int = 50 * MILLISECOND_NS
    promotion_ns: int = 900 * MILLISECOND_NS  # given up before sentinels turn to another candidate
    late_timer_ns: int = 100 * MILLISECOND_NS
    snapshot_every: int = SNAPSHOT_EVERY
    snapshot_bytes: int = 64 << 20
    handover_ns: int = 100 * MILLISECOND_NS  # how long new commands may be held for a target to come up
    handover_lag: int = 1000  # entries: a target that lacks more is not waited for
    defects: frozenset[Defect] = frozenset()

    @property
    def majority(self) -> int:
        if Defect.SPLIT_BRAIN_LOCAL_VOTE in self.defects:
            return 1  # planted: its own vote is enough
        return (len(self.peers) + 1) // 2 + 1
