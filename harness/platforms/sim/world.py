"""A stack in virtual time: its machines and roads, and what can be done to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, NamedTuple

from harness.model.span import Span
from harness.model.stack_event import StackEvent
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.connections import Connection
from harness.platforms.sim.lanes import Lane, Road
from harness.platforms.sim.machine import SimMachine
from harness.stack.description import CLIENTS, Link, Stack
from harness.stack.simulation import Service, Simulation

BEGIN_NS: Final = 3_600_000_000_000
"""Where virtual time begins: an hour after the hosts did, so that there is a past."""
DRIFT_PPM: Final = 50
"""How wrong a provider's clocks run at most, in parts of a million: what an undisciplined quartz does."""
RESTART_NS: Final = 250_000_000
"""From the command that starts a process to its first step, on average; an interpreter takes that long."""


class Exit(NamedTuple):
    """A service that ended by itself."""

    service: str
    at_ns: int
    why: str


class World:
    """All of one run, from its seed. Whatever draws takes a source of its own, so that one change moves no other."""

    def __init__(
        self,
        stack: Stack,
        simulation: Simulation,
        *,
        seed: int,
        environment: Mapping[str, str],
        on_event: Callable[[StackEvent], None],
    ) -> None:
        self.stack = stack
        self.agenda = Agenda()
        self.agenda.now_ns = BEGIN_NS
        self.services: dict[str, Service] = {}
        self._simulation = simulation
        self._seed = seed
        self._environment = environment
        self._random = self._source("world")
        roads = {(link.source, link.target, link.port): Road.of(link) for link in stack.links}
        self._roads = {road.link.name: road for road in roads.values()}
        self._held: dict[str, int] = {}
        self._down: dict[str, int] = {}
        self._dark: dict[str, int] = {}
        self.exits: list[Exit] = []
        drifts = {provider: self._random.randint(-DRIFT_PPM, DRIFT_PPM) for provider in stack.providers}
        self.machines: dict[str, SimMachine] = {}
        for name, provider in [(each.name, each.provider) for each in stack.services] + [(CLIENTS, None)]:
            self.machines[name] = SimMachine(
                self.agenda,
                name,
                provider=provider,
                random=self._source(name),
                drift_ppm=0 if provider is None else drifts[provider],
                roads=roads,
                find=self.machines.__getitem__,
                on_event=on_event,
            )

    def begin(self) -> None:
        """Start every service, each a moment after the other."""
        self.machines[CLIENTS].boot()
        for service in self.stack.services:
            self._boot(service.name, 5_000_000)

    def unready(self) -> dict[str, str]:
        """Each service that is not ready, with the reason."""
        reasons = {}
        for service in self.stack.services:
            machine, running = self.machines[service.name], self.services.get(service.name)
            if not machine.alive or running is None:
                reasons[service.name] = "it does not run"
            elif machine.frozen:
                reasons[service.name] = "it is frozen"
            elif (why := running.unready()) is not None:
                reasons[service.name] = why
        return reasons

    def running(self) -> Iterator[tuple[str, Service]]:
        """Every service that could answer a question now, with its name."""
        for name, service in self.services.items():
            if self.machines[name].alive and not self.machines[name].frozen:
                yield name, service

    def instant(self) -> Span:
        """Now: in virtual time a change is made in no time."""
        return Span(self.agenda.now_ns, self.agenda.now_ns)

    # --- what faults do

    def stop(self, service: str) -> None:
        """Kill a service; it stays down until everybody who killed it has let it start again."""
        self._down[service] = self._down.get(service, 0) + 1
        self.machines[service].kill()
        self.services.pop(service, None)

    def restart(self, service: str) -> None:
        """Start it again, once nobody wants it down any more."""
        self._down[service] -= 1
        if not self._down[service]:
            self._boot(service, RESTART_NS)

    def cut_power(self, service: str) -> int:
        """Let a service's host go dark, until everybody who did so gives it power again; how many records it lost."""
        self._down[service] = self._down.get(service, 0) + 1
        self._dark[service] = self._dark.get(service, 0) + 1
        self.services.pop(service, None)
        return self.machines[service].lose_power()

    def give_power(self, service: str) -> None:
        """Let the host run again, and start the service."""
        self._dark[service] -= 1
        if not self._dark[service]:
            self.machines[service].power_on()
        self.restart(service)

    def hold(self, service: str) -> None:
        """Freeze a service, until everybody who froze it lets it go."""
        self._held[service] = self._held.get(service, 0) + 1
        self.machines[service].freeze()

    def release(self, service: str) -> None:
        """Let it go on, once nobody holds it any more."""
        if self._held.get(service, 0):
            self._held[service] -= 1
            if not self._held[service]:
                self.machines[service].thaw()

    def road(self, link: Link) -> Road:
        return self._roads[link.name]

    def hush(self, road: Road, lane: Lane, number: int) -> None:
        """Let nothing pass any more in one direction; who waits there notices after a while."""
        if not lane.silent:
            lane.silent_since_ns = self.agenda.now_ns
        lane.silent_for.add(number)
        for connection in self._connections(road):
            listener = next(end for end in connection.ends if end.other.lane is lane)
            connection.watch_silence(listener)

    def sever(self, link: Link, why: str) -> int:
        """Reset every connection of a link; how many there were."""
        connections = self._connections(self._roads[link.name])
        for connection in connections:
            connection.sever(why)
        return len(connections)

    def _connections(self, road: Road) -> list[Connection]:
        source = self.machines[road.link.source]
        return [connection for connection in source.connections() if connection.road is road]

    def _boot(self, name: str, within_ns: int) -> None:
        service, machine = self.stack.service(name), self.machines[name]
        environment = {**service.environment, **self._environment}

        def start() -> None:
            if self._down.get(name) or machine.alive:
                return
            machine.boot()
            try:
                running = self._simulation.service(service.role, environment, machine)
                self.services[name] = running
                running.start()
            except OSError as error:  # its disk, as it told it
                self._end(name, error.strerror or str(error))

        self.agenda.after(within_ns // 2 + self._random.randrange(within_ns), start)

    def _end(self, name: str, why: str) -> None:
        """A service gives up by itself."""
        self.machines[name].kill()
        self.services.pop(name, None)
        self.exits.append(Exit(name, self.agenda.now_ns, why))

    def _source(self, name: str) -> Random:
        return Random(f"{self._seed}/{name}")  # noqa: S311 - reproducible draws, not secrets
