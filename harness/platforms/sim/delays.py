"""Delays that faults add to messages and to writes, and who measures them."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(slots=True)
class Added:
    """A delay on top of the baseline: `latency_ns`, more or less by up to `jitter_ns`."""

    latency_ns: int
    jitter_ns: int

    @classmethod
    def of_ms(cls, latency_ms: float, jitter_ms: float) -> Added:
        return cls(round(latency_ms * 1e6), round(jitter_ms * 1e6))

    def draw_ns(self, random: Random) -> int:
        """How much it adds this time."""
        if not self.jitter_ns:
            return self.latency_ns
        return self.latency_ns + random.randrange(-self.jitter_ns, self.jitter_ns + 1)


@dataclass(slots=True)
class Meter:
    """Times what begins while a delay is in force, as it ends."""

    arrived: int = 0
    delay_ns: int = 0  # the sum
    most_ns: int = 0

    def note(self, delay_ns: int) -> None:
        """Something has ended."""
        self.arrived += 1
        self.delay_ns += delay_ns
        self.most_ns = max(self.most_ns, delay_ns)
