"""What faults do to the hosts of a simulated world: their power and their disks; each proved by what the disks did."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Final

from harness.faults.contract import Fact
from harness.model.span import Span
from harness.model.undo import Undo
from harness.platforms.sim.delays import Added, Meter
from harness.platforms.sim.halting import Halting
from harness.platforms.sim.machine import SimMachine
from harness.platforms.sim.world import World

_NUMBERS: Final = itertools.count(1)


class LosingPower(Halting):
    """Hosts stop without a word, and forget what no finished fsync covers; reverting starts their services again."""

    def __init__(self, world: World, services: Sequence[str]) -> None:
        super().__init__(world, services)
        self._lost: dict[str, int] = {}
        self._left: dict[str, tuple[int, int]] = {}

    def _halt(self, service: str) -> None:
        self._lost[service] = self._world.cut_power(service)
        self._left[service] = _held(self._world.machines[service])

    def _resume(self, service: str) -> None:
        self._world.give_power(service)

    def _circumstance(self, service: str) -> str:
        if not self._world.machines[service].disks:
            return "without power"
        synced, lost = self._left[service][0], self._lost[service]
        return (
            f"without power; its disk kept {synced} records that were synced, {lost} that were not are gone"
        )

    def _proved(self, service: str) -> bool:
        written, synced = self._left[service]
        return written == synced


class SlowingDisks:
    """Every write takes longer until it is durable."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str], *, latency_ms: float, jitter_ms: float) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._number = next(_NUMBERS)
        self._latency_ms = latency_ms
        self._added = Added.of_ms(latency_ms, jitter_ms)
        self._meters: dict[str, Meter] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            drive = self._world.machines[service].drive
            drive.slow[self._number] = self._added
            drive.meters[self._number] = self._meters[service] = Meter()
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [self._fact(service, meter) for service, meter in self._meters.items() if meter.arrived]

    def revert(self) -> Span:
        for service in self.subjects:
            drive = self._world.machines[service].drive
            drive.slow.pop(self._number, None)
            drive.meters.pop(self._number, None)
        return self._world.instant()

    def _fact(self, service: str, meter: Meter) -> Fact:
        mean_ms, most_ms = meter.delay_ns / meter.arrived / 1e6, meter.most_ns / 1e6
        told = f"{meter.arrived} writes took {mean_ms:.1f} ms on average until they were synced, {most_ms:.1f} ms at most"
        return Fact(
            service,
            "victim",
            told,
            convincing=most_ms >= 0.5 * self._latency_ms,
            asked=self._latency_ms,
            measured=most_ms,
            unit="ms",
        )


class FillingDisks:
    """No write finds room; reverting makes room and, if asked for, starts services anew whose writes failed."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str], *, restart: bool) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._restart = restart
        self._number = next(_NUMBERS)
        self._before: dict[str, int] = {}
        self._after: dict[str, int] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            drive = self._world.machines[service].drive
            self._before[service] = drive.refused
            drive.full_for.add(self._number)
        return self._world.instant()

    def facts(self) -> list[Fact]:
        return [
            Fact(service, "victim", f"{refused} writes failed: no space left on device", convincing=True)
            for service in self._before
            if (refused := self._refused(service))
        ]

    def revert(self) -> Span:
        for service in self._before:
            if service not in self._after:
                drive = self._world.machines[service].drive
                self._after[service] = drive.refused
                drive.full_for.discard(self._number)
                if self._restart and self._refused(service):
                    self._world.stop(service)
                    self._world.restart(service)
        return self._world.instant()

    def _refused(self, service: str) -> int:
        now = self._after.get(service, self._world.machines[service].drive.refused)
        return now - self._before[service]


class DeceivingDisks:
    """An fsync is reported done and does nothing; reverting writes down what is still in the cache then."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._number = next(_NUMBERS)
        self._before: dict[str, tuple[int, int]] = {}
        self._after: dict[str, tuple[int, int]] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            self._before[service] = self._counts(service)
            self._world.machines[service].drive.lying_for.add(self._number)
        return self._world.instant()

    def facts(self) -> list[Fact]:
        facts = (self._fact(service) for service in self._before)
        return [fact for fact in facts if fact is not None]

    def revert(self) -> Span:
        for service in self._before:
            if service not in self._after:
                self._after[service] = self._counts(service)
                machine = self._world.machines[service]
                machine.drive.lying_for.discard(self._number)
                if not machine.drive.lying:
                    for disk in machine.disks:
                        disk.flush()
        return self._world.instant()

    def _counts(self, service: str) -> tuple[int, int]:
        drive = self._world.machines[service].drive
        return drive.syncs, drive.lies

    def _fact(self, service: str) -> Fact | None:
        before, now = self._before[service], self._after.get(service) or self._counts(service)
        syncs, lies = now[0] - before[0], now[1] - before[1]
        if not syncs:
            return None
        told = f"{syncs} fsyncs were reported done, {lies} of them made nothing durable"
        return Fact(service, "victim", told, convincing=lies == syncs)


class WipingDisks:
    """The disks of services that don't run are emptied; nothing brings back what they held."""

    undo: tuple[Undo, ...] = ()

    def __init__(self, world: World, services: Sequence[str]) -> None:
        self.subjects = tuple(services)
        self._world = world
        self._lost: dict[str, int] = {}
        self._left: dict[str, int] = {}

    def apply(self) -> Span:
        for service in self.subjects:
            machine = self._world.machines[service]
            self._lost[service] = sum(disk.wipe() for disk in machine.disks)
            self._left[service] = _held(machine)[0]
        return self._world.instant()

    def facts(self) -> list[Fact]:
        facts = ((service, lost, self._left[service]) for service, lost in self._lost.items())
        return [
            Fact(service, "victim", f"{lost} records are gone, {left} are left", convincing=not left)
            for service, lost, left in facts
            if lost or left
        ]

    def revert(self) -> Span:
        return self._world.instant()


def _held(machine: SimMachine) -> tuple[int, int]:
    """How many records its disks hold, and how many of them are durable."""
    return sum(disk.written for disk in machine.disks), sum(disk.synced for disk in machine.disks)
