"""One client: a session that keeps a connection, makes a new one under its policy, and sends again what was open."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import gevent
from gevent.event import Event

from harness.load.connection import NANOSECONDS_A_SECOND, AdapterFactory, Connection, Gateway, Mishaps
from harness.load.dialing import Dialer
from harness.load.policy import ReconnectPolicy
from harness.load.timed import outcome_of
from harness.model.operations import CompareAndSet, Info, Operation, Reply, WriteRegister

EARLY_NS = 20 * 10**6  # an `Info` this much before its deadline was not the deadline's doing


class Attempted(NamedTuple):
    """How an operation ended for its client."""

    reply: Reply
    gateway: Gateway
    attempts: int
    first_attempt: str
    completed_ns: int


class Client:
    """A session with a home gateway. Greenlets may call `perform` at will: many operations are open at once."""

    def __init__(
        self,
        name: str,
        gateways: Sequence[Gateway],
        factory: AdapterFactory,
        policy: ReconnectPolicy,
        mishaps: Mishaps,
    ) -> None:
        """`gateways` begins with the home; a client that doesn't move has that one alone."""
        self.name = name
        self.policy = policy
        self.reconnects = 0
        self._gateways = tuple(gateways) if policy.moves else tuple(gateways[:1])
        self._dialer = Dialer(factory, self._gateways, policy, mishaps)
        self._at = 0
        self._connection: Connection | None = None
        self._connected = Event()
        self._dialing: gevent.Greenlet | None = None

    def start(self) -> None:
        """Begin to dial the home gateway."""
        if self._dialing is None:
            self._dialing = gevent.spawn(self._dial, self._at)

    def wait_connected(self, timeout_s: float) -> bool:
        """Whether there is a connection, at the latest after `timeout_s`."""
        return bool(self._connected.wait(timeout_s))

    def perform(
        self, operation: Operation, *, give_up_ns: int, on_sent: Callable[[int, Gateway], None]
    ) -> Attempted:
        """Carry out one operation, over as many connections as it takes; `on_sent` is told of the first attempt.

        `give_up_ns` is the monotonic time at which the client stops waiting, whatever happens.
        """
        attempts, first_attempt = 0, ""
        gateway, reply = self._gateways[self._at], Info("there was no connection")
        while (connection := self._wait_for_connection(give_up_ns)) is not None:
            attempts += 1
            gateway = connection.gateway
            now_ns = time.monotonic_ns()
            if attempts == 1:
                on_sent(now_ns, gateway)
            answer = connection.invoke(operation, deadline_s=(give_up_ns - now_ns) / NANOSECONDS_A_SECOND)
            first_attempt = first_attempt or outcome_of(answer)
            if not isinstance(answer, Info):
                return Attempted(answer, gateway, attempts, first_attempt, time.monotonic_ns())
            reply = answer
            if isinstance(operation, WriteRegister | CompareAndSet):
                break  # nothing makes a second one harmless: it may undo what others did after the first
            if not self._worth_another(connection, give_up_ns):
                break
        return Attempted(reply, gateway, attempts, first_attempt or "info", time.monotonic_ns())

    def _worth_another(self, connection: Connection, give_up_ns: int) -> bool:
        """Only a broken connection makes an order worth sending again; a gateway that says `unknown` has spoken."""
        if time.monotonic_ns() >= give_up_ns - EARLY_NS:
            return False
        connection.confirm()
        return connection.broken is not None

    def _wait_for_connection(self, give_up_ns: int) -> Connection | None:
        if self._connection is None:
            rest_ns = min(self.policy.hold_ns, give_up_ns - time.monotonic_ns())
            self._connected.wait(max(0.0, rest_ns / NANOSECONDS_A_SECOND))
        return self._connection if time.monotonic_ns() < give_up_ns else None

    def _dial(self, first: int) -> None:
        connection = self._dialer.dial(first=first)
        self._at = self._gateways.index(connection.gateway)
        self._connection = connection
        self._connected.set()
        self._dialing = None
        connection.watch(self._broke)

    def _broke(self, connection: Connection) -> None:
        if connection is self._connection:
            self._connection = None
            self._connected.clear()
            self.reconnects += 1
            self._dialing = gevent.spawn(self._dial, (self._at + 1) % len(self._gateways))
