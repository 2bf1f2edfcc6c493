"""The load of a run in virtual time: the same flow, probes, policies and records as on sockets."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Final

from harness.load.flow import OrderFlow, sessions
from harness.load.live import LiveProbes, ProbeCount
from harness.load.policy import MOVING, PINNED
from harness.load.probes import RECONNECTING_CLIENT, probe_client, probes
from harness.load.profiles import profile_named
from harness.load.records import RecordWriter, records_path
from harness.load.timed import QUERY, RESOLVE, TimedOperation, merged
from harness.load.virtual_client import Door, Ended, VirtualClient
from harness.model.errors import AdapterError
from harness.model.instrument import Instrument
from harness.model.operations import Info, NewOrder, Ok, Operation, QueryOrder, Reply, ResolveOrder
from harness.model.record import Completed, Invoked, OperationRecord
from harness.stack.simulation import Machine, Simulation

WORKER: Final = "flow-0"
ASK_WITHIN_NS: Final = 1_000_000_000
PAUSE_NS: Final = 50_000_000

Asking = Generator[Operation, Reply, bool]


class VirtualLoad:
    """All clients of one run on one simulated machine."""

    def __init__(
        self,
        *,
        machine: Machine,
        simulation: Simulation,
        instruments: Sequence[Instrument],
        doors: Sequence[Door],
        first_door: str,
        profile: str,
        orders_per_s: float,
        probe_every_ns: int,
        seed: int,
        folder: Path,
    ) -> None:
        """`first_door` is where the reconnecting client begins. Raises `UsageError` for a profile that doesn't exist."""
        self.operations = 0
        self._machine = machine
        self._writer = RecordWriter(records_path(folder, "virtual"))
        self._live = LiveProbes(every_ns=probe_every_ns)
        self._open = 0
        self._unknown: list[NewOrder] = []
        self._stopped = False
        by_name = {door.name: door for door in doors}
        names = list(by_name)
        flow = OrderFlow(
            instruments,
            names,
            profile=profile_named(profile),
            per_s=orders_per_s,
            seed=seed,
            worker=WORKER,
        )
        stream = probes(instruments, names, first_gateway=first_door, every_ns=probe_every_ns)
        self._operations: Iterator[TimedOperation] = merged([iter(flow), stream])

        def moving(name: str, home: str) -> VirtualClient:
            at = names.index(home)
            turned = [by_name[each] for each in (*names[at:], *names[:at])]
            return VirtualClient(name, turned, machine, simulation, MOVING)

        self.clients = {each.client: moving(each.client, each.gateway) for each in sessions(WORKER, names)}
        for door in doors:
            name = probe_client(door.name)
            self.clients[name] = VirtualClient(name, [door], machine, simulation, PINNED)
        self.clients[RECONNECTING_CLIENT] = moving(RECONNECTING_CLIENT, first_door)

    def connect(self) -> None:
        """Let every client dial its home."""
        for client in self.clients.values():
            client.start()

    def unconnected(self) -> list[str]:
        """The clients that have no connection."""
        return [name for name, client in self.clients.items() if not client.connected]

    def begin(self, zero_ns: int) -> None:
        """Send everything from time zero on, each operation when it is due."""
        self._zero_ns = zero_ns
        self._schedule()

    def live(self, *, window_ns: int, until_ns: int, on_time_ns: int) -> dict[str, ProbeCount]:
        """The probes of a window that ends `on_time_ns` before `until_ns`."""
        to_ns = until_ns - on_time_ns
        return self._live.counts(from_ns=to_ns - window_ns, to_ns=to_ns, deadline_ns=on_time_ns)

    def stop(self) -> None:
        """Send nothing new."""
        self._stopped = True

    @property
    def idle(self) -> bool:
        return self._open == 0

    def take_unknown(self) -> list[NewOrder]:
        """The orders that were sent, and of which nothing was heard."""
        unknown, self._unknown = self._unknown, []
        return unknown

    def resolve(self, order: NewOrder, number: int, *, until_ns: int, on_known: Callable[[], object]) -> None:
        """Ask the venue what became of an order, until it says so (then `on_known` is called) or until `until_ns`."""
        clients = list(self.clients.values())

        def turn(at: int) -> None:
            if self._machine.now_ns() < until_ns:
                self._ask(
                    clients[at % len(clients)],
                    _questions(order),
                    on_known,
                    lambda: self._machine.later(PAUSE_NS, lambda: turn(at + 1)),
                )

        turn(number)

    def close(self) -> None:
        """Hand all records to the system."""
        self._writer.close()

    # --- sending

    def _schedule(self) -> None:
        timed = next(self._operations, None)
        if timed is None:
            return
        due_ns = self._zero_ns + timed.due_ns
        self._machine.later(max(0, due_ns - self._machine.now_ns()), lambda: self._send(timed, due_ns))

    def _send(self, timed: TimedOperation, due_ns: int) -> None:
        if self._stopped:
            return
        self._schedule()
        client = self.clients[timed.client]
        self._perform(
            client, timed.purpose, timed.operation, due_ns, due_ns + client.policy.wait_ns, self._note(timed)
        )

    def _note(self, timed: TimedOperation) -> Callable[[Ended], None]:
        def note(ended: Ended) -> None:
            unknown = isinstance(ended.reply, Info) and ended.attempts > 0
            if unknown and isinstance(timed.operation, NewOrder):
                self._unknown.append(timed.operation)

        return note

    def _perform(
        self,
        client: VirtualClient,
        purpose: str,
        operation: Operation,
        due_ns: int,
        give_up_ns: int,
        on_end: Callable[[Ended], None],
    ) -> None:
        op = self.operations
        self.operations += 1
        self._open += 1

        def invoked(door: Door, sent_ns: int | None) -> None:
            self._write(
                Invoked(
                    op, WORKER, client.name, purpose, door.name, door.provider, due_ns, sent_ns, operation
                )
            )

        def ended(end: Ended) -> None:
            self._open -= 1
            if end.attempts == 0:
                invoked(end.door, None)
            self._write(
                Completed(
                    op,
                    self._machine.now_ns(),
                    end.door.name,
                    end.door.provider,
                    end.attempts,
                    end.first_attempt,
                    end.reply,
                )
            )
            on_end(end)

        client.perform(
            operation,
            give_up_ns=give_up_ns,
            on_sent=lambda door: invoked(door, self._machine.now_ns()),
            on_end=ended,
        )

    def _ask(
        self,
        client: VirtualClient,
        asking: Asking,
        on_known: Callable[[], object],
        on_unknown: Callable[[], object],
    ) -> None:
        """Follow a line of questions, each recorded like any other operation."""

        def step(reply: Reply | None) -> None:
            try:
                operation = next(asking) if reply is None else asking.send(reply)
            except StopIteration as over:
                (on_known if over.value else on_unknown)()
                return
            now_ns = self._machine.now_ns()
            purpose = QUERY if isinstance(operation, QueryOrder) else RESOLVE
            self._perform(
                client, purpose, operation, now_ns, now_ns + ASK_WITHIN_NS, lambda end: step(end.reply)
            )

        step(None)

    def _write(self, record: OperationRecord) -> None:
        self._writer.write(record)
        self._live.feed([record])


def _questions(order: NewOrder) -> Asking:
    """A query; and only when the venue doesn't know the id is it closed for ever. Answers whether its fate is known."""
    queried = yield QueryOrder(order.account, order.client_order_id)
    if isinstance(queried, Info):
        return False
    if isinstance(queried, Ok) and queried.order is not None:
        return True
    resolved = yield ResolveOrder(order.account, order.client_order_id)
    return not isinstance(resolved, Info)


def instruments_of(market: Sequence[Instrument]) -> Sequence[Instrument]:
    """The instruments that can be traded; raises `AdapterError` when there are none."""
    if not market:
        raise AdapterError("the adapter's market() lists no instrument")
    return market
