"""What a lost packet does to a connection: nothing behind it is seen until it has been sent again, as TCP does.

What was sent later and arrived tells the sender of a loss within a round trip (RFC 8985); without that it sends again
after a time-out, which doubles (RFC 6298, with Linux's least of 200 ms above the round trip). Since a service sees a
stream of bytes, packets that come twice or out of order are nothing that it could notice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from harness.platforms.sim.agenda import Agenda, Entry
from harness.platforms.sim.delays import Meter

TIMEOUT_NS: Final = 200_000_000
FIRST_TIMEOUT_NS: Final = 1_000_000_000
MOST_TRIES: Final = 6  # of a handshake; by then its dialler has long given up


@dataclass(slots=True)
class Loss:
    """Each packet is lost with a probability of `share`; counts what was sent, and lost."""

    share: float
    sent: int = 0
    lost: int = 0

    def draw(self, random: Random) -> bool:
        """Whether the next packet is lost."""
        lost = random.random() < self.share
        self.sent += 1
        self.lost += lost
        return lost


class Flight(NamedTuple):
    """A message under way."""

    message: object
    sent_ns: int
    due_ns: int
    meters: Sequence[Meter]


class Hole:
    """A loss in one direction of one connection, until it is filled; gathers what is sent meanwhile."""

    def __init__(
        self,
        agenda: Agenda,
        first: Flight,
        *,
        round_trip_ns: int,
        lost_again: Callable[[], bool],
        fill: Callable[[list[Flight]], None],
    ) -> None:
        """`fill` is called with all that waits, when the packet was sent again and will arrive."""
        self._agenda = agenda
        self._flights = [first]
        self._round_trip_ns = round_trip_ns
        self._lost_again = lost_again
        self._fill = fill
        self._wait_ns = TIMEOUT_NS + round_trip_ns
        self._seen = False
        self._timer: Entry = agenda.after(self._wait_ns, self._again)

    def add(self, flight: Flight, *, lost: bool) -> None:
        """Something is sent behind it; when that arrives, the far end's answer shows what is missing."""
        self._flights.append(flight)
        if lost or self._seen:
            return
        self._seen = True
        self._timer.cancel()
        answered_ns = flight.due_ns + self._round_trip_ns // 2
        reordering_ns = self._round_trip_ns // 4
        self._timer = self._agenda.at(answered_ns + reordering_ns, self._again)

    def _again(self) -> None:
        if self._lost_again():
            self._wait_ns *= 2
            self._timer = self._agenda.after(self._wait_ns, self._again)
        else:
            self._fill(self._flights)
