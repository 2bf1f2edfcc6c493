"""What faults do to the services of a simulated world: killing and freezing; each proved by what victims did."""

from __future__ import annotations

from collections.abc import Sequence

from harness.faults.contract import Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.sim.world import World


class Killing:
    """Processes end at once; reverting starts them again with what their disks hold."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._steps: dict[str, int] = {}
        self._after: dict[str, int] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            self._world.stop(service)
            self._steps[service] = self._world.machines[service].steps
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [self._fact(service) for service in self._steps]

    def revert(self) -> Span:
        for service in self._steps:
            if service not in self._after:
                self._after[service] = self._world.machines[service].steps
                self._world.restart(service)
        return self._world.instant()

    def _fact(self, service: str) -> Fact:
        took = self._after.get(service, self._world.machines[service].steps) - self._steps[service]
        told = f"it took {took} steps after it was killed"
        return Fact(service, "victim", told, convincing=took == 0)


class Freezing:
    """Processes stop where they are; reverting lets them go on."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._steps: dict[str, int] = {}
        self._after: dict[str, int] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            machine = self._world.machines[service]
            self._steps[service] = machine.steps
            self._world.hold(service)
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [self._fact(service) for service in self._steps]

    def revert(self) -> Span:
        for service in self._steps:
            if service not in self._after:
                self._after[service] = self._world.machines[service].steps
                self._world.release(service)
        return self._world.instant()

    def _fact(self, service: str) -> Fact:
        machine = self._world.machines[service]
        took = self._after.get(service, machine.steps) - self._steps[service]
        told = f"it took {took} steps while it was frozen; {machine.waiting} events wait for it"
        return Fact(service, "victim", told, convincing=took == 0)
