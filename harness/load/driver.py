"""Sends operations when they are due, whether or not earlier ones were answered, and records what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import gevent
from gevent.event import Event

from harness.load.client import Attempted, Client
from harness.load.connection import NANOSECONDS_A_SECOND, Gateway
from harness.load.records import RecordWriter
from harness.load.timed import TimedOperation
from harness.model.operations import Info, NewOrder, Operation
from harness.model.record import Completed, Invoked

FLUSH_EVERY_S = 0.02

OnRequest = Callable[[TimedOperation, Attempted, int], None]


@dataclass(slots=True)
class Tally:
    """What a driver did so far. `unknown` are the orders that were sent and of which nothing was heard."""

    operations: int = 0
    late_ns: list[int] = field(default_factory=list)
    unknown: list[NewOrder] = field(default_factory=list)


class Driver:
    """One worker's open loop. Each operation in flight has a greenlet of its own."""

    def __init__(
        self,
        clients: Mapping[str, Client],
        writer: RecordWriter,
        *,
        worker: str,
        first_op: int,
        on_request: OnRequest,
    ) -> None:
        self.tally = Tally()
        self._clients = clients
        self._writer = writer
        self._worker = worker
        self._next_op = first_op
        self._on_request = on_request
        self._stopping = Event()
        self._open = 0
        self._idle = Event()
        self._idle.set()

    def run(self, operations: Iterable[TimedOperation], *, start_mono_ns: int) -> None:
        """Send until `stop`; never waits for an answer."""
        for timed in operations:
            due_ns = start_mono_ns + timed.due_ns
            if self._stopped_before(due_ns):
                return
            self._open += 1
            self._idle.clear()
            gevent.spawn(self._send, timed, due_ns)

    def stop(self) -> None:
        """Send nothing more of the flow."""
        self._stopping.set()

    def wait_idle(self, timeout_s: float) -> bool:
        """Whether all operations are over, at the latest after `timeout_s`."""
        return bool(self._idle.wait(timeout_s))

    def keep_flushing(self) -> None:
        """Hand records to the system every few milliseconds, for ever."""
        while True:
            gevent.sleep(FLUSH_EVERY_S)
            self._writer.flush()

    def ask(self, client: Client, purpose: str, operation: Operation, *, within_ns: int) -> Attempted:
        """Carry out one operation now and wait for its end; recorded like any other."""
        due_ns = time.monotonic_ns()
        timed = TimedOperation(0, purpose, client.name, "", operation)
        return self._perform(client, timed, due_ns=due_ns, give_up_ns=due_ns + within_ns)

    def _stopped_before(self, due_ns: int) -> bool:
        wait_ns = due_ns - time.monotonic_ns()
        if wait_ns > 0:
            self._stopping.wait(wait_ns / NANOSECONDS_A_SECOND)
        else:
            gevent.sleep(0)  # behind already: let what was spawned go out before the next
        return bool(self._stopping.is_set())

    def _send(self, timed: TimedOperation, due_ns: int) -> None:
        self.tally.late_ns.append(time.monotonic_ns() - due_ns)
        client = self._clients[timed.client]
        try:
            attempted = self._perform(client, timed, due_ns=due_ns, give_up_ns=due_ns + client.policy.wait_ns)
            unknown = isinstance(attempted.reply, Info) and attempted.attempts > 0
            if unknown and isinstance(timed.operation, NewOrder):
                self.tally.unknown.append(timed.operation)
        finally:
            self._open -= 1
            if self._open == 0:
                self._idle.set()

    def _perform(self, client: Client, timed: TimedOperation, *, due_ns: int, give_up_ns: int) -> Attempted:
        op = self._next_op
        self._next_op += 1
        self.tally.operations += 1

        def invoked(at_ns: int | None, gateway: Gateway) -> None:
            self._writer.write(
                Invoked(
                    op,
                    self._worker,
                    client.name,
                    timed.purpose,
                    gateway.name,
                    gateway.provider,
                    due_ns,
                    at_ns,
                    timed.operation,
                )
            )

        attempted = client.perform(timed.operation, give_up_ns=give_up_ns, on_sent=invoked)
        reply, gateway, attempts, first_attempt, completed_ns = attempted
        if attempts == 0:
            invoked(None, gateway)
        self._writer.write(
            Completed(op, completed_ns, gateway.name, gateway.provider, attempts, first_attempt, reply)
        )
        self._on_request(timed, attempted, due_ns)
        return attempted
