"""Which engine each command goes to, how often, and until when: pure decisions, no clock, no socket.

A command that was sent may have been executed even when nobody answers. So it is sent again, byte for byte, to
whoever leads next, until an answer comes or the client's deadline passes; then the client is told that its outcome
is unknown, never that it was refused. Client order ids make the copies harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import msgspec

from trading_stack.engine.messages import Done, FromEngine, Leading, NotPrimary, Read, Submit

MOST_IN_FLIGHT: Final = 20_000
FIRST_RESEND_NS: Final = 1_000_000_000  # doubles each time
"""On a connection that is up nothing gets lost; a new connection or a new primary sends everything again at once. So this
is for what nobody thought of, and far above the two slow round trips and the queue that a command may meet on its way:
copies of everything in flight would double the load just when the stack is slow."""

Answered: TypeAlias = Callable[[bytes | None], None]  # the reply's JSON; None: nobody knows


class Send(NamedTuple):
    """Send this to that engine."""

    engine: str
    message: Submit | Read


class Answer(NamedTuple):
    """Tell the client."""

    answered: Answered
    reply: bytes | None


Effect: TypeAlias = Send | Answer


class Flight:
    """One command or query that waits for its answer."""

    __slots__ = ("answered", "deadline_ns", "message", "resend_after_ns", "resend_ns", "sent_on", "taken_ns")

    def __init__(
        self, message: Submit | Read, *, taken_ns: int, deadline_ns: int, answered: Answered
    ) -> None:
        self.message = message
        self.taken_ns = taken_ns
        self.deadline_ns = deadline_ns
        self.answered = answered
        self.sent_on: tuple[int, str, int] | None = None  # epoch, engine, its connection's number
        self.resend_ns = 0
        self.resend_after_ns = FIRST_RESEND_NS


class Counts(msgspec.Struct):
    """What a router did, for metrics."""

    sent: int = 0
    resent: int = 0
    answered: int = 0
    unknown: int = 0
    leaders: int = 0


class Router:
    """The commands in flight, the engines that can be reached, and who leads as far as is known.

    `repeats_always` is part of the planted defect `no-idempotency`: without the note of what went where, each word
    of who leads sends everything in flight again.
    """

    def __init__(self, engines: tuple[str, ...], *, repeats_always: bool = False) -> None:
        self._up = dict.fromkeys(engines, False)
        self._connections = dict.fromkeys(engines, 0)
        self._flights: dict[int, Flight] = {}
        self._numbers = 0
        self._repeats_always = repeats_always
        self.epoch = 0
        self.primary: str | None = None
        self.counts = Counts()

    @property
    def in_flight(self) -> int:
        return len(self._flights)

    @property
    def waits_since_ns(self) -> int | None:
        """When the oldest of what is in flight was taken."""
        oldest = next(iter(self._flights.values()), None)
        return None if oldest is None else oldest.taken_ns

    @property
    def full(self) -> bool:
        """Whether nothing more may be taken."""
        return len(self._flights) >= MOST_IN_FLIGHT

    def unready(self) -> str | None:
        """Why orders can't be routed now, or None."""
        if self.primary is None:
            return "no primary is known"
        return None if self._up[self.primary] else f"no connection to the primary, {self.primary}"

    def submit(self, command: bytes, *, deadline_ns: int, answered: Answered, now_ns: int) -> list[Effect]:
        """Take a command."""
        self._numbers += 1
        return self._take(Submit(self._numbers, command), deadline_ns, answered, now_ns)

    def read(self, query: bytes, *, deadline_ns: int, answered: Answered, now_ns: int) -> list[Effect]:
        """Take a query, which only the engine that leads may answer."""
        self._numbers += 1
        return self._take(Read(self._numbers, query), deadline_ns, answered, now_ns)

    def engine_up(self, engine: str, now_ns: int) -> list[Effect]:
        """A connection to an engine is open: what an earlier one swallowed goes again."""
        self._up[engine] = True
        self._connections[engine] += 1
        return self._send_all(now_ns) if engine == self.primary else []

    def engine_down(self, engine: str) -> None:
        """The connection to an engine is gone."""
        self._up[engine] = False

    def heard(self, engine: str, message: FromEngine, now_ns: int) -> list[Effect]:
        """An engine said something."""
        match message:
            case Done(request, _, _, result):
                return self._done(request, result)
            case Leading(epoch, primary):
                return self._leading(engine, epoch, primary, now_ns)
            case NotPrimary(request, primary, epoch):
                flight = self._flights.get(request)
                if flight is not None and flight.sent_on is not None and flight.sent_on[1] == engine:
                    flight.sent_on = None
                return self._leading(engine, epoch, None if primary == engine else primary, now_ns)

    def tick(self, now_ns: int) -> list[Effect]:
        """Give up what is over its deadline, and send again what has waited for long."""
        effects: list[Effect] = []
        for number, flight in list(self._flights.items()):
            if now_ns >= flight.deadline_ns:
                del self._flights[number]
                self.counts.unknown += 1
                effects.append(Answer(flight.answered, None))
            elif now_ns >= flight.resend_ns and (send := self._send(flight, now_ns)) is not None:
                effects.append(send)
        return effects

    def _take(
        self, message: Submit | Read, deadline_ns: int, answered: Answered, now_ns: int
    ) -> list[Effect]:
        flight = Flight(message, taken_ns=now_ns, deadline_ns=deadline_ns, answered=answered)
        self._flights[message.request] = flight
        send = self._send(flight, now_ns)
        return [] if send is None else [send]

    def _done(self, request: int, result: bytes) -> list[Effect]:
        flight = self._flights.pop(request, None)
        if flight is None:  # an answer to a copy, or one that came too late
            return []
        self.counts.answered += 1
        return [Answer(flight.answered, result)]

    def _leading(self, engine: str, epoch: int, primary: str | None, now_ns: int) -> list[Effect]:
        if primary is not None and primary not in self._up:
            return []
        if epoch > self.epoch:
            self.epoch, self.primary = epoch, primary
            self.counts.leaders += 1
        elif epoch == self.epoch and primary is not None:
            self.primary = primary
        elif epoch == self.epoch and engine == self.primary:  # the primary itself says that it leads no more
            self.primary = None
        else:
            return []
        return self._send_all(now_ns)

    def _send_all(self, now_ns: int) -> list[Effect]:
        """Send what has not gone out to the present primary on its present connection, oldest first."""
        if self.primary is None:
            return []
        path = (self.epoch, self.primary, self._connections[self.primary])
        waiting = [
            flight
            for flight in self._flights.values()
            if now_ns < flight.deadline_ns and (self._repeats_always or flight.sent_on != path)
        ]
        return [send for flight in waiting if (send := self._send(flight, now_ns)) is not None]

    def _send(self, flight: Flight, now_ns: int) -> Send | None:
        if self.primary is None or not self._up[self.primary]:
            return None
        path = (self.epoch, self.primary, self._connections[self.primary])
        if flight.resend_ns:
            self.counts.resent += 1
        if flight.sent_on == path:
            flight.resend_after_ns *= 2
        else:
            flight.sent_on, flight.resend_after_ns = path, FIRST_RESEND_NS
        flight.resend_ns = now_ns + flight.resend_after_ns
        self.counts.sent += 1
        return Send(self.primary, flight.message)
