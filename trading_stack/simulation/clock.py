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
        world_ns = (local_ns - self.offset_ns) * MILLION // (MILLION + self.drift_ppm)  # never too late
        while self.local(world_ns) < local_ns:
            world_ns += 1
        return world_ns
