"""A replica's store on a simulated disk: each durable write is a record, and opening it carries them out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from harness.stack.simulation import Machine
from trading_stack.defects import Defect
from trading_stack.journal import events as j
from trading_stack.simulation.disk import Image

LOST_FSYNC_NS = 250_000_000


class Opened(NamedTuple):
    """A record: the store was opened; `name` is the incarnation that it has from the first opening on."""

    name: str


class VirtualStore:
    """The store of one life of a replica; like the real one it holds a fence of its own."""

    def __init__(self, machine: Machine, planted: frozenset[Defect]) -> None:
        self._machine = machine
        self._lies = Defect.LOST_FSYNC in planted
        self._disk = machine.disk("journal")
        self._failed = False
        self._image = self._open()
        self.last_sync_ns = machine.now_ns()

    def _open(self) -> Image:
        """What survived; a store that is not there is made. Every opening is counted, durably."""
        records = self._disk.records()
        made = next((each.name for each in records if isinstance(each, Opened)), None)
        opened = Opened(made or f"{self._machine.random.getrandbits(128):032x}")
        self._disk.append_now(opened)
        image = Image(opened.name)
        for record in (*records, opened):
            if isinstance(record, j.Persist):
                image.write(record)
            else:
                image.open()
        return image

    def stored(self) -> j.Stored:
        """What the replica begins with."""
        image = self._image
        return j.Stored(
            image.incarnation,
            image.proven,
            dict(image.founders),
            image.promise,
            list(image.entries),
            fresh=image.fresh,
            age=image.age,
            seen=dict(image.seen),
            snapshot=image.snapshot,
        )

    def write(self, persist: j.Persist, tell: Callable[[j.Event], None]) -> None:
        """Make a write durable, then tell; one below the promise is refused, as in the real store's transaction.

        Once a write has failed nothing more is written, and nothing told.
        """
        if self._failed:
            return
        if self._lies:  # planted: said to be durable, and written a while later
            self._machine.later(0, lambda: tell(j.Persisted(persist.ticket)))
            self._machine.later(LOST_FSYNC_NS, lambda: self._disk.append(persist, lambda _: None))
            return
        self._disk.append(persist, lambda reason: self._done(persist, reason, tell))

    def _done(self, persist: j.Persist, reason: str, tell: Callable[[j.Event], None]) -> None:
        if self._failed:
            return
        if reason:
            self._failed = True
            tell(j.PersistFailed(reason))
            return
        self.last_sync_ns = self._machine.now_ns()
        refused = self._image.write(persist)
        if refused is not None:
            tell(refused)
        tell(j.Persisted(persist.ticket))
