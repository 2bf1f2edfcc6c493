"""What faults do to the clocks of a simulated world, proved by reading them back."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from harness.faults.contract import Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.sim.world import World

_NUMBERS: Final = itertools.count(1)


class DriftingClocks:
    """Clocks run wrong; reverting gives them their rate back."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str], *, gains_ms: float) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._number = next(_NUMBERS)
        self._gains_ms = gains_ms
        self._began_ns = 0
        self._shown_ns: dict[str, int] = {}
        self._ended: dict[str, tuple[int, int]] = {}

    def apply(self) -> Span:
        self._began_ns = self._world.agenda.now_ns
        for service in self.subjects:
            clock = self._world.machines[service].clock
            self._shown_ns[service] = clock.now_ns()
            clock.gain(self._number, round(self._gains_ms * 1000))
        return self._world.instant()

    def facts(self) -> list[Fact]:
        facts = (self._fact(service) for service in self._shown_ns)
        return [fact for fact in facts if fact is not None]

    def revert(self) -> Span:
        for service in self._shown_ns:
            if service not in self._ended:
                self._ended[service] = self._read(service)
                self._world.machines[service].clock.calm(self._number)
        return self._world.instant()

    def _read(self, service: str) -> tuple[int, int]:
        """How much time has passed, and how much of it the clock has shown."""
        shown_ns = self._world.machines[service].clock.now_ns() - self._shown_ns[service]
        return self._world.agenda.now_ns - self._began_ns, shown_ns

    def _fact(self, service: str) -> Fact | None:
        passed_ns, shown_ns = self._ended.get(service) or self._read(service)
        if not passed_ns:
            return None
        gained_ms = 1000 * (shown_ns - passed_ns) / passed_ns
        told = f"its clock, read back after {passed_ns / 1e9:.3f} s, gained {gained_ms:.2f} ms a second"
        return Fact(
            service,
            "victim",
            told,
            convincing=abs(gained_ms - self._gains_ms) <= 0.1 * abs(self._gains_ms),
            asked=self._gains_ms,
            measured=gained_ms,
            unit="ms/s",
        )
