"""One toxic a file. Importing this package registers them all."""

from __future__ import annotations

from harness.wan.toxics.bandwidth import Bandwidth
from harness.wan.toxics.contract import Stream
from harness.wan.toxics.drop import Drop
from harness.wan.toxics.gate import Established, Gate
from harness.wan.toxics.latency import Latency
from harness.wan.toxics.limit_data import LimitData
from harness.wan.toxics.noop import Noop
from harness.wan.toxics.reject import Reject
from harness.wan.toxics.reset_peer import ResetPeer
from harness.wan.toxics.slicer import Slicer
from harness.wan.toxics.slow_close import SlowClose
from harness.wan.toxics.stall import Stall
from harness.wan.toxics.timeout import Timeout

__all__ = [
    "Bandwidth",
    "Drop",
    "Established",
    "Gate",
    "Latency",
    "LimitData",
    "Noop",
    "Reject",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Stall",
    "Stream",
    "Timeout",
]
