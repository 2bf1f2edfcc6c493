"""The shape of every change that keeps services of a simulated world from taking steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from harness.faults.contract import Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.sim.world import World


class Halting(ABC):
    """Services take no step from `apply` to `revert`; the steps that they took all the same speak against it."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._steps: dict[str, int] = {}
        self._after: dict[str, int] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            self._halt(service)
            self._steps[service] = self._world.machines[service].steps
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [self._fact(service) for service in self._steps]

    def revert(self) -> Span:
        for service in self._steps:
            if service not in self._after:
                self._after[service] = self._world.machines[service].steps
                self._resume(service)
        return self._world.instant()

    def _fact(self, service: str) -> Fact:
        took = self._after.get(service, self._world.machines[service].steps) - self._steps[service]
        told = f"it took {took} steps {self._circumstance(service)}"
        return Fact(service, "victim", told, convincing=took == 0 and self._proved(service))

    def _proved(self, service: str) -> bool:
        """Whether what else it did to the service can be seen."""
        return True

    @abstractmethod
    def _halt(self, service: str) -> None: ...

    @abstractmethod
    def _resume(self, service: str) -> None: ...

    @abstractmethod
    def _circumstance(self, service: str) -> str:
        """In which state it took its steps, and what else is to be told of it."""
