"""Hands that touch nothing and remember what they were asked to do: for plans and dry runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.faults.contract import Cut, Direction, Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.stack.description import Link


@dataclass(frozen=True, slots=True)
class RehearsedChange:
    """A change that is only talked about."""

    what: str
    subjects: tuple[str, ...]
    undo: tuple[Undo, ...] = ()

    def apply(self) -> Span:
        return _now()

    def facts(self) -> list[Fact]:
        return []

    def revert(self) -> Span:
        return _now()

    def adjust(self, *, latency_ms: float, jitter_ms: float) -> Span:
        return _now()


@dataclass(slots=True)
class RehearsingHands:
    """Remembers each change, in the order in which a fault asked for them."""

    changes: list[RehearsedChange] = field(default_factory=list)

    @property
    def hosts(self) -> RehearsingHands:
        """They are talked about in the same list."""
        return self

    def kill(self, services: Sequence[str]) -> RehearsedChange:
        return self._remember("kill", services)

    def pause(self, services: Sequence[str]) -> RehearsedChange:
        return self._remember("pause", services)

    def cut(self, cuts: Sequence[Cut]) -> RehearsedChange:
        return self._remember("cut", [cut.link.name for cut in cuts])

    def delay(
        self,
        links: Sequence[Link],
        *,
        latency_ms: float,
        jitter_ms: float = 0.0,
        direction: Direction = Direction.BOTH,
    ) -> RehearsedChange:
        return self._remember(f"delay by {latency_ms:g} ms ± {jitter_ms:g} ms", [link.name for link in links])

    def lose(
        self, links: Sequence[Link], *, share: float, direction: Direction = Direction.BOTH
    ) -> RehearsedChange:
        return self._remember(f"lose {share:.3g} of all packets", [link.name for link in links])

    def reset(self, links: Sequence[Link]) -> RehearsedChange:
        return self._remember("reset", [link.name for link in links])

    def lose_power(self, services: Sequence[str]) -> RehearsedChange:
        return self._remember("lose power", services)

    def slow_disks(
        self, services: Sequence[str], *, latency_ms: float, jitter_ms: float = 0.0
    ) -> RehearsedChange:
        return self._remember(f"slow the disk by {latency_ms:g} ms ± {jitter_ms:g} ms", services)

    def fill_disks(self, services: Sequence[str], *, restart: bool) -> RehearsedChange:
        return self._remember("fill the disk", services)

    def deceive(self, services: Sequence[str]) -> RehearsedChange:
        return self._remember("let the disk lie", services)

    def wipe(self, services: Sequence[str]) -> RehearsedChange:
        return self._remember("wipe the disk", services)

    def drift_clocks(self, services: Sequence[str], *, gains_ms: float) -> RehearsedChange:
        return self._remember(f"let the clock gain {gains_ms:g} ms a second", services)

    def _remember(self, what: str, subjects: Sequence[str]) -> RehearsedChange:
        change = RehearsedChange(what, tuple(subjects))
        self.changes.append(change)
        return change


def _now() -> Span:
    now = time.monotonic_ns()
    return Span(now, now)
