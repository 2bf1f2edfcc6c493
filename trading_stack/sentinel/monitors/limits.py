"""How bad a primary's figures may be, and for how long, before a sentinel would rather have another primary."""

from __future__ import annotations

from typing import Final

import msgspec

from trading_stack.sentinel.monitors.gauge import Bounds

MS: Final = 1_000_000
SECOND: Final = 1000 * MS


class Limits(msgspec.Struct, frozen=True):
    """Far above what 100 ms of latency, stalls of 200 ms, jitter of ten round trips and resets do to any figure.

    A primary steps down by itself when it reaches no majority for 0.8 s, or when its store does not finish a write for
    1 s; these are for one that goes on although it does its work badly. A rate or a quantile counts only from
    `least_requests` in the engine's last second.
    """

    commit_stall_ns: Bounds = Bounds(1 * SECOND, 3 * SECOND, lasting_ns=500 * MS, calm_ns=2 * SECOND)
    fsync_age_ns: Bounds = Bounds(500 * MS, 2 * SECOND, lasting_ns=500 * MS, calm_ns=2 * SECOND)
    queued_commands: Bounds = Bounds(5_000, 20_000, lasting_ns=5 * SECOND, calm_ns=2 * SECOND)
    failed_permille: Bounds = Bounds(100, 500, lasting_ns=5 * SECOND, calm_ns=2 * SECOND)
    latency_ns: Bounds = Bounds(500 * MS, 2 * SECOND, lasting_ns=5 * SECOND, calm_ns=2 * SECOND)
    least_requests: int = 20
    gap_ns: int = 500 * MS


LIMITS: Final = Limits()
