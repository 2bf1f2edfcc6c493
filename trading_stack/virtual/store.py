"""A replica's store on a simulated disk: each durable write is a record, and opening it carries them out again."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from harness.stack.simulation import Machine
from trading_stack.defects import LOST_FSYNC_NS, Defect
from trading_stack.journal import events as j
from trading_stack.journal.image import Image, Opened, Record


class VirtualStore:
    """The store of one life of a replica; like the real one it holds a fence of its own."""

    def __init__(self, machine: Machine, planted: frozenset[Defect]) -> None:
        """Open it, or make it where there is none; raises `OSError` when the opening can't be written."""
        self._machine = machine
        self._lies = Defect.LOST_FSYNC in planted
        self._failed = False
        self._disk = machine.disk("journal")
        records = cast("list[Record]", self._disk.records())
        opened = Opened("" if records else f"{machine.random.getrandbits(128):032x}")
        self._disk.append_now(opened)
        self._image = Image().after([*records, opened])
        self.stored = self._image.stored()
        self.last_sync_ns = machine.now_ns()

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
