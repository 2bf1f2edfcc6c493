"""One toxic a file. Importing this package registers them all."""

from __future__ import annotations

from harness.wan.toxics.bandwidth import Bandwidth
from harness.wan.toxics.contract import Stream
from harness.wan.toxics.drop import Drop
from harness.wan.toxics.gate import Established, Gate
from harness.wan.toxics.latency import Latency
from harness.wan.toxics.reject import Reject
from harness.wan.toxics.reset_peer import ResetPeer
from harness.wan.toxics.slow_close import SlowClose
from harness.wan.toxics.stall import Stall
from harness.wan.toxics.timeout import Timeout

__all__ = [
    "Bandwidth",
    "Drop",
    "Established",
    "Gate",
    "Latency",
    "Reject",
    "ResetPeer",
    "SlowClose",
    "Stall",
    "Stream",
    "Timeout",
]
