"""A host's monotonic clock, which agrees with no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Clock:
    """Shows `offset_ns` when the world begins, and gains `drift_ppm` millionths of what passes."""

    offset_ns: int = 0
    drift_ppm: int = 0

    def local(self, world_ns: int) -> int:
        """What it shows at a time of the world."""
        return self.offset_ns + world_ns + world_ns * self.drift_ppm // MILLION

    def world(self, local_ns: int) -> int:
        """The first time of the world at which it shows at least this."""
        shown_ns, drift_ppm = local_ns - self.offset_ns, self.drift_ppm
        world_ns = shown_ns * MILLION // (MILLION + drift_ppm)  # never too late
        while world_ns + world_ns * drift_ppm // MILLION < shown_ns:
            world_ns += 1
        return world_ns
