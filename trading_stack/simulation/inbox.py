"""One engine's heartbeats on their way to one sentinel: most say nothing new, and wait until the sentinel looks.

A sentinel that hears the same again notes when, and does nothing else; so of heartbeats that differ from the one before
in ages, log positions and healthy figures alone, only the last to arrive before the sentinel looks is handed over, with
the time at which it arrived. Any other is an event of its own.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from trading_stack.sentinel.messages import NEVER, Heartbeat
from trading_stack.sentinel.monitors.limits import LIMITS
from trading_stack.sentinel.monitors.panel import noteworthy

if TYPE_CHECKING:
    from trading_stack.simulation.sentinel import SentinelNode
    from trading_stack.simulation.world import World

News = tuple[str, bool, bool, int, str | None, int, bool]


def news(beat: Heartbeat) -> News | None:
    """What a sentinel must learn of at once when it changes; None when it must learn of everything."""
    if beat.serving and noteworthy(beat, LIMITS):
        return None
    return (
        beat.role,
        beat.serving,
        beat.ready,
        beat.epoch,
        beat.primary,
        beat.promised_epoch,
        beat.primary_age_ns == NEVER,
    )


class Inbox:
    """Heartbeats of `engine` to `sentinel`, over the connection that the sentinel dialled; in order."""

    def __init__(self, world: World, sentinel: SentinelNode, engine: str) -> None:
        self._world = world
        self._sentinel = sentinel
        self._engine = engine
        self._pair = (engine, sentinel.name)
        self._due: deque[tuple[int, Heartbeat]] = deque()
        self._known: News | None = None
        self._last_ns = 0
        self._stamp = 0

    def send(self, beat: Heartbeat, told: News | None) -> None:
        """The engine sends a heartbeat now, whose news are these."""
        world, engine = self._world, self._engine
        if self._sentinel.links[engine] != world.engines[engine].life:
            return
        network, unit = world.network, world.draws.unit
        weather = network.weather[self._pair]
        if self._pair in network.cut or (weather.lost and unit() < weather.lost):
            self._known = None
            return
        at_ns = world.now_ns + weather.delay_ns + int(unit() * weather.jitter_ns)
        if network.stalled_ns:
            at_ns = max(at_ns, network.stalled_ns.get(self._pair, 0))
        if at_ns <= self._last_ns:
            at_ns = self._last_ns + 1
        self._last_ns = at_ns
        if told is not None and told == self._known:
            self._due.append((at_ns, beat))
        else:
            self._known = told
            world.at(at_ns, self._arrive, beat, self._stamp)

    def _arrive(self, beat: Heartbeat, stamp: int) -> None:
        if stamp != self._stamp:
            return
        if self._pair in self._world.network.cut:
            self.drop()
        else:
            self._sentinel.receive_beat(self._engine, beat)

    def drop(self) -> None:
        """What is under way is lost; what has arrived is not."""
        now_ns = self._world.now_ns
        self._due = deque(due for due in self._due if due[0] <= now_ns)
        self._known = None
        self._stamp += 1
        self._last_ns = 0

    def clear(self) -> None:
        """The sentinel is another process, which never heard what arrived."""
        self.drop()
        self._due.clear()

    def take(self, until_ns: int) -> tuple[int, Heartbeat] | None:
        """The last that arrived by then without news, and when; those before it are out of date."""
        due, last = self._due, None
        while due and due[0][0] <= until_ns:
            last = due.popleft()
        return last
