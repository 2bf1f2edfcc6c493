"""The latency quantile of the requests that the engine answered in its last second."""

from __future__ import annotations

from typing import Final

from trading_stack.sentinel.messages import Heartbeat
from trading_stack.sentinel.monitors.limits import Limits
from trading_stack.sentinel.monitors.monitor import MS, Subject


def _quantile_ns(beat: Heartbeat, limits: Limits) -> int:
    return beat.latency_ns if beat.requests >= limits.least_requests else 0


LATENCIES: Final = Subject(
    "latencies",
    figure=_quantile_ns,
    bounds=lambda limits: limits.latency_ns,
    say=lambda latency_ns: f"one request in a hundred took {latency_ns // MS} ms or more",
)
