"""One client in virtual time: the same policy, liveness and outcomes as on sockets, as callbacks instead of greenlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harness.load.liveness import Liveness, Sign
from harness.load.policy import ReconnectPolicy
from harness.load.timed import outcome_of
from harness.model.operations import Info, Operation, Reply
from harness.stack.simulation import Ears, Machine, Simulation, Timer, Wire

EARLY_NS = 20 * 10**6  # an `Info` this much before its deadline was not the deadline's doing


class Door(NamedTuple):
    """An entry point, and the address at which clients dial it."""

    name: str
    provider: str | None
    address: str


class Ended(NamedTuple):
    """How an operation ended for its client."""

    reply: Reply
    door: Door
    attempts: int
    first_attempt: str


@dataclass(slots=True)
class Open:
    """An operation that has no answer yet."""

    operation: Operation
    give_up_ns: int
    on_sent: Callable[[Door], None]
    on_end: Callable[[Ended], None]
    door: Door
    attempts: int = 0
    first_attempt: str = ""
    sent_ns: int | None = None
    timers: list[Timer] = field(default_factory=list)


class Session:
    """An open connection on which the far end has answered a ping."""

    def __init__(self, wire: Wire, door: Door, liveness: Liveness) -> None:
        self.wire = wire
        self.door = door
        self.liveness = liveness
        self.open: dict[int, Open] = {}
        self.pings: set[int] = set()


class VirtualClient:
    """A session with a home, its first door; it moves to the next when its policy says so."""

    def __init__(
        self,
        name: str,
        doors: Sequence[Door],
        machine: Machine,
        simulation: Simulation,
        policy: ReconnectPolicy,
    ) -> None:
        self.name = name
        self.policy = policy
        self.reconnects = 0
        self._doors = tuple(doors) if policy.moves else tuple(doors[:1])
        self._machine = machine
        self._simulation = simulation
        self._session: Session | None = None
        self._numbers = 0
        self._waiting: list[Open] = []
        self._dial: _Dial | None = None

    @property
    def connected(self) -> bool:
        return self._session is not None

    def start(self) -> None:
        """Begin to dial the home."""
        self._redial(0)

    def perform(
        self,
        operation: Operation,
        *,
        give_up_ns: int,
        on_sent: Callable[[Door], None],
        on_end: Callable[[Ended], None],
    ) -> None:
        """Carry out one operation, over as many connections as it takes; `on_end` is called once."""
        task = Open(operation, give_up_ns, on_sent, on_end, self._doors[0])
        left_ns = max(0, give_up_ns - self._machine.now_ns())
        task.timers.append(self._machine.later(left_ns, lambda: self._end(task, Info("no answer in time"))))
        self._send_or_wait(task)

    # --- operations

    def _send_or_wait(self, task: Open) -> None:
        session = self._session
        if session is not None:
            self._send(session, task)
            return
        self._waiting.append(task)
        task.timers.append(
            self._machine.later(self.policy.hold_ns, lambda: self._tired(task)),
        )

    def _tired(self, task: Open) -> None:
        """There was no connection for as long as this client holds an order."""
        if task in self._waiting:
            self._end(task, Info("there was no connection"))

    def _send(self, session: Session, task: Open) -> None:
        now_ns = self._machine.now_ns()
        task.attempts += 1
        task.door, task.sent_ns = session.door, now_ns
        if task.attempts == 1:
            task.on_sent(session.door)
        self._numbers += 1
        session.open[self._numbers] = task
        request = self._simulation.request(task.operation, deadline_ns=task.give_up_ns - now_ns)
        session.wire.send(self._simulation.numbered(request, self._numbers))

    def _hear(self, session: Session, message: object) -> None:
        now_ns = self._machine.now_ns()
        session.liveness.heard(now_ns)
        number, answer = self._simulation.answered(message)
        if number in session.pings:
            session.pings.discard(number)
            return
        task = session.open.pop(number, None)
        if task is None:
            return
        reply = self._simulation.reply(answer)
        task.first_attempt = task.first_attempt or outcome_of(reply)
        self._end(task, reply)

    def _end(self, task: Open, reply: Reply) -> None:
        if not task.timers:
            return
        for timer in task.timers:
            timer.cancel()
        task.timers = []
        if task in self._waiting:
            self._waiting.remove(task)
        if self._session is not None:
            self._session.open = {n: each for n, each in self._session.open.items() if each is not task}
        task.on_end(Ended(reply, task.door, task.attempts, task.first_attempt or "info"))

    # --- connections

    def _redial(self, first: int) -> None:
        self._dial = _Dial(self, first)

    def risen(self, session: Session) -> None:
        """A dial has won: what waits is sent."""
        self._session = session
        self._look(session)
        waiting, self._waiting = self._waiting, []
        for task in waiting:
            if task.timers:
                self._send(session, task)

    def break_off(self, session: Session, reason: str) -> None:
        """Declare the connection dead: what was open is sent again elsewhere, if it is worth it."""
        if session is not self._session:
            return
        self._session = None
        self.reconnects += 1
        session.wire.close(reason)
        self._redial((self._doors.index(session.door) + 1) % len(self._doors))
        for task in list(session.open.values()):
            task.first_attempt = task.first_attempt or "info"
            if self._machine.now_ns() >= task.give_up_ns - EARLY_NS:
                self._end(task, Info(reason))
            elif task.timers:
                self._send_or_wait(task)

    def _look(self, session: Session) -> None:
        if session is not self._session:
            return
        self._machine.later(self.policy.ping_every_ns // 2, lambda: self._look(session))
        now_ns = self._machine.now_ns()
        sign = session.liveness.look(now_ns)
        if sign is Sign.PING:
            self._ping(session)
        elif sign is Sign.GIVE_UP:
            silent_ms = session.liveness.patience_ns / 1e6
            self.break_off(session, f"{session.door.name} was silent for {silent_ms:.0f} ms")
        elif self._stuck(session, now_ns):
            self.break_off(
                session, f"{session.door.name} answers pings, and has answered no order for too long"
            )

    def _stuck(self, session: Session, now_ns: int) -> bool:
        limit_ns = self.policy.stuck_after_ns
        oldest = next(iter(session.open.values()), None)
        if limit_ns is None or oldest is None or oldest.sent_ns is None:
            return False
        return now_ns - oldest.sent_ns > limit_ns

    def _ping(self, session: Session) -> None:
        self._numbers += 1
        session.pings.add(self._numbers)
        session.wire.send(self._simulation.numbered(self._simulation.ping(), self._numbers))

    # --- what a dial uses

    def attempt(self, dial: _Dial, door: Door) -> None:
        """Connect to a door and ask for a sign of life: a handshake alone is no evidence of a program behind it."""
        machine, simulation = self._machine, self._simulation
        began: dict[str, int] = {}
        held: dict[str, Session] = {}

        def up(wire: Wire) -> None:
            began["ns"] = machine.now_ns()
            wire.send(simulation.numbered(simulation.ping(), 0))

        def heard(wire: Wire, message: object) -> None:
            if "session" in held:
                self._hear(held["session"], message)
                return
            now_ns = machine.now_ns()
            if dial.over:
                wire.close("another gateway answered first")
                return
            dial.over = True
            liveness = Liveness(self.policy, now_ns=now_ns, round_trip_ns=now_ns - began["ns"])
            held["session"] = session = Session(wire, door, liveness)
            self.risen(session)

        def down(_: Wire, why: str) -> None:
            if "session" in held:
                self.break_off(held["session"], why)
            else:
                dial.failed()

        ears = Ears(on_message=heard, on_up=up, on_down=down)
        machine.connect(
            door.address, ears, within_ns=self.policy.dial_limit_ns, on_failed=lambda _: dial.failed()
        )

    def door_at(self, number: int) -> Door:
        return self._doors[number % len(self._doors)]

    @property
    def doors(self) -> int:
        return len(self._doors)

    def later(self, delay_ns: int, act: Callable[[], None]) -> Timer:
        return self._machine.later(delay_ns, act)


class _Dial:
    """Looks for a gateway that answers: a new attempt every `dial_every_ns`, and at once when one fails before each
    gateway was tried."""

    def __init__(self, client: VirtualClient, first: int) -> None:
        self.over = False
        self._client = client
        self._first = first
        self._made = 0
        self._next: Timer | None = None
        self._attempt()

    def _attempt(self) -> None:
        if self.over:
            return
        client = self._client
        self._next = client.later(client.policy.dial_every_ns, self._attempt)
        door = client.door_at(self._first + self._made)
        self._made += 1
        client.attempt(self, door)

    def failed(self) -> None:
        """An attempt came to nothing."""
        if self.over or self._made % self._client.doors == 0:
            return
        if self._next is not None:
            self._next.cancel()
        self._attempt()
