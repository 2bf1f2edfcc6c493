"""A stack of two services in virtual time: an echo, and one that counts aloud to it and writes each number down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.model.operations import Ok, Operation, Reply
from harness.model.stack_event import StackEvent
from harness.platforms.sim.world import World
from harness.stack.description import EntryPoint, Link, Service, Stack
from harness.stack.simulation import Disk, Ears, Line, Machine, Wire
from harness.stack.wan import Wan

MS = 1_000_000


class Echo:
    """Answers everything with itself."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.heard: list[tuple[int, object]] = []
        self.downs: list[str] = []
        self.deaf = False  # answers pings, and nothing else

    def start(self) -> None:
        self.machine.listen(7000, Ears(on_message=self._hear, on_down=lambda _, why: self.downs.append(why)))

    def unready(self) -> str | None:
        return None

    def _hear(self, wire: Wire, message: object) -> None:
        self.heard.append((self.machine.now_ns(), message))
        if not (self.deaf and isinstance(message, tuple) and message[1] != "ping"):
            wire.send(message)


class Counter:
    """Says a number every ten milliseconds, and writes down what comes back."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.disk: Disk = machine.disk("numbers")
        self.next = len(self.disk.records())
        self.came: list[tuple[int, object]] = []
        self.ups = 0
        self.downs: list[str] = []
        self.failures: list[str] = []
        self.line: Line | None = None

    def start(self) -> None:
        ears = Ears(
            on_message=self._hear,
            on_up=lambda _: self._count_up(),
            on_down=lambda _, why: self.downs.append(why),
        )
        self.line = self.machine.dial("echo:7000", ears, on_failed=self.failures.append)
        self._say()

    def unready(self) -> str | None:
        return None if self.line is not None and self.line.up else "no echo"

    def _count_up(self) -> None:
        self.ups += 1
        self.machine.tell(StackEvent(service="", kind="connected", mono_ns=0))

    def _say(self) -> None:
        self.machine.later(10 * MS, self._say)
        if self.line is not None and self.line.send(self.next):
            self.next += 1

    def _hear(self, _: Wire, message: object) -> None:
        self.came.append((self.machine.now_ns(), message))
        self.disk.append(message, lambda _: None)


class ToySimulation:
    """`harness.stack.simulation.Simulation` of both."""

    def __init__(self) -> None:
        self.made: dict[str, list[Echo | Counter]] = {"echo": [], "counter": [], "left": [], "right": []}

    def service(self, role: str, environment: Mapping[str, str], machine: Machine) -> Echo | Counter:
        service = Counter(machine) if role == "counter" else Echo(machine)
        self.made[role].append(service)
        return service

    def request(self, operation: Operation, *, deadline_ns: int) -> object:
        return operation

    def ping(self) -> object:
        return "ping"

    def numbered(self, request: object, number: int) -> object:
        return number, request

    def answered(self, message: object) -> tuple[int, object]:
        assert isinstance(message, tuple)
        return message[0], message[1]

    def reply(self, answer: object) -> Reply:
        return Ok()


def _service(name: str, provider: str, environment: Mapping[str, str]) -> Service:
    return Service(
        name=name,
        role=name,
        provider=provider,
        command=("run",),
        environment=environment,
        exposes=(7000,),
        mounts=(),
        depends_on=(),
        image=None,
        health=None,
        process_command=None,
        line=1,
    )


def two_doors() -> Stack:
    """An echo at each of two providers, for clients."""
    return Stack(
        path=Path("doors.yml"),
        name="doors",
        services=(_service("left", "alpha", {}), _service("right", "bravo", {})),
        wan=Wan(clients_ms=1.0, outside_ms=1.0, default_ms=4.0),
        entry_points=(EntryPoint("left", 7000, "alpha"), EntryPoint("right", 7000, "bravo")),
        adapter="toy:Adapter",
    )


def toy_stack() -> Stack:
    """An echo at one provider, a counter at another, 4 ms apart and back."""
    return Stack(
        path=Path("toy.yml"),
        name="toy",
        services=(_service("echo", "alpha", {}), _service("counter", "bravo", {"ECHO": "echo:7000"})),
        wan=Wan(clients_ms=1.0, outside_ms=1.0, default_ms=4.0),
        entry_points=(EntryPoint("echo", 7000, "alpha"),),
        adapter="toy:Adapter",
    )


class ToyWorld:
    """A running toy, and what it told."""

    def __init__(self, seed: int = 1, stack: Stack | None = None) -> None:
        self.stack = stack or toy_stack()
        self.simulation = ToySimulation()
        self.told: list[StackEvent] = []
        self.world = World(self.stack, self.simulation, seed=seed, environment={}, on_event=self.told.append)
        self.world.begin()
        self.run(200)

    def run(self, ms: float, *, stop: Callable[[], bool] | None = None) -> None:
        agenda = self.world.agenda
        agenda.run_until(agenda.now_ns + round(ms * MS), stop=stop)

    @property
    def echo(self) -> Echo:
        echo = self.simulation.made["echo"][-1]
        assert isinstance(echo, Echo)
        return echo

    @property
    def counter(self) -> Counter:
        counter = self.simulation.made["counter"][-1]
        assert isinstance(counter, Counter)
        return counter

    @property
    def link(self) -> Link:
        return next(link for link in self.stack.links if link.source == "counter")
