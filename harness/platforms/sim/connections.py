"""Connections between simulated services: messages whole and in order, or the end of the connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from harness.faults.contract import NewConnections
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.delays import Meter
from harness.platforms.sim.lanes import LOOPBACK_NS, Lane, Road
from harness.stack.simulation import Ears

if TYPE_CHECKING:
    from harness.platforms.sim.machine import SimMachine

KEEP_ALIVE_NS: Final = 500_000_000
SILENT_NS: Final = 6 * KEEP_ALIVE_NS
"""A connection without any sign of life for that long is dead."""


class End:
    """One end of a connection (`harness.stack.simulation.Wire`)."""

    def __init__(self, machine: SimMachine, peer: str, ears: Ears, lane: Lane) -> None:
        self.machine = machine
        self.peer = peer
        self.ears = ears
        self.lane = lane  # towards the far end
        self.life = machine.life
        self.other: End = self
        self.connection: Connection | None = None
        self.free_ns = 0
        self.told = False  # that the connection is over

    @property
    def lives(self) -> bool:
        """Whether the process that it belongs to still runs."""
        return self.machine.alive and self.machine.life == self.life

    def send(self, message: object) -> None:
        if self.connection is not None:
            self.connection.carry(self, message)

    def close(self, why: str) -> None:
        if self.connection is not None:
            self.connection.end_by(self, why)

    def tell_down(self, why: str) -> None:
        """Let the service know, once, unless it is gone or began anew."""
        if not self.told:
            self.told = True
            self.machine.run(self.life, lambda: self.ears.on_down(self, why))


class Connection:
    """Two ends on one road. It ends once; what was under way then is lost, and either end may learn of it much later."""

    def __init__(self, agenda: Agenda, random: Random, road: Road, dialler: End, acceptor: End) -> None:
        self.open = True
        self.number = agenda.steps, road.dials
        self.road = road
        self.ends = (dialler, acceptor)
        self._agenda = agenda
        self._random = random
        dialler.other, acceptor.other = acceptor, dialler
        dialler.connection = acceptor.connection = self

    @property
    def over(self) -> bool:
        """Whether both ends know that it is over."""
        return all(end.told for end in self.ends)

    def carry(self, sender: End, message: object) -> None:
        """Let a message arrive after a while, behind those before it."""
        if not self.open:
            return
        lane, now_ns = sender.lane, self._agenda.now_ns
        lane.sent += 1
        at_ns = max(sender.free_ns, now_ns + lane.draw_ns(self._random))
        sender.free_ns = at_ns
        meters = lane.timed_by() if lane.meters else ()
        self._agenda.at(at_ns, lambda: self._arrive(sender, message, at_ns - now_ns, meters))

    def _arrive(self, sender: End, message: object, delay_ns: int, meters: Sequence[Meter]) -> None:
        lane, receiver = sender.lane, sender.other
        if not self.open or lane.silent or receiver.machine.dark:
            return
        lane.arrived += 1
        for meter in meters:
            meter.note(delay_ns)
        receiver.machine.run(receiver.life, lambda: self._hear(receiver, message))

    def _hear(self, receiver: End, message: object) -> None:
        if self.open:
            receiver.ears.on_message(receiver, message)

    def end_by(self, end: End, why: str) -> None:
        """One end closes: it knows at once, the far end as soon as word can reach it."""
        if not self.open:
            return
        self.open = False
        end.tell_down(why)
        self._tell_far(end)

    def orphan(self, end: End) -> None:
        """The process at one end is gone; its host resets the connection, if word gets through."""
        end.told = True
        if self.open:
            self.open = False
            self._tell_far(end)

    def go_dark(self, end: End) -> None:
        """The host at one end is gone without a word: the far end learns nothing but silence."""
        end.told = True
        self.watch_silence(end.other)

    def come_back(self, end: End) -> None:
        """That host runs again, knows nothing of the connection, and resets it at the far end's next sign of life."""
        if self.open:
            self.open = False
            self._agenda.after(self._random.randrange(KEEP_ALIVE_NS), lambda: self._tell_far(end))

    def sever(self, why: str) -> None:
        """Both ends see a reset now, if they think that it is open."""
        self.open = False
        for end in self.ends:
            end.tell_down(why)

    def watch_silence(self, end: End) -> None:
        """From now on this end hears nothing: after a while it gives the connection up, unless that has changed."""
        since_ns = self._agenda.now_ns

        def look() -> None:
            quiet = end.other.lane.silent and end.other.lane.silent_since_ns <= since_ns
            mute = end.other.machine.mute_since_ns
            if not end.told and (quiet or (mute is not None and mute <= since_ns)):
                end.tell_down("silent")
                self.end_by(end, "silent")

        end.machine.later(SILENT_NS, look)

    def _tell_far(self, end: End) -> None:
        """The far end learns of it; if it can't, its own watch on silence must end the connection."""
        far = end.other

        def arrive() -> None:
            if end.lane.silent:
                far.machine.later(SILENT_NS, lambda: far.tell_down("silent"))
            else:
                far.tell_down("reset: connection reset by peer")

        self._agenda.after(end.lane.draw_ns(self._random), arrive)


class Attempt:
    """One try to connect: it succeeds when both ends have heard each other's hello, or fails, once."""

    def __init__(
        self,
        agenda: Agenda,
        random: Random,
        road: Road,
        dialler: End,
        acceptor: Callable[[], End | None],
        *,
        dark: Callable[[], bool],
        within_ns: int,
        up: Callable[[Connection], None],
        failed: Callable[[str], None],
    ) -> None:
        """`acceptor` answers the far end, or None when nobody listens; `dark` whether the host there has no power."""
        self._agenda = agenda
        self._random = random
        self._road = road
        self._dialler = dialler
        self._acceptor = acceptor
        self._dark = dark
        self._up = up
        self._failed = failed
        self._over = False
        road.dials += 1
        self._limit = agenda.after(within_ns, lambda: self._fail("no hello in time"))

    def begin(self) -> None:
        """Send the first packet."""
        match self._road.for_new:
            case NewConnections.REJECT:
                self._agenda.after(LOOPBACK_NS, lambda: self._fail("refused"))
            case NewConnections.DROP | NewConnections.STALL:
                self._road.stalled.append(self._fail)  # until the cut is lifted, or its time is over
            case NewConnections.ALLOW:
                self._agenda.after(self._road.to.draw_ns(self._random), self._reach)

    def _reach(self) -> None:
        if self._over or self._stalls() or self._dark():
            return
        acceptor = self._acceptor()
        if acceptor is None:
            self._agenda.after(LOOPBACK_NS, lambda: self._fail("refused: nobody listens"))
            return
        acceptor.machine.run(acceptor.life, lambda: self._hello(acceptor))  # a frozen program says it later

    def _hello(self, acceptor: End) -> None:
        self._agenda.after(self._road.back.draw_ns(self._random), lambda: self._rise(acceptor))

    def _rise(self, acceptor: End) -> None:
        if self._over or self._stalls() or not (acceptor.lives and self._dialler.lives):
            return
        self._over = True
        self._limit.cancel()
        self._up(Connection(self._agenda, self._random, self._road, self._dialler, acceptor))

    def _stalls(self) -> bool:
        """Whether a cut keeps the hello from getting through."""
        if not (self._road.to.silent or self._road.back.silent):
            return False
        self._road.stalled.append(self._fail)
        return True

    def _fail(self, why: str) -> None:
        if self._over:
            return
        self._over = True
        self._limit.cancel()
        self._road.failed_dials += 1
        self._failed(why)
