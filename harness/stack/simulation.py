"""How a stack takes part in virtual time: what its simulated services may use, and what they must offer.

A stack names a class (made without arguments) that keeps `Simulation` under `simulation:` in its `x-harness` block. For
each service the platform makes a `Machine`, which stands for the host: its clock, its timers, its disk, its network. A
service uses nothing else, above all no real clock, socket, thread or random source; then the same seed gives the same
run, event for event. Faults are the platform's doing: a service never learns that it is simulated.

All times are integer nanoseconds of the machine's own monotonic clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Protocol, runtime_checkable

from harness.model.operations import Operation, Reply
from harness.model.quotes import QuoteBatch
from harness.model.replica import AccountReport, ReplicaDump
from harness.model.stack_event import StackEvent


class Wire(Protocol):
    """One end of an open connection; messages arrive whole, once and in order, or the connection ends."""

    @property
    def peer(self) -> str:
        """The service at the far end; clients are called `clients`."""

    def send(self, message: object) -> None:
        """Send a message, which nobody may change afterwards; lost when the connection is gone."""

    def close(self, why: str) -> None:
        """End the connection; the far end learns of it. Safe to call twice."""


@dataclass(frozen=True, slots=True)
class Ears:
    """What a service is told of its connections. `on_down` follows only an `on_up`, with the reason."""

    on_message: Callable[[Wire, object], None]
    on_up: Callable[[Wire], None] = lambda _: None
    on_down: Callable[[Wire, str], None] = lambda _, __: None


@dataclass(frozen=True, slots=True)
class Redial:
    """How soon to dial again: at once after a connection that lasted, then doubling from `first_ns` to `most_ns`.

    A dial fails when the far end's program has not answered within `hello_within_ns`.
    """

    first_ns: int = 10_000_000
    most_ns: int = 250_000_000
    hello_within_ns: int = 1_000_000_000
    lasting_ns: int = 100_000_000


class Line(Protocol):
    """A connection that is kept: dialled, and dialled again whenever it ends."""

    @property
    def up(self) -> bool:
        """Whether the far end's program has answered on the connection that is open now."""

    def send(self, message: object) -> bool:
        """Send a message; False when the connection is down and the message was dropped."""

    def drop(self, why: str) -> None:
        """Close the connection that is open now, and dial again."""


class Timer(Protocol):
    """Something that is to happen."""

    def cancel(self) -> None:
        """Forget it. Safe to call twice, and after it happened."""


class Disk(Protocol):
    """An append-only file of records. A record is durable once its `done` was called, and not before."""

    def records(self) -> list[object]:
        """What is there, oldest first. What a killed process left behind may not be durable yet: see `sync_now`."""

    def append(self, record: object, done: Callable[[str], None]) -> None:
        """Write a record and make it durable, in the order asked for; `done("")`, or `done(reason)` when that failed."""

    def append_now(self, record: object) -> None:
        """Write a record and wait until all are durable: what a service may do before it begins.

        Raises `OSError`; a service that lets it pass has ended.
        """

    def sync_now(self) -> None:
        """Wait until all records are durable: what a service may do before it begins."""


class Machine(Protocol):
    """The host of one service. What it schedules dies with the service, and waits while the service is frozen."""

    @property
    def random(self) -> Random:
        """The service's own random source, from the run's seed."""

    def now_ns(self) -> int:
        """The machine's monotonic clock, which drifts against those of others."""

    def later(self, delay_ns: int, act: Callable[[], None]) -> Timer:
        """Call `act` after a delay; 0 means: once everything that is at hand has been handled."""

    def listen(self, port: int, ears: Ears) -> None:
        """Accept connections on a port."""

    def connect(self, address: str, ears: Ears, *, within_ns: int, on_failed: Callable[[str], None]) -> None:
        """Try once to connect to `service:port`: either `ears.on_up` or `on_failed` is called."""

    def dial(
        self,
        address: str,
        ears: Ears,
        *,
        redial: Redial = Redial(),
        on_failed: Callable[[str], None] = lambda _: None,
    ) -> Line:
        """Keep a connection to `service:port`, written as the compose file writes it."""

    def disk(self, name: str) -> Disk:
        """The disk of that name; each name is one disk."""

    def tell(self, event: StackEvent) -> None:
        """Say that something happened; its service and time are filled in by the machine."""


class Service(Protocol):
    """One service in virtual time, made anew at each start."""

    def start(self) -> None:
        """Begin: read disks, listen, dial."""

    def unready(self) -> str | None:
        """Why it can't do its part now, or None."""


@runtime_checkable
class HoldsReplica(Protocol):
    """A service that holds a replica of the venue."""

    def replica(self) -> ReplicaDump:
        """Everything that it holds, as it holds it itself."""


@runtime_checkable
class KeepsFiles(Protocol):
    """A service that leaves files in its volume for people."""

    def files(self) -> Mapping[str, bytes]:
        """What the files hold, by their names; asked for at the end of a run, whether or not the service lives."""


@runtime_checkable
class Publishes(Protocol):
    """A service that publishes prices."""

    def quotes(self, since: int) -> QuoteBatch:
        """Quotes with a cursor above `since` (0 at first), oldest first."""


@runtime_checkable
class TellsAccounts(Protocol):
    """A simulation whose clients can be told about their accounts."""

    def account_requests(self, answered: list[object]) -> list[object]:
        """What a client asks next to learn of every account, given all answers so far; empty: it knows all."""

    def account_reports(self, answered: list[object]) -> list[AccountReport]:
        """What those answers say."""


class Simulation(Protocol):
    """A stack's part in virtual time. Created without arguments."""

    def service(self, role: str, environment: Mapping[str, str], machine: Machine) -> Service:
        """A service of that role, from its environment as the compose file gives it."""

    def request(self, operation: Operation, *, deadline_ns: int) -> object:
        """What a client sends to an entry point for this operation; it is answered on the same connection."""

    def ping(self) -> object:
        """What a client sends to ask for a sign of life."""

    def numbered(self, request: object, number: int) -> object:
        """The request with the client's own number, which its answer carries."""

    def answered(self, message: object) -> tuple[int, object]:
        """The number of the request that a message answers, and the answer."""

    def reply(self, answer: object) -> Reply:
        """What an answer to an operation means."""
