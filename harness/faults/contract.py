"""What a fault is, and what it may do to a stack.

A fault is settings plus one pure decision: given the scene at its onset, which changes to make. Changes are made by
the platform's *hands*; each knows its undo before it is applied, heals twice safely, and gathers facts from the
victim or from the far end of the link, never from the call that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

from harness.model.quantities import Settings
from harness.model.span import Span
from harness.model.undo import Undo

if TYPE_CHECKING:
    from harness.faults.scene import Scene
    from harness.stack.description import Link


@dataclass(frozen=True, slots=True)
class Fact:
    """What was seen at `source` (`victim` or `far_end`) about `subject`; `convincing` if it proves the change.

    A fact that proves nothing because there was nothing to see (an idle link) is left out, not recorded as convincing.
    """

    subject: str
    source: str
    fact: str
    convincing: bool
    asked: float | None = None
    measured: float | None = None
    unit: str = ""


class Change(Protocol):
    """One reversible change to a running stack."""

    @property
    def subjects(self) -> tuple[str, ...]:
        """The services or links that it touches."""

    @property
    def undo(self) -> tuple[Undo, ...]:
        """What mends it, known before it is applied."""

    def apply(self) -> Span:
        """Make the change and read it back; the span is that of the measured effect."""

    def facts(self) -> list[Fact]:
        """What the victims show, asked while the change is in force (or just after it, for one without an end).

        May be under way on another thread when `revert` is called: it then tells what was seen before.
        """

    def revert(self) -> Span:
        """Mend it and read it back; safe to call twice. Raises `HealFailed`."""


class Adjustable(Change, Protocol):
    """A delay that can be moved while it is in force."""

    def adjust(self, *, latency_ms: float, jitter_ms: float) -> Span:
        """Change the magnitude on live connections."""


class Direction(StrEnum):
    """Seen from the link's source: `to` its target, `from` its target, or both."""

    TO = "to"
    FROM = "from"
    BOTH = "both"


class Established(StrEnum):
    """What happens to connections that exist when a link is cut."""

    STALL = "stall"  # they fall silent, and are severed when the cut is lifted
    RESET = "reset"  # both ends see a reset
    KEEP = "keep"  # only new connections are hit


class NewConnections(StrEnum):
    """What happens to connections that are tried while a link is cut."""

    DROP = "drop"  # handshakes stay unanswered
    STALL = "stall"  # the handshake completes, bytes go nowhere
    REJECT = "reject"  # refused at once
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Cut:
    """How one link is cut."""

    link: Link
    direction: Direction = Direction.BOTH
    established: Established = Established.STALL
    new: NewConnections = NewConnections.DROP


class Capability(StrEnum):
    """What a platform can do to a stack."""

    KILL = "kill"
    PAUSE = "pause"
    CUT = "cut"
    DROP_HANDSHAKES = "drop_handshakes"
    DELAY = "delay"
    RESET = "reset"
    LOSE_PACKETS = "lose_packets"
    POWER = "power"
    SLOW_DISK = "slow_disk"
    FULL_DISK = "full_disk"
    LYING_DISK = "lying_disk"
    WIPED_DISK = "wiped_disk"
    DRIFT_CLOCK = "drift_clock"


class Hosts(Protocol):
    """What a platform lets faults do to the hosts of services: to their power, disks and clocks.

    Each service counts as one host. A service that has no disk feels nothing of what happens to disks.
    """

    def lose_power(self, services: Sequence[str]) -> Change:
        """The hosts stop without a word, and everything after the last finished fsync is gone; reverting starts again."""

    def slow_disks(self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0) -> Change:
        """Each write takes so much longer until it is durable."""

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> Change:
        """Every write fails for want of room; reverting makes room, and starts those anew whose writes failed if asked."""

    def deceive(self, services: Sequence[str]) -> Change:
        """An fsync is reported done and does nothing; reverting makes durable what is still there."""

    def wipe(self, services: Sequence[str]) -> Change:
        """Empty the disks of services that don't run. Nothing to revert."""

    def drift_clocks(self, services: Sequence[str], *, gains_ms: float) -> Change:
        """Let monotonic clocks gain so much each second; reverting gives them their rate back, and no jump."""


class Hands(Protocol):
    """What a platform lets faults do. Nothing happens before `Change.apply`."""

    @property
    def hosts(self) -> Hosts:
        """What it lets them do to hosts."""

    def kill(self, services: Sequence[str]) -> Change:
        """SIGKILL; reverting starts them again, as they were started first, with their data."""

    def pause(self, services: Sequence[str]) -> Change:
        """Freeze (SIGSTOP or the container's freezer); reverting thaws."""

    def cut(self, cuts: Sequence[Cut]) -> Change:
        """Silence links; what was stalled is severed when the cut is lifted, it never drains."""

    def delay(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        direction: Direction = Direction.BOTH,
    ) -> Adjustable:
        """Add a one-way delay to each direction named, on top of the baseline."""

    def lose(self, links: Sequence[Link], *, share: float, direction: Direction = Direction.BOTH) -> Change:
        """Lose this share of all packets in each direction named."""

    def reset(self, links: Sequence[Link]) -> Change:
        """Reset the established connections once; new ones are allowed at once. Nothing to revert."""


@dataclass(frozen=True, slots=True)
class Move:
    """A later step of a fault that moves: `after_s` counts from its onset."""

    after_s: float
    describe: str
    act: Callable[[], Span]


@dataclass(frozen=True, slots=True)
class Strike:
    """What a fault does now: changes, applied in order and reverted newest first, and later moves."""

    changes: tuple[Change, ...]
    moves: tuple[Move, ...] = field(default=())


class Fault(Settings):
    """The base of every fault's settings: one typed thing that goes wrong.

    Fields are the keys beside `fault:` in a scenario, with their unit in the attribute's name.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    needs: ClassVar[frozenset[Capability]]
    instant: ClassVar[bool] = False  # it has no end (a reset): `lasts` is not allowed

    def strike(self, scene: Scene, hands: Hands) -> Strike:
        """Decide what to do in this scene; nothing is touched yet."""
        raise NotImplementedError

    def needed(self) -> frozenset[Capability]:
        """What this fault, with these settings, needs of a platform."""
        return self.needs

    def hits_primary(self, scene: Scene) -> bool:
        """Whether the primary is among the victims (a failover is then expected to carry a new epoch)."""
        return False
