"""The host of one simulated service: its clock, its timers, its disks, its connections; it can lose them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Final

import msgspec

from harness.model.errors import UsageError
from harness.model.stack_event import StackEvent
from harness.platforms.sim.agenda import Act, Agenda, Entry
from harness.platforms.sim.attempts import Attempt
from harness.platforms.sim.clock import DriftingClock
from harness.platforms.sim.connections import Connection, End
from harness.platforms.sim.disk import SimDisk
from harness.platforms.sim.drive import Drive
from harness.platforms.sim.lanes import Road
from harness.platforms.sim.line import KeptLine
from harness.stack.simulation import Ears, Line, Redial

REDIAL: Final = Redial()


class SimMachine:
    """`harness.stack.simulation.Machine`, and what faults do to it.

    `drift_ppm` is how wrong its clock runs from now on; now it is right, as a history needs clocks that agree.
    """

    def __init__(
        self,
        agenda: Agenda,
        service: str,
        *,
        provider: str | None,
        random: Random,
        drift_ppm: int,
        roads: Mapping[tuple[str, str, int], Road],
        find: Callable[[str], SimMachine],
        on_event: Callable[[StackEvent], None],
    ) -> None:
        self.service = service
        self.provider = provider
        self.alive = False
        self.life = 0
        self.steps = 0
        self.dark = False  # without power
        self.drive = Drive()
        self.clock = DriftingClock(agenda, ppm=drift_ppm)
        self.now_ns = self.clock.now_ns
        self.mute_since_ns: int | None = None
        self._agenda = agenda
        self._random = random
        self._roads = roads
        self._find = find
        self._on_event = on_event
        self._frozen: list[tuple[int, Act]] | None = None
        self._disks: dict[str, SimDisk] = {}
        self._ports: dict[int, Ears] = {}
        self._ends: set[End] = set()

    # --- what the service uses

    @property
    def random(self) -> Random:
        return self._random

    def later(self, delay_ns: int, act: Act) -> Entry:
        life = self.life
        if delay_ns > 0:
            delay_ns = self.clock.until_it_shows_ns(delay_ns)
        return self._agenda.after(delay_ns, lambda: self.run(life, act))

    def listen(self, port: int, ears: Ears) -> None:
        self._ports[port] = ears

    def connect(self, address: str, ears: Ears, *, within_ns: int, on_failed: Callable[[str], None]) -> None:
        target, port = _split(address)
        road, far, life = self._road(target, port), self._find(target), self.life
        end = End(self, target, ears, road.to)
        Attempt(
            self._agenda,
            self._random,
            road,
            end,
            lambda: far.acceptor(port, self.service, road),
            dark=lambda: far.dark,
            within_ns=within_ns,
            up=lambda connection: _rise(connection),
            failed=lambda why: self.run(life, lambda: on_failed(why)),
        ).begin()

    def dial(
        self,
        address: str,
        ears: Ears,
        *,
        redial: Redial = REDIAL,
        on_failed: Callable[[str], None] = lambda _: None,
    ) -> Line:
        return KeptLine(self, address, ears, redial=redial, on_failed=on_failed)

    def disk(self, name: str) -> SimDisk:
        return self._disks.setdefault(name, SimDisk(self, self.drive))

    def tell(self, event: StackEvent) -> None:
        self._on_event(
            msgspec.structs.replace(
                event,
                service=self.service,
                mono_ns=self._agenda.now_ns,
                provider=event.provider or self.provider,
            )
        )

    # --- what happens to it

    def run(self, life: int, act: Act) -> None:
        """Let the service do something now; once it is thawed, if it is frozen; never, if it is gone."""
        if not self.alive or life != self.life:
            return
        if self._frozen is not None:
            self._frozen.append((life, act))
            return
        self.steps += 1
        act()

    def boot(self) -> None:
        """Begin a new life."""
        self.alive = True
        self.life += 1
        self.mute_since_ns = None
        self._frozen = None
        self._ports.clear()

    def kill(self) -> None:
        """End the process at once, as SIGKILL does: the host resets its connections, the system's cache stays."""
        if not self.alive:
            return
        self.alive = False
        self._frozen = None
        self._ports.clear()
        for disk in self._disks.values():
            disk.kill()
        ends, self._ends = sorted(self._ends, key=_order), set()
        for end in ends:
            if end.connection is not None:
                end.connection.orphan(end)

    def lose_power(self) -> int:
        """End everything at once: nobody is told, and what no finished fsync covers is gone; how many records that were."""
        if self.dark:
            return 0
        self.alive, self.dark = False, True
        self._frozen = None
        self._ports.clear()
        self.mute_since_ns = self._agenda.now_ns
        for end in sorted(self._ends, key=_order):
            if end.connection is not None and end.connection.open:
                end.connection.go_dark(end)
        return sum(disk.lose_power() for disk in self._disks.values())

    def power_on(self) -> None:
        """Power is back: the host answers again, and resets what it knows nothing of."""
        self.dark = False
        self.mute_since_ns = None
        ends, self._ends = sorted(self._ends, key=_order), set()
        for end in ends:
            if end.connection is not None:
                end.connection.come_back(end)

    @property
    def disks(self) -> tuple[SimDisk, ...]:
        """Every file that its service has."""
        return tuple(self._disks.values())

    @property
    def frozen(self) -> bool:
        return self._frozen is not None

    @property
    def waiting(self) -> int:
        """How much has arrived for a frozen process."""
        return len(self._frozen or ())

    def freeze(self) -> None:
        """Stop every thread; what arrives waits."""
        if self._frozen is not None or not self.alive:
            return
        self._frozen = []
        self.mute_since_ns = self._agenda.now_ns
        for end in sorted(self._ends, key=_order):
            if end.connection is not None and end.connection.open:
                end.connection.watch_silence(end.other)

    def thaw(self) -> None:
        """Go on, with all that has arrived meanwhile, in its order."""
        if self._frozen is None:
            return
        held, self._frozen = self._frozen, None
        self.mute_since_ns = None
        for life, act in held:
            self.run(life, act)

    def acceptor(self, port: int, peer: str, road: Road) -> End | None:
        """The end that would accept a connection, or None when nobody listens."""
        ears = self._ports.get(port) if self.alive else None
        return None if ears is None else End(self, peer, ears, road.back)

    def keep(self, end: End) -> None:
        """Remember a connection's end, to reset it when the process is killed."""
        self._ends = {each for each in self._ends if each.connection is not None and not each.connection.over}
        self._ends.add(end)

    def connections(self) -> list[Connection]:
        """All that some end thinks to be open, in the order in which they were made."""
        ends = sorted(self._ends, key=_order)
        return [end.connection for end in ends if end.connection is not None and not end.connection.over]

    def _road(self, target: str, port: int) -> Road:
        road = self._roads.get((self.service, target, port))
        if road is None:
            raise UsageError(
                f"{self.service} dials {target}:{port}, which nothing in its settings names",
                next_step="write the address into the service's environment, so that the link is known",
            )
        return road


def _order(end: End) -> tuple[int, int]:
    """When its connection was made: the order of a set must not decide anything."""
    assert end.connection is not None
    return end.connection.number


def _rise(connection: Connection) -> None:
    for end in connection.ends:
        end.machine.keep(end)
    for end in reversed(connection.ends):  # the acceptor first: it must know whom it hears
        end.machine.run(end.life, lambda end=end: end.ears.on_up(end))  # type: ignore[misc]


def _split(address: str) -> tuple[str, int]:
    target, _, port = address.rpartition(":")
    return target, int(port)
