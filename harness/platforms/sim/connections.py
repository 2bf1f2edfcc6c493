"""Connections between simulated services: messages whole and in order, then the end of the connection.

What a process has sent is its host's, and outlives it: after a kill the far end hears it, and then of the end. Only a reset
overtakes what is still under way: Linux sends one in place of an end when the process had not read all that had come (RFC
2525, 2.17). Which of the two it is, is drawn. What has reached a host is handed over whatever comes behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Final

from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.delays import Meter
from harness.platforms.sim.lanes import Lane, Road
from harness.platforms.sim.losses import Flight, Hole
from harness.stack.simulation import Ears

if TYPE_CHECKING:
    from harness.platforms.sim.machine import SimMachine

KEEP_ALIVE_NS: Final = 500_000_000
SILENT_NS: Final = 6 * KEEP_ALIVE_NS
"""A connection without any sign of life for that long is dead."""
RESET_SHARE: Final = 0.5
"""How often a killed process had not read all: as often as not, so that few kills show both ends."""
_FAREWELL: Final = object()


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
        self.hole: Hole | None = None
        self.told = False  # that the connection is over; its service may still be frozen
        self.closed = False  # as its service knows, too
        self.reset = False  # what is under way from here is lost

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
            self.machine.run(self.life, lambda: self._close(why))

    def _close(self, why: str) -> None:
        self.closed = True
        self.ears.on_down(self, why)


class Connection:
    """Two ends on one road. It ends once: nothing is sent from then on, and either end may learn of it much later."""

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
        due_ns = now_ns + lane.draw_ns(self._random)
        flight = Flight(message, now_ns, due_ns, lane.timed_by() if lane.meters else ())
        lost = bool(lane.losses) and lane.loses(self._random)
        if sender.hole is not None:
            sender.hole.add(flight, lost=lost)
        elif lost:
            sender.hole = self._hole(sender, flight)
        else:
            self._deliver(sender, flight, due_ns)

    def _hole(self, sender: End, first: Flight) -> Hole:
        lane, back = sender.lane, sender.other.lane

        def fill(flights: list[Flight]) -> None:
            sender.hole = None
            filled_ns = self._agenda.now_ns + lane.draw_ns(self._random)
            for flight in flights:
                self._deliver(sender, flight, max(flight.due_ns, filled_ns))

        return Hole(
            self._agenda,
            first,
            round_trip_ns=lane.base_ns + back.base_ns,
            lost_again=lambda: lane.loses(self._random),
            fill=fill,
        )

    def _deliver(self, sender: End, flight: Flight, due_ns: int) -> None:
        sender.free_ns = at_ns = due_ns if due_ns > sender.free_ns else sender.free_ns
        self._agenda.at(
            at_ns, lambda: self._arrive(sender, flight.message, at_ns - flight.sent_ns, flight.meters)
        )

    def _arrive(self, sender: End, message: object, delay_ns: int, meters: Sequence[Meter]) -> None:
        lane, receiver = sender.lane, sender.other
        if message is _FAREWELL:
            self._part(sender)
            return
        if sender.reset or receiver.told or lane.silent or receiver.machine.dark:
            return
        lane.arrived += 1
        for meter in meters:
            meter.note(delay_ns)
        receiver.machine.run(receiver.life, lambda: self._hear(receiver, message))

    def _hear(self, receiver: End, message: object) -> None:
        if not receiver.closed:
            receiver.ears.on_message(receiver, message)

    def end_by(self, end: End, why: str) -> None:
        """One end closes: it knows at once, the far end behind all that was sent to it."""
        was_open, self.open = self.open, False
        end.tell_down(why)
        if was_open:
            self._tell_far(end)

    def orphan(self, end: End) -> None:
        """The process at one end is gone; its host ends the connection, or resets it, if word gets through."""
        end.told = True
        if self.open:
            self.open = False
            end.reset = self._random.random() < RESET_SHARE
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
        """Let word of the end be the last that comes from there."""
        now_ns = self._agenda.now_ns
        farewell = Flight(_FAREWELL, now_ns, now_ns + end.lane.draw_ns(self._random), ())
        if end.hole is not None and not end.reset:
            end.hole.add(farewell, lost=False)
        elif end.reset:
            self._agenda.at(farewell.due_ns, lambda: self._part(end))
        else:
            self._deliver(end, farewell, farewell.due_ns)

    def _part(self, end: End) -> None:
        """The far end learns of it; if it can't, its own watch on silence must end the connection."""
        far = end.other
        if end.lane.silent:
            far.machine.later(SILENT_NS, lambda: far.tell_down("silent"))
        else:
            far.tell_down("reset: connection reset by peer")
