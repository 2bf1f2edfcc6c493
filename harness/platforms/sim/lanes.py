"""What a link between two simulated services does to messages: delay, silence, and how new connections fare."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import log
from random import Random
from typing import Final

from harness.faults.contract import NewConnections
from harness.platforms.sim.delays import Added, Meter
from harness.platforms.sim.losses import FIRST_TIMEOUT_NS, MOST_TRIES, Loss
from harness.stack.description import Link

LOOPBACK_NS: Final = 60_000
"""From one process to another on one host, the far end's wake-up included."""
WAKE_NS: Final = 60_000
"""On average more, exponentially distributed: how long a process waits for its turn."""
_WAKE_RATE: Final = 1 / WAKE_NS


@dataclass(slots=True)
class Lane:
    """One direction of a link.

    `silent_for`, `added` and `losses` hold the changes in force, `meters` who measures, by number.
    """

    base_ns: int
    jitter_ns: int
    silent_for: set[int] = field(default_factory=set)
    added: dict[int, Added] = field(default_factory=dict)
    sent: int = 0
    arrived: int = 0
    silent_since_ns: int = 0
    meters: dict[int, Meter] = field(default_factory=dict)
    losses: dict[int, Loss] = field(default_factory=dict)

    def timed_by(self) -> list[Meter]:
        """Who times a message that is sent now: every meter whose delay is more than nothing."""
        return [
            meter
            for number, meter in self.meters.items()
            if (added := self.added.get(number)) is not None and added.latency_ns + added.jitter_ns > 0
        ]

    def draw_ns(self, random: Random) -> int:
        """How long the next message takes."""
        delay_ns = self.base_ns + LOOPBACK_NS + int(-log(1.0 - random.random()) / _WAKE_RATE)
        if self.jitter_ns:
            delay_ns += random.randrange(-self.jitter_ns, self.jitter_ns + 1)
        for added in self.added.values():
            delay_ns += added.draw_ns(random)
        return delay_ns if delay_ns > LOOPBACK_NS else LOOPBACK_NS

    def draw_first_ns(self, random: Random) -> int:
        """How long the first packet of a connection takes, which is sent again whenever it is lost."""
        waited_ns = 0
        for tries in range(MOST_TRIES):
            if not self.loses(random):
                break
            waited_ns += FIRST_TIMEOUT_NS << tries
        return waited_ns + self.draw_ns(random)

    def loses(self, random: Random) -> bool:
        """Whether the next packet is lost."""
        return any(loss.draw(random) for loss in self.losses.values())

    @property
    def silent(self) -> bool:
        return bool(self.silent_for)


@dataclass(slots=True)
class Road:
    """A link: `to` carries what its source says, `back` what its target answers.

    `stalled` are attempts to connect that a cut keeps waiting; each is told why it fails when the cut is lifted.
    """

    link: Link
    to: Lane
    back: Lane
    refusing: dict[int, NewConnections] = field(default_factory=dict)
    dials: int = 0
    failed_dials: int = 0
    stalled: list[Callable[[str], None]] = field(default_factory=list)

    @classmethod
    def of(cls, link: Link) -> Road:
        """The road of a link at its declared baseline: half of the round trip each way."""
        base_ns, jitter_ns = round(link.round_trip_ms * 5e5), round(link.jitter_ms * 5e5)
        return cls(link, Lane(base_ns, jitter_ns), Lane(base_ns, jitter_ns))

    def let_go(self, why: str) -> None:
        """Fail every attempt that a cut kept waiting."""
        stalled, self.stalled = self.stalled, []
        for fail in stalled:
            fail(why)

    @property
    def for_new(self) -> NewConnections:
        """What a new connection meets: the last change has its way."""
        return next(reversed(self.refusing.values()), NewConnections.ALLOW)
