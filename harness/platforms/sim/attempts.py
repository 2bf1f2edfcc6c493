"""Attempts to connect two simulated services: a handshake with two packets and the words of two programs."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from harness.faults.contract import NewConnections
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.connections import Connection, End
from harness.platforms.sim.lanes import LOOPBACK_NS, Road


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
                self._agenda.after(self._road.to.draw_first_ns(self._random), self._reach)

    def _reach(self) -> None:
        if self._over or self._stalls() or self._dark():
            return
        acceptor = self._acceptor()
        if acceptor is None:
            self._agenda.after(LOOPBACK_NS, lambda: self._fail("refused: nobody listens"))
            return
        acceptor.machine.run(acceptor.life, lambda: self._hello(acceptor))  # a frozen program says it later

    def _hello(self, acceptor: End) -> None:
        self._agenda.after(self._road.back.draw_first_ns(self._random), lambda: self._rise(acceptor))

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
