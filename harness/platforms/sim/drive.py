"""What is wrong with the disk of one simulated host: how slow it is, whether it is full, whether it lies."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from harness.platforms.sim.delays import Added, Meter

SYNC_NS: Final = 400_000
SPREAD_NS: Final = 500_000
HICCUP_SHARE: Final = 0.01
HICCUP_NS: Final = 8_000_000


@dataclass(slots=True)
class Drive:
    """All files of a host share it. `slow`, `full_for` and `lying_for` hold the changes in force, `meters` who measures.

    `refused` counts the writes that found no room, `syncs` the fsyncs that were reported done, `lies` those of them that
    did nothing.
    """

    slow: dict[int, Added] = field(default_factory=dict)
    full_for: set[int] = field(default_factory=set)
    lying_for: set[int] = field(default_factory=set)
    meters: dict[int, Meter] = field(default_factory=dict)
    refused: int = 0
    syncs: int = 0
    lies: int = 0

    @property
    def full(self) -> bool:
        return bool(self.full_for)

    @property
    def lying(self) -> bool:
        return bool(self.lying_for)

    def draw_ns(self, random: Random) -> int:
        """How long the next write takes, its fsync included."""
        took_ns = SYNC_NS + random.randrange(SPREAD_NS)
        if random.random() < HICCUP_SHARE:
            took_ns += random.randrange(HICCUP_NS)
        return max(0, took_ns + sum(added.draw_ns(random) for added in self.slow.values()))

    def sync(self) -> bool:
        """Let an fsync be reported done; whether it made anything durable."""
        self.syncs += 1
        self.lies += self.lying
        return not self.lying
