"""What watches a stack in virtual time: who hears what its services say, and who reads the prices that they publish."""

from __future__ import annotations

from collections import deque
from queue import Empty
from typing import Final

import msgspec

from harness.engine.leader import Leader
from harness.engine.record import Record
from harness.model import events as e
from harness.model.quotes import QuoteBatch
from harness.model.stack_event import StackEvent
from harness.observe.files import quotes_path
from harness.platforms.sim.agenda import Agenda
from harness.platforms.sim.clock import DriftingClock
from harness.platforms.sim.world import World
from harness.stack.simulation import Publishes

QUOTES_EVERY_NS: Final = 250_000_000


class VirtualInbox:
    """Events of the stack; to wait for one is to let virtual time pass."""

    def __init__(self, agenda: Agenda) -> None:
        self.events: deque[StackEvent] = deque()
        self._agenda = agenda

    def get(self, *, timeout: float) -> StackEvent | None:
        if not self.events:
            until_ns = self._agenda.now_ns + round(timeout * 1e9)
            self._agenda.run_until(until_ns, stop=self.events.__len__)
        return self.get_nowait()

    def get_nowait(self) -> StackEvent | None:
        if not self.events:
            raise Empty
        return self.events.popleft()


class VirtualLookout:
    """Tells the record what it hears, and whoever waits for it. `quotes` is how many it has read."""

    def __init__(self, world: World, record: Record) -> None:
        """Nothing is read yet; `hear` is to be called with everything that services say."""
        self.leader = Leader()
        self.inbox = VirtualInbox(world.agenda)
        self.quotes = 0
        self._world = world
        self._record = record
        self._cursors: dict[str, int] = {}

    def poll_quotes(self) -> None:
        """Read what is published, from now on."""
        self.read_quotes()
        self._world.agenda.after(QUOTES_EVERY_NS, self.poll_quotes)

    def read_quotes(self) -> None:
        """Write down what was published since the last look."""
        for name, service in self._world.running():
            if not isinstance(service, Publishes):
                continue
            batch = _on_time(service.quotes(self._cursors.get(name, 0)), self._world.machines[name].clock)
            if batch.quotes or batch.dropped:
                self._cursors[name] = batch.cursor
                self.quotes += len(batch.quotes)
                with quotes_path(self._record.folder.path, name).open("ab") as file:
                    file.write(msgspec.json.encode(batch) + b"\n")

    def hear(self, event: StackEvent) -> None:
        """A service said something."""
        self.leader = self.leader.after(event)
        at_ns = event.mono_ns - self._record.origin_ns
        self._record.emit(e.StackSaid(at_ns=at_ns, seen_ns=at_ns, event=event))
        self.inbox.events.append(event)


def _on_time(batch: QuoteBatch, clock: DriftingClock) -> QuoteBatch:
    """The quotes with times of the run's clock, in place of those that the publisher's own one showed."""
    quotes = [
        msgspec.structs.replace(quote, published_mono_ns=clock.true_ns(quote.published_mono_ns))
        for quote in batch.quotes
    ]
    return msgspec.structs.replace(batch, quotes=quotes)
